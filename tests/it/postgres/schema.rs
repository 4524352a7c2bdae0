//! Statements that change the schema.

use super::scripts::{check, check_simple, pair};
use std::time::{Duration, Instant};

#[test]
fn migrations() {
    check(
        "schema::migrations",
        &[
            "BEGIN",
            "ALTER TABLE users ADD COLUMN age integer NOT NULL DEFAULT 18, DROP COLUMN born, ALTER COLUMN name TYPE text USING upper(name)",
            "ALTER TABLE users RENAME COLUMN email TO mail",
            "SELECT * FROM users ORDER BY id LIMIT 2",
            "ROLLBACK",
            "SELECT * FROM users ORDER BY id LIMIT 2",
            "BEGIN",
            "ALTER TABLE orders ALTER COLUMN total TYPE bigint USING (total * 100)::bigint",
            "ALTER TABLE orders RENAME TO purchases",
            "UPDATE purchases SET total = total + 1",
            "SAVEPOINT s",
            "DROP TABLE users",
            "ROLLBACK TO s",
            "DROP TABLE notes",
            "CREATE TABLE notes (id serial PRIMARY KEY, body text)",
            "INSERT INTO notes (body) VALUES ('anew') RETURNING *",
            "COMMIT",
            "SELECT id, total FROM purchases ORDER BY id",
            "SELECT * FROM notes",
            "INSERT INTO purchases (user_id, total) VALUES (3, 5) RETURNING id",
            "ALTER TABLE users ADD COLUMN made timestamptz DEFAULT '2026-05-05', ADD CHECK (length(email) > 3)",
            "INSERT INTO users (email) VALUES ('x')",
            "INSERT INTO users (email) VALUES ('xyzzy') RETURNING *",
            "ALTER TABLE users ALTER COLUMN id TYPE bigint",
            "ALTER TABLE users DROP CONSTRAINT users_email_key",
            "ALTER TABLE devices ADD COLUMN serial text GENERATED ALWAYS AS (upper(id::text)) STORED",
            "SELECT serial FROM devices ORDER BY id LIMIT 1",
            "CREATE INDEX CONCURRENTLY by_name ON users (name)",
            "REINDEX TABLE users",
            "ALTER TABLE users SET SCHEMA absent",
            "CREATE SCHEMA archive CREATE TABLE old (id integer) CREATE VIEW older AS SELECT * FROM old",
            "ALTER TABLE notes SET SCHEMA archive",
            "SELECT * FROM archive.notes",
            "CREATE TABLE copied (LIKE users INCLUDING ALL)",
            "INSERT INTO copied SELECT * FROM users",
            "CREATE TABLE made AS SELECT id, email FROM users WHERE id < 4 WITH DATA",
            "SELECT * INTO chosen FROM made",
            "SELECT * FROM chosen ORDER BY id",
            "CREATE UNLOGGED TABLE quick (id integer PRIMARY KEY)",
            "INSERT INTO quick VALUES (1), (1)",
            "CREATE TEMP TABLE mine ON COMMIT DROP AS SELECT 1 AS one",
            "CREATE TEMP TABLE kept (id integer PRIMARY KEY)",
            "INSERT INTO kept VALUES (1) RETURNING *",
            "ALTER TABLE users ALTER COLUMN name SET DEFAULT 'nobody', ALTER COLUMN joined DROP NOT NULL, ALTER COLUMN name SET STATISTICS 50",
            "ALTER TABLE users CLUSTER ON users_pkey",
            "CLUSTER users",
            "VACUUM (ANALYZE) users",
            "VACUUM FULL items",
            "COMMENT ON TABLE users IS 'people'",
            "SELECT obj_description('users'::regclass)",
            "DROP TABLE absent",
            "DROP TABLE IF EXISTS absent",
            "DROP TABLE users",
            "DROP TABLE users CASCADE",
            "CREATE TABLE purchases (id integer)",
            "CREATE DATABASE another",
            "DROP DATABASE another",
            "DROP SCHEMA archive CASCADE",
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1",
        ],
    );
}

#[test]
fn partitions_and_inheritance() {
    check(
        "schema::partitions_and_inheritance",
        &[
            "SELECT tableoid::regclass, count(*) FROM events GROUP BY 1 ORDER BY 1",
            "INSERT INTO events (happened, what) VALUES ('2026-05-01', 'a'), ('2030-01-01', 'b') RETURNING tableoid::regclass, *",
            "UPDATE events SET happened = '2025-12-31' WHERE what = 'b' RETURNING tableoid::regclass, id",
            "CREATE TABLE events_2030 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')",
            "INSERT INTO events (happened) VALUES ('2030-02-02') RETURNING tableoid::regclass, id",
            "ALTER TABLE events DETACH PARTITION events_2025",
            "SELECT count(*) FROM events",
            "INSERT INTO events (happened) VALUES ('2025-05-05') RETURNING tableoid::regclass",
            "INSERT INTO events_2026 (id, happened) VALUES (1000, '2025-01-01')",
            "DELETE FROM events_other",
            "ALTER TABLE events ATTACH PARTITION events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
            "SELECT tableoid::regclass, * FROM events ORDER BY id",
            "CREATE TABLE hashed (id integer PRIMARY KEY, v text) PARTITION BY HASH (id)",
            "CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
            "INSERT INTO hashed SELECT i FROM generate_series(1, 20) i",
            "CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
            "INSERT INTO hashed SELECT i, 'v' || i FROM generate_series(1, 20) i",
            "UPDATE hashed SET id = id + 100 RETURNING tableoid::regclass, id",
            "CREATE TABLE listed (k text, v integer) PARTITION BY LIST (k)",
            "CREATE TABLE listed_a PARTITION OF listed FOR VALUES IN ('a', NULL) PARTITION BY RANGE (v)",
            "CREATE TABLE listed_a_low PARTITION OF listed_a FOR VALUES FROM (MINVALUE) TO (10)",
            "INSERT INTO listed VALUES ('a', 1), (NULL, 2) RETURNING tableoid::regclass",
            "INSERT INTO listed VALUES ('a', 10)",
            "TRUNCATE listed",
            "CREATE TABLE animals (id serial PRIMARY KEY, name text)",
            "CREATE TABLE dogs (breed text) INHERITS (animals)",
            "INSERT INTO animals (name) VALUES ('any')",
            "INSERT INTO dogs (name, breed) VALUES ('rex', 'mix') RETURNING *",
            "UPDATE animals SET name = upper(name) RETURNING tableoid::regclass, *",
            "SELECT * FROM ONLY animals",
            "DELETE FROM animals WHERE name = 'REX' RETURNING *",
            "ALTER TABLE dogs NO INHERIT animals",
            "DROP TABLE events",
        ],
    );
}

