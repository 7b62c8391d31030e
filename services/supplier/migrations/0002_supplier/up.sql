-- Whom the services depend on. Each kind of resource has the columns that every resource has, the resource itself in
-- `body`, and beside it, generated, what lists ask for.
CREATE TABLE supplier (
    name text COLLATE "C" CONSTRAINT supplier_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    parent text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'parent', '')) STORED
        CONSTRAINT supplier_parent_fkey REFERENCES supplier,
    category text GENERATED ALWAYS AS (body ->> 'category') STORED
        CHECK (category IN ('STRATEGIC', 'TACTICAL', 'OPERATIONAL', 'COMMODITY')),
    manager text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'manager', '')) STORED,
    country_code text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'country_code', '')) STORED,
    illustrative boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'illustrative')::boolean) STORED
);
CREATE INDEX supplier_parent ON supplier (parent);
