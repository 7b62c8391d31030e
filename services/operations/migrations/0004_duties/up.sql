-- Earliest deadline of law for a report that has not been submitted; NULL: nothing is owed.
ALTER TABLE tickets ADD COLUMN duty_due_at timestamptz;
CREATE INDEX tickets_duty_due ON tickets (duty_due_at, number) WHERE duty_due_at IS NOT NULL;
