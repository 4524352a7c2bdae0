-- The triggers. Every name is qualified and no text has a backslash: they run under the client's settings.

-- The expression that makes the image of a row with the alias pg_mori_row. A trigger sees virtual generated columns as NULL.
CREATE FUNCTION pg_catalog.pg_mori_image(rel oid) RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = rel AND attgenerated = 'v') THEN
        RETURN (SELECT 'textin(record_out(ROW(' || string_agg(CASE attgenerated WHEN 'v' THEN 'NULL' ELSE format('pg_mori_row.%I', attname) END, ', '
                ORDER BY attnum) || ')))'
            FROM pg_attribute WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped);
    END IF;
    RETURN 'textin(record_out(pg_mori_row))';
END $$;

-- For tables whose types print the same under all settings.
CREATE FUNCTION pg_catalog.pg_mori_capture_plain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO pg_catalog.pg_mori_log VALUES (pg_catalog.txid_current(), TG_RELID,
        pg_catalog.textin(pg_catalog.record_out(OLD)), pg_catalog.textin(pg_catalog.record_out(NEW)));
    RETURN NULL;
END $$;

-- For tables with dates, times, floats and bytea at the worst. A new search path for every row would cost more than all other settings.
CREATE FUNCTION pg_catalog.pg_mori_capture_dated() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET "DateStyle" = 'ISO, MDY' SET "TimeZone" = 'UTC' SET extra_float_digits = 1 SET bytea_output = hex AS $$
BEGIN
    INSERT INTO pg_catalog.pg_mori_log VALUES (pg_catalog.txid_current(), TG_RELID,
        pg_catalog.textin(pg_catalog.record_out(OLD)), pg_catalog.textin(pg_catalog.record_out(NEW)));
    RETURN NULL;
END $$;

-- For all others.
CREATE FUNCTION pg_catalog.pg_mori_capture_strict() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
{settings} AS $$
BEGIN
    INSERT INTO pg_catalog.pg_mori_log VALUES (pg_catalog.txid_current(), TG_RELID,
        pg_catalog.textin(pg_catalog.record_out(OLD)), pg_catalog.textin(pg_catalog.record_out(NEW)));
    RETURN NULL;
END $$;

-- All rows that the table itself is about to lose.
CREATE FUNCTION pg_catalog.pg_mori_capture_truncate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
{settings} AS $$
DECLARE
    noted tid;
BEGIN
    EXECUTE format('INSERT INTO pg_mori_log SELECT txid_current(), %s, %s, NULL FROM ONLY %s AS pg_mori_row',
        TG_RELID, pg_mori_image(TG_RELID), TG_RELID::regclass);
    -- TRUNCATE takes the rows too that an older snapshot does not show, and no query shows them. They are in the log.
    IF current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable') THEN
        INSERT INTO pg_mori_truncated VALUES (txid_current(), TG_RELID, txid_current_snapshot());
    ELSE
        BEGIN
            INSERT INTO pg_mori_truncated VALUES (txid_current(), TG_RELID, txid_current_snapshot()) RETURNING ctid INTO noted;
            -- Asked when the row has its xmin, so that whoever comes later has a higher number. By its place, for a scan could raise serialization failures.
            UPDATE pg_mori_truncated SET running = ARRAY(SELECT backend_xid FROM pg_stat_get_activity(NULL) WHERE backend_xid IS NOT NULL) WHERE ctid = noted;
        EXCEPTION WHEN assert_failure THEN
            -- Never: the clause makes the block a subtransaction.
            RAISE;
        END;
    END IF;
    RETURN NULL;
END $$;

