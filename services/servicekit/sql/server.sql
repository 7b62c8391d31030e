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
