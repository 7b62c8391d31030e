DROP TABLE approval_delegations;
DROP INDEX tickets_major, tickets_approvals, tickets_awaits_approval;
ALTER TABLE tickets DROP COLUMN awaits_approval;
