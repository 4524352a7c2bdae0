//! Statements that change rows.

use super::scripts::{check, check_simple};

#[test]
fn inserts() {
    check(
        "writes::inserts",
        &[
            "INSERT INTO users (email, name) VALUES ('a@example.org', 'A'), ('b@example.org', NULL) RETURNING *",
            "INSERT INTO users (email) VALUES ('a@example.org')",
            "INSERT INTO users (email) VALUES ('c@example.org') RETURNING id",
            "INSERT INTO users (email) VALUES ('a@example.org') ON CONFLICT DO NOTHING RETURNING id",
            "INSERT INTO users (email, name) VALUES ('a@example.org', 'again') ON CONFLICT (email) DO UPDATE SET name = EXCLUDED.name || users.id RETURNING id, name, xmax <> 0",
            "INSERT INTO users (id, email) VALUES (1, 'd@example.org') ON CONFLICT ON CONSTRAINT users_pkey DO UPDATE SET email = EXCLUDED.email WHERE users.id > 5 RETURNING id",
            "INSERT INTO users (id, email) VALUES (1, 'd@example.org') ON CONFLICT (email) DO NOTHING",
            "CREATE UNIQUE INDEX young ON users (lower(name)) WHERE born > '1990-01-03'",
            "INSERT INTO users (email, name, born) VALUES ('e@example.org', 'USER 7', '2000-01-01') ON CONFLICT (lower(name)) WHERE born > '1990-01-03' DO UPDATE SET score = 99 RETURNING id, score",
            "INSERT INTO users (email) VALUES ('f@example.org'), ('f@example.org') ON CONFLICT (email) DO UPDATE SET name = 'twice'",
            "INSERT INTO users (email) VALUES ('f@example.org') ON CONFLICT (name) DO NOTHING",
            "INSERT INTO users (email, score) VALUES ('g@example.org', 101)",
            "INSERT INTO users (name) VALUES ('no mail')",
            "INSERT INTO users (email, mood) VALUES ('h@example.org', 'angry')",
            "INSERT INTO users (email, name) VALUES ('i@example.org', repeat('x', 41))",
            "INSERT INTO orders (user_id, total) VALUES (99, 1)",
            "INSERT INTO orders (user_id, total) VALUES (1, -1)",
            "INSERT INTO orders (id, user_id, total) VALUES (500, 1, 1)",
            "INSERT INTO orders (id, user_id, total) OVERRIDING SYSTEM VALUE VALUES (500, 1, 1) RETURNING id",
            "INSERT INTO orders (user_id, total) SELECT id, score FROM users WHERE score IS NOT NULL ORDER BY id RETURNING id, total",
            "INSERT INTO items VALUES (1, 1, 'again')",
            "INSERT INTO notes DEFAULT VALUES RETURNING *",
            "INSERT INTO users (email) VALUES ('last@example.org') RETURNING id, joined",
            "SELECT lastval(), currval('users_id_seq')",
            "SELECT * FROM users ORDER BY id",
            "SELECT * FROM audit ORDER BY 1, 2, 3",
        ],
    );
}

#[test]
fn reads_after_writes() {
    check(
        "writes::reads_after_writes",
        &[
            "INSERT INTO users (id, email, score) VALUES (100, 'new@example.org', 50)",
            "UPDATE users SET score = 0 WHERE id IN (2, 4)",
            "DELETE FROM users WHERE id IN (3, 5)",
            "SELECT * FROM users ORDER BY id",
            "SELECT count(*), sum(score), max(id) FROM users",
            "SELECT u.id, count(o.id) FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id ORDER BY u.id",
            "SELECT id FROM users ORDER BY score, id LIMIT 4",
            "SELECT * FROM happy_users ORDER BY id",
            "SELECT * FROM totals ORDER BY user_id",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY totals",
            "SELECT * FROM totals ORDER BY user_id",
            "SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM orders) ORDER BY id",
            "SELECT * FROM audit ORDER BY 1, 2, 3",
        ],
    );
}

