SET statement_timeout = 0;
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
{allow_system_table_mods}
SET LOCAL session_replication_role = replica;
SET LOCAL search_path = pg_catalog;
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_min_messages = warning;
SET LOCAL default_tablespace = '';
SET LOCAL default_table_access_method = heap;
-- The client's event triggers that fire even for replicas are switched off until the end.
SELECT set_config('pg_mori.woken', coalesce(string_agg(format('%s=%s', oid, evtenabled), ' '), ''), true) FROM pg_event_trigger WHERE evtenabled IN ('A', 'R');
UPDATE pg_event_trigger SET evtenabled = 'D' WHERE evtenabled IN ('A', 'R');
CREATE EXTENSION IF NOT EXISTS plpgsql SCHEMA pg_catalog;
