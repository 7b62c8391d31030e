-- Subscriptions to the journal that are delivered over HTTP.
CREATE TABLE webhook (
    name text COLLATE "C" CONSTRAINT webhook_pkey PRIMARY KEY,
    uid uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    body jsonb NOT NULL,
    display_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'display_name') STORED,
    url text NOT NULL GENERATED ALWAYS AS (body ->> 'url') STORED,
    -- Customer whose public facts are delivered; empty: every fact.
    customer_id text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'customer') STORED,
    disabled boolean NOT NULL GENERATED ALWAYS AS ((body ->> 'disabled')::boolean) STORED
);

-- How deliveries of a webhook go, and the key of its signatures, which stands in no fact. Gone when it is deleted.
CREATE TABLE webhook_delivery (
    webhook text COLLATE "C" CONSTRAINT webhook_delivery_pkey PRIMARY KEY REFERENCES webhook,
    secret bytea NOT NULL,
    -- Everything up to this place in the order was delivered, did not match or is a dead letter.
    through_seq bigint NOT NULL,
    -- Attempts to deliver the next fact that have failed, and when it is tried again.
    failed_attempts integer NOT NULL DEFAULT 0 CHECK (failed_attempts >= 0),
    retry_at timestamptz,
    -- Why the last attempt failed; empty: it did not.
    last_error text NOT NULL DEFAULT '',
    delivered_at timestamptz
);

-- Facts that could not be delivered.
CREATE TABLE webhook_dead_letter (
    webhook text COLLATE "C" NOT NULL REFERENCES webhook_delivery ON DELETE CASCADE,
    seq bigint NOT NULL,
    failed_at timestamptz NOT NULL,
    failed_attempts integer NOT NULL CHECK (failed_attempts > 0),
    error text NOT NULL,
    -- Whether it is to be tried once more.
    redelivering boolean NOT NULL DEFAULT false,
    CONSTRAINT webhook_dead_letter_pkey PRIMARY KEY (webhook, seq)
);
CREATE INDEX webhook_dead_letter_redelivering ON webhook_dead_letter (webhook, seq) WHERE redelivering;