#[test]
fn updates() {
    check(
        "writes::updates",
        &[
            "UPDATE users SET name = upper(name), score = NULL WHERE id < 4 RETURNING id, name, score",
            "UPDATE users SET id = id + 1000 WHERE id = 2 RETURNING *",
            "SELECT id, user_id FROM orders WHERE user_id > 999 ORDER BY id",
            "UPDATE users SET id = 3 WHERE id = 4",
            "UPDATE users SET id = id + 1",
            "UPDATE orders o SET total = o.total + u.id, note = u.name FROM users u WHERE u.id = o.user_id AND u.id < 5",
            "SELECT id, total, note FROM orders ORDER BY id",
            "UPDATE users SET (name, score) = (SELECT 'from ' || count(*), 5 FROM orders WHERE user_id = users.id) WHERE id < 8 RETURNING id, name, score",
            "UPDATE users SET mood = DEFAULT, joined = DEFAULT WHERE id = 6 RETURNING mood, joined",
            "UPDATE devices SET tags[2] = 'second', data = jsonb_set(data, '{n}', '77') WHERE owner = 7 RETURNING tags, data",
            "UPDATE notes SET at = at + 1 WHERE body = 'twice' RETURNING *",
            "UPDATE events SET happened = happened + 200 WHERE id < 4 RETURNING tableoid::regclass, id, happened",
            "SELECT tableoid::regclass, * FROM events ORDER BY id",
            "UPDATE users SET email = 'same@example.org' WHERE id > 8",
            "UPDATE orders SET user_id = 4000 WHERE id = 1",
            "UPDATE orders SET id = 5 WHERE id = 1",
            "UPDATE users SET score = 200",
            "UPDATE users SET absent = 1",
            "UPDATE users SET name = 'nobody' WHERE false",
            "UPDATE happy_users SET mood = 'sad' WHERE id = (SELECT min(id) FROM happy_users)",
            "UPDATE happy_users SET name = 'happy ' || id RETURNING name",
            "SELECT * FROM users ORDER BY id",
            "SELECT * FROM audit ORDER BY 1, 2, 3",
        ],
    );
}

#[test]
fn deletes() {
    check(
        "writes::deletes",
        &[
            "DELETE FROM items WHERE line = 3 AND order_id < 5 RETURNING *",
            "DELETE FROM orders o USING users u WHERE u.id = o.user_id AND u.mood = 'sad' RETURNING o.id, u.id",
            "DELETE FROM users WHERE id = 2 RETURNING email",
            "SELECT count(*) FROM orders",
            "SELECT count(*) FROM items",
            "SELECT owner FROM devices ORDER BY id",
            "DELETE FROM notes WHERE body = 'twice'",
            "DELETE FROM notes WHERE body IS NULL RETURNING ctid",
            "DELETE FROM events WHERE happened < '2026-01-01' RETURNING id",
            "DELETE FROM ONLY events",
            "TRUNCATE events_2026",
            "SELECT * FROM events ORDER BY id",
            "TRUNCATE users",
            "TRUNCATE users CASCADE",
            "SELECT count(*) FROM orders",
            "INSERT INTO users (email) VALUES ('after@example.org') RETURNING id",
            "TRUNCATE orders, items RESTART IDENTITY",
            "INSERT INTO orders (user_id, total) SELECT id, 1 FROM users RETURNING id",
            "DELETE FROM users",
            "SELECT * FROM audit ORDER BY 1, 2, 3",
        ],
    );
}

/// MERGE has its own way through triggers and rules.
#[test]
fn merges() {
    check(
        "writes::merges",
        &[
            "MERGE INTO users u USING (VALUES (1, 'one'), (50, 'fifty'), (3, NULL)) v (id, name) ON v.id = u.id \
             WHEN MATCHED AND v.name IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET name = v.name \
             WHEN NOT MATCHED THEN INSERT (id, email, name) VALUES (v.id, 'fifty@example.org', v.name)",
            "SELECT id, name FROM users ORDER BY id",
            "MERGE INTO orders o USING users u ON o.user_id = u.id WHEN MATCHED THEN UPDATE SET total = total + 1",
            "SELECT id, total FROM orders ORDER BY id",
            "MERGE INTO users u USING (VALUES (1), (1)) v (id) ON v.id = u.id WHEN MATCHED THEN DELETE",
            "SELECT * FROM audit ORDER BY 1, 2, 3",
        ],
    );
}

