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
