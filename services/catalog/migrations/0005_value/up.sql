-- What may be spent, what is gained, and where cost goes.
ALTER TABLE cost_entry ADD COLUMN illustrative boolean NOT NULL
    GENERATED ALWAYS AS (coalesce((body ->> 'illustrative')::boolean, false)) STORED;

CREATE TABLE budget (
    name text COLLATE "C" CONSTRAINT budget_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    pool text GENERATED ALWAYS AS (nullif(body ->> 'pool', '')) STORED,
    service text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'service', '')) STORED
        CONSTRAINT budget_service_fkey REFERENCES service,
    start_on date NOT NULL GENERATED ALWAYS AS (iso_date(body ->> 'start_on')) STORED,
    end_on date NOT NULL GENERATED ALWAYS AS (iso_date(body ->> 'end_on')) STORED,
    amount_minor_units bigint NOT NULL GENERATED ALWAYS AS ((body -> 'amount' ->> 'minor_units')::bigint) STORED,
    amount_currency text NOT NULL GENERATED ALWAYS AS (body -> 'amount' ->> 'currency') STORED,
    owner text GENERATED ALWAYS AS (nullif(body ->> 'owner', '')) STORED,
    illustrative boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'illustrative')::boolean) STORED,
    CONSTRAINT budget_source_check CHECK (num_nonnulls(pool, service) = 1),
    CONSTRAINT budget_period_check CHECK (start_on <= end_on)
);
CREATE INDEX budget_service ON budget (service);

CREATE TABLE benefit (
    name text COLLATE "C" CONSTRAINT benefit_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    objective text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'objective', '')) STORED,
    service text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'service', '')) STORED
        CONSTRAINT benefit_service_fkey REFERENCES service,
    start_on date NOT NULL GENERATED ALWAYS AS (iso_date(body ->> 'start_on')) STORED,
    end_on date NOT NULL GENERATED ALWAYS AS (iso_date(body ->> 'end_on')) STORED,
    likely_minor_units bigint NOT NULL
        GENERATED ALWAYS AS ((body -> 'planned' -> 'likely' ->> 'minor_units')::bigint) STORED,
    -- NULL: not recorded.
    realised_minor_units bigint GENERATED ALWAYS AS ((body -> 'realised' ->> 'minor_units')::bigint) STORED,
    currency text NOT NULL GENERATED ALWAYS AS (body -> 'planned' -> 'likely' ->> 'currency') STORED,
    owner text GENERATED ALWAYS AS (nullif(body ->> 'owner', '')) STORED,
    illustrative boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'illustrative')::boolean) STORED,
    CONSTRAINT benefit_period_check CHECK (start_on <= end_on)
);
CREATE INDEX benefit_service ON benefit (service);

CREATE TABLE allocation_rule (
    name text COLLATE "C" CONSTRAINT allocation_rule_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    pool text GENERATED ALWAYS AS (nullif(body ->> 'pool', '')) STORED,
    service text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'service', '')) STORED
        CONSTRAINT allocation_rule_service_fkey REFERENCES service,
    target_services text[] NOT NULL
        GENERATED ALWAYS AS (array_remove(text_list(jsonb_path_query_array(body, '$.targets[*].service')), '')) STORED,
    target_customers text[] NOT NULL
        GENERATED ALWAYS AS (array_remove(text_list(jsonb_path_query_array(body, '$.targets[*].customer')), '')) STORED,
    start_on date NOT NULL GENERATED ALWAYS AS (iso_date(body ->> 'start_on')) STORED,
    -- NULL: until further notice.
    end_on date GENERATED ALWAYS AS (iso_date(body ->> 'end_on')) STORED,
    step integer NOT NULL GENERATED ALWAYS AS ((body ->> 'order')::integer) STORED,
    illustrative boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'illustrative')::boolean) STORED,
    CONSTRAINT allocation_rule_source_check CHECK (num_nonnulls(pool, service) = 1),
    CONSTRAINT allocation_rule_period_check CHECK (start_on <= end_on)
);
CREATE INDEX allocation_rule_pool ON allocation_rule (pool);
CREATE INDEX allocation_rule_service ON allocation_rule (service);

CREATE VIEW report_v1_budgets AS
SELECT name, body, recorded_from, recorded_to FROM recorded_state WHERE resource = 'budget' AND verb <> 'deleted';

CREATE VIEW report_v1_benefits AS
SELECT name, body, recorded_from, recorded_to FROM recorded_state WHERE resource = 'benefit' AND verb <> 'deleted';

CREATE VIEW report_v1_allocation_rules AS
SELECT name, body, recorded_from, recorded_to FROM recorded_state
WHERE resource = 'allocation_rule' AND verb <> 'deleted';
