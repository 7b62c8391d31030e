DROP VIEW report_v1_ticket_facts;
CREATE VIEW report_v1_ticket_facts AS
SELECT o.seq, j.position, j.occurred_at, coalesce(j.source_recorded_at, o.recorded_at) AS known_at, o.recorded_at,
    j.source_sequence, j.actor, j.audience, j.customer_id, j.subject, j.subject_version, j.kind, j.payload
FROM journal j JOIN journal_order o USING (position)
WHERE j.kind LIKE 'ticket.%';
