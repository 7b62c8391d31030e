-- What is private in facts stands beside them and can be erased: the fact has a token with the salted digest. What is
-- hashed, and how, stands in docs/journal.md. Empty where facts have nothing private.
CREATE TABLE journal_private (
    -- Of the fact.
    position bigint CONSTRAINT journal_private_pkey PRIMARY KEY,
    -- As in the fact, so that both are in the same scopes.
    customer_id text NOT NULL,
    audience text NOT NULL CHECK (audience IN ('PUBLIC', 'INTERNAL')),
    -- By token an array of salt and value. Without a salt: what an erased person is called.
    content jsonb NOT NULL
);
ALTER TABLE journal_private ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY scope ON journal_private USING (
    (SELECT scope_is_everything())
    OR customer_id = ANY ((SELECT scope_words())::text[])
        AND (audience = 'PUBLIC' OR (SELECT 'INTERNAL' = ANY (scope_words())))
);