#[test]
fn sequences_and_identity() {
    check(
        "writes::sequences_and_identity",
        &[
            "SELECT currval('tickets')",
            "SELECT nextval('tickets'), nextval('tickets')",
            "SELECT lastval(), currval('tickets')",
            "SELECT setval('tickets', 100), setval('tickets', 200, false)",
            "SELECT nextval('tickets')",
            "SELECT * FROM tickets",
            "ALTER SEQUENCE tickets RESTART WITH 15 INCREMENT BY -5 MINVALUE 0 MAXVALUE 50",
            "SELECT nextval('tickets'), nextval('tickets')",
            "SELECT nextval('tickets'), nextval('tickets'), nextval('tickets')",
            "BEGIN",
            "INSERT INTO users (email) VALUES ('a@example.org') RETURNING id",
            "ROLLBACK",
            "INSERT INTO users (email) VALUES ('a@example.org') RETURNING id",
            "SELECT lastval()",
            "CREATE TABLE numbers (id integer GENERATED BY DEFAULT AS IDENTITY (START 7 INCREMENT 3), n integer GENERATED ALWAYS AS (id * 2) STORED)",
            "INSERT INTO numbers DEFAULT VALUES RETURNING *",
            "INSERT INTO numbers (id) VALUES (1), (DEFAULT) RETURNING *",
            "INSERT INTO numbers (n) VALUES (1)",
            "UPDATE numbers SET id = DEFAULT RETURNING *",
            "ALTER TABLE numbers ALTER id RESTART WITH 100",
            "INSERT INTO numbers DEFAULT VALUES RETURNING *",
            "ALTER TABLE numbers ALTER id DROP IDENTITY",
            "INSERT INTO numbers DEFAULT VALUES RETURNING *",
            "TRUNCATE users RESTART IDENTITY CASCADE",
            "INSERT INTO users (email) VALUES ('b@example.org') RETURNING id",
            "DROP SEQUENCE users_id_seq",
            "CREATE TEMP SEQUENCE mine CYCLE MAXVALUE 2",
            "SELECT nextval('mine'), nextval('mine'), nextval('mine')",
            "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1",
        ],
    );
}

#[test]
fn constraints() {
    check(
        "writes::constraints",
        &[
            "CREATE TABLE parents (id integer PRIMARY KEY, code text, UNIQUE NULLS NOT DISTINCT (code))",
            "CREATE TABLE children (id integer PRIMARY KEY, parent integer REFERENCES parents DEFERRABLE INITIALLY DEFERRED, span int4range, EXCLUDE USING gist (span WITH &&))",
            "CREATE UNIQUE INDEX only_small ON children (parent) WHERE id < 10",
            "INSERT INTO parents VALUES (1, NULL)",
            "INSERT INTO parents VALUES (2, NULL)",
            "BEGIN",
            "INSERT INTO children VALUES (1, 5, '[1,5)')",
            "SELECT * FROM children",
            "INSERT INTO parents VALUES (5, 'five')",
            "COMMIT",
            "BEGIN",
            "INSERT INTO children VALUES (2, 6, '[5,6)')",
            "COMMIT",
            "BEGIN",
            "SET CONSTRAINTS ALL IMMEDIATE",
            "INSERT INTO children VALUES (3, 6, '[5,6)')",
            "ROLLBACK",
            "INSERT INTO children VALUES (4, 5, '[10,20)')",
            "INSERT INTO children VALUES (14, 5, '[3,4)')",
            "INSERT INTO children VALUES (15, 5, '[30,40)') RETURNING *",
            "DELETE FROM parents WHERE id = 5",
            "ALTER TABLE children ADD CONSTRAINT positive CHECK (id > 0) NOT VALID",
            "INSERT INTO children VALUES (-1, 1, NULL)",
            "ALTER TABLE children VALIDATE CONSTRAINT positive",
            "ALTER TABLE children ADD CONSTRAINT few CHECK (id < 3)",
            "ALTER TABLE parents ADD CONSTRAINT codes UNIQUE (code) DEFERRABLE",
            "BEGIN",
            "UPDATE parents SET id = 3 - id WHERE id IN (1, 2)",
            "COMMIT",
            "SELECT * FROM parents ORDER BY id",
            "SELECT * FROM children ORDER BY id",
        ],
    );
}