-- A reset does not log what it does.
CREATE TRIGGER pg_mori_capture AFTER INSERT OR UPDATE OR DELETE ON pg_catalog.pg_mori_template FOR EACH ROW
    WHEN (pg_catalog.current_setting('pg_mori.undo', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION pg_catalog.pg_mori_capture_strict();
-- Sorts behind the client's triggers, which may still change the table.
CREATE TRIGGER "~pg_mori_truncate" BEFORE TRUNCATE ON pg_catalog.pg_mori_template
    FOR EACH STATEMENT EXECUTE FUNCTION pg_catalog.pg_mori_capture_truncate();

-- Which of the three a table needs.
CREATE FUNCTION pg_catalog.pg_mori_variant(rel oid) RETURNS oid LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT CASE coalesce(max(CASE
            WHEN base.typtype = 'e' OR base.oid = ANY ('{bool,"\"char\"",name,int8,int2,int4,text,oid,json,jsonb,uuid,varchar,bpchar,numeric,inet,cidr,macaddr,macaddr8,bit,varbit,tsvector}'::regtype[]) THEN 0
            WHEN base.oid = ANY ('{date,time,timetz,timestamp,timestamptz,float4,float8,bytea}'::regtype[]) THEN 1
            ELSE 2 END), 0)
        WHEN 0 THEN 'pg_mori_capture_plain'::regproc WHEN 1 THEN 'pg_mori_capture_dated'::regproc ELSE 'pg_mori_capture_strict'::regproc END
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_type base ON base.oid = CASE
        WHEN t.typtype = 'd' THEN t.typbasetype
        WHEN t.typcategory = 'A' AND t.typelem <> 0 AND t.typlen = -1 THEN t.typelem
        ELSE t.oid END
    WHERE a.attrelid = rel AND a.attnum > 0 AND NOT a.attisdropped
$$;

-- Gives the triggers to every table that lacks them, and puts right those of the given tables and their descendants. The triggers are written
-- into the catalog instead of created by DDL: that would show in the client's event triggers. Returns the tables that lacked them.
CREATE FUNCTION pg_catalog.pg_mori_attach(touched oid[]) RETURNS oid[] LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    lacking record;
    fresh oid[] := '{}';
    mended oid[];
BEGIN
    FOR lacking IN
        SELECT c.oid::regclass AS rel, c.relhastriggers FROM pg_class c
        WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND c.oid >= 16384 AND c.relnamespace <> 'pg_catalog'::regnamespace
            AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'pg_mori_capture')
    LOOP
        -- A snapshot may be older than the triggers of a table that its own transaction has written: functions look at the catalog as it is.
        BEGIN
            IF lacking.relhastriggers THEN
                PERFORM pg_get_object_address('trigger', parse_ident(lacking.rel::text) || 'pg_mori_capture'::text, '{}');
                CONTINUE;
            END IF;
        EXCEPTION WHEN undefined_object THEN
            NULL;
        END;
        fresh := fresh || lacking.rel::oid;
    END LOOP;
    IF fresh <> '{}' THEN
        DELETE FROM pg_trigger WHERE tgrelid = ANY (fresh) AND tgname = '~pg_mori_truncate';
        WITH made AS (
            INSERT INTO pg_trigger (oid, tgrelid, {tgparentid}tgname, tgfoid, tgtype, tgenabled, tgisinternal, tgconstrrelid, tgconstrindid,
                tgconstraint, tgdeferrable, tginitdeferred, tgnargs, tgattr, tgargs, tgqual)
            SELECT pg_nextoid('pg_trigger', 'oid', 'pg_trigger_oid_index'), rel, {no_parent}t.tgname,
                CASE t.tgname WHEN 'pg_mori_capture' THEN pg_mori_variant(rel) ELSE t.tgfoid END,
                t.tgtype, 'A', true, 0, 0, 0, false, false, 0, t.tgattr, t.tgargs, t.tgqual
            FROM unnest(fresh) rel, pg_trigger t WHERE t.tgrelid = 'pg_mori_template'::regclass
            RETURNING oid, tgrelid)
        INSERT INTO pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)
        SELECT 'pg_trigger'::regclass, oid, 0, 'pg_class'::regclass, tgrelid, 0, 'a' FROM made;
    END IF;
    -- DISABLE TRIGGER ALL and ENABLE TRIGGER ALL reach our triggers too, and a column may have got another type. Triggers that were shown to such a
    -- command, see pg_mori_before_ddl, are hidden again: those of its table behind it, any that are left over behind the next DDL.
    WITH RECURSIVE family AS (
        SELECT unnest(touched) AS rel UNION SELECT i.inhrelid FROM pg_inherits i JOIN family ON i.inhparent = family.rel
    ), put_right AS (
        UPDATE pg_trigger SET tgenabled = 'A', tgisinternal = true,
            tgfoid = CASE tgname WHEN 'pg_mori_capture' THEN pg_mori_variant(tgrelid) ELSE tgfoid END
        WHERE tgname IN ('pg_mori_capture', '~pg_mori_truncate') AND tgrelid <> 'pg_mori_template'::regclass AND CASE
            WHEN tgrelid IN (SELECT rel FROM family)
                THEN tgenabled <> 'A' OR NOT tgisinternal OR tgname = 'pg_mori_capture' AND tgfoid <> pg_mori_variant(tgrelid)
            ELSE NOT tgisinternal AND current_query() !~* 'trigger[[:space:]]+all' END
        RETURNING tgrelid)
    SELECT array_agg(tgrelid) INTO mended FROM put_right;
    -- Sessions read a table's triggers anew when its pg_class row is written.
    UPDATE pg_class SET relhastriggers = true WHERE oid = ANY (fresh || mended);
    RETURN fresh;
END $$;
