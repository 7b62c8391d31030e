DROP VIEW published_ticket_facts_v1;
DROP VIEW published_tickets_v1;
