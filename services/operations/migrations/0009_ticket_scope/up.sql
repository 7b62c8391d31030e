-- What a transaction sees and writes of tickets: see the scope of the journal.
ALTER TABLE tickets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY scope ON tickets
    USING ((SELECT scope_is_everything()) OR customer_id = ANY ((SELECT scope_words())::text[]));

-- Imports write tickets of any customer, and their progress is nobody's but the provider's.
ALTER TABLE imports ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY scope ON imports USING ((SELECT scope_is_everything()));

-- People see the delegations that name them.
ALTER TABLE approval_delegations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY scope ON approval_delegations USING (
    (SELECT scope_is_everything())
    OR delegator = ANY ((SELECT scope_words())::text[])
    OR delegate = ANY ((SELECT scope_words())::text[])
);
