//! Files that break their format: an error or a wrong answer, but no panic and no endless loop.

use super::support::{Database, Image, Random, diff, pairs};
use crate::sqlite::{DiffError, Side, TreeKind, TreePair};
use std::cell::Cell;

fn small(pragmas: &str) -> Database {
    let database = Database::new(pragmas);
    database.run(
        "CREATE TABLE plain (id INTEGER PRIMARY KEY, a TEXT, b BLOB);
         CREATE TABLE w_pair (k TEXT, n INTEGER, b BLOB, PRIMARY KEY (k, n)) WITHOUT ROWID;
         CREATE INDEX plain_b ON plain (b);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
         INSERT INTO plain SELECT i, 'text' || i, zeroblob(i * 131 % 1500) FROM n;
         INSERT INTO w_pair SELECT a, id, b FROM plain;",
    );
    database
}

#[test]
fn random_damage_neither_panics_nor_loops() {
    for pragmas in ["PRAGMA page_size = 512", "PRAGMA page_size = 512; PRAGMA auto_vacuum = full"] {
        let mut database = small(pragmas);
        let (old_sql, old) = database.copy();
        database.run(
            "DELETE FROM plain WHERE id BETWEEN 10 AND 20;
             UPDATE plain SET b = CAST(substr(b, 1, length(b) - 1) || x'01' AS BLOB) WHERE id > 40;
             UPDATE w_pair SET b = zeroblob(300) WHERE n % 9 = 0;
             INSERT INTO plain (b) VALUES (zeroblob(5000));",
        );
        let new = database.image();
        let tables = pairs(&old_sql, &database.sql);
        let (mut errors, mut answers) = (0, 0);
        for seed in 0..1500 {
            let mut random = Random(seed);
            let mut damaged = [&old, &new].map(|image| Image {
                bytes: image.bytes.clone(),
                page_size: image.page_size,
                reads: Cell::new(0),
            });
            for _ in 0..1 + random.below(8) {
                damage(&mut damaged[random.below(2) as usize], &mut random);
            }
            let [old, new] = damaged;
            match diff(&old, &new, &new.changed_since(&old), &tables) {
                Ok(_) => answers += 1,
                Err(_) => errors += 1,
            }
            let reads = old.reads.get() + new.reads.get();
            assert!(reads < 100_000, "seed {seed} read {reads} pages");
        }
        assert!(
            errors > 150 && answers > 150,
            "{errors} errors, {answers} answers: the damage proves little"
        );
    }
}

/// Mostly hits page headers, cell pointers and the first bytes of overflow pages, where it hurts.
fn damage(image: &mut Image, random: &mut Random) {
    let page = random.below(image.bytes.len() as u64 / u64::from(image.page_size)) as usize;
    let start = page * image.page_size as usize;
    let within = match random.below(3) {
        0 => random.below(12),
        1 => random.below(64),
        _ => random.below(u64::from(image.page_size)),
    } as usize;
    let value = match random.below(4) {
        0 => 0,
        1 => 0xff,
        2 => random.below(16) as u8,
        _ => random.next() as u8,
    };
    image.bytes[start + within] = value;
}

#[test]
fn files_that_are_cut_short_are_errors() {
    let mut database = small("PRAGMA page_size = 512");
    let (old_sql, old) = database.copy();
    database.run("UPDATE plain SET b = zeroblob(2000)");
    let new = database.image();
    let tables = pairs(&old_sql, &database.sql);
    for pages in 1..new.bytes.len() / 512 {
        let cut = Image::new(new.bytes[..pages * 512].to_vec());
        // Some cuts take only pages that nothing refers to.
        if let Err(error) = diff(&old, &cut, &cut.changed_since(&old), &tables) {
            assert!(matches!(error, DiffError::Corrupt { side: Side::New, .. }), "{error}");
        }
    }
}

/// Compares a database with itself, with page 1 said to be changed, after `break_it`.
#[track_caller]
fn check(root: u32, kind: TreeKind, break_it: impl FnOnce(&mut Vec<u8>), message: &str) {
    let database = small("PRAGMA page_size = 512");
    let old = database.image();
    let mut new = database.image();
    break_it(&mut new.bytes);
    let tables = [TreePair {
        name: "plain".to_owned(),
        kind,
        old_root: None,
        new_root: Some(root),
    }];
    let changed = (1..=new.bytes.len() as u32 / 512).collect::<std::collections::BTreeSet<u32>>();
    let error = diff(&old, &new, &changed, &tables).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn errors_name_the_page_and_the_fault() {
    let rowid = TreeKind::Rowid;
    let whole = |_: &mut Vec<u8>| {};
    check(
        0,
        rowid,
        whole,
        "page 0 of the new file is malformed: page is referred to but not in the file",
    );
    check(
        9999,
        rowid,
        whole,
        "page 9999 of the new file is malformed: page is referred to but not in the file",
    );
    check(
        2,
        TreeKind::WithoutRowid { key_columns: 1 },
        whole,
        "page 2 of the new file is malformed: page is of another kind than its place in the tree",
    );
    check(
        1,
        rowid,
        |bytes| bytes[0] = b'X',
        "page 1 of the new file is malformed: header string is missing",
    );
    check(
        1,
        rowid,
        |bytes| bytes[20] = 33,
        "page 1 of the new file is malformed: usable size is below 480 bytes",
    );
    check(
        2,
        rowid,
        |bytes| bytes[512] = 7,
        "page 2 of the new file is malformed: not a b-tree page",
    );
    check(
        2,
        rowid,
        |bytes| bytes[512 + 3] = 0xff,
        "page 2 of the new file is malformed: cell pointers exceed the page",
    );
    // The right child of the root becomes the root itself.
    check(
        2,
        rowid,
        |bytes| {
            bytes[512 + 3..512 + 5].fill(0);
            bytes[512 + 8..512 + 12].copy_from_slice(&[0, 0, 0, 2]);
        },
        "page 2 of the new file is malformed: b-tree is too deep",
    );
}
