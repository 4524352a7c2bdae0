-- Everything a schema is read from, as one JSON object.
WITH user_schema AS MATERIALIZED (
    SELECT n.oid, n.nspname::text AS name
    FROM pg_namespace n
    WHERE n.nspname <> 'information_schema' AND left(n.nspname::text, 3) <> 'pg_'
),
relation AS MATERIALIZED (
    SELECT c.oid, s.name AS schema, c.relname::text AS name, c.relkind, c.relispartition, c.relfilenode
    FROM pg_class c JOIN user_schema s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'm', 'v', 'S') AND c.relpersistence <> 't'
),
-- An aggregate is as volatile as the worst of the functions it is made of: 1 immutable, 2 stable, 3 volatile.
user_function AS MATERIALIZED (
    SELECT p.oid, s.name AS schema, p.proname::text AS name,
        greatest(
            strpos('isv', p.provolatile::text),
            (SELECT max(strpos('isv', f.provolatile::text))
             FROM pg_aggregate a
             JOIN pg_proc f ON f.oid = ANY (ARRAY[
                 a.aggtransfn::oid, a.aggfinalfn::oid, a.aggmtransfn::oid, a.aggminvtransfn::oid, a.aggmfinalfn::oid])
             WHERE a.aggfnoid = p.oid)
        ) AS volatility
    FROM pg_proc p JOIN user_schema s ON s.oid = p.pronamespace
),
writer AS MATERIALIZED (
    SELECT f.oid FROM user_function f WHERE f.volatility = 3
),
-- PostgreSQL keeps no dependency on its own functions, so their calls are looked for in the stored expression.
writer_of_postgres AS MATERIALIZED (
    SELECT ':funcid (' || string_agg(p.oid::text, '|') || ') ' AS call
    FROM pg_proc p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace
        AND p.proname IN ('nextval', 'setval', 'lo_creat', 'lo_create', 'lo_from_bytea', 'lo_import', 'lo_put', 'lo_truncate',
            'lo_truncate64', 'lo_unlink', 'lowrite')
),
-- Set apart, so that the search does not begin with the large rules of PostgreSQL's own views.
user_rule AS MATERIALIZED (
    SELECT r.oid, r.ev_action AS action FROM pg_rewrite r JOIN relation v ON v.oid = r.ev_class
),
-- Rules, policies and constraints whose expressions run a writer.
caller AS MATERIALIZED (
    SELECT d.classid, d.objid
    FROM pg_depend d
    WHERE d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_constraint'::regclass)
        AND (d.refclassid = 'pg_proc'::regclass AND d.refobjid IN (SELECT w.oid FROM writer w)
            OR d.refclassid = 'pg_operator'::regclass
                AND d.refobjid IN (SELECT o.oid FROM pg_operator o JOIN writer w ON w.oid = o.oprcode))
    UNION
    SELECT 'pg_rewrite'::regclass::oid, r.oid
    FROM user_rule r
    WHERE r.action::text ~ (SELECT w.call FROM writer_of_postgres w)
    UNION
    SELECT 'pg_policy'::regclass::oid, p.oid
    FROM pg_policy p
    WHERE p.polqual::text ~ (SELECT w.call FROM writer_of_postgres w)
)
SELECT json_build_object(
    'tables', (
        SELECT json_agg(json_build_object(
            'oid', c.oid::bigint,
            'schema', c.schema,
            'name', c.name,
            'kind', CASE
                WHEN c.relispartition THEN 'partition'
                WHEN c.relkind = 'r' THEN 'ordinary'
                WHEN c.relkind = 'p' THEN 'partitioned'
                WHEN c.relkind = 'f' THEN 'foreign'
                WHEN c.relkind = 'm' THEN 'materialized_view'
                ELSE 'view' END,
            'parents', coalesce((
                SELECT json_agg(i.inhparent::bigint ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid), '[]'),
            'storage', c.relfilenode::bigint,
            'columns', coalesce((
                SELECT json_agg(json_build_object(
                    'number', a.attnum,
                    'name', a.attname,
                    'type', format_type(a.atttypid, a.atttypmod),
                    'default', pg_get_expr(d.adbin, CASE a.attgenerated WHEN '' THEN 0 ELSE d.adrelid END),
                    'is_generated', a.attgenerated <> '',
                    'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by_default' END,
                    'is_not_null', a.attnotnull) ORDER BY a.attnum)
                FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]'),
            'key', coalesce((
                SELECT json_agg(a.attname ORDER BY k.position)
                FROM (
                    SELECT i.indkey, i.indnkeyatts
                    FROM pg_index i
                    WHERE i.indrelid = c.oid AND i.indisvalid
                        AND (i.indisprimary OR i.indisunique AND i.indimmediate AND i.indpred IS NULL AND NOT EXISTS (
                            SELECT FROM unnest(i.indkey) WITH ORDINALITY AS k (number, position)
                            LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number AND a.attnotnull
                            WHERE k.position <= i.indnkeyatts AND a.attnum IS NULL))
                    ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid
                    LIMIT 1
                ) AS best, unnest(best.indkey) WITH ORDINALITY AS k (number, position), pg_attribute a
                WHERE k.position <= best.indnkeyatts AND a.attrelid = c.oid AND a.attnum = k.number), '[]'),
            'foreign_keys', coalesce((
                SELECT json_agg(json_build_object(
                    'oid', f.oid::bigint, 'name', f.conname, 'definition', coalesce(pg_get_constraintdef(f.oid), '')) ORDER BY f.oid)
                FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.conparentid = 0), '[]'),
            'view', (
                SELECT json_build_object(
                    'definition', coalesce(pg_get_viewdef(c.oid), ''),
                    'bases', coalesce((
                        SELECT json_agg(DISTINCT d.refobjid::bigint)
                        FROM pg_depend d
                        WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                            AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid), '[]'),
                    'may_write', ('pg_rewrite'::regclass::oid, r.oid) IN (SELECT b.classid, b.objid FROM caller b))
                FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename = '_RETURN' AND c.relkind IN ('v', 'm'))
            ) ORDER BY c.oid)
        FROM relation c WHERE c.relkind <> 'S'),
    'sequences', (
        SELECT json_agg(json_build_object(
            'oid', c.oid::bigint,
            'schema', c.schema,
            'name', c.name,
            'increment', q.seqincrement,
            'owner', (
                SELECT json_build_object('table', d.refobjid::bigint, 'column', d.refobjsubid, 'is_identity', d.deptype = 'i')
                FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
                LIMIT 1)
            ) ORDER BY c.oid)
        FROM relation c JOIN pg_sequence q ON q.seqrelid = c.oid),
    'functions', (
        SELECT json_agg(json_build_object(
            'schema', f.schema, 'name', f.name, 'volatility', (ARRAY['immutable', 'stable', 'volatile'])[f.worst]))
        FROM (SELECT u.schema, u.name, max(u.volatility) AS worst FROM user_function u GROUP BY u.schema, u.name) AS f),
    'reads_may_write',
        EXISTS (SELECT FROM pg_operator o JOIN writer w ON w.oid = o.oprcode)
        OR EXISTS (SELECT FROM pg_cast t JOIN writer w ON w.oid = t.castfunc)
        OR EXISTS (SELECT FROM pg_amproc m JOIN writer w ON w.oid = m.amproc)
        OR EXISTS (
            SELECT FROM caller b
            JOIN pg_policy p ON p.oid = b.objid AND p.polcmd IN ('r', '*')
            JOIN pg_class c ON c.oid = p.polrelid AND c.relrowsecurity
            WHERE b.classid = 'pg_policy'::regclass)
        OR EXISTS (
            SELECT FROM caller b
            JOIN pg_constraint k ON k.oid = b.objid AND k.contypid <> 0
            WHERE b.classid = 'pg_constraint'::regclass)
)
