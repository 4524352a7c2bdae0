//! Databases to compare, the answer SQL gives, and a random number generator whose runs can be repeated.

use crate::sqlite::{Changed, DiffError, Pages, RowDiff, RowKey, TreeKind, TreePair, diff_trees};
use mori_model::Value;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A file in memory that counts how often it is read.
pub struct Image {
    pub bytes: Vec<u8>,
    pub page_size: u32,
    pub reads: Cell<usize>,
}

#[derive(Debug, thiserror::Error)]
#[error("page is outside the file")]
pub struct OutOfFile;

impl Pages for Image {
    type Error = OutOfFile;

    fn page_size(&self) -> u32 {
        self.page_size
    }

    fn page_count(&self) -> u32 {
        (self.bytes.len() / self.page_size as usize) as u32
    }

    fn read(&self, number: u32, buffer: &mut [u8]) -> Result<(), OutOfFile> {
        self.reads.set(self.reads.get() + 1);
        let page = self.bytes.chunks_exact(buffer.len()).nth(number as usize - 1);
        buffer.copy_from_slice(page.ok_or(OutOfFile)?);
        Ok(())
    }
}

impl Image {
    pub fn new(bytes: Vec<u8>) -> Image {
        let page_size = match u16::from_be_bytes([bytes[16], bytes[17]]) {
            1 => 65536,
            size => u32::from(size),
        };
        Image {
            bytes,
            page_size,
            reads: Cell::new(0),
        }
    }

    /// The pages whose bytes are not those of `old`.
    pub fn changed_since(&self, old: &Image) -> BTreeSet<u32> {
        let size = self.page_size as usize;
        let differs = |page: &u32| {
            let at = (*page as usize - 1) * size;
            old.page_size != self.page_size || old.bytes.get(at..at + size) != self.bytes.get(at..at + size)
        };
        (1..=self.page_count()).filter(differs).collect()
    }
}

/// A database file under test.
pub struct Database {
    dir: tempfile::TempDir,
    pub sql: Connection,
    copies: usize,
}

impl Database {
    /// A new database; `pragmas` run first.
    pub fn new(pragmas: &str) -> Database {
        let dir = tempfile::tempdir().unwrap();
        let sql = Connection::open(dir.path().join("main.db")).unwrap();
        sql.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;")
            .unwrap();
        sql.execute_batch(pragmas).unwrap();
        Database { dir, sql, copies: 0 }
    }

    /// Makes the file keep bytes at the end of each page. The database must be empty.
    pub fn reserve_bytes(&mut self, bytes: u8) {
        self.sql.execute_batch("VACUUM").unwrap();
        let image = self.image();
        let mut page = image.bytes;
        assert_eq!(page.len(), image.page_size as usize, "the database is not empty");
        page[20] = bytes;
        let content_start = (image.page_size - u32::from(bytes)) as u16;
        page[105..107].copy_from_slice(&content_start.to_be_bytes());
        self.sql = Connection::open_in_memory().unwrap();
        std::fs::write(self.path(), page).unwrap();
        self.sql = Connection::open(self.path()).unwrap();
        self.sql
            .execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;")
            .unwrap();
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("main.db")
    }

    pub fn image(&self) -> Image {
        Image::new(std::fs::read(self.path()).unwrap())
    }

    /// Keeps the present state, as a connection of its own and as an image.
    pub fn copy(&mut self) -> (Connection, Image) {
        self.copies += 1;
        let path = self.dir.path().join(format!("copy{}.db", self.copies));
        std::fs::copy(self.path(), &path).unwrap();
        (Connection::open(&path).unwrap(), self.image())
    }

