-- What the scheduler of clocks looks for.
ALTER TABLE tickets
    -- Version after the last change that was more than an observation: what clients hold as etag.
    ADD COLUMN edited_version bigint,
    -- Earliest instant at which a clock reaches a threshold that is not on record; NULL: none does.
    ADD COLUMN next_fire_at timestamptz,
    -- How many revisions of calendars were published when its clocks were read.
    ADD COLUMN calendars bigint;
-- No calendar is as old as 0: the scheduler reads the clocks of open tickets anew, and finds what falls due.
UPDATE tickets SET edited_version = version, calendars = 0;
ALTER TABLE tickets
    ALTER COLUMN edited_version SET NOT NULL,
    ALTER COLUMN calendars SET NOT NULL,
    ADD CHECK (edited_version BETWEEN 1 AND version),
    ADD CHECK (calendars >= 0);
CREATE INDEX tickets_next_fire ON tickets (next_fire_at) WHERE next_fire_at IS NOT NULL;
-- Clocks of other tickets do not run: they are read again with the fact that sets them going.
CREATE INDEX tickets_calendars ON tickets (calendars) WHERE category_state IN ('NEW', 'ACTIVE', 'PENDING');
