//! Statements that read.

use super::scripts::{check, check_simple};

#[test]
fn selects() {
    check(
        "queries::selects",
        &[
            "SELECT * FROM users ORDER BY id",
            "SELECT id, upper(name) AS loud, score * 2 FROM users WHERE mood = 'happy' ORDER BY score DESC NULLS LAST, id LIMIT 3 OFFSET 1",
            "SELECT DISTINCT mood FROM users ORDER BY mood",
            "SELECT DISTINCT ON (mood) mood, id FROM users ORDER BY mood, score DESC",
            "SELECT u, u.*, (u).id FROM users u WHERE id = 3",
            "TABLE notes",
            "VALUES (1, 'a'), (2, NULL) ORDER BY 1 DESC",
            "SELECT ctid, tableoid::regclass, xmin IS NULL FROM users ORDER BY id LIMIT 2",
            "SELECT 1 AS one, NULL, 'text', 1.50, true, now() IS NULL",
            "SELECT * FROM users WHERE email LIKE 'user1%' AND born BETWEEN '1990-01-05' AND '1990-12-31' ORDER BY id",
            "SELECT id FROM users WHERE name ~* 'USER 1[0-2]$' ORDER BY id FETCH FIRST 2 ROWS WITH TIES",
            "SELECT CASE mood WHEN 'sad' THEN 0 ELSE 1 END, coalesce(name, 'none'), nullif(score, 7) FROM users ORDER BY id",
            "SELECT id FROM users ORDER BY id FOR UPDATE SKIP LOCKED",
            "SELECT count(*) FROM users TABLESAMPLE BERNOULLI (100)",
            "SELECT * FROM generate_series(1, 3) WITH ORDINALITY AS g (n, at)",
            "SELECT absent FROM users",
            "SELECT * FROM absent",
            "SELECT 1/0",
            "SELEC 1",
            "SELECT 'a'::integer",
            "SELECT id FROM users WHERE id = 'x'",
            "SELECT sum(name) FROM users",
            "SELECT name FROM users GROUP BY id, mood HAVING name IS NULL",
            "SELECT mood, name FROM users GROUP BY mood",
            "",
            ";",
            "-- nothing",
        ],
    );
}

#[test]
fn joins() {
    check(
        "queries::joins",
        &[
            "SELECT u.id, o.id, o.total FROM users u JOIN orders o ON o.user_id = u.id ORDER BY o.id",
            "SELECT u.id, count(o.id) FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id ORDER BY u.id",
            "SELECT u.id, d.id FROM users u FULL JOIN devices d ON d.owner = u.id ORDER BY 1, 2",
            "SELECT u.id, o.id, i.sku FROM users u NATURAL JOIN (SELECT 1 AS id) one CROSS JOIN orders o JOIN items i ON i.order_id = o.id AND i.line = 1 ORDER BY 2",
            "SELECT a.id, b.id FROM users a, users b WHERE a.id < b.id AND a.mood = b.mood ORDER BY 1, 2",
            "SELECT u.id, best.total FROM users u, LATERAL (SELECT total FROM orders WHERE user_id = u.id ORDER BY total DESC LIMIT 1) best ORDER BY 1",
            "SELECT id, t FROM devices LEFT JOIN LATERAL unnest(tags) t ON true ORDER BY 1, 2",
            "SELECT * FROM (users u JOIN devices d ON d.owner = u.id) AS both ORDER BY 1 LIMIT 2",
            "SELECT id FROM users JOIN orders USING (id) ORDER BY id",
            "SELECT id FROM users JOIN orders ON true",
        ],
    );
}

