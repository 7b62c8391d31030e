DROP INDEX tickets_major;
CREATE INDEX tickets_major ON tickets (number) WHERE body -> 'details' ? 'major';
