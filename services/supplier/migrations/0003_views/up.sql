-- What reports read, as the journal recorded it: every state of a resource with the time for which it was the last one.
-- Columns are a contract; a change is a new version.
CREATE VIEW report_v1_horizon AS
SELECT coalesce(max(seq), 0) AS seq, max(recorded_at) AS recorded_at, (SELECT count(*) FROM journal_pending) AS pending
FROM journal_order;

CREATE VIEW recorded_state AS
SELECT subject AS name, split_part(kind, '.', 1) AS resource, split_part(kind, '.', 2) AS verb,
    CASE WHEN split_part(kind, '.', 2) = 'published' THEN payload -> 'body' ELSE payload END AS body,
    recorded_at AS recorded_from,
    lead(recorded_at) OVER (PARTITION BY subject ORDER BY subject_version, position) AS recorded_to
FROM journal JOIN journal_order USING (position);

CREATE VIEW report_v1_suppliers AS
SELECT name, body, recorded_from, recorded_to FROM recorded_state WHERE resource = 'supplier' AND verb <> 'deleted';

CREATE VIEW report_v1_contracts AS
SELECT name, body, recorded_from, recorded_to FROM recorded_state WHERE resource = 'contract' AND verb <> 'deleted';
