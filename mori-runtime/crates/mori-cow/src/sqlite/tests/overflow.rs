//! Rows that reach into overflow pages, and overwrites that SQLite does in place.

use super::support::{Database, check, diff, expected, pairs};
use crate::sqlite::{RowDiff, RowKey};

const PAGE_SIZES: [u32; 4] = [512, 1024, 4096, 65536];

fn filled(page_size: u32) -> Database {
    let database = Database::new(&format!("PRAGMA page_size = {page_size}"));
    database.run(
        "CREATE TABLE docs (id INTEGER PRIMARY KEY, body BLOB);
         CREATE TABLE w_pair (k TEXT, n INTEGER, body BLOB, PRIMARY KEY (k, n)) WITHOUT ROWID;
         CREATE TABLE w_last (body BLOB, k TEXT COLLATE NOCASE, PRIMARY KEY (k)) WITHOUT ROWID;
         CREATE INDEX docs_body ON docs (body);",
    );
    database.run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
         INSERT INTO docs SELECT i, zeroblob(i * 37 % 300 + i % 3 * 70000) FROM n;
         INSERT INTO w_pair SELECT 'k' || id, id, body FROM docs;
         INSERT INTO w_last SELECT zeroblob(9), id || replace(hex(zeroblob(length(body) / 9)), '0', 'Kk') FROM docs;",
    );
    database
}

#[test]
fn an_overflow_page_changes_and_its_leaf_does_not() {
    for page_size in PAGE_SIZES {
        let mut database = filled(page_size);
        // Without the index no page but those of the row and page 1 can change.
        database.run("DROP INDEX docs_body");
        let (_, before) = database.copy();
        check(&mut database, |sql| {
            let update = "UPDATE docs SET body = CAST(substr(body, 1, length(body) - 1) || x'01' AS BLOB) WHERE id = 50";
            assert_eq!(sql.execute(update, []).unwrap(), 1);
        });
        let changed = database.image().changed_since(&before);
        assert_eq!(changed.len(), 2, "page size {page_size}: the row was not overwritten in place");
    }
}

#[test]
fn a_row_of_a_without_rowid_table_is_overwritten_in_place() {
    for page_size in PAGE_SIZES {
        let mut database = filled(page_size);
        for n in (1..=60).step_by(7) {
            check(&mut database, |sql| {
                let update = "UPDATE w_pair SET body = CAST(substr(body, 1, length(body) - 1) || x'02' AS BLOB) WHERE n = ?1";
                assert_eq!(sql.execute(update, [n]).unwrap(), 1);
            });
        }
    }
}

#[test]
fn a_key_changes_in_its_overflow_pages_only() {
    for page_size in [512, 1024] {
        let mut database = filled(page_size);
        for offset in (0..60).step_by(4) {
            check(&mut database, |sql| {
                let update = "UPDATE w_last SET k = substr(k, 1, length(k) - 1) || 'K' WHERE k = (SELECT k FROM w_last LIMIT 1 OFFSET ?1)";
                assert_eq!(sql.execute(update, [offset]).unwrap(), 1);
            });
        }
    }
}

#[test]
fn all_rows_are_overwritten_in_one_transaction() {
    for page_size in PAGE_SIZES {
        let mut database = filled(page_size);
        check(&mut database, |sql| {
            sql.execute_batch(
                "UPDATE docs SET body = CAST(substr(body, 1, length(body) - 1) || x'03' AS BLOB);
                 UPDATE w_pair SET body = CAST(substr(body, 1, length(body) - 1) || x'03' AS BLOB);",
            )
            .unwrap();
        });
    }
}

