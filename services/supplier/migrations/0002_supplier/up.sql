-- Whom the services depend on, for how much and until when. Each kind of resource has the columns that every resource
-- has, the resource itself in `body`, and beside it, generated, what lists ask for.

-- A name for people as two writings of it are compared: without regard to case and to the amount of white space.
CREATE FUNCTION same_name(display_name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT lower(btrim(regexp_replace(display_name, '\s+', ' ', 'g')))
$$;

CREATE TABLE supplier (
    name text COLLATE "C" CONSTRAINT supplier_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    same_name text NOT NULL GENERATED ALWAYS AS (same_name(body ->> 'display_name')) STORED,
    parent text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'parent', '')) STORED
        CONSTRAINT supplier_parent_fkey REFERENCES supplier,
    category text GENERATED ALWAYS AS (body ->> 'category') STORED
        CHECK (category IN ('STRATEGIC', 'TACTICAL', 'OPERATIONAL', 'COMMODITY')),
    manager text GENERATED ALWAYS AS (nullif(body ->> 'manager', '')) STORED,
    country_code text GENERATED ALWAYS AS (nullif(body ->> 'country_code', '')) STORED,
    illustrative boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'illustrative')::boolean) STORED
);
CREATE INDEX supplier_parent ON supplier (parent);
CREATE INDEX supplier_same_name ON supplier (same_name);

CREATE TABLE contract (
    name text COLLATE "C" CONSTRAINT contract_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    supplier text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'supplier') STORED
        CONSTRAINT contract_supplier_fkey REFERENCES supplier,
    additional_suppliers text[] NOT NULL GENERATED ALWAYS AS (text_list(body -> 'additional_suppliers')) STORED,
    reference text GENERATED ALWAYS AS (nullif(body ->> 'reference', '')) STORED,
    contract_type text GENERATED ALWAYS AS (nullif(body ->> 'contract_type', '')) STORED,
    owner_unit text GENERATED ALWAYS AS (nullif(body ->> 'owner_unit', '')) STORED,
    owner text GENERATED ALWAYS AS (nullif(body ->> 'owner', '')) STORED,
    register_status text GENERATED ALWAYS AS (nullif(body ->> 'register_status', '')) STORED,
    start_on date GENERATED ALWAYS AS (iso_date(body ->> 'start_on')) STORED,
    end_on date GENERATED ALWAYS AS (iso_date(body ->> 'end_on')) STORED,
    -- Days; NULL: no notice period is stated.
    notice_days integer GENERATED ALWAYS AS (nullif((body ->> 'notice_days')::integer, 0)) STORED,
    -- Last day on which notice can be given, as the domain reckons it; NULL: open-ended.
    notice_deadline_on date
        GENERATED ALWAYS AS (iso_date(body ->> 'end_on') - (body ->> 'notice_days')::integer) STORED,
    renewal_policy text GENERATED ALWAYS AS (body ->> 'renewal_policy') STORED
        CHECK (renewal_policy IN ('EXPIRES', 'RENEWS', 'OPTION')),
    committed_minor_units bigint GENERATED ALWAYS AS ((body -> 'committed_amount' ->> 'minor_units')::bigint) STORED,
    committed_currency text GENERATED ALWAYS AS (body -> 'committed_amount' ->> 'currency') STORED,
    services text[] NOT NULL GENERATED ALWAYS AS (text_list(body -> 'services')) STORED,
    source text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'source', '')) STORED,
    source_id text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'source_id', '')) STORED,
    illustrative boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'illustrative')::boolean) STORED,
    CONSTRAINT contract_term_check CHECK (start_on <= end_on),
    -- What was imported once is not imported again under another name.
    CONSTRAINT contract_source_key UNIQUE (source, source_id)
);
CREATE INDEX contract_supplier ON contract (supplier);
CREATE INDEX contract_notice_deadline_on ON contract (notice_deadline_on, name) WHERE deleted_at IS NULL;

-- Terms take effect through revisions, which are never edited.
CREATE TABLE contract_revision (
    name text COLLATE "C" NOT NULL REFERENCES contract,
    revision integer NOT NULL CHECK (revision > 0),
    effective_from timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    publisher text NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT contract_revision_pkey PRIMARY KEY (name, revision),
    CONSTRAINT contract_revision_effective_from_key UNIQUE (name, effective_from)
);
