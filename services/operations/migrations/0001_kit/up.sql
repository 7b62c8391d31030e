-- What servers of this schema share: the key that page tokens are signed with, and the role they act as.
CREATE TABLE server_secret (
    only_row boolean CONSTRAINT server_secret_pkey PRIMARY KEY CHECK (only_row),
    page_token_key bytea NOT NULL,
    -- Role of the service; empty until the first migration by a login that may create roles.
    role_name text NOT NULL DEFAULT ''
);
INSERT INTO server_secret (only_row, page_token_key)
VALUES (true, sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea));

-- Text of a body as a date, an instant or a list: immutable, so that generated columns may use them.
-- They read what the server writes (2024-06-01, 2024-06-01T08:00:00Z, ["a", "b"]), whatever the settings of a session.
CREATE FUNCTION iso_date(value text) RETURNS date
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, substr(value, 9, 2)::integer)
$$;
CREATE FUNCTION iso_timestamp(value text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT make_timestamptz(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, substr(value, 9, 2)::integer,
        substr(value, 12, 2)::integer, substr(value, 15, 2)::integer,
        rtrim(substr(value, 18), 'Z')::double precision, 'UTC')
$$;
CREATE FUNCTION text_list(value jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(item ORDER BY place), '{}')
    FROM jsonb_array_elements_text(value) WITH ORDINALITY AS items (item, place)
$$;
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
-- Requests that were answered: the same id and request replay the answer, for 24 hours.
CREATE TABLE idempotency (
    -- Customer the caller is bound to; empty for the provider's staff.
    customer_id text NOT NULL,
    caller text NOT NULL,
    method text NOT NULL,
    request_id uuid NOT NULL,
    -- SHA-256 of the encoded request without its id.
    request_hash bytea NOT NULL,
    -- What the request made or changed, and the version it had then.
    resource text NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotency_pkey PRIMARY KEY (customer_id, caller, method, request_id)
);
CREATE INDEX idempotency_created_at ON idempotency (created_at);
