ALTER TABLE tickets DROP COLUMN duty_due_at;
