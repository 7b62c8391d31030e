-- Run after every migration of {service} by the owner: roles that own nothing, each with what it needs.
DO $do$
DECLARE
    prefix text := left(current_database(), 40);
    published text := prefix || '_published';
    reporting text := prefix || '_reporting';
    service text;
    role text;
    relation record;
BEGIN
    SELECT role_name INTO service FROM server_secret;
    IF service = '' OR NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service) THEN
        service := prefix || '_{service}';
        UPDATE server_secret SET role_name = service;
    END IF;
    FOREACH role IN ARRAY ARRAY[service, published, reporting] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        EXECUTE format('GRANT USAGE ON SCHEMA {service} TO %I', role);
    END LOOP;
    EXECUTE format('GRANT %I TO %I', published, service);
    EXECUTE format('GRANT %I, %I TO CURRENT_USER', service, reporting);
    EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {service} TO %I', service);
    FOR relation IN
        SELECT relname AS name, relkind IN ('v', 'm') AS is_view FROM pg_class
        WHERE relnamespace = '{service}'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND NOT relispartition
    LOOP
        EXECUTE format('GRANT %s ON %I TO %I', CASE
            WHEN relation.name IN ('journal', 'journal_order', 'journal_seal') THEN 'SELECT, INSERT'
            WHEN relation.name = 'journal_pending' THEN 'SELECT, INSERT, DELETE'
            WHEN relation.name IN ('server_secret', '__diesel_schema_migrations') OR relation.is_view THEN 'SELECT'
            ELSE 'SELECT, INSERT, UPDATE, DELETE'
        END, relation.name, service);
        IF relation.name LIKE 'published\_%' THEN
            EXECUTE format('GRANT SELECT ON %I TO %I', relation.name, published);
        END IF;
        IF relation.name LIKE 'report\_v%' THEN
            EXECUTE format('GRANT SELECT ON %I TO %I', relation.name, reporting);
        END IF;
    END LOOP;
END
$do$;
