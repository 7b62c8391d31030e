-- One sequence for all practices: a number is never given twice, gaps are allowed.
CREATE SEQUENCE ticket_numbers AS bigint;

-- A ticket as its facts leave it. `body` is the fold; the generated columns are what lists ask for, so that no column
-- can ever say something else than the fold.
CREATE TABLE tickets (
    -- Customer it belongs to; empty: none.
    customer_id text COLLATE "C" NOT NULL GENERATED ALWAYS AS (coalesce(body ->> 'customer', '')) STORED,
    number bigint NOT NULL,
    uid uuid NOT NULL,
    -- Rises with every change.
    version bigint NOT NULL CHECK (version > 0),
    -- When it was first and last recorded here; when things happened is in the body.
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    body jsonb NOT NULL,
    -- Readings of its clocks as of its last fact.
    clocks jsonb NOT NULL,
    -- The worst of its customer's clocks among them; NULL: no promise covers it.
    clock_state text COLLATE "C"
        CHECK (clock_state IN ('RUNNING', 'PAUSED', 'MET', 'BREACHED', 'CANCELLED', 'NEVER_RUNS')),
    -- Earliest instant at which a running one of its customer's clocks reaches, or reached, its target.
    due_at timestamptz,
    -- Deviations from its process that stand.
    nonconformance_count integer NOT NULL CHECK (nonconformance_count >= 0),
    -- Fingerprints of the imported rows that it has absorbed.
    absorbed bigint[] NOT NULL,

    name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'name') STORED,
    practice text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'practice') STORED,
    process text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'process') STORED,
    state text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'state') STORED,
    category_state text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'category') STORED
        CHECK (category_state IN ('NEW', 'ACTIVE', 'PENDING', 'RESOLVED', 'CLOSED', 'CANCELLED')),
    priority smallint GENERATED ALWAYS AS ((body ->> 'priority')::smallint) STORED CHECK (priority > 0),
    impact smallint GENERATED ALWAYS AS ((body ->> 'impact')::smallint) STORED CHECK (impact > 0),
    urgency smallint GENERATED ALWAYS AS ((body ->> 'urgency')::smallint) STORED CHECK (urgency > 0),
    service text COLLATE "C" GENERATED ALWAYS AS (body ->> 'service') STORED,
    offering text COLLATE "C" GENERATED ALWAYS AS (body ->> 'offering') STORED,
    group_name text COLLATE "C" GENERATED ALWAYS AS (body -> 'assignment' ->> 'group') STORED,
    person text COLLATE "C" GENERATED ALWAYS AS (body -> 'assignment' ->> 'person') STORED,
    contract text COLLATE "C" GENERATED ALWAYS AS (body -> 'assignment' ->> 'contract') STORED,
    requester text COLLATE "C" GENERATED ALWAYS AS (body ->> 'requester') STORED,
    opened_at timestamptz NOT NULL GENERATED ALWAYS AS (iso_timestamp(body ->> 'opened_at')) STORED,
    resolved_at timestamptz GENERATED ALWAYS AS (iso_timestamp(body ->> 'resolved_at')) STORED,
    closed_at timestamptz GENERATED ALWAYS AS (iso_timestamp(body ->> 'closed_at')) STORED,
    reopen_count integer NOT NULL GENERATED ALWAYS AS ((body ->> 'reopen_count')::integer) STORED,
    reassignment_count integer NOT NULL GENERATED ALWAYS AS ((body ->> 'reassignment_count')::integer) STORED,
    source_system text COLLATE "C" GENERATED ALWAYS AS (body ->> 'source_system') STORED,
    source_id text COLLATE "C" GENERATED ALWAYS AS (body ->> 'source_id') STORED,

    CONSTRAINT tickets_pkey PRIMARY KEY (customer_id, number),
    CONSTRAINT tickets_number_key UNIQUE (number),
    CONSTRAINT tickets_source_key UNIQUE (source_system, source_id)
);
-- What people look at: their own queue, what is due, what is open, what is urgent, what came in.
CREATE INDEX tickets_group ON tickets (group_name, number) WHERE group_name IS NOT NULL;
CREATE INDEX tickets_person ON tickets (person, number) WHERE person IS NOT NULL;
CREATE INDEX tickets_due ON tickets (due_at, number) WHERE due_at IS NOT NULL;
CREATE INDEX tickets_category ON tickets (category_state, number);
CREATE INDEX tickets_priority ON tickets (priority, number);
CREATE INDEX tickets_service ON tickets (service, number);
CREATE INDEX tickets_opened ON tickets (opened_at, number);

-- How far an import has come. Counts are of rows, over all runs of the import.
CREATE TABLE imports (
    import_id text COLLATE "C" CONSTRAINT imports_pkey PRIMARY KEY,
    -- All rows up to this one are durable or were reported as failures.
    committed_through bigint NOT NULL,
    created_count bigint NOT NULL CHECK (created_count >= 0),
    unchanged_count bigint NOT NULL CHECK (unchanged_count >= 0),
    failed_count bigint NOT NULL CHECK (failed_count >= 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- What reports read. A column that goes or changes its meaning is a new version of the view.
CREATE VIEW report_v1_horizon AS
SELECT coalesce(max(seq), 0) AS seq, max(recorded_at) AS recorded_at,
    (SELECT count(*) FROM journal_pending) AS pending
FROM journal_order;

CREATE VIEW report_v1_ticket_facts AS
SELECT o.seq, j.position, j.occurred_at, coalesce(j.source_recorded_at, o.recorded_at) AS known_at, o.recorded_at,
    j.source_sequence, j.actor, j.audience, j.customer_id, j.subject, j.subject_version, j.kind, j.payload
FROM journal j JOIN journal_order o USING (position)
WHERE j.kind LIKE 'ticket.%';

CREATE VIEW report_v1_imports AS
SELECT import_id, committed_through, created_count, unchanged_count, failed_count, created_at, updated_at
FROM imports;
