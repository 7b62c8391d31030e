CREATE TABLE widget (
    name text COLLATE "C" CONSTRAINT widget_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    title text GENERATED ALWAYS AS (body ->> 'title') STORED,
    color text GENERATED ALWAYS AS (body ->> 'color') STORED,
    weight bigint GENERATED ALWAYS AS ((body ->> 'weight')::bigint) STORED,
    price numeric GENERATED ALWAYS AS ((body ->> 'price')::numeric) STORED,
    sound boolean GENERATED ALWAYS AS ((body ->> 'sound')::boolean) STORED,
    made_at timestamptz GENERATED ALWAYS AS (iso_timestamp(body ->> 'made_at')) STORED,
    tags text[] GENERATED ALWAYS AS (text_list(body -> 'tags')) STORED,
    customer_id text COLLATE "C" GENERATED ALWAYS AS (body ->> 'customer') STORED NOT NULL
);
CREATE TABLE widget_revision (
    name text COLLATE "C" NOT NULL REFERENCES widget,
    revision integer NOT NULL,
    effective_from timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    publisher text NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT widget_revision_pkey PRIMARY KEY (name, revision),
    CONSTRAINT widget_revision_effective_from_key UNIQUE (name, effective_from)
);
CREATE VIEW published_widgets_v1 AS SELECT name, body FROM widget;
CREATE VIEW report_v1_widgets AS SELECT name, body FROM widget;