#[test]
fn sub_selects_and_common_tables() {
    check(
        "queries::sub_selects_and_common_tables",
        &[
            "SELECT id FROM users WHERE id IN (SELECT user_id FROM orders WHERE total > 50) ORDER BY id",
            "SELECT id FROM users u WHERE NOT EXISTS (SELECT FROM orders WHERE user_id = u.id) ORDER BY id",
            "SELECT id, (SELECT max(total) FROM orders WHERE user_id = u.id) FROM users u ORDER BY id",
            "SELECT id FROM orders WHERE total > ALL (SELECT total FROM orders WHERE user_id = 2) ORDER BY id",
            "SELECT ARRAY(SELECT id FROM users ORDER BY id DESC), ROW(1, 'a') = (SELECT 1, 'a')",
            "SELECT (SELECT id FROM users)",
            "WITH big AS MATERIALIZED (SELECT * FROM orders WHERE total > 100) SELECT id, total FROM big ORDER BY id",
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT sum(i), array_agg(i) FROM n",
            "WITH RECURSIVE walk (a, b) AS (VALUES (1, 2) UNION ALL SELECT e.a, e.b FROM (VALUES (1, 2), (2, 3), (3, 1)) e (a, b) JOIN walk w ON e.a = w.b) \
             CYCLE a SET is_cycle USING path SELECT * FROM walk ORDER BY path",
            "WITH RECURSIVE tree (id, up) AS (SELECT 1, 0 UNION ALL SELECT id + 1, id FROM tree WHERE id < 4) SEARCH DEPTH FIRST BY id SET at SELECT id, up FROM tree ORDER BY at",
            "WITH gone AS (DELETE FROM items WHERE order_id = 1 RETURNING *), more AS (INSERT INTO items SELECT order_id, line + 10::smallint, sku, qty FROM gone RETURNING *) \
             SELECT g.line, m.line FROM gone g JOIN more m ON m.sku = g.sku ORDER BY 1, 2",
            "SELECT * FROM items WHERE order_id = 1 ORDER BY line",
            "WITH changed AS (UPDATE orders SET total = total + 1 WHERE id <= 3 RETURNING id, total) INSERT INTO notes SELECT id || ' ' || total, NULL FROM changed ORDER BY id RETURNING body",
            "WITH a AS (UPDATE users SET score = 1 WHERE id = 1), b AS (SELECT score FROM users WHERE id = 1) SELECT * FROM b",
            "SELECT score FROM users WHERE id = 1",
            "SELECT * FROM audit ORDER BY 1, 2, 3",
        ],
    );
}

#[test]
fn set_operations_and_windows() {
    check(
        "queries::set_operations_and_windows",
        &[
            "SELECT id FROM users UNION SELECT user_id FROM orders ORDER BY 1",
            "SELECT mood FROM users INTERSECT ALL SELECT 'ok'::mood FROM generate_series(1, 3) ORDER BY 1",
            "SELECT id FROM users EXCEPT SELECT user_id FROM orders ORDER BY id",
            "(SELECT id FROM users ORDER BY id LIMIT 2) UNION ALL (SELECT id FROM orders ORDER BY id DESC LIMIT 2) ORDER BY 1",
            "SELECT 1 UNION SELECT 'a'",
            "SELECT 1, 2 UNION SELECT 1",
            "SELECT id, rank() OVER (ORDER BY score DESC), lag(id) OVER w, first_value(name) OVER w FROM users WINDOW w AS (PARTITION BY mood ORDER BY id) ORDER BY id",
            "SELECT id, sum(total) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM orders ORDER BY id LIMIT 5",
            "SELECT id, ntile(3) OVER (ORDER BY id), percent_rank() OVER (ORDER BY score), cume_dist() OVER (ORDER BY score) FROM users ORDER BY id",
            "SELECT id, count(*) OVER (ORDER BY born RANGE BETWEEN '2 days' PRECEDING AND CURRENT ROW) FROM users ORDER BY id",
            "SELECT rank() OVER (ORDER BY id) FROM users WHERE rank() OVER () = 1",
        ],
    );
}