#[test]
fn objects_that_act_on_their_own() {
    check_simple(
        "writes::objects_that_act_on_their_own",
        &[
            "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '% % % %', TG_NAME, TG_WHEN, TG_LEVEL, TG_OP; RETURN NEW; END $$",
            "CREATE TRIGGER shout_before BEFORE INSERT OR UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION shout()",
            "CREATE TRIGGER shout_after AFTER INSERT OR UPDATE OR DELETE ON notes FOR EACH STATEMENT EXECUTE FUNCTION shout()",
            "INSERT INTO notes VALUES ('a', NULL), ('b', NULL)",
            "UPDATE notes SET body = 'c' WHERE body = 'a'",
            "DELETE FROM notes",
            "CREATE FUNCTION count_rows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '% rows', (SELECT count(*) FROM fresh); RETURN NULL; END $$",
            "CREATE TRIGGER counted AFTER INSERT ON notes REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION count_rows()",
            "INSERT INTO notes SELECT 'n' || i FROM generate_series(1, 5) i",
            "CREATE VIEW editable AS SELECT * FROM notes",
            "CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES ('editable', TG_OP, NEW.body); RETURN NEW; END $$",
            "CREATE TRIGGER instead INSTEAD OF INSERT ON editable FOR EACH ROW EXECUTE FUNCTION instead()",
            "INSERT INTO editable VALUES ('by view') RETURNING *",
            "CREATE RULE keep AS ON DELETE TO notes DO INSTEAD UPDATE notes SET body = 'deleted' WHERE body = OLD.body RETURNING notes.*",
            "DELETE FROM notes WHERE body = 'n1' RETURNING body",
            "CREATE RULE copied AS ON INSERT TO notes DO ALSO INSERT INTO audit VALUES ('notes', 'RULE', NEW.body)",
            "INSERT INTO notes VALUES ('ruled')",
            "SELECT * FROM notes ORDER BY body",
            "SELECT * FROM audit ORDER BY 1, 2, 3",
            "ALTER TABLE notes DISABLE TRIGGER USER",
            "INSERT INTO notes VALUES ('quiet')",
            "ALTER TABLE notes ENABLE TRIGGER ALL",
            "ALTER TABLE orders DISABLE TRIGGER ALL",
            "INSERT INTO orders (user_id, total) VALUES (4444, 1)",
            "ALTER TABLE orders ENABLE TRIGGER ALL",
            "SET session_replication_role = replica",
            "INSERT INTO orders (user_id, total) VALUES (5555, 1)",
            "SET session_replication_role = origin",
            "SELECT user_id FROM orders WHERE user_id > 1000 ORDER BY 1",
            "CREATE FUNCTION add_user(mail text) RETURNS SETOF users LANGUAGE sql AS 'INSERT INTO users (email) VALUES (mail) RETURNING *'",
            "SELECT id, email FROM add_user('f@example.org')",
            "CREATE PROCEDURE move(INOUT n integer) LANGUAGE plpgsql AS $$ BEGIN UPDATE users SET score = n; COMMIT; n := n + 1; DELETE FROM notes; ROLLBACK; END $$",
            "CALL move(5)",
            "SELECT DISTINCT score FROM users",
            "DO $$ BEGIN FOR i IN 1..3 LOOP BEGIN INSERT INTO users (email) VALUES ('do@example.org'); EXCEPTION WHEN unique_violation THEN RAISE NOTICE 'again %', i; END; END LOOP; END $$",
            "DO $$ BEGIN RAISE EXCEPTION 'mine' USING ERRCODE = 'MY001', HINT = 'a hint', DETAIL = 'a detail', TABLE = 'users'; END $$",
            "DO $$ BEGIN ASSERT false, 'asserted'; END $$",
            "REFRESH MATERIALIZED VIEW totals",
            "SELECT * FROM totals ORDER BY 1",
            "CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION absent()",
            "CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE o record; BEGIN FOR o IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP RAISE NOTICE '% %', o.command_tag, o.object_identity; END LOOP; END $$",
            "CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION on_ddl()",
            "CREATE TABLE heard (id integer PRIMARY KEY)",
            "ALTER TABLE heard ADD n integer",
            "DROP TABLE heard",
            "SELECT evtname FROM pg_event_trigger WHERE evtname = 'mine'",
        ],
    );
}
