//! Transactions, cursors and prepared statements; and two clients at once.

use super::scripts::{check, check_clients, check_simple};

#[test]
fn transactions() {
    check(
        "sessions::transactions",
        &[
            "BEGIN",
            "INSERT INTO notes VALUES ('in', NULL)",
            "SELECT absent",
            "SELECT 1",
            "COMMIT",
            "SELECT count(*) FROM notes",
            "COMMIT",
            "ROLLBACK",
            "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE",
            "INSERT INTO notes VALUES ('no')",
            "ROLLBACK",
            "START TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "SHOW transaction_isolation",
            "BEGIN",
            "SAVEPOINT a",
            "DELETE FROM notes",
            "SAVEPOINT b",
            "INSERT INTO notes VALUES ('b')",
            "SELECT 1/0",
            "ROLLBACK TO b",
            "RELEASE a",
            "ROLLBACK TO a",
            "ROLLBACK AND CHAIN",
            "INSERT INTO notes VALUES ('chained')",
            "COMMIT AND CHAIN",
            "COMMIT",
            "SELECT * FROM notes ORDER BY 1",
            "SAVEPOINT outside",
            "BEGIN",
            "INSERT INTO users (email) VALUES ('two@example.org')",
            "PREPARE TRANSACTION 'first'",
            "SELECT gid FROM pg_prepared_xacts",
            "ROLLBACK PREPARED 'first'",
            "SET TRANSACTION READ ONLY",
            "BEGIN READ ONLY",
            "UPDATE users SET score = 1",
            "END",
            "SET default_transaction_isolation = 'serializable'",
            "BEGIN",
            "SHOW transaction_isolation",
            "ABORT",
            "BEGIN",
            "DECLARE c CURSOR FOR SELECT id FROM users ORDER BY id",
            "LOCK TABLE users IN ACCESS EXCLUSIVE MODE",
            "COMMIT",
        ],
    );
    check_simple(
        "sessions::transactions",
        &[
            "INSERT INTO notes VALUES ('one'); SELECT 1/0; INSERT INTO notes VALUES ('two')",
            "SELECT count(*) FROM notes",
            "BEGIN; INSERT INTO notes VALUES ('three'); COMMIT; SELECT absent",
            "SELECT 1; SELECT 2 AS two; UPDATE notes SET at = NULL; SELECT 3",
            "INSERT INTO notes VALUES ('x'); COMMIT; INSERT INTO notes VALUES ('y'); ROLLBACK",
            "SELECT * FROM notes ORDER BY 1",
        ],
    );
}

#[test]
fn cursors() {
    check(
        "sessions::cursors",
        &[
            "BEGIN",
            "DECLARE c SCROLL CURSOR FOR SELECT id, name FROM users ORDER BY id",
            "FETCH 2 FROM c",
            "FETCH BACKWARD 1 FROM c",
            "FETCH ABSOLUTE -1 FROM c",
            "FETCH RELATIVE -3 FROM c",
            "MOVE FORWARD ALL IN c",
            "FETCH FIRST FROM c",
            "DECLARE w CURSOR FOR SELECT * FROM users WHERE id < 4 ORDER BY id FOR UPDATE",
            "FETCH 2 FROM w",
            "UPDATE users SET score = 42 WHERE CURRENT OF w RETURNING id",
            "DELETE FROM users WHERE CURRENT OF w",
            "FETCH ALL FROM w",
            "UPDATE users SET score = 1 WHERE CURRENT OF w",
            "ROLLBACK",
            "BEGIN",
            "DECLARE h CURSOR WITH HOLD FOR SELECT id FROM orders ORDER BY id",
            "DECLARE b BINARY CURSOR FOR SELECT 1, 'a'::text",
            "FETCH b",
            "FETCH 3 FROM h",
            "DELETE FROM orders WHERE id < 10",
            "COMMIT",
            "FETCH 2 FROM h",
            "SELECT name, is_holdable, is_scrollable FROM pg_cursors ORDER BY 1",
            "CLOSE h",
            "FETCH h",
            "DECLARE no CURSOR FOR SELECT 1",
            "CLOSE ALL",
        ],
    );
}

#[test]
fn prepared_statements() {
    check(
        "sessions::prepared_statements",
        &[
            "PREPARE by_id (integer) AS SELECT id, email FROM users WHERE id = $1",
            "EXECUTE by_id(3)",
            "EXECUTE by_id('x')",
            "EXECUTE by_id",
            "PREPARE put AS INSERT INTO notes VALUES ($1, $2) RETURNING *",
            "EXECUTE put('prepared', '2026-01-01')",
            "CREATE TABLE kept AS EXECUTE by_id(4)",
            "SELECT * FROM kept",
            "SELECT name, statement, parameter_types, from_sql FROM pg_prepared_statements ORDER BY 1",
            "ALTER TABLE users ADD COLUMN extra integer",
            "PREPARE all_users AS SELECT * FROM users",
            "ALTER TABLE users DROP COLUMN extra",
            "EXECUTE all_users",
            "EXPLAIN (COSTS off) EXECUTE by_id(1)",
            "DEALLOCATE by_id",
            "EXECUTE by_id(3)",
            "PREPARE put AS SELECT 1",
            "DEALLOCATE ALL",
            "PREPARE changed AS UPDATE users SET score = score + 1 WHERE id = $1",
            "EXECUTE changed(1)",
            "EXECUTE changed(1000)",
        ],
    );
}

