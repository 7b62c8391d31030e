-- What services are there for, and who does what.
CREATE TABLE objective (
    name text COLLATE "C" CONSTRAINT objective_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    owner text GENERATED ALWAYS AS (nullif(body ->> 'owner', '')) STORED,
    parent text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'parent', '')) STORED
        CONSTRAINT objective_parent_fkey REFERENCES objective,
    target_on date GENERATED ALWAYS AS (iso_date(body ->> 'target_on')) STORED,
    illustrative boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'illustrative')::boolean) STORED
);
CREATE INDEX objective_parent ON objective (parent);

ALTER TABLE service ADD COLUMN objectives text[] GENERATED ALWAYS AS (text_list(body -> 'objectives')) STORED;

CREATE TABLE role (
    name text COLLATE "C" CONSTRAINT role_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    illustrative boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'illustrative')::boolean) STORED
);

CREATE TABLE role_assignment (
    name text COLLATE "C" CONSTRAINT role_assignment_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'display_name', '')) STORED,
    role text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'role') STORED
        CONSTRAINT role_assignment_role_fkey REFERENCES role,
    member text NOT NULL GENERATED ALWAYS AS (body ->> 'member') STORED,
    service text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'service', '')) STORED
        CONSTRAINT role_assignment_service_fkey REFERENCES service,
    customer text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'customer', '')) STORED
        CONSTRAINT role_assignment_customer_fkey REFERENCES customer,
    start_on date GENERATED ALWAYS AS (iso_date(body ->> 'start_on')) STORED,
    end_on date GENERATED ALWAYS AS (iso_date(body ->> 'end_on')) STORED,
    illustrative boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'illustrative')::boolean) STORED,
    CONSTRAINT role_assignment_term_check CHECK (start_on <= end_on)
);
CREATE INDEX role_assignment_role ON role_assignment (role);
CREATE INDEX role_assignment_service ON role_assignment (service);
CREATE INDEX role_assignment_customer ON role_assignment (customer);

CREATE TABLE responsibility (
    name text COLLATE "C" CONSTRAINT responsibility_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'display_name', '')) STORED,
    process text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'process') STORED
        CONSTRAINT responsibility_process_fkey REFERENCES process,
    activity text NOT NULL GENERATED ALWAYS AS (body ->> 'activity') STORED,
    service text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'service', '')) STORED
        CONSTRAINT responsibility_service_fkey REFERENCES service,
    responsible text[] NOT NULL GENERATED ALWAYS AS (text_list(body -> 'responsible')) STORED,
    accountable text[] NOT NULL GENERATED ALWAYS AS (text_list(body -> 'accountable')) STORED,
    consulted text[] NOT NULL GENERATED ALWAYS AS (text_list(body -> 'consulted')) STORED,
    informed text[] NOT NULL GENERATED ALWAYS AS (text_list(body -> 'informed')) STORED,
    proposed boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'proposed')::boolean) STORED,
    illustrative boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'illustrative')::boolean) STORED
);
CREATE INDEX responsibility_process ON responsibility (process, activity);
CREATE INDEX responsibility_service ON responsibility (service);

-- Who holds which role, and who answers for what: what operations asks when a ticket moves.
CREATE VIEW published_role_assignments_v1 AS
SELECT name, body AS definition, version FROM role_assignment WHERE deleted_at IS NULL;

CREATE VIEW published_responsibilities_v1 AS
SELECT name, body AS definition, version FROM responsibility WHERE deleted_at IS NULL;

CREATE VIEW report_v1_objectives AS
SELECT name, body, recorded_from, recorded_to FROM recorded_state WHERE resource = 'objective' AND verb <> 'deleted';

CREATE VIEW report_v1_roles AS
SELECT name, body, recorded_from, recorded_to FROM recorded_state WHERE resource = 'role' AND verb <> 'deleted';

CREATE VIEW report_v1_role_assignments AS
SELECT name, body, recorded_from, recorded_to FROM recorded_state
WHERE resource = 'role_assignment' AND verb <> 'deleted';

CREATE VIEW report_v1_responsibilities AS
SELECT name, body, recorded_from, recorded_to FROM recorded_state
WHERE resource = 'responsibility' AND verb <> 'deleted';
