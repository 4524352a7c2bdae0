-- What a lane's database keeps about itself. The names lie in pg_catalog, where no client that lists, dumps or empties "its" tables looks.

-- Transactions are told by txid_current() and its relatives, which PostgreSQL 12 has too.

-- One row per changed row: its image before and after. No sequence, for it would change a client's lastval(); no index, for it could
-- raise serialization failures.
CREATE TABLE pg_catalog.pg_mori_log (xid int8 NOT NULL, rel oid NOT NULL, before text, after text);
-- The TRUNCATEs of tables, with what their transactions saw. Where that is older than their lock: who was still writing, and the row's own xmin, a
-- subtransaction's, divides the transactions that had begun from those that had not.
CREATE TABLE pg_catalog.pg_mori_truncated (xid int8 NOT NULL, rel oid NOT NULL, seen txid_snapshot NOT NULL, running xid[]);
-- The DDL that ran since the seal.
CREATE TABLE pg_catalog.pg_mori_ddl (xid int8 NOT NULL, tag text NOT NULL, object_type text, identity text);
-- The state at the seal: sequences, the tables' columns, large objects, and how many rows the catalogs of the whole server have.
CREATE TABLE pg_catalog.pg_mori_sequence (seq oid NOT NULL, last_value int8 NOT NULL, is_called bool NOT NULL, shape text NOT NULL);
CREATE TABLE pg_catalog.pg_mori_shape (rel oid NOT NULL, position int2 NOT NULL, name text NOT NULL, type text NOT NULL, kind "char" NOT NULL);
CREATE TABLE pg_catalog.pg_mori_seal (xid int8 NOT NULL, large_objects int8 NOT NULL, large_object_pages int8 NOT NULL, shared_rows int8 NOT NULL);
-- Row versions that resets have left behind, by table, since its last VACUUM.
CREATE TABLE pg_catalog.pg_mori_churn (rel oid NOT NULL, dead int8 NOT NULL);
-- One row without columns, which crash recovery takes away together with the content of all unlogged tables.
CREATE UNLOGGED TABLE pg_catalog.pg_mori_alive ();
-- Carries the triggers that are copied to every table.
CREATE TABLE pg_catalog.pg_mori_template ();
