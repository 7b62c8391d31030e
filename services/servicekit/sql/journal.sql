-- The journal of facts: append-only, one table of the same shape in every schema of the suite.
CREATE SEQUENCE journal_position AS bigint;

CREATE TABLE journal (
    -- Drawn after the row locks of its change; not the order of commits, see journal_order.
    position bigint NOT NULL DEFAULT nextval('journal_position'),
    change_id uuid NOT NULL,
    last_of_change boolean NOT NULL,
    -- When it happened.
    occurred_at timestamptz NOT NULL,
    -- When the source system recorded it: imports only.
    source_recorded_at timestamptz,
    -- Orders facts of one subject at the same instant.
    source_sequence bigint NOT NULL DEFAULT 0,
    actor text NOT NULL,
    -- Customer that the subject belongs to; empty: none.
    customer_id text NOT NULL DEFAULT '',
    audience text NOT NULL CHECK (audience IN ('PUBLIC', 'INTERNAL')),
    -- Name of the resource that the fact is about.
    subject text COLLATE "C" NOT NULL,
    -- Version of the subject after the fact.
    subject_version bigint NOT NULL,
    -- Kind and its version: ticket.transitioned.v1.
    kind text COLLATE "C" NOT NULL,
    payload jsonb NOT NULL,
    CONSTRAINT journal_pkey PRIMARY KEY (position)
) PARTITION BY RANGE (position);
CREATE INDEX journal_subject ON journal (subject, position);
CREATE INDEX journal_customer ON journal (customer_id, position) WHERE customer_id <> '';

-- Changes that are committed and not yet in order; the sequencer empties it. No key: it is read as a whole.
CREATE TABLE journal_pending (
    change_id uuid NOT NULL,
    last_position bigint NOT NULL,
    positions bigint[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- The order of the journal: dense, without gaps, never changed.
CREATE TABLE journal_order (
    seq bigint CONSTRAINT journal_order_pkey PRIMARY KEY,
    position bigint NOT NULL CONSTRAINT journal_order_position_key UNIQUE,
    -- When the fact was put in order; never decreases with seq.
    recorded_at timestamptz NOT NULL
);
CREATE INDEX journal_order_recorded_at ON journal_order (recorded_at, seq);

-- Makes the partition that is being filled and the two after it. Runs as the owner, so that services own nothing.
CREATE FUNCTION journal_ensure_partitions() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    size CONSTANT bigint := 10000000;
    filled bigint;
    name text;
    made integer := 0;
BEGIN
    SELECT last_value / size INTO filled FROM journal_position;
    FOR number IN filled .. filled + 2 LOOP
        name := 'journal_' || lpad(number::text, 6, '0');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE journal INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
            EXECUTE format('ALTER TABLE journal ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                name, number * size, (number + 1) * size);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;
SELECT journal_ensure_partitions();
