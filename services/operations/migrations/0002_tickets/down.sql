DROP VIEW report_v1_imports;
DROP VIEW report_v1_ticket_facts;
DROP VIEW report_v1_horizon;
DROP TABLE imports;
DROP TABLE tickets;
DROP SEQUENCE ticket_numbers;
