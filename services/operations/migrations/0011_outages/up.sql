-- When services were down.
CREATE TABLE outage (
    name text COLLATE "C" CONSTRAINT outage_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    -- Name in the catalog.
    service text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'service') STORED,
    start_at timestamptz NOT NULL GENERATED ALWAYS AS (iso_timestamp(body ->> 'start_at')) STORED,
    -- NULL: it goes on.
    end_at timestamptz GENERATED ALWAYS AS (iso_timestamp(body ->> 'end_at')) STORED,
    impact text NOT NULL GENERATED ALWAYS AS (body ->> 'impact') STORED CHECK (impact IN ('DOWN', 'DEGRADED')),
    planned boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'planned')::boolean) STORED,
    exclusion_reason text GENERATED ALWAYS AS (nullif(body ->> 'exclusion_reason', '')) STORED,
    ticket text COLLATE "C" GENERATED ALWAYS AS (nullif(body ->> 'ticket', '')) STORED,
    illustrative boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'illustrative')::boolean) STORED,
    CONSTRAINT outage_interval_check CHECK (start_at < end_at)
);
CREATE INDEX outage_service ON outage (service, start_at);

-- Every state of an outage with the time for which it was the last one.
CREATE VIEW report_v1_outages AS
SELECT name, body, recorded_from, recorded_to
FROM (
    SELECT subject AS name, kind, payload AS body, recorded_at AS recorded_from,
        lead(recorded_at) OVER (PARTITION BY subject ORDER BY subject_version, position) AS recorded_to
    FROM journal JOIN journal_order USING (position)
    WHERE kind LIKE 'outage.%'
) AS states
WHERE kind NOT LIKE 'outage.deleted.%';
