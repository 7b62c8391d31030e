-- Whether somebody has to decide on it.
ALTER TABLE tickets ADD COLUMN awaits_approval boolean NOT NULL
    GENERATED ALWAYS AS (jsonb_path_exists(body, '$.approvals[*] ? (@.state == "PENDING")')) STORED;
CREATE INDEX tickets_awaits_approval ON tickets (name) WHERE awaits_approval;
CREATE INDEX tickets_approvals ON tickets (name) WHERE body ? 'approvals';
-- Major incidents, and when their reviews are due.
CREATE INDEX tickets_major ON tickets (number) WHERE body -> 'details' ? 'major';
-- The scheduler looks at what waits until a time and at what is resolved: its time may have come.
UPDATE tickets SET next_fire_at = least(next_fire_at, now())
WHERE category_state = 'RESOLVED' OR category_state = 'PENDING' AND body -> 'pending' ->> 'resume_at' IS NOT NULL;

-- That people let others decide on approvals for a while, in the roles they held when it was recorded.
CREATE TABLE approval_delegations (
    name text COLLATE "C" CONSTRAINT approval_delegations_pkey PRIMARY KEY,
    delegator text COLLATE "C" NOT NULL,
    roles text[] NOT NULL,
    delegate text COLLATE "C" NOT NULL CHECK (delegate <> delegator),
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL CHECK (end_at > start_at),
    comment text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX approval_delegations_delegate ON approval_delegations (delegate) WHERE revoked_at IS NULL;
