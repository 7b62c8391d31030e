-- What is delivered, to whom, what was promised, how work is done and what it costs. Each kind of resource has the
-- columns that every resource has, the resource itself in `body`, and beside it, generated, what lists ask for.
CREATE TABLE service (
    name text COLLATE "C" CONSTRAINT service_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    line text GENERATED ALWAYS AS (nullif(body ->> 'line', '')) STORED,
    owner text GENERATED ALWAYS AS (nullif(body ->> 'owner', '')) STORED,
    criticality text NOT NULL GENERATED ALWAYS AS (body ->> 'criticality') STORED
        CHECK (criticality IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
    service_state text NOT NULL GENERATED ALWAYS AS (body ->> 'state') STORED
        CHECK (service_state IN ('PIPELINE', 'LIVE', 'RETIRED')),
    depends_on text[] NOT NULL GENERATED ALWAYS AS (text_list(body -> 'depends_on')) STORED,
    illustrative boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'illustrative')::boolean) STORED
);

CREATE TABLE offering (
    name text COLLATE "C" CONSTRAINT offering_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    -- Name of the service it belongs to, a part of its own name.
    service text COLLATE "C" NOT NULL
        GENERATED ALWAYS AS (split_part(name, '/', 1) || '/' || split_part(name, '/', 2)) STORED
        CONSTRAINT offering_service_fkey REFERENCES service,
    fulfilment_process text GENERATED ALWAYS AS (nullif(body ->> 'fulfilment_process', '')) STORED,
    price numeric(38, 18) GENERATED ALWAYS AS ((body -> 'unit_price' ->> 'value')::numeric) STORED,
    price_currency text GENERATED ALWAYS AS (body -> 'unit_price' ->> 'currency') STORED
);
CREATE INDEX offering_service ON offering (service);

CREATE TABLE customer (
    name text COLLATE "C" CONSTRAINT customer_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    parent text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'parent', '')) STORED
        CONSTRAINT customer_parent_fkey REFERENCES customer,
    business_unit text GENERATED ALWAYS AS (nullif(body ->> 'business_unit', '')) STORED,
    lei text GENERATED ALWAYS AS (nullif(body ->> 'lei', '')) STORED,
    illustrative boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'illustrative')::boolean) STORED
);
CREATE INDEX customer_parent ON customer (parent);

-- Calendars, agreements and processes take effect through revisions, which are never edited.
CREATE TABLE calendar (
    name text COLLATE "C" CONSTRAINT calendar_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    time_zone text NOT NULL GENERATED ALWAYS AS (body -> 'definition' ->> 'time_zone') STORED
);
CREATE TABLE calendar_revision (
    name text COLLATE "C" NOT NULL REFERENCES calendar,
    revision integer NOT NULL CHECK (revision > 0),
    effective_from timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    publisher text NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT calendar_revision_pkey PRIMARY KEY (name, revision),
    CONSTRAINT calendar_revision_effective_from_key UNIQUE (name, effective_from)
);

CREATE TABLE agreement (
    name text COLLATE "C" CONSTRAINT agreement_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    kind text NOT NULL GENERATED ALWAYS AS (body -> 'definition' ->> 'kind') STORED
        CHECK (kind IN ('SLA', 'OLA', 'UNDERPINNING')),
    provider text GENERATED ALWAYS AS (body -> 'definition' ->> 'provider') STORED,
    customers text[] GENERATED ALWAYS AS (text_list(body -> 'definition' -> 'customers')) STORED,
    services text[] GENERATED ALWAYS AS (text_list(body -> 'definition' -> 'services')) STORED,
    lines text[] GENERATED ALWAYS AS (text_list(body -> 'definition' -> 'lines')) STORED,
    calendars text[]
        GENERATED ALWAYS AS (text_list(jsonb_path_query_array(body, '$.definition.objectives[*].calendar'))) STORED,
    offerings text[]
        GENERATED ALWAYS AS (text_list(jsonb_path_query_array(body, '$.definition.objectives[*].offerings[*]'))) STORED,
    illustrative boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'illustrative')::boolean) STORED
);
CREATE TABLE agreement_revision (
    name text COLLATE "C" NOT NULL REFERENCES agreement,
    revision integer NOT NULL CHECK (revision > 0),
    effective_from timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    publisher text NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT agreement_revision_pkey PRIMARY KEY (name, revision),
    CONSTRAINT agreement_revision_effective_from_key UNIQUE (name, effective_from)
);

CREATE TABLE process (
    name text COLLATE "C" CONSTRAINT process_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    practice text NOT NULL GENERATED ALWAYS AS (body ->> 'practice') STORED,
    ticket_prefix text GENERATED ALWAYS AS (nullif(body ->> 'ticket_prefix', '')) STORED
);
CREATE TABLE process_revision (
    name text COLLATE "C" NOT NULL REFERENCES process,
    revision integer NOT NULL CHECK (revision > 0),
    effective_from timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    publisher text NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT process_revision_pkey PRIMARY KEY (name, revision),
    CONSTRAINT process_revision_effective_from_key UNIQUE (name, effective_from)
);

-- The cost ledger.
CREATE TABLE cost_entry (
    name text COLLATE "C" CONSTRAINT cost_entry_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'display_name', '')) STORED,
    pool text GENERATED ALWAYS AS (nullif(body ->> 'pool', '')) STORED,
    start_at timestamptz NOT NULL GENERATED ALWAYS AS (iso_timestamp(body ->> 'start_at')) STORED,
    end_at timestamptz NOT NULL GENERATED ALWAYS AS (iso_timestamp(body ->> 'end_at')) STORED,
    -- Exact, as billed; never added across currencies.
    billed_cost numeric(38, 18) NOT NULL GENERATED ALWAYS AS ((body -> 'billed_cost' ->> 'value')::numeric) STORED,
    billed_currency text NOT NULL GENERATED ALWAYS AS (body -> 'billed_cost' ->> 'currency') STORED,
    vendor text GENERATED ALWAYS AS (nullif(body ->> 'vendor', '')) STORED,
    provider text GENERATED ALWAYS AS (nullif(body ->> 'provider', '')) STORED,
    provider_service text GENERATED ALWAYS AS (nullif(body ->> 'provider_service', '')) STORED,
    charge_category text GENERATED ALWAYS AS (nullif(body ->> 'charge_category', '')) STORED,
    account text GENERATED ALWAYS AS (nullif(body ->> 'account', '')) STORED,
    region text GENERATED ALWAYS AS (nullif(body ->> 'region', '')) STORED,
    service text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'service', '')) STORED
        CONSTRAINT cost_entry_service_fkey REFERENCES service,
    source text GENERATED ALWAYS AS (nullif(body ->> 'source', '')) STORED,
    source_id text GENERATED ALWAYS AS (nullif(body ->> 'source_id', '')) STORED,
    CONSTRAINT cost_entry_period_check CHECK (start_at < end_at),
    -- What was imported once is not imported again under another name.
    CONSTRAINT cost_entry_source_key UNIQUE (source, source_id)
);
CREATE INDEX cost_entry_service ON cost_entry (service);
CREATE INDEX cost_entry_start_at ON cost_entry (start_at);
