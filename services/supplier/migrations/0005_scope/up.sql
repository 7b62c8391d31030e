-- Row-level security: a transaction sees and writes what its scope names, and without a scope nothing. The scope is the
-- setting itsm.scope: `*` for everything, else words: customers, a person, INTERNAL for facts that are not public.
-- In policies both stand in a subquery, which is evaluated once for a statement and not for each row.
CREATE FUNCTION scope_is_everything() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN current_setting('itsm.scope', true) = '*';
CREATE FUNCTION scope_words() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN string_to_array(current_setting('itsm.scope', true), ' ');

ALTER TABLE journal ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY scope ON journal USING (
    (SELECT scope_is_everything())
    OR customer_id = ANY ((SELECT scope_words())::text[])
        AND (audience = 'PUBLIC' OR (SELECT 'INTERNAL' = ANY (scope_words())))
);

ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY scope ON idempotency
    USING ((SELECT scope_is_everything()) OR customer_id = ANY ((SELECT scope_words())::text[]));

ALTER TABLE webhook ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY scope ON webhook
    USING ((SELECT scope_is_everything()) OR customer_id = ANY ((SELECT scope_words())::text[]));
ALTER TABLE webhook_delivery ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY scope ON webhook_delivery
    USING ((SELECT scope_is_everything()) OR webhook IN (SELECT name FROM webhook));
ALTER TABLE webhook_dead_letter ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY scope ON webhook_dead_letter
    USING ((SELECT scope_is_everything()) OR webhook IN (SELECT name FROM webhook));
