-- What other services may read: tickets and what happened to them. Columns are a contract; a change is a new version.

CREATE VIEW published_tickets_v1 AS
SELECT name, opened_at FROM tickets;

CREATE VIEW published_ticket_facts_v1 AS
SELECT o.seq, j.subject, j.position, j.occurred_at, j.source_sequence, j.audience, j.kind, j.payload
FROM journal j JOIN journal_order o USING (position)
WHERE j.kind LIKE 'ticket.%';
