-- DDL: noted, and new tables get their triggers.

CREATE FUNCTION pg_catalog.pg_mori_on_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
{settings} AS $$
DECLARE
    touched oid[];
    fresh oid;
BEGIN
    IF current_setting('pg_mori.undo', true) = 'on' THEN
        RETURN;
    END IF;
    WITH noted AS (
        SELECT * FROM pg_event_trigger_ddl_commands()
        WHERE schema_name IS DISTINCT FROM 'pg_temp' AND strpos(coalesce(object_identity, ''), ' on pg_temp.') = 0
    ), written AS (
        INSERT INTO pg_mori_ddl SELECT txid_current(), command_tag, object_type, object_identity FROM noted
        -- ALTER SEQUENCE … RESTART alone changes what setval() changes, and is undone like it.
        WHERE NOT (command_tag = 'ALTER SEQUENCE'
            AND EXISTS (SELECT FROM pg_mori_sequence s WHERE s.seq = noted.objid AND s.shape = pg_mori_sequence_shape(s.seq))))
    SELECT array_agg(objid) FILTER (WHERE classid = 'pg_class'::regclass) INTO touched FROM noted;
    IF TG_TAG ~ 'TABLE|SELECT INTO|SCHEMA|EXTENSION' THEN
        FOREACH fresh IN ARRAY pg_mori_attach(touched) LOOP
            -- CREATE TABLE AS has filled the table before it had a trigger.
            IF NOT EXISTS (SELECT FROM pg_mori_shape WHERE rel = fresh) THEN
                EXECUTE format('INSERT INTO pg_mori_log SELECT txid_current(), %s, NULL, %s FROM ONLY %s AS pg_mori_row',
                    fresh, pg_mori_image(fresh), fresh::regclass);
            END IF;
        END LOOP;
    END IF;
END $$;

CREATE FUNCTION pg_catalog.pg_mori_on_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO pg_mori_ddl SELECT txid_current(), TG_TAG, object_type, object_identity FROM pg_event_trigger_dropped_objects()
    WHERE NOT is_temporary AND strpos(coalesce(object_identity, ''), ' on pg_temp.') = 0 AND (original OR object_type = 'table');
END $$;

-- ALTER TABLE … DISABLE TRIGGER ALL is allowed to an owner who is no superuser, unless the table has internal triggers. So while such a command
-- runs, those of its table are not internal. The command is known by its text alone, and runs under the client's search path.
CREATE FUNCTION pg_catalog.pg_mori_before_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    meant pg_catalog.oid[];
BEGIN
    IF pg_catalog.current_query() OPERATOR(pg_catalog.~*) 'trigger[[:space:]]+all' THEN
        BEGIN
            SELECT pg_catalog.array_agg(named.rel) FILTER (WHERE named.rel IS NOT NULL) INTO meant
            FROM pg_catalog.regexp_matches(pg_catalog.current_query(),
                'alter[[:space:]]+table[[:space:]]+(?:if[[:space:]]+exists[[:space:]]+)?(?:only[[:space:]]+)?((?:"[^"]+"|[[:alnum:]_$.])+)', 'gi') AS m (name),
            LATERAL (SELECT pg_catalog.to_regclass(m.name[1])::pg_catalog.oid AS rel) named;
        EXCEPTION WHEN OTHERS THEN
            -- Part of a name that the text puts together.
            meant := NULL;
        END;
        PERFORM pg_catalog.pg_mori_show(meant);
    END IF;
END $$;

-- Shows our triggers of the given tables and their descendants; those of all tables where a text told none, as that of a DO block may.
CREATE FUNCTION pg_catalog.pg_mori_show(meant oid[]) RETURNS void LANGUAGE sql SET search_path = pg_catalog AS $$
    WITH RECURSIVE family AS (
        SELECT unnest(meant) AS rel UNION SELECT i.inhrelid FROM pg_inherits i JOIN family ON i.inhparent = family.rel)
    UPDATE pg_trigger SET tgisinternal = false
    WHERE tgname IN ('pg_mori_capture', '~pg_mori_truncate') AND tgisinternal AND tgrelid <> 'pg_mori_template'::regclass
        AND (meant IS NULL OR tgrelid IN (SELECT rel FROM family))
$$;

CREATE EVENT TRIGGER pg_mori_before_ddl ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION pg_catalog.pg_mori_before_ddl();
ALTER EVENT TRIGGER pg_mori_before_ddl ENABLE ALWAYS;
CREATE EVENT TRIGGER pg_mori_on_ddl ON ddl_command_end EXECUTE FUNCTION pg_catalog.pg_mori_on_ddl();
CREATE EVENT TRIGGER pg_mori_on_drop ON sql_drop EXECUTE FUNCTION pg_catalog.pg_mori_on_drop();
ALTER EVENT TRIGGER pg_mori_on_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER pg_mori_on_drop ENABLE ALWAYS;

-- pg_dump leaves out what belongs to an extension.
INSERT INTO pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)
SELECT 'pg_event_trigger'::regclass, t.oid, 0, 'pg_extension'::regclass, e.oid, 0, 'e'
FROM pg_event_trigger t, pg_extension e WHERE t.evtname ~ '^pg_mori_' AND e.extname = 'plpgsql';
-- information_schema and psql leave out internal triggers.
UPDATE pg_trigger SET tgisinternal = true WHERE tgrelid = 'pg_mori_template'::regclass;
-- The client's default privileges are not meant for these.
UPDATE pg_class SET relacl = NULL WHERE relnamespace = 'pg_catalog'::regnamespace AND relname ~ '^pg_mori_' AND relacl IS NOT NULL;
UPDATE pg_proc SET proacl = NULL WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^pg_mori_' AND proacl IS NOT NULL;
