-- What of the delta is not rows. The result sets are those that `state.rs` expects, in this order.

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
