DROP TABLE idempotency, journal_order, journal_pending, journal, server_secret;
DROP FUNCTION journal_ensure_partitions(), iso_date(text), iso_timestamp(text), text_list(jsonb);
DROP SEQUENCE journal_position;