#[test]
fn payloads_around_every_limit_of_a_cell_are_read() {
    for page_size in PAGE_SIZES {
        let mut database = Database::new(&format!("PRAGMA page_size = {page_size}"));
        database.run("CREATE TABLE docs (id INTEGER PRIMARY KEY, body); CREATE TABLE w_last (body, k PRIMARY KEY) WITHOUT ROWID;");
        let usable = i64::from(page_size);
        let limits = [
            usable - 35,
            (usable - 12) * 64 / 255 - 23,
            (usable - 12) * 32 / 255 - 23,
            usable - 4,
            2 * usable - 8,
        ];
        check(&mut database, |sql| {
            for len in limits.into_iter().flat_map(|limit| limit - 12..limit + 3) {
                sql.execute("INSERT INTO docs (body) VALUES (zeroblob(?1))", [len]).unwrap();
                sql.execute("INSERT OR IGNORE INTO w_last VALUES (1, zeroblob(?1))", [len]).unwrap();
                sql.execute("INSERT OR IGNORE INTO w_last VALUES (zeroblob(?1), 'k' || ?1)", [len])
                    .unwrap();
            }
        });
        check(&mut database, |sql| {
            sql.execute_batch(
                "UPDATE docs SET body = CAST(substr(body, 1, length(body) - 1) || x'01' AS BLOB);
                 UPDATE w_last SET k = CAST(substr(k, 1, length(k) - 1) || x'01' AS BLOB) WHERE body = 1;",
            )
            .unwrap();
        });
    }
}

#[test]
fn a_real_key_that_is_stored_anew_is_the_same_key() {
    let mut database = Database::new("PRAGMA page_size = 512");
    database.run(
        "CREATE TABLE w_real (k REAL PRIMARY KEY, a) WITHOUT ROWID;
         INSERT INTO w_real VALUES (0, 1), (1, 1), (-7, 1), (1e15, 1), (0.5, 1), (70000, 1);
         CREATE INDEX i ON w_real (length(a));",
    );
    check(&mut database, |sql| sql.execute_batch("UPDATE w_real SET a = 2").unwrap());
    check(&mut database, |sql| sql.execute_batch("UPDATE w_real SET k = k * 3").unwrap());
}

#[test]
fn the_same_values_in_other_bytes_are_reported() {
    let mut database = Database::new("PRAGMA page_size = 512");
    // With an index on an expression, SQLite rewrites the row and stores the integer 5 of a REAL column as a real.
    database.run(
        "CREATE TABLE plain (id INTEGER PRIMARY KEY, a, b REAL);
         INSERT INTO plain VALUES (1, 'x', 5), (2, 'x', 5.5);
         CREATE INDEX i ON plain (length(a));",
    );
    let (old_sql, old) = database.copy();
    database.run("UPDATE plain SET a = a");
    let new = database.image();
    let tables = pairs(&old_sql, &database.sql);
    let found = diff(&old, &new, &new.changed_since(&old), &tables).unwrap();
    assert!(expected(&old_sql, &database.sql, &tables).is_empty());
    let rewritten = RowDiff {
        key: RowKey::Rowid(1),
        old: true,
        new: true,
    };
    assert_eq!(found["plain"], [rewritten]);
}

#[test]
fn the_schema_is_a_table_too() {
    let mut database = Database::new("PRAGMA page_size = 512");
    database.run(&format!("CREATE TABLE plain (a DEFAULT '{}')", "x".repeat(2000)));
    check(&mut database, |sql| {
        // A rename of unchanged length changes the text of the schema in place.
        sql.execute_batch("ALTER TABLE plain RENAME COLUMN a TO b; CREATE TABLE hidden (a); CREATE INDEX i ON hidden (a);")
            .unwrap();
    });
}

#[test]
fn a_change_of_page_size_compares_all_rows() {
    let mut database = filled(1024);
    let (old_sql, old) = database.copy();
    database.run("PRAGMA page_size = 4096; VACUUM; UPDATE docs SET body = x'00' WHERE id IN (7, 8); DELETE FROM w_pair WHERE n = 3;");
    let new = database.image();
    assert_eq!((old.page_size, new.page_size), (1024, 4096));
    let tables = pairs(&old_sql, &database.sql);
    let found = diff(&old, &new, &new.changed_since(&old), &tables).unwrap();
    assert_eq!(found, expected(&old_sql, &database.sql, &tables));
    assert_eq!(found["docs"].len() + found["w_pair"].len(), 3);
}
