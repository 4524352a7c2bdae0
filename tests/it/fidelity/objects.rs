//! Triggers, views and virtual tables of prod work on the lane's rows.

use super::twin::{Twins, check};

const STOCK: &str = "
    CREATE TABLE stock(sku TEXT PRIMARY KEY, count INTEGER NOT NULL);
    CREATE TABLE moves(id INTEGER PRIMARY KEY, sku TEXT, delta INTEGER);
    CREATE TABLE audit(what TEXT);
    CREATE TRIGGER moved AFTER INSERT ON moves BEGIN
        UPDATE stock SET count = count + new.delta WHERE sku = new.sku;
        INSERT INTO audit VALUES ('moved ' || new.sku || ' by ' || new.delta);
    END;
    CREATE TRIGGER enough BEFORE UPDATE ON stock WHEN new.count < 0 BEGIN SELECT raise(ABORT, 'not enough in stock'); END;
    CREATE VIEW scarce AS SELECT sku, count FROM stock WHERE count < 3;
    CREATE TRIGGER refill INSTEAD OF UPDATE ON scarce BEGIN INSERT INTO moves(sku, delta) VALUES (old.sku, new.count - old.count); END;
    INSERT INTO stock VALUES ('pen', 10), ('ink', 2);";

#[test]
fn a_trigger_writes_and_is_not_counted() {
    check(
        STOCK,
        &[
            "INSERT INTO moves(sku, delta) VALUES ('pen', -3)",
            "SELECT * FROM stock",
            "SELECT * FROM audit",
            "SELECT changes()",
        ],
    );
}

#[test]
fn what_a_trigger_raises_is_told_and_undone() {
    let answer = check(STOCK, &["SELECT * FROM audit", "INSERT INTO moves(sku, delta) VALUES ('ink', -3)"]);
    assert_eq!(answer.error(), "P0001 not enough in stock (SQLite result code 1811)");
    check(
        STOCK,
        &[
            "INSERT INTO moves(sku, delta) VALUES ('ink', -3)",
            "SELECT count(*) FROM moves",
            "SELECT * FROM stock",
        ],
    );
}

#[test]
fn a_view_shows_the_lanes_rows_and_takes_writes_by_its_trigger() {
    check(
        STOCK,
        &[
            "UPDATE stock SET count = 1 WHERE sku = 'pen'",
            "SELECT * FROM scarce",
            "UPDATE scarce SET count = 8",
            "SELECT * FROM scarce",
            "SELECT * FROM audit",
            "DELETE FROM scarce",
        ],
    );
}

#[test]
fn triggers_can_be_made_and_dropped() {
    check(
        STOCK,
        &[
            "DROP TRIGGER moved",
            "INSERT INTO moves(sku, delta) VALUES ('pen', -3)",
            "SELECT * FROM stock",
            "CREATE TRIGGER t AFTER DELETE ON stock BEGIN INSERT INTO audit VALUES (old.sku); END",
            "DELETE FROM stock",
            "SELECT * FROM audit",
        ],
    );
}

#[test]
fn recursive_triggers_are_the_connections_choice() {
    let setup =
        "CREATE TABLE n(i INTEGER); CREATE TRIGGER more AFTER INSERT ON n WHEN new.i < 5 BEGIN INSERT INTO n VALUES (new.i + 1); END;";
    check(
        setup,
        &[
            "INSERT INTO n VALUES (1)",
            "SELECT * FROM n",
            "PRAGMA recursive_triggers = ON",
            "INSERT INTO n VALUES (1)",
            "SELECT * FROM n",
        ],
    );
}

#[test]
fn full_text_search() {
    let setup = "CREATE VIRTUAL TABLE notes USING fts5(title, body); INSERT INTO notes VALUES ('Milk', 'buy some milk'), ('Call', 'call ann about the milk and the bread');";
    check(
        setup,
        &[
            "SELECT title, snippet(notes, 1, '[', ']', '…', 4) FROM notes WHERE notes MATCH 'milk' ORDER BY rank",
            "INSERT INTO notes VALUES ('Bread', 'rye bread')",
            "DELETE FROM notes WHERE title = 'Call'",
            "SELECT rowid, title FROM notes('bread')",
            "UPDATE notes SET body = 'oat milk' WHERE title = 'Milk'",
            "SELECT highlight(notes, 1, '<', '>') FROM notes WHERE notes MATCH 'oat OR rye' ORDER BY title",
            "INSERT INTO notes(notes) VALUES ('integrity-check')",
            "SELECT * FROM notes WHERE notes MATCH '\"'",
        ],
    );
}

#[test]
fn an_external_content_index_follows_its_table() {
    let setup = "CREATE TABLE docs(id INTEGER PRIMARY KEY, text TEXT); INSERT INTO docs VALUES (1, 'red apple'), (2, 'green pear');
                 CREATE VIRTUAL TABLE search USING fts5(text, content='docs', content_rowid='id'); INSERT INTO search(search) VALUES ('rebuild');
                 CREATE TRIGGER docs_ai AFTER INSERT ON docs BEGIN INSERT INTO search(rowid, text) VALUES (new.id, new.text); END;
                 CREATE TRIGGER docs_ad AFTER DELETE ON docs BEGIN INSERT INTO search(search, rowid, text) VALUES ('delete', old.id, old.text); END;";
    check(
        setup,
        &[
            "INSERT INTO docs(text) VALUES ('green apple')",
            "DELETE FROM docs WHERE id = 1",
            "SELECT docs.* FROM search JOIN docs ON docs.id = search.rowid WHERE search MATCH 'apple OR green' ORDER BY docs.id",
        ],
    );
}

#[test]
fn an_r_tree() {
    let setup =
        "CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1, y0, y1); INSERT INTO boxes VALUES (1, 0, 10, 0, 10), (2, 20, 30, 20, 30);";
    let twins = Twins::with(setup);
    let mut twin = twins.connect();
    twin.run_all(&[
        "INSERT INTO boxes VALUES (3, 5, 6, 5, 6)",
        "SELECT id FROM boxes WHERE x0 < 7 AND y1 > 5 ORDER BY id",
        "DELETE FROM boxes WHERE id = 1",
        "SELECT id, x1 FROM boxes ORDER BY id",
    ]);
}

#[test]
fn generated_columns() {
    let setup = "CREATE TABLE t(a INTEGER, b INTEGER GENERATED ALWAYS AS (a * 2) VIRTUAL, c TEXT AS (a || '!') STORED); CREATE UNIQUE INDEX by_c ON t(c); INSERT INTO t(a) VALUES (1), (2);";
    check(
        setup,
        &[
            "UPDATE t SET a = 10 WHERE b = 2",
            "SELECT * FROM t",
            "INSERT INTO t(a) VALUES (10)",
            "INSERT INTO t(b) VALUES (1)",
        ],
    );
}

#[test]
fn a_strict_table() {
    let setup = "CREATE TABLE t(i INTEGER, r REAL, a ANY) STRICT; INSERT INTO t VALUES (1, 2, '3');";
    let answer = check(setup, &["SELECT *, typeof(r), typeof(a) FROM t", "INSERT INTO t(i) VALUES ('x')"]);
    assert_eq!(
        answer.error(),
        "42804 cannot store TEXT value in INTEGER column t.i (SQLite result code 3091)"
    );
}

#[test]
fn table_valued_functions() {
    check(
        STOCK,
        &[
            "SELECT name, type FROM pragma_table_info('stock')",
            "SELECT key, value FROM json_each('{\"a\": 1, \"b\": [2]}')",
            "SELECT name FROM pragma_index_list('stock')",
        ],
    );
}
