ALTER TABLE tickets DROP COLUMN edited_version, DROP COLUMN next_fire_at, DROP COLUMN calendars;