#[test]
fn row_level_security() {
    check_simple(
        "schema::row_level_security",
        &[
            "CREATE ROLE tenant LOGIN",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO tenant",
            "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO tenant",
            "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY own ON orders USING (user_id = current_setting('app.user')::integer) WITH CHECK (user_id = current_setting('app.user')::integer)",
            "CREATE POLICY cheap ON orders AS RESTRICTIVE FOR SELECT USING (total < 100)",
            "SET ROLE tenant",
            "SELECT id FROM orders ORDER BY id",
            "SET app.user = '3'",
            "SELECT id, user_id, total FROM orders ORDER BY id",
            "INSERT INTO orders (user_id, total) VALUES (3, 5) RETURNING id",
            "INSERT INTO orders (user_id, total) VALUES (4, 5) RETURNING id",
            "UPDATE orders SET total = total + 1",
            "UPDATE orders SET user_id = 4",
            "DELETE FROM orders",
            "SELECT count(*) FROM items",
            "INSERT INTO notes VALUES ('by a tenant', NULL) RETURNING *",
            "TRUNCATE notes",
            "CREATE TABLE mine (id integer)",
            "ALTER TABLE users ADD c integer",
            "RESET ROLE",
            "GRANT CREATE ON SCHEMA public TO tenant",
            "SET ROLE tenant",
            "CREATE TABLE mine (id serial PRIMARY KEY, v text)",
            "INSERT INTO mine (v) VALUES ('own') RETURNING *",
            "ALTER TABLE mine DISABLE TRIGGER ALL",
            "ALTER TABLE mine ENABLE TRIGGER ALL",
            "TRUNCATE mine RESTART IDENTITY",
            "DROP TABLE mine",
            "RESET ROLE",
            "SET row_security = off",
            "SELECT id, user_id FROM orders ORDER BY id",
            "SELECT * FROM audit ORDER BY 1, 2, 3",
            "DROP ROLE tenant",
            "DROP OWNED BY tenant",
            "DROP ROLE tenant",
        ],
    );
}

/// A transaction with DDL holds locks that looks at the schema would wait for: its later statements are not held up by them.
#[test]
fn a_migration_in_a_transaction_is_not_held_up() {
    let Some(pair) = pair("schema::a_migration_in_a_transaction_is_not_held_up") else {
        return;
    };
    let mut twin = pair.connect();
    let started = Instant::now();
    twin.query("BEGIN");
    twin.query("REFRESH MATERIALIZED VIEW totals");
    twin.query("ALTER TABLE users ALTER COLUMN score TYPE bigint");
    for number in 0..10 {
        twin.query(&format!("INSERT INTO users (email) VALUES ('m{number}@example.org') RETURNING id"));
    }
    twin.query("COMMIT");
    let elapsed = started.elapsed();
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
}

/// An older snapshot sees the new version of a table that its own transaction wrote, and nothing of the triggers that another gave it.
#[test]
fn a_table_newer_than_the_snapshot_of_a_transaction_with_ddl() {
    let Some(mut pair) = pair("schema::a_table_newer_than_the_snapshot_of_a_transaction_with_ddl") else {
        return;
    };
    let (mut old, mut new) = (pair.connect(), pair.connect());
    old.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    old.query("SELECT count(*) FROM users");
    new.query("CREATE SCHEMA \"New One\"");
    new.query("CREATE TABLE \"New One\".\"Events\" PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')");
    new.query("INSERT INTO events (happened, what) VALUES ('2030-05-05', 'later')");
    old.query("TRUNCATE events");
    old.query("ALTER TABLE devices RENAME COLUMN data TO info");
    old.query("CREATE TABLE mine (id integer PRIMARY KEY)");
    old.query("INSERT INTO mine VALUES (1)");
    old.query("INSERT INTO events (happened, what) VALUES ('2030-06-06', 'again') RETURNING *");
    old.query("COMMIT");
    new.query("SELECT * FROM events");
    let delta = pair.delta();
    assert_eq!(delta.tables["mine"].rows.len(), 1);
    assert_eq!(
        delta.tables["events"].rows.len(),
        13,
        "12 are gone, and one is new: {:?}",
        delta.tables["events"]
    );
}
