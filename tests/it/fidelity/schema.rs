//! DDL in the lane, over prod's tables.

use super::twin::{Twins, check};

const USERS: &str = "
    CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER);
    CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users, total REAL);
    CREATE INDEX orders_by_user ON orders(user_id);
    CREATE VIEW adults AS SELECT name FROM users WHERE age >= 18;
    INSERT INTO users VALUES (1, 'ann', 30), (2, 'bob', 10); INSERT INTO orders VALUES (1, 1, 2.5), (2, 2, 4);";

const CATALOG: &str = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name";

#[test]
fn add_a_column() {
    check(
        USERS,
        &[
            "ALTER TABLE users ADD COLUMN active BOOLEAN NOT NULL DEFAULT 1",
            "SELECT * FROM users",
            "UPDATE users SET active = 0 WHERE id = 1",
            "SELECT name, active FROM users WHERE active",
            CATALOG,
        ],
    );
    assert_eq!(
        check(USERS, &["ALTER TABLE users ADD COLUMN x NOT NULL"]).error(),
        "42000 Cannot add a NOT NULL column with default value NULL (SQLite result code 1)"
    );
}

#[test]
fn drop_a_column() {
    check(
        USERS,
        &[
            "DROP VIEW adults",
            "ALTER TABLE users DROP COLUMN age",
            "SELECT * FROM users",
            "INSERT INTO users(name) VALUES ('cy') RETURNING *",
            CATALOG,
        ],
    );
    check(USERS, &["ALTER TABLE users DROP COLUMN age"]);
}

#[test]
fn rename_a_column_also_where_it_is_used() {
    check(
        USERS,
        &[
            "ALTER TABLE users RENAME COLUMN name TO full_name",
            "SELECT * FROM adults",
            "SELECT full_name FROM users",
            "SELECT name FROM users",
            CATALOG,
        ],
    );
}

#[test]
fn rename_a_table_also_where_it_is_used() {
    check(
        USERS,
        &[
            "ALTER TABLE users RENAME TO people",
            "SELECT * FROM adults",
            "INSERT INTO orders(user_id) VALUES (1)",
            "INSERT INTO orders(user_id) VALUES (7)",
            "SELECT * FROM users",
            CATALOG,
        ],
    );
}

#[test]
fn create_and_drop_tables() {
    check(
        USERS,
        &[
            "CREATE TABLE tags(id INTEGER PRIMARY KEY, tag TEXT UNIQUE)",
            "CREATE TABLE tags(x)",
            "CREATE TABLE IF NOT EXISTS tags(x)",
            "INSERT INTO tags(tag) VALUES ('a'), ('b')",
            "CREATE TABLE copies AS SELECT * FROM users JOIN tags",
            "SELECT * FROM copies",
            "DROP TABLE users",
            "DROP TABLE IF EXISTS nothing",
            "DROP TABLE orders",
            "SELECT * FROM users",
            CATALOG,
        ],
    );
}

#[test]
fn a_table_dropped_and_made_again_is_another() {
    check(
        USERS,
        &[
            "DROP TABLE orders",
            "CREATE TABLE orders(id INTEGER PRIMARY KEY, note TEXT)",
            "INSERT INTO orders(note) VALUES ('first') RETURNING id",
            "SELECT * FROM orders",
        ],
    );
}

/// The procedure of <https://www.sqlite.org/lang_altertable.html>, section 7.
#[test]
fn a_table_is_rebuilt_in_another_shape() {
    check(
        USERS,
        &[
            "PRAGMA foreign_keys = OFF",
            "BEGIN",
            "CREATE TABLE new_users(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, age TEXT)",
            "INSERT INTO new_users SELECT * FROM users",
            "DROP VIEW adults",
            "DROP TABLE users",
            "ALTER TABLE new_users RENAME TO users",
            "PRAGMA foreign_key_check",
            "COMMIT",
            "PRAGMA foreign_keys = ON",
            "INSERT INTO users(name) VALUES ('ann')",
            "SELECT *, typeof(age) FROM users",
            "INSERT INTO orders(user_id) VALUES (1)",
            CATALOG,
        ],
    );
}

