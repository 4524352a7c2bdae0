//! Generated keys go on where prod's end, as on a private copy.

use super::twin::{Twins, check};

#[test]
fn a_row_id_is_one_above_the_largest() {
    let setup = "CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'a'), (41, 'b');";
    check(
        setup,
        &[
            "INSERT INTO t(v) VALUES ('c'), ('d') RETURNING id",
            "DELETE FROM t WHERE id > 41",
            "INSERT INTO t(v) VALUES ('e') RETURNING id",
        ],
    );
}

#[test]
fn a_table_without_a_key_has_row_ids() {
    let setup = "CREATE TABLE log(line TEXT); INSERT INTO log VALUES ('a'), ('b'), ('c');";
    check(
        setup,
        &[
            "DELETE FROM log WHERE rowid = 2",
            "INSERT INTO log VALUES ('d') RETURNING rowid",
            "UPDATE log SET line = 'x' WHERE rowid = 1",
            "SELECT rowid, * FROM log",
        ],
    );
}

#[test]
fn autoincrement_never_goes_back() {
    let setup =
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v); INSERT INTO t(v) VALUES ('a'), ('b'), ('c'); DELETE FROM t WHERE id = 3;";
    check(
        setup,
        &[
            "INSERT INTO t(v) VALUES ('d') RETURNING id",
            "DELETE FROM t",
            "INSERT INTO t(v) VALUES ('e') RETURNING id",
            "SELECT * FROM sqlite_sequence",
            "UPDATE sqlite_sequence SET seq = 100",
            "INSERT INTO t(v) VALUES ('f') RETURNING id",
        ],
    );
}

#[test]
fn autoincrement_goes_back_with_its_transaction() {
    let setup = "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t DEFAULT VALUES;";
    check(
        setup,
        &[
            "BEGIN",
            "INSERT INTO t DEFAULT VALUES",
            "ROLLBACK",
            "INSERT INTO t DEFAULT VALUES RETURNING id",
        ],
    );
}

#[test]
fn the_largest_row_id_leaves_none_for_autoincrement() {
    let setup = "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (9223372036854775807);";
    assert_eq!(
        check(setup, &["INSERT INTO t DEFAULT VALUES"]).error(),
        "53100 database or disk is full (SQLite result code 13)"
    );
}

#[test]
fn last_insert_rowid_is_each_connections_own() {
    let twins = Twins::with("CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (5, 'a');");
    let (mut one, mut two) = (twins.connect(), twins.connect());
    one.run_all(&[
        "INSERT INTO t(v) VALUES ('b')",
        "SELECT last_insert_rowid(), changes(), total_changes()",
    ]);
    assert_eq!(two.run("SELECT last_insert_rowid(), changes()").rows(), ["0|0"]);
    two.run("INSERT INTO t(v) VALUES ('c')");
    assert_eq!(one.run("SELECT last_insert_rowid()").rows(), ["6"]);
}

#[test]
fn a_table_without_rowid() {
    let setup = "CREATE TABLE prices(sku TEXT, country TEXT, price REAL, PRIMARY KEY (sku, country DESC)) WITHOUT ROWID;
                 INSERT INTO prices VALUES ('a', 'at', 1), ('a', 'de', 2), ('b', 'at', 3);";
    check(
        setup,
        &[
            "SELECT * FROM prices",
            "UPDATE prices SET country = 'ch' WHERE country = 'at'",
            "INSERT INTO prices VALUES ('a', 'de', 9)",
            "INSERT INTO prices VALUES ('a', 'fr', 4) RETURNING *",
            "SELECT rowid FROM prices",
            "SELECT * FROM prices",
        ],
    );
}

#[test]
fn keys_of_texts_and_blobs_and_without_order() {
    let setup = "CREATE TABLE t(k PRIMARY KEY, v); INSERT INTO t VALUES ('a', 1), (x'61', 2), (1, 3), (1.5, 4), (NULL, 5), (NULL, 6);";
    check(
        setup,
        &[
            "UPDATE t SET v = v + 10 WHERE k = x'61' OR k IS NULL",
            "INSERT INTO t VALUES (1.0, 7)",
            "INSERT INTO t VALUES ('1', 8)",
            "SELECT * FROM t ORDER BY k, v",
        ],
    );
}
