-- The state of a frozen layer, from which a lane differs.

-- The number that rows show of a transaction.
CREATE FUNCTION pg_catalog.pg_mori_xid(id int8) RETURNS xid LANGUAGE sql IMMUTABLE AS 'SELECT (id & 4294967295)::pg_catalog.text::pg_catalog.xid';

-- Everything about a sequence but its value.
CREATE FUNCTION pg_catalog.pg_mori_sequence_shape(seq oid) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT textin(record_out(ROW(s.*, c.relname, c.relnamespace, c.relowner, c.relpersistence, c.relacl, c.reltablespace, d.refobjid, d.refobjsubid)))
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    WHERE s.seqrelid = seq
$$;

-- What a column's text is read as: integer, real, boolean, bytes or text.
CREATE FUNCTION pg_catalog.pg_mori_kind(type oid) RETURNS "char" LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    WITH RECURSIVE base AS (
        SELECT oid, typtype, typbasetype FROM pg_type WHERE oid = type
        UNION ALL SELECT t.oid, t.typtype, t.typbasetype FROM pg_type t JOIN base b ON b.typtype = 'd' AND t.oid = b.typbasetype)
    SELECT CASE WHEN oid = ANY ('{int2,int4,int8,oid}'::regtype[]) THEN 'i' WHEN oid = ANY ('{float4,float8}'::regtype[]) THEN 'r'
        WHEN oid = 'bool'::regtype THEN 'b' WHEN oid = 'bytea'::regtype THEN 'x' ELSE 't' END::"char"
    FROM base WHERE typtype <> 'd'
$$;

CREATE FUNCTION pg_catalog.pg_mori_sequences() RETURNS TABLE (seq oid, last_value int8, is_called bool) LANGUAGE plpgsql SET search_path = pg_catalog AS $$
#variable_conflict use_column
BEGIN
    FOR seq, last_value IN
        SELECT c.oid, pg_sequence_last_value(c.oid) FROM pg_class c WHERE c.relkind = 'S' AND c.relpersistence <> 't' ORDER BY c.oid
    LOOP
        is_called := last_value IS NOT NULL;
        IF NOT is_called THEN
            EXECUTE format('SELECT last_value, is_called FROM %s', seq::regclass) INTO last_value, is_called;
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;

-- The ages of all rows about roles, databases and what else belongs to the whole server. No event trigger hears of changes to them, and functions
-- can make them.
CREATE FUNCTION pg_catalog.pg_mori_shared() RETURNS SETOF int4 LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT age(xmin) FROM pg_authid UNION ALL SELECT age(xmin) FROM pg_auth_members UNION ALL SELECT age(xmin) FROM pg_db_role_setting
    UNION ALL SELECT age(xmin) FROM pg_database UNION ALL SELECT age(xmin) FROM pg_tablespace UNION ALL SELECT age(xmin) FROM pg_shdescription
    UNION ALL SELECT age(xmin) FROM pg_replication_origin
$$;

CREATE FUNCTION pg_catalog.pg_mori_seal() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_mori_attach('{}');
    TRUNCATE pg_mori_log, pg_mori_truncated, pg_mori_ddl, pg_mori_sequence, pg_mori_shape, pg_mori_seal, pg_mori_churn, pg_mori_alive;
    INSERT INTO pg_mori_alive DEFAULT VALUES;
    INSERT INTO pg_mori_sequence SELECT s.seq, s.last_value, s.is_called, pg_mori_sequence_shape(s.seq) FROM pg_mori_sequences() s;
    INSERT INTO pg_mori_shape
        SELECT c.oid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), pg_mori_kind(a.atttypid)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND c.oid >= 16384 AND c.relnamespace <> 'pg_catalog'::regnamespace;
    INSERT INTO pg_mori_seal
        SELECT txid_current(), (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_largeobject), (SELECT count(*) FROM pg_mori_shared());
END $$;

-- Why the lane cannot be put back row by row; NULL if it can.
CREATE FUNCTION pg_catalog.pg_mori_coarse(mark txid_snapshot) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    sealed pg_mori_seal;
    note text;
BEGIN
    SELECT concat_ws(' ', tag, identity) INTO note FROM pg_mori_ddl
        WHERE mark IS NULL OR NOT txid_visible_in_snapshot(xid, mark) LIMIT 1;
    IF FOUND THEN
        RETURN note;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_mori_alive) AND EXISTS (
        SELECT FROM pg_class WHERE relpersistence = 'u' AND oid >= 16384 AND relnamespace <> 'pg_catalog'::regnamespace)
    THEN
        RETURN 'crash recovery emptied the unlogged tables';
    END IF;
    -- It holds its locks and rows until somebody ends it, and the next user of the lane does not know of it.
    SELECT concat('prepared transaction ', gid) INTO note FROM pg_prepared_xact() LIMIT 1;
    IF FOUND THEN
        RETURN note;
    END IF;
    SELECT * INTO sealed FROM pg_mori_seal;
    IF sealed IS NULL THEN
        RETURN 'not sealed';
    END IF;
    IF sealed.large_objects + sealed.large_object_pages + pg_relation_size('pg_largeobject') + pg_relation_size('pg_largeobject_metadata') > 0
        AND (sealed.large_objects <> (SELECT count(*) FROM pg_largeobject_metadata)
            OR sealed.large_object_pages <> (SELECT count(*) FROM pg_largeobject)
            OR EXISTS (SELECT FROM pg_largeobject_metadata WHERE age(xmin) < age(pg_mori_xid(sealed.xid)))
            OR EXISTS (SELECT FROM pg_largeobject WHERE age(xmin) < age(pg_mori_xid(sealed.xid))))
    THEN
        RETURN 'large objects';
    END IF;
    IF mark IS NULL AND sealed.shared_rows <> (SELECT count(*) FROM pg_mori_shared())
        OR EXISTS (SELECT FROM pg_mori_shared() AS shared (age)
            WHERE shared.age < CASE WHEN mark IS NULL THEN age(pg_mori_xid(sealed.xid)) ELSE age(pg_mori_xid(txid_snapshot_xmin(mark))) + 1 END)
    THEN
        RETURN 'roles or databases';
    END IF;
    RETURN NULL;
END $$;