    pub fn run(&self, sql: &str) {
        self.sql.execute_batch(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    }
}

/// All tables of both databases but virtual ones. Tables whose names start with `w` are WITHOUT ROWID.
pub fn pairs(old: &Connection, new: &Connection) -> Vec<TreePair> {
    let (old, new) = (roots(old), roots(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .map(|name| TreePair {
            name: name.clone(),
            kind: match key_columns(name) {
                None => TreeKind::Rowid,
                Some(columns) => TreeKind::WithoutRowid {
                    key_columns: columns.split(',').count(),
                },
            },
            old_root: old.get(name).copied(),
            new_root: new.get(name).copied(),
        })
        .collect()
}

fn roots(sql: &Connection) -> BTreeMap<String, u32> {
    let mut statement = sql
        .prepare("SELECT name, rootpage FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 UNION ALL SELECT 'sqlite_schema', 1")
        .unwrap();
    statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// The key of the WITHOUT ROWID tables of these tests.
fn key_columns(table: &str) -> Option<&'static str> {
    match table {
        "w_pair" => Some("k, n"),
        "w_last" => Some("k"),
        "w_real" => Some("k"),
        _ => None,
    }
}

/// The difference by a full outer comparison in SQL of the given tables.
pub fn expected(old: &Connection, new: &Connection, tables: &[TreePair]) -> BTreeMap<String, Vec<RowDiff>> {
    let mut result = BTreeMap::new();
    for table in tables {
        let old_rows = rows(old, table, table.old_root);
        let new_rows = rows(new, table, table.new_root);
        let keys: BTreeSet<&RowKey> = old_rows.keys().chain(new_rows.keys()).collect();
        let differences: Vec<RowDiff> = keys
            .into_iter()
            .filter(|key| old_rows.get(key) != new_rows.get(key))
            .map(|key| RowDiff {
                key: key.clone(),
                old: old_rows.contains_key(key),
                new: new_rows.contains_key(key),
            })
            .collect();
        if !differences.is_empty() {
            result.insert(table.name.clone(), differences);
        }
    }
    result
}

fn rows(sql: &Connection, table: &TreePair, root: Option<u32>) -> BTreeMap<RowKey, Vec<Value>> {
    if root.is_none() {
        return BTreeMap::new();
    }
    let (columns, count) = match key_columns(&table.name) {
        None => ("rowid", 1),
        Some(columns) => (columns, columns.split(',').count()),
    };
    let mut statement = sql.prepare(&format!("SELECT {columns}, * FROM {}", table.name)).unwrap();
    let width = statement.column_count();
    statement
        .query_map([], |row| {
            let mut values: Vec<Value> = (0..width).map(|column| value(row.get_ref_unwrap(column))).collect();
            let rest = values.split_off(count);
            let key = match (table.kind, &values[..]) {
                (TreeKind::Rowid, [Value::Int(rowid)]) => RowKey::Rowid(*rowid),
                _ => RowKey::Columns(values.into_iter().map(key_value).collect()),
            };
            Ok((key, rest))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// Numbers without a fraction are integers in a key.
fn key_value(value: Value) -> Value {
    match value {
        Value::Real(real) if real.fract() == 0.0 => Value::Int(real as i64),
        other => other,
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(bytes) => Value::Text(std::str::from_utf8(bytes).unwrap().to_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

/// Runs `change` on the database and checks that the comparison finds what SQL finds. Returns the pages read, of both files.
#[track_caller]
pub fn check(database: &mut Database, change: impl FnOnce(&Connection)) -> usize {
    let (old_sql, old) = database.copy();
    change(&database.sql);
    let new = database.image();
    let tables = pairs(&old_sql, &database.sql);
    let found = diff(&old, &new, &new.changed_since(&old), &tables).unwrap();
    assert_eq!(found, expected(&old_sql, &database.sql, &tables));
    old.reads.get() + new.reads.get()
}

pub fn diff(old: &Image, new: &Image, changed: &dyn Changed, tables: &[TreePair]) -> Result<BTreeMap<String, Vec<RowDiff>>, DiffError> {
    diff_trees(old, new, changed, tables)
}

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    pub fn pick<'t, T: ?Sized>(&mut self, choices: &[&'t T]) -> &'t T {
        choices[self.below(choices.len() as u64) as usize]
    }
}
