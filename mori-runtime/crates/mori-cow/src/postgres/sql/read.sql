-- What the delta is made of. The result sets are those that `state.rs` expects, in this order.

-- Row images with their counts.
-- A database without an encoding may hold bytes that are no text anywhere else: they travel as hexadecimal digits.
SELECT rel, n, CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN '\x' || encode(convert_to(image, 'SQL_ASCII'), 'hex') ELSE image END FROM pg_mori_net(NULL);
-- The tables they belong to, one row a column, in the order in which the columns are shown: a partition's rows are shown under its topmost
-- root, with the root's order. `field` is the column's place in the image.
WITH logged AS (SELECT DISTINCT rel FROM pg_mori_log)
SELECT l.rel, pg_mori_shown(l.rel), a.name, a.type, a.kind, a.field, k.place
FROM logged l JOIN pg_class c ON c.oid = l.rel
LEFT JOIN LATERAL (
    SELECT attnum, attname AS name, format_type(atttypid, atttypmod) AS type, pg_mori_kind(atttypid) AS kind, row_number() OVER (ORDER BY attnum) - 1 AS field
    FROM pg_attribute WHERE attrelid = l.rel AND attnum > 0 AND NOT attisdropped) a ON true
LEFT JOIN pg_attribute r ON r.attrelid = pg_partition_root(l.rel) AND r.attname = a.name AND NOT r.attisdropped
LEFT JOIN pg_index i ON i.indexrelid = pg_mori_key(l.rel)
LEFT JOIN LATERAL (SELECT min(g) AS place FROM generate_series(0, i.indnkeyatts - 1) g WHERE i.indkey[g] = a.attnum) k ON true
ORDER BY l.rel, coalesce(r.attnum, a.attnum);
-- The columns that those tables had at the seal.
SELECT rel, name, type, kind FROM pg_mori_shape WHERE rel IN (SELECT rel FROM pg_mori_log) ORDER BY rel, position;
-- DDL, in its order.
SELECT tag, object_type, identity FROM pg_mori_ddl ORDER BY ctid;
-- Sequences that have moved.
WITH kept AS MATERIALIZED (
    -- First those that are still there: to ask a dropped one for its value is an error.
    SELECT s.seq, s.last_value, s.is_called FROM pg_mori_sequence s JOIN pg_class c ON c.oid = s.seq AND c.relkind = 'S'
    -- And not those that a transaction is restarting: it may be that of the one who asks, and would be waited for.
    WHERE NOT EXISTS (
        SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
        WHERE l.relation = s.seq AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')))
SELECT pg_mori_shown(seq), last_value, is_called, pg_sequence_last_value(seq) FROM kept
WHERE pg_sequence_last_value(seq) IS DISTINCT FROM CASE WHEN is_called THEN last_value END ORDER BY 1