#[test]
fn aggregates() {
    check(
        "queries::aggregates",
        &[
            "SELECT count(*), count(score), sum(score), avg(score), min(email), max(born), bool_and(score > 5), string_agg(name, ',' ORDER BY id DESC) FROM users",
            "SELECT mood, count(*) FILTER (WHERE score > 50), array_agg(id ORDER BY id), jsonb_object_agg(id, name) FROM users GROUP BY mood ORDER BY mood",
            "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total), mode() WITHIN GROUP (ORDER BY user_id), rank(50) WITHIN GROUP (ORDER BY total) FROM orders",
            "SELECT user_id, extract(month FROM placed), sum(total), grouping(user_id) FROM orders GROUP BY GROUPING SETS ((user_id), (2), ()) ORDER BY 1, 2, 3",
            "SELECT mood, score > 50 AS high, count(*) FROM users GROUP BY CUBE (mood, high) ORDER BY 1, 2, 3",
            "SELECT mood, count(*) FROM users GROUP BY ROLLUP (mood) HAVING count(*) > 3 ORDER BY 1",
            "SELECT stddev_samp(total), var_pop(total), corr(total, user_id), regr_slope(total, user_id) FROM orders",
            "SELECT json_agg(n ORDER BY body), xmlagg(xmlelement(name x, body) ORDER BY body) FROM notes n",
            "SELECT max(score) FROM users WHERE false",
            "CREATE AGGREGATE product (integer) (SFUNC = int4mul, STYPE = integer, INITCOND = 1)",
            "SELECT product(id) FROM users WHERE id < 6",
            "SELECT count(*) FROM users GROUP BY ()",
        ],
    );
}

#[test]
fn catalogs() {
    check(
        "queries::catalogs",
        &[
            "SELECT relname, relkind, relnatts, relchecks, relhasrules, relreplident, relhasindex, relhassubclass FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
            "SELECT oid, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
            "SELECT nspname FROM pg_namespace ORDER BY 1",
            "SELECT tgname, tgrelid::regclass, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
            "SELECT * FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name",
            "SELECT table_name, column_name, ordinal_position, column_default, is_nullable, data_type, udt_name, is_identity FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 3",
            "SELECT * FROM information_schema.triggers ORDER BY trigger_name, event_manipulation",
            "SELECT constraint_name, table_name, constraint_type FROM information_schema.table_constraints WHERE table_schema = 'public' ORDER BY 2, 1",
            "SELECT * FROM information_schema.referential_constraints ORDER BY constraint_name",
            "SELECT routine_name, routine_type FROM information_schema.routines WHERE routine_schema = 'public' ORDER BY 1",
            "SELECT * FROM information_schema.sequences ORDER BY sequence_name",
            "SELECT conname, contype, conrelid::regclass, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 3",
            "SELECT schemaname, tablename, tableowner, hasindexes, hasrules, rowsecurity FROM pg_tables WHERE schemaname = 'public' ORDER BY 2",
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
            "SELECT schemaname, viewname, definition FROM pg_views WHERE schemaname = 'public'",
            "SELECT matviewname, ispopulated FROM pg_matviews",
            "SELECT * FROM pg_sequences ORDER BY sequencename",
            "SELECT extname, extversion FROM pg_extension ORDER BY 1",
            "SELECT rolname, rolsuper, rolcanlogin FROM pg_roles ORDER BY 1",
            "SELECT datname, datdba, encoding, datcollate FROM pg_database ORDER BY 1",
            "SELECT typname, typtype, oid FROM pg_type WHERE typnamespace = 'public'::regnamespace ORDER BY 1",
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
            "SELECT to_regclass('users'), 'orders'::regclass::oid, 'mood'::regtype::oid, pg_get_serial_sequence('users', 'id')",
            "SELECT pg_get_viewdef('happy_users'), pg_get_indexdef('orders_by_user'::regclass), obj_description('users'::regclass)",
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
            "SELECT current_database(), current_user, session_user, current_schema, current_schemas(true), version()",
            "SELECT relname, reltuples, relpages, relallvisible FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1",
            "SELECT tablename, attname, n_distinct, most_common_vals FROM pg_stats WHERE schemaname = 'public' ORDER BY 1, 2",
            "SELECT relname FROM pg_stat_user_tables ORDER BY 1",
            // What the capture has in pg_catalog is left out: a client that asks for it finds it.
            "SELECT evtname FROM pg_event_trigger WHERE evtname !~ '^pg_mori_' ORDER BY 1",
            "SELECT count(*) FROM pg_class WHERE relname !~ 'pg_mori_' AND reltoastrelid = 0 AND relkind <> 't' AND relname !~ '^pg_toast'",
            "SELECT count(*) FROM information_schema.columns WHERE table_name !~ '^pg_mori_'",
            "SELECT count(*) FROM pg_proc WHERE proname !~ '^pg_mori_'",
        ],
    );
}