#[test]
fn locks() {
    check_clients(
        "sessions::locks",
        &[
            (0, "BEGIN"),
            (0, "UPDATE users SET score = 1 WHERE id = 1"),
            (1, "SELECT score FROM users WHERE id = 1"),
            (1, "SELECT id FROM users WHERE id = 1 FOR UPDATE NOWAIT"),
            (1, "SELECT id FROM users WHERE id < 3 ORDER BY id FOR UPDATE SKIP LOCKED"),
            (1, "~UPDATE users SET score = score + 1 WHERE id = 1 RETURNING score"),
            (0, "COMMIT"),
            (1, "."),
            // The second is told to look for a deadlock first, so that it is the one that loses.
            (0, "SET deadlock_timeout = '1h'"),
            (1, "SET deadlock_timeout = '50ms'"),
            (0, "BEGIN; UPDATE users SET score = 2 WHERE id = 1"),
            (1, "BEGIN; UPDATE users SET score = 2 WHERE id = 2"),
            (0, "~UPDATE users SET score = 3 WHERE id = 2"),
            (1, "UPDATE users SET score = 3 WHERE id = 1"),
            (1, "ROLLBACK"),
            (0, "."),
            (0, "COMMIT"),
            (0, "SELECT pg_advisory_lock(7)"),
            (1, "SELECT pg_try_advisory_lock(7), pg_try_advisory_lock_shared(8)"),
            (1, "~SELECT pg_advisory_xact_lock(7)"),
            (0, "SELECT pg_advisory_unlock(7), pg_advisory_unlock(7)"),
            (1, "."),
            (0, "BEGIN; LOCK TABLE orders IN EXCLUSIVE MODE"),
            (1, "SELECT count(*) FROM orders"),
            (1, "SET lock_timeout = '20ms'"),
            (1, "DELETE FROM orders"),
            (1, "LOCK TABLE orders NOWAIT"),
            (0, "COMMIT"),
            (0, "BEGIN; INSERT INTO users (email) VALUES ('both@example.org')"),
            (1, "SET lock_timeout = 0"),
            (1, "~INSERT INTO users (email) VALUES ('both@example.org')"),
            (0, "COMMIT"),
            (1, "."),
            (0, "BEGIN; DELETE FROM users WHERE id = 12"),
            (1, "~INSERT INTO orders (user_id, total) VALUES (12, 1)"),
            (0, "COMMIT"),
            (1, "."),
            (1, "SELECT * FROM audit ORDER BY 1, 2, 3"),
        ],
    );
}

#[test]
fn isolation_levels() {
    check_clients(
        "sessions::isolation_levels",
        &[
            (0, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM notes"),
            (1, "INSERT INTO notes VALUES ('later', NULL)"),
            (0, "SELECT count(*) FROM notes"),
            (1, "UPDATE users SET score = 5 WHERE id = 1"),
            (0, "UPDATE users SET score = 6 WHERE id = 1"),
            (0, "ROLLBACK"),
            // Write skew.
            (
                0,
                "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT sum(score) FROM users WHERE id IN (3, 4)",
            ),
            (
                1,
                "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT sum(score) FROM users WHERE id IN (3, 4)",
            ),
            (0, "UPDATE users SET score = 0 WHERE id = 3"),
            (1, "UPDATE users SET score = 0 WHERE id = 4"),
            (0, "COMMIT"),
            (1, "COMMIT"),
            (1, "ROLLBACK"),
            // Two that touch nothing in common.
            (
                0,
                "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT body FROM notes WHERE body = 'once'; UPDATE users SET score = 1 WHERE id = 5",
            ),
            (
                1,
                "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT id FROM devices WHERE owner = 1; UPDATE users SET score = 1 WHERE id = 6",
            ),
            (0, "COMMIT"),
            (1, "COMMIT"),
            (0, "BEGIN ISOLATION LEVEL SERIALIZABLE; INSERT INTO notes VALUES ('a', NULL)"),
            (1, "BEGIN ISOLATION LEVEL SERIALIZABLE; INSERT INTO audit VALUES ('a')"),
            (0, "COMMIT"),
            (1, "COMMIT"),
            (1, "SELECT id, score FROM users ORDER BY id"),
        ],
    );
}

#[test]
fn notifications() {
    check_clients(
        "sessions::notifications",
        &[
            (0, "LISTEN news"),
            (1, "NOTIFY news, 'first'"),
            (0, "SELECT pg_listening_channels()"),
            (0, "SELECT 1"),
            (0, "BEGIN"),
            (
                1,
                "BEGIN; NOTIFY news, 'same'; NOTIFY news, 'same'; SELECT pg_notify('news', 'other')",
            ),
            (1, "COMMIT"),
            (0, "SELECT 'not yet'"),
            (0, "COMMIT"),
            (0, "NOTIFY news, 'to myself'"),
            (1, "BEGIN; NOTIFY news, 'lost'; ROLLBACK"),
            (0, "UNLISTEN *"),
            (1, "NOTIFY news"),
            (0, "SELECT 2"),
        ],
    );
}

#[test]
fn two_phase_commits() {
    check_clients(
        "sessions::two_phase_commits",
        &[
            (0, "SHOW max_prepared_transactions"),
            (0, "BEGIN; UPDATE users SET score = 3 WHERE id = 3; PREPARE TRANSACTION 'kept'"),
            (1, "SELECT score FROM users WHERE id = 3"),
            (1, "COMMIT PREPARED 'kept'"),
            (0, "BEGIN; DELETE FROM notes; PREPARE TRANSACTION 'dropped'"),
            (1, "ROLLBACK PREPARED 'dropped'"),
            (0, "SELECT count(*) FROM notes"),
            (0, "ROLLBACK PREPARED 'absent'"),
        ],
    );
}
