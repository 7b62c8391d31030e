-- What other services may read: the catalog as published. Columns are a contract; a change is a new version.

CREATE VIEW published_processes_v1 AS
SELECT r.name, r.revision, r.effective_from, r.body AS definition,
    r.body ->> 'display_name' AS display_name, t.deleted_at
FROM process_revision r JOIN process t USING (name);

CREATE VIEW published_calendars_v1 AS
SELECT r.name, r.revision, r.effective_from, r.body -> 'definition' AS definition,
    r.body ->> 'display_name' AS display_name, t.deleted_at
FROM calendar_revision r JOIN calendar t USING (name);

CREATE VIEW published_agreements_v1 AS
SELECT r.name, r.revision, r.effective_from, r.body -> 'definition' AS definition,
    r.body ->> 'display_name' AS display_name, t.deleted_at
FROM agreement_revision r JOIN agreement t USING (name);

CREATE VIEW published_services_v1 AS
SELECT name, body AS definition, version FROM service WHERE deleted_at IS NULL;

CREATE VIEW published_offerings_v1 AS
SELECT name, body AS definition, version FROM offering WHERE deleted_at IS NULL;

CREATE VIEW published_customers_v1 AS
SELECT name, body AS definition, version FROM customer WHERE deleted_at IS NULL;

-- Rises with every committed fact: facts in order, and those that are committed and not yet in order.
CREATE VIEW published_version_v1 AS
SELECT coalesce((SELECT max(seq) FROM journal_order), 0)
    + coalesce((SELECT sum(cardinality(positions)) FROM journal_pending), 0)::bigint AS version;

-- What reports read, as the journal recorded it: every state of a resource with the time for which it was the last one.
CREATE VIEW report_v1_horizon AS
SELECT coalesce(max(seq), 0) AS seq, max(recorded_at) AS recorded_at, (SELECT count(*) FROM journal_pending) AS pending
FROM journal_order;

CREATE VIEW recorded_state AS
SELECT subject AS name, split_part(kind, '.', 1) AS resource, split_part(kind, '.', 2) AS verb, payload AS body,
    recorded_at AS recorded_from,
    lead(recorded_at) OVER (PARTITION BY split_part(kind, '.', 1), subject ORDER BY subject_version, position) AS recorded_to
FROM journal JOIN journal_order USING (position);

CREATE VIEW report_v1_services AS
SELECT name, body, recorded_from, recorded_to FROM recorded_state WHERE resource = 'service' AND verb <> 'deleted';

CREATE VIEW report_v1_offerings AS
SELECT name, body, recorded_from, recorded_to FROM recorded_state WHERE resource = 'offering' AND verb <> 'deleted';

CREATE VIEW report_v1_customers AS
SELECT name, body, recorded_from, recorded_to FROM recorded_state WHERE resource = 'customer' AND verb <> 'deleted';

CREATE VIEW report_v1_calendars AS
SELECT name, (body ->> 'revision')::integer AS revision, iso_timestamp(body ->> 'effective_from') AS effective_from,
    body -> 'body' -> 'definition' AS body, recorded_from, body -> 'body' ->> 'display_name' AS display_name
FROM recorded_state WHERE resource = 'calendar' AND verb = 'published';

CREATE VIEW report_v1_agreements AS
SELECT name, (body ->> 'revision')::integer AS revision, iso_timestamp(body ->> 'effective_from') AS effective_from,
    body -> 'body' -> 'definition' AS body, recorded_from, body -> 'body' ->> 'display_name' AS display_name,
    (body -> 'body' ->> 'illustrative')::boolean AS illustrative
FROM recorded_state WHERE resource = 'agreement' AND verb = 'published';

CREATE VIEW report_v1_processes AS
SELECT name, (body ->> 'revision')::integer AS revision, iso_timestamp(body ->> 'effective_from') AS effective_from,
    body -> 'body' AS body, recorded_from, body -> 'body' ->> 'display_name' AS display_name
FROM recorded_state WHERE resource = 'process' AND verb = 'published';

CREATE VIEW report_v1_cost_entries AS
SELECT name, body, (body -> 'billed_cost' ->> 'value')::numeric AS billed_cost,
    body -> 'billed_cost' ->> 'currency' AS billed_currency, iso_timestamp(body ->> 'start_at') AS start_at,
    iso_timestamp(body ->> 'end_at') AS end_at, body ->> 'service' AS service, body ->> 'pool' AS pool,
    body ->> 'vendor' AS vendor, body ->> 'provider' AS provider, body ->> 'provider_service' AS provider_service,
    body ->> 'source' AS source, recorded_from, recorded_to
FROM recorded_state WHERE resource = 'cost_entry' AND verb <> 'deleted';