#[test]
fn settings() {
    check(
        "queries::settings",
        &[
            "SHOW search_path",
            "SHOW server_version",
            "SET search_path TO pg_temp, public",
            "SHOW search_path",
            "SET TIME ZONE 'Asia/Tokyo'",
            "SELECT joined FROM users WHERE id = 1",
            "SET DateStyle TO 'SQL, DMY'",
            "SELECT joined, born FROM users WHERE id = 1",
            "RESET DateStyle",
            "SET application_name TO 'a twin'",
            "SET bytea_output = 'escape'",
            "SELECT '\\x00ff41'::bytea",
            "SET extra_float_digits = 0",
            "SELECT 0.1::float8 + 0.2",
            "SET LOCAL work_mem = '1MB'",
            "SHOW work_mem",
            "SET client_encoding TO latin1",
            "SELECT 'plain'",
            "SET client_encoding TO utf8",
            "SET standard_conforming_strings = off",
            "SELECT 'a\\nb'",
            "SET standard_conforming_strings = on",
            "SET my.own = 'value'",
            "SELECT current_setting('my.own'), current_setting('my.absent', true)",
            "SET absent = 1",
            "SELECT set_config('search_path', 'public', false)",
            "CREATE SCHEMA other",
            "CREATE TABLE other.users (id integer)",
            "SET search_path TO other, public",
            "SELECT * FROM users",
            "CREATE ROLE reader",
            "GRANT SELECT ON public.users TO reader",
            "SET ROLE reader",
            "SELECT current_user, session_user",
            "SELECT count(*) FROM public.users",
            "SELECT count(*) FROM public.orders",
            "DELETE FROM public.users",
            "RESET ROLE",
            "SET SESSION AUTHORIZATION reader",
            "SELECT current_user, session_user",
            "RESET SESSION AUTHORIZATION",
            "ALTER ROLE reader SET work_mem = '2MB'",
            "ALTER DATABASE db SET statement_timeout = '7s'",
            "SELECT setrole::regrole, setconfig FROM pg_db_role_setting ORDER BY 2",
            "SET statement_timeout = 10",
            "SELECT pg_sleep(5)",
            "RESET ALL",
            "DISCARD ALL",
            "SHOW search_path",
            "SHOW TIME ZONE",
            "DISCARD TEMP",
            "DISCARD SEQUENCES",
        ],
    );
}

/// 50 000 rows by either protocol.
#[test]
fn large_results() {
    check_simple(
        "queries::large_results",
        &[
            "SELECT i, md5(i::text), repeat('x', i % 300) FROM generate_series(1, 50000) i",
            "CREATE TABLE big AS SELECT i, md5(i::text) AS text FROM generate_series(1, 50000) i",
            "SELECT * FROM big",
            "UPDATE big SET text = text || 'x' RETURNING i",
            "COPY big TO STDOUT",
            "SELECT repeat('wide', 2000000)",
            "DELETE FROM big",
        ],
    );
}