#[test]
fn indexes() {
    check(
        USERS,
        &[
            "CREATE UNIQUE INDEX users_by_name ON users(name)",
            "INSERT INTO users(name) VALUES ('ann')",
            "EXPLAIN QUERY PLAN SELECT * FROM users WHERE name = 'ann'",
            "SELECT age FROM users INDEXED BY users_by_name WHERE name = 'bob'",
            "DROP INDEX orders_by_user",
            "SELECT * FROM orders INDEXED BY orders_by_user WHERE user_id = 1",
            "REINDEX",
            "ANALYZE",
            "SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY tbl, idx",
        ],
    );
    assert_eq!(
        check(
            USERS,
            &["INSERT INTO users(name) VALUES ('ann')", "CREATE UNIQUE INDEX u ON users(name)"]
        )
        .sqlstate(),
        "23505"
    );
}

#[test]
fn ddl_is_undone_with_its_transaction() {
    check(
        USERS,
        &[
            "BEGIN",
            "ALTER TABLE users ADD COLUMN x",
            "CREATE TABLE t(a)",
            "SAVEPOINT s",
            "DROP TABLE orders",
            "ROLLBACK TO s",
            "SELECT count(*) FROM orders",
            "ROLLBACK",
            "SELECT * FROM users",
            "SELECT * FROM t",
            CATALOG,
        ],
    );
}

#[test]
fn another_connection_sees_a_change_of_schema_in_statements_it_had_prepared() {
    let twins = Twins::with(USERS);
    let (mut one, mut two) = (twins.connect(), twins.connect());
    two.run("SELECT name FROM users");
    one.run("ALTER TABLE users RENAME COLUMN name TO full_name");
    two.run("SELECT name FROM users");
    two.run("SELECT full_name FROM users");
    one.run("CREATE VIEW v AS SELECT full_name AS n FROM users");
    two.run("SELECT n FROM v");
    one.run_all(&["DROP VIEW v", "CREATE VIEW v AS SELECT age AS n FROM users"]);
    two.run("SELECT n FROM v");
}

#[test]
fn temporary_tables_are_each_connections_own() {
    let twins = Twins::with(USERS);
    let (mut one, mut two) = (twins.connect(), twins.connect());
    one.run_all(&[
        "CREATE TEMP TABLE picked(id INTEGER PRIMARY KEY)",
        "INSERT INTO picked VALUES (2)",
        "SELECT name FROM users JOIN picked USING (id)",
    ]);
    two.run("SELECT * FROM picked");
    two.run_all(&[
        "CREATE TEMPORARY TABLE picked(x)",
        "SELECT * FROM temp.picked",
        "CREATE TABLE main.picked(y)",
    ]);
    one.run_all(&[
        "SELECT * FROM picked",
        "SELECT * FROM main.picked",
        "DROP TABLE picked",
        "SELECT * FROM picked",
    ]);
}

#[test]
fn a_temporary_table_hides_prods_of_the_same_name() {
    check(
        USERS,
        &[
            "CREATE TEMP TABLE users(x)",
            "SELECT * FROM users",
            "INSERT INTO users VALUES (1)",
            "SELECT count(*) FROM main.users",
            "DROP TABLE users",
            "SELECT count(*) FROM users",
        ],
    );
}

#[test]
fn temporary_triggers_and_views() {
    check(
        USERS,
        &[
            "CREATE TEMP VIEW names AS SELECT name FROM users",
            "CREATE TEMP TABLE seen(n)",
            "CREATE TEMP TRIGGER t AFTER UPDATE ON users BEGIN INSERT INTO seen VALUES (old.name); END",
            "UPDATE users SET age = 1",
            "SELECT * FROM seen",
            "SELECT * FROM names",
        ],
    );
}

#[test]
fn an_in_memory_database_can_be_attached() {
    check(
        USERS,
        &[
            "ATTACH ':memory:' AS side",
            "CREATE TABLE side.t AS SELECT * FROM users",
            "SELECT * FROM side.t",
            "DETACH side",
            "SELECT * FROM side.t",
        ],
    );
}

#[test]
fn vacuum_keeps_everything() {
    check(
        USERS,
        &[
            "DELETE FROM orders",
            "VACUUM",
            "SELECT * FROM users",
            CATALOG,
            "INSERT INTO orders(total) VALUES (1) RETURNING id",
            "PRAGMA integrity_check",
        ],
    );
}

#[test]
fn pragmas_of_the_file_are_kept() {
    check(
        USERS,
        &[
            "PRAGMA user_version = 7",
            "PRAGMA user_version",
            "PRAGMA application_id",
            "PRAGMA encoding",
            "PRAGMA page_size",
            "PRAGMA table_list",
            "PRAGMA foreign_key_list(orders)",
        ],
    );
}
