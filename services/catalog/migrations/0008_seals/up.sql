-- Seals of the journal: each covers the facts of a range of the order and follows the one before it. What is hashed, and
-- how, stands in docs/journal.md.
CREATE TABLE journal_seal (
    first_seq bigint CONSTRAINT journal_seal_pkey PRIMARY KEY,
    last_seq bigint NOT NULL CHECK (last_seq >= first_seq),
    sealed_at timestamptz NOT NULL,
    -- SHA-256 of the places of its facts: sequence number, position and time of recording.
    places bytea NOT NULL,
    -- SHA-256 of each of its facts in their order: they tell which one is not what it was.
    facts bytea NOT NULL,
    -- SHA-256 of the hash before it, its range, its time, its places and its facts.
    hash bytea NOT NULL
);
-- Digests do not get smaller.
ALTER TABLE journal_seal ALTER COLUMN facts SET STORAGE EXTERNAL;
