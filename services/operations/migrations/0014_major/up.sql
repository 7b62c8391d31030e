-- As the filter `major = true` asks for it.
DROP INDEX tickets_major;
CREATE INDEX tickets_major ON tickets (number) WHERE coalesce(body -> 'details' ? 'major', false);
