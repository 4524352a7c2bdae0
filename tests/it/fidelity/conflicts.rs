//! Writes that collide with rows of prod, by every kind of key and with every way to resolve it.

use super::twin::check;

const USERS: &str = "
    CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT NOT NULL CHECK (length(name) > 1), logins INTEGER DEFAULT 0);
    INSERT INTO users(id, email, name) VALUES (1, 'a@x', 'Ann'), (2, 'b@x', 'Bob'), (3, NULL, 'Cy');";

#[test]
fn a_primary_key() {
    let answer = check(USERS, &["INSERT INTO users(id, name) VALUES (1, 'Other')"]);
    assert_eq!(answer.error(), "23505 UNIQUE constraint failed: users.id (SQLite result code 1555)");
}

#[test]
fn a_unique_column() {
    let answer = check(USERS, &["UPDATE users SET email = 'b@x' WHERE id = 1"]);
    assert_eq!(
        answer.error(),
        "23505 UNIQUE constraint failed: users.email (SQLite result code 2067)"
    );
}

#[test]
fn a_key_that_was_deleted_is_free() {
    check(
        USERS,
        &[
            "DELETE FROM users WHERE id = 1",
            "INSERT INTO users VALUES (1, 'a@x', 'New', 5)",
            "SELECT * FROM users ORDER BY id",
        ],
    );
}

#[test]
fn a_key_that_was_changed_is_free_and_the_new_one_is_taken() {
    check(
        USERS,
        &[
            "UPDATE users SET email = 'c@x' WHERE id = 1",
            "INSERT INTO users(email, name) VALUES ('a@x', 'New')",
        ],
    );
    assert_eq!(
        check(
            USERS,
            &[
                "UPDATE users SET email = 'c@x' WHERE id = 1",
                "INSERT INTO users(email, name) VALUES ('c@x', 'New')"
            ]
        )
        .sqlstate(),
        "23505"
    );
}

#[test]
fn nulls_do_not_collide() {
    check(
        USERS,
        &[
            "INSERT INTO users(email, name) VALUES (NULL, 'Di'), (NULL, 'Eve')",
            "SELECT count(*) FROM users WHERE email IS NULL",
        ],
    );
}

#[test]
fn not_null_and_check() {
    assert_eq!(
        check(USERS, &["INSERT INTO users(email) VALUES ('d@x')"]).error(),
        "23502 NOT NULL constraint failed: users.name (SQLite result code 1299)"
    );
    assert_eq!(
        check(USERS, &["UPDATE users SET name = 'A' WHERE id = 1"]).error(),
        "23514 CHECK constraint failed: length(name) > 1 (SQLite result code 275)"
    );
}

#[test]
fn a_composite_key() {
    let setup = "CREATE TABLE seats(hall TEXT, number INTEGER, guest TEXT, PRIMARY KEY (hall, number)); INSERT INTO seats VALUES ('A', 1, 'ann'), ('B', 1, 'bob');";
    let answer = check(
        setup,
        &[
            "INSERT INTO seats VALUES ('A', 2, 'cy')",
            "UPDATE seats SET hall = 'A' WHERE hall = 'B'",
        ],
    );
    assert_eq!(
        answer.error(),
        "23505 UNIQUE constraint failed: seats.hall, seats.number (SQLite result code 1555)"
    );
}

#[test]
fn a_partial_unique_index() {
    let setup = "CREATE TABLE carts(id INTEGER PRIMARY KEY, customer INTEGER, open BOOLEAN);
                 CREATE UNIQUE INDEX one_open_cart ON carts(customer) WHERE open;
                 INSERT INTO carts VALUES (1, 7, 1), (2, 7, 0), (3, 8, 0);";
    check(
        setup,
        &[
            "INSERT INTO carts(customer, open) VALUES (7, 0)",
            "UPDATE carts SET open = 1 WHERE id = 3",
        ],
    );
    assert_eq!(check(setup, &["UPDATE carts SET open = 1 WHERE id = 2"]).sqlstate(), "23505");
    check(
        setup,
        &[
            "UPDATE carts SET open = 0 WHERE id = 1",
            "UPDATE carts SET open = 1 WHERE id = 2",
            "SELECT * FROM carts WHERE open",
        ],
    );
}

#[test]
fn an_index_on_an_expression() {
    let setup = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT); CREATE UNIQUE INDEX by_email ON users(lower(email)); INSERT INTO users VALUES (1, 'Ann@X');";
    let answer = check(setup, &["INSERT INTO users(email) VALUES ('ann@x')"]);
    assert_eq!(
        answer.error(),
        "23505 UNIQUE constraint failed: index 'by_email' (SQLite result code 2067)"
    );
}

#[test]
fn a_collation() {
    let setup = "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT UNIQUE COLLATE NOCASE); INSERT INTO users VALUES (1, 'Ann');";
    assert_eq!(
        check(
            setup,
            &["SELECT id FROM users WHERE name = 'ANN'", "INSERT INTO users(name) VALUES ('aNN')"]
        )
        .sqlstate(),
        "23505"
    );
}

#[test]
fn or_ignore_replace_rollback_and_fail() {
    check(
        USERS,
        &[
            "INSERT OR IGNORE INTO users(id, name) VALUES (1, 'Other'), (9, 'New')",
            "SELECT * FROM users",
        ],
    );
    check(
        USERS,
        &[
            "INSERT OR REPLACE INTO users(id, email, name) VALUES (1, 'b@x', 'Both')",
            "SELECT * FROM users",
        ],
    );
    check(USERS, &["REPLACE INTO users(id, name) VALUES (2, 'Other')", "SELECT * FROM users"]);
    check(
        USERS,
        &[
            "INSERT OR FAIL INTO users(id, name) VALUES (8, 'Kept'), (1, 'Other'), (9, 'Never')",
            "SELECT * FROM users",
        ],
    );
    check(
        USERS,
        &[
            "BEGIN",
            "DELETE FROM users WHERE id = 3",
            "INSERT OR ROLLBACK INTO users(id, name) VALUES (1, 'Other')",
            "SELECT * FROM users",
        ],
    );
}

#[test]
fn upsert() {
    check(
        USERS,
        &[
            "INSERT INTO users(email, name) VALUES ('a@x', 'Anna'), ('z@x', 'Zed') ON CONFLICT (email) DO UPDATE SET name = excluded.name, logins = logins + 1 RETURNING id, name, logins",
            "INSERT INTO users(id, name) VALUES (2, 'Nobody') ON CONFLICT DO NOTHING",
            "INSERT INTO users(id, name) VALUES (2, 'Robert') ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE logins > 0",
            "SELECT * FROM users ORDER BY id",
        ],
    );
}

#[test]
fn a_statement_that_fails_in_its_middle_changes_nothing() {
    check(
        USERS,
        &[
            "INSERT INTO users(id, name) VALUES (7, 'First'), (1, 'Collides')",
            "SELECT count(*) FROM users",
            "UPDATE users SET id = id + 1",
            "SELECT id FROM users",
        ],
    );
}
