//! What a comparison reads: its cost follows what changed.

use super::support::{Database, check, diff, pairs};
use std::collections::BTreeSet;

/// Two tables of so many rows, one with two indexes.
fn large(rows: u32) -> Database {
    let database = Database::new("PRAGMA page_size = 4096");
    database.run(&format!(
        "CREATE TABLE plain (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
         CREATE TABLE w_last (a INTEGER, k TEXT, PRIMARY KEY (k)) WITHOUT ROWID;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO plain SELECT i, 'some text of row ' || i, i * 7919 % 100003 FROM n;
         INSERT INTO w_last SELECT id, 'key ' || id FROM plain;
         CREATE INDEX plain_a ON plain (a);
         CREATE INDEX plain_b ON plain (b);",
    ));
    database
}

#[test]
fn a_changed_row_costs_a_few_pages() {
    let mut database = large(100_000);
    for (change, reads_max) in [
        ("UPDATE plain SET b = -1 WHERE id = 50000", 60),
        ("UPDATE plain SET a = 'other' WHERE id = 1", 60),
        ("INSERT INTO plain (a, b) VALUES ('new', 1)", 60),
        ("DELETE FROM plain WHERE id = 77777", 60),
        ("UPDATE w_last SET a = -1 WHERE k = 'key 4711'", 60),
        ("CREATE TABLE hidden (a)", 60),
    ] {
        let reads = check(&mut database, |sql| sql.execute_batch(change).unwrap());
        assert!(reads < reads_max, "{change} read {reads} pages");
    }
}

#[test]
fn a_new_large_row_costs_its_own_pages() {
    let mut database = large(20_000);
    let reads = check(&mut database, |sql| {
        sql.execute_batch("INSERT INTO plain (a) VALUES (hex(zeroblob(100000)))").unwrap();
    });
    // 49 overflow pages in the table and as many in the index.
    assert!(reads < 100 + 120, "read {reads} pages");
}

#[test]
fn a_large_row_overwritten_in_place_is_found_near_its_pages() {
    let database = &mut Database::new("PRAGMA page_size = 4096");
    database.run(
        "CREATE TABLE docs (id INTEGER PRIMARY KEY, body BLOB);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO docs SELECT i, CASE WHEN i % 10 = 0 THEN zeroblob(9000) ELSE zeroblob(200) END FROM n;",
    );
    let reads = check(database, |sql| {
        let update = "UPDATE docs SET body = CAST(substr(body, 1, 8999) || x'01' AS BLOB) WHERE id = 12340";
        sql.execute_batch(update).unwrap();
    });
    assert!(reads < 100, "read {reads} pages");
}

#[test]
fn nothing_is_read_if_nothing_changed() {
    let mut database = large(20_000);
    let (old_sql, old) = database.copy();
    let new = database.image();
    let tables = pairs(&old_sql, &database.sql);
    assert!(diff(&old, &new, &BTreeSet::new(), &tables).unwrap().is_empty());
    assert_eq!(old.reads.get() + new.reads.get(), 0);
}

#[test]
fn a_table_whose_root_is_an_unchanged_leaf_costs_one_page() {
    let mut database = Database::new("PRAGMA page_size = 4096");
    for table in 0..100 {
        database.run(&format!("CREATE TABLE t{table} (a); INSERT INTO t{table} VALUES (1)"));
    }
    let reads = check(&mut database, |sql| sql.execute_batch("INSERT INTO t50 VALUES (2)").unwrap());
    assert!(reads < 120, "read {reads} pages");
}

#[test]
fn freed_pages_are_not_taken_for_rows() {
    // Freed pages are overwritten with zeros, which could be the end of an overflow chain.
    let mut database = large(20_000);
    database.run("PRAGMA secure_delete = on; CREATE TABLE docs (body); INSERT INTO docs VALUES (zeroblob(100000))");
    let reads = check(&mut database, |sql| sql.execute_batch("DELETE FROM docs").unwrap());
    // The 24 pages of the row are read in neither file: the freelist explains them.
    assert!(reads < 60, "read {reads} pages");
}

#[test]
fn pointer_map_pages_are_not_taken_for_rows() {
    let mut database = large(20_000);
    database.run("PRAGMA auto_vacuum = full; VACUUM");
    let reads = check(&mut database, |sql| {
        sql.execute_batch("CREATE TABLE docs (body); INSERT INTO docs VALUES (zeroblob(100000)); DELETE FROM docs;")
            .unwrap();
    });
    assert!(reads < 60, "read {reads} pages");
}
