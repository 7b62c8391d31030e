-- Reports name who leads a major incident and need nothing else that is private: `people` is what stands beside such
-- facts, names only.
CREATE OR REPLACE VIEW report_v1_ticket_facts AS
SELECT o.seq, j.position, j.occurred_at, coalesce(j.source_recorded_at, o.recorded_at) AS known_at, o.recorded_at,
    j.source_sequence, j.actor, j.audience, j.customer_id, j.subject, j.subject_version, j.kind, j.payload,
    CASE WHEN j.kind LIKE 'ticket.major\_%' OR j.payload ? 'details' OR j.payload -> 'fields' ? 'details' THEN (
        SELECT jsonb_object_agg(b.key, b.value)
        FROM journal_private p, jsonb_each(p.content) AS b
        WHERE p.position = j.position AND b.key LIKE '~person:%'
    ) END AS people
FROM journal j JOIN journal_order o USING (position)
WHERE j.kind LIKE 'ticket.%';
