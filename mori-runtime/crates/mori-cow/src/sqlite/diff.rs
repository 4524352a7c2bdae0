//! The rows that differ between two files, table by table.

use super::btree::{Cell, Node};
use super::explain::Suspects;
use super::file::File;
use super::payload::{self, Payload};
use super::record::{self, RecordError};
use super::walk::{self, Files};
use super::{Changed, DiffError, Pages, Side};
use mori_model::{Key, Value};
use std::collections::{BTreeMap, HashMap};

/// How a table is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeKind {
    /// A table b-tree, keyed by rowid.
    Rowid,
    /// An index b-tree whose entries are the rows. `key_columns`: the distinct columns of the primary key, which a row's record starts
    /// with, in the key's order.
    WithoutRowid { key_columns: usize },
}

/// One table as the schemas of the two files know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreePair {
    /// The name under which differences are reported; unique among the pairs of one call.
    pub name: String,
    pub kind: TreeKind,
    /// The root page in the old file; `None` if the table is not there.
    pub old_root: Option<u32>,
    /// The root page in the new file; `None` if the table is not there.
    pub new_root: Option<u32>,
}

/// What identifies a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKey {
    Rowid(i64),
    /// The primary key's values, in the key's order. Numbers without a fraction come as integers, whatever the column's type. Texts that
    /// a collation calls equal, such as `a` and `A` under NOCASE, are different keys here.
    Columns(Vec<Value>),
}

impl From<RowKey> for Key {
    fn from(key: RowKey) -> Key {
        match key {
            RowKey::Rowid(rowid) => rowid.into(),
            RowKey::Columns(values) => Key(values),
        }
    }
}

/// A row that is not the same in both files. If both have it, its stored bytes differ.
///
/// Different bytes can mean the same values: an UPDATE may store the integer 5 of a REAL column as the real 5.0, and writes out columns
/// that ALTER TABLE has added. Whoever shows values compares them and drops the row if they are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowDiff {
    pub key: RowKey,
    /// Whether the old file has a row of this key.
    pub old: bool,
    /// Whether the new file has a row of this key.
    pub new: bool,
}

/// Finds the rows that differ, by table, sorted by key; tables without such rows are absent.
///
/// Cost: reads the interior pages of the tables once, the pages that differ, and the changed pages that belong to none of the tables.
/// If overflow pages were overwritten in place, also leaves that did not change, the nearest first, until the rows are found. Holds
/// in memory the local parts of rows in pages that differ, as far as the rows are not the same on both sides.
///
/// Errors: `Corrupt` if a file breaks its format, or a tree is not of the kind that its pair says; `Read` if a page cannot be read.
pub fn diff_trees<O: Pages, N: Pages>(
    old: &O,
    new: &N,
    changed: &dyn Changed,
    tables: &[TreePair],
) -> Result<BTreeMap<String, Vec<RowDiff>>, DiffError> {
    if changed.changed_pages().is_empty() {
        return Ok(BTreeMap::new());
    }
    let read_old = |page: u32, buffer: &mut [u8]| old.read(page, buffer).map_err(|error| error.into());
    let read_new = |page: u32, buffer: &mut [u8]| new.read(page, buffer).map_err(|error| error.into());
    let old_file = File::open(Side::Old, old.page_size(), old.page_count(), &read_old)?;
    let new_file = File::open(Side::New, new.page_size(), new.page_count(), &read_new)?;
    let files = Files {
        old: &old_file,
        new: &new_file,
        changed,
    };
    Diff::new(files, tables).run()
}

/// A key as bytes: the rowid, or a record of the key's columns made by [`record::key`]. Equal keys have equal bytes.
type RawKey = Vec<u8>;

/// The rows of one table that are not known to be the same.
#[derive(Default)]
struct Rows {
    old: HashMap<RawKey, Payload>,
    new: HashMap<RawKey, Payload>,
}

/// A cell with overflow pages that is the same on both sides. Its row differs only if one of its overflow pages does.
struct Deferred {
    table: usize,
    cell: Cell,
    page: u32,
}

struct Diff<'a> {
    files: Files<'a>,
    tables: &'a [TreePair],
    rows: Vec<Rows>,
    deferred: Vec<Deferred>,
    suspects: Suspects,
}

impl<'a> Diff<'a> {
    fn new(files: Files<'a>, tables: &'a [TreePair]) -> Diff<'a> {
        Diff {
            files,
            tables,
            rows: tables.iter().map(|_| Rows::default()).collect(),
            deferred: Vec::new(),
            suspects: Suspects::new(files.changed, files.new),
        }
    }

    fn run(mut self) -> Result<BTreeMap<String, Vec<RowDiff>>, DiffError> {
        for table in 0..self.tables.len() {
            self.collect(table)?;
        }
        // Without a common layout nothing was shared or deferred.
        if self.files.old.same_layout(self.files.new) {
            self.suspects.settle(self.files.new)?;
            self.search_deferred()?;
            self.search_shared()?;
        }
        let mut result = BTreeMap::new();
        for (tree, rows) in self.tables.iter().zip(self.rows) {
            let differences = compare(self.files, tree.kind, rows)?;
            if !differences.is_empty() {
                result.insert(tree.name.clone(), differences);
            }
        }
        Ok(result)
    }

    /// Collects the rows of all pages of a table that differ, and drops or defers those whose cell is the same.
    fn collect(&mut self, table: usize) -> Result<(), DiffError> {
        let (files, tree) = (self.files, &self.tables[table]);
        let same_root = tree.old_root == tree.new_root && tree.new_root.is_none_or(|root| files.is_same(root));
        if same_root && self.suspects.is_empty() {
            // Every changed page is known to be elsewhere, so no page of this tree has changed.
            return Ok(());
        }
        let mut old_cells: HashMap<RawKey, (u32, Cell)> = HashMap::new();
        let mut new_cells: HashMap<RawKey, (u32, Cell)> = HashMap::new();
        let suspects = &mut self.suspects;
        walk::differing(files, tree, &mut |side, node| {
            let file = files.side(side);
            if side == Side::New {
                suspects.explain(node.number);
            }
            for cell in node.cells(file)? {
                let key = raw_key(file, node.number, tree.kind, &cell)?;
                let cells = if side == Side::Old { &mut old_cells } else { &mut new_cells };
                if cells.insert(key, (node.number, cell)).is_some() {
                    return Err(file.corrupt(node.number, "two rows have one key"));
                }
            }
            Ok(())
        })?;
        let same_layout = files.old.same_layout(files.new);
        let rows = &mut self.rows[table];
        for (key, (page, cell)) in new_cells {
            let old_cell = old_cells.remove(&key).map(|(_, cell)| cell);
            if same_layout && old_cell.as_ref().is_some_and(|old| old.payload == cell.payload) {
                if cell.payload.overflow.is_some() {
                    self.deferred.push(Deferred { table, cell, page });
                }
                continue;
            }
            self.suspects.explain_chain(files.new, &cell.payload)?;
            if let Some(old_cell) = old_cell {
                rows.old.insert(key.clone(), old_cell.payload);
            }
            rows.new.insert(key, cell.payload);
        }
        rows.old.extend(old_cells.into_iter().map(|(key, (_, cell))| (key, cell.payload)));
        Ok(())
    }

    /// Looks for suspects among the overflow pages of the same cells in pages that differ.
    fn search_deferred(&mut self) -> Result<(), DiffError> {
        for Deferred { table, cell, page } in std::mem::take(&mut self.deferred) {
            self.search_cell(table, page, cell)?;
        }
        Ok(())
    }

    /// Looks for the remaining suspects among the overflow pages of shared pages, until all are found.
    fn search_shared(&mut self) -> Result<(), DiffError> {
        if self.suspects.is_empty() {
            return Ok(());
        }
        let mut pages = Vec::new();
        for (table, tree) in self.tables.iter().enumerate() {
            let shared = walk::shared(self.files, tree)?;
            pages.extend(shared.into_iter().map(|page| (self.suspects.distance(page), page, table)));
        }
        pages.sort_unstable();
        for (_, page, table) in pages {
            if self.suspects.is_empty() {
                break;
            }
            for cell in Node::read(self.files.new, page)?.cells(self.files.new)? {
                self.search_cell(table, page, cell)?;
            }
        }
        Ok(())
    }

    /// Adds the row of a cell that both sides have to the rows to compare, if its chain holds a suspect.
    fn search_cell(&mut self, table: usize, page: u32, cell: Cell) -> Result<(), DiffError> {
        let Files { old, new, .. } = self.files;
        if self.suspects.explain_chain(new, &cell.payload)? {
            // The keys are taken from each side, as even a key may reach into the overflow pages.
            let kind = self.tables[table].kind;
            let (old_key, new_key) = (raw_key(old, page, kind, &cell)?, raw_key(new, page, kind, &cell)?);
            self.rows[table].old.insert(old_key, cell.payload.clone());
            self.rows[table].new.insert(new_key, cell.payload);
        }
        Ok(())
    }
}

/// Compares the payloads of the rows that both sides have.
fn compare(files: Files<'_>, kind: TreeKind, mut rows: Rows) -> Result<Vec<RowDiff>, DiffError> {
    let mut differences = Vec::new();
    for (key, new) in rows.new {
        let old = rows.old.remove(&key);
        if let Some(old) = &old
            && payload::equal((files.old, old), (files.new, &new))?
        {
            continue;
        }
        differences.push(RowDiff {
            key: row_key(files.new, kind, &key),
            old: old.is_some(),
            new: true,
        });
    }
    for key in rows.old.keys() {
        differences.push(RowDiff {
            key: row_key(files.old, kind, key),
            old: true,
            new: false,
        });
    }
    differences.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(differences)
}

fn raw_key(file: &File<'_>, page: u32, kind: TreeKind, cell: &Cell) -> Result<RawKey, DiffError> {
    let TreeKind::WithoutRowid { key_columns } = kind else {
        let rowid = cell.rowid.ok_or_else(|| file.corrupt(page, "row without a rowid"))?;
        return Ok(rowid.to_be_bytes().to_vec());
    };
    let not_a_row = |error| file.corrupt(page, record_error(error));
    let payload = &cell.payload;
    let header_len = record::header_len(&payload.local).map_err(not_a_row)?;
    let header = payload.prefix(file, page, header_len)?;
    let prefix_len = record::prefix_len(&header, key_columns).map_err(not_a_row)?;
    let prefix = payload.prefix(file, page, prefix_len)?;
    record::key(&prefix, key_columns).map_err(not_a_row)
}

fn row_key(file: &File<'_>, kind: TreeKind, key: &RawKey) -> RowKey {
    match kind {
        TreeKind::Rowid => RowKey::Rowid(i64::from_be_bytes(*key.first_chunk().expect("raw_key made it of eight bytes"))),
        TreeKind::WithoutRowid { .. } => RowKey::Columns(record::decode(key, file.encoding).expect("raw_key made it a record")),
    }
}

fn record_error(error: RecordError) -> &'static str {
    match error {
        RecordError::HeaderTruncated => "record ends inside its header",
        RecordError::ValueTruncated { .. } => "record ends inside a value",
        RecordError::SerialReserved { .. } => "record has a value of a reserved type",
        RecordError::TooFewValues { .. } => "record has fewer values than the key has columns",
    }
}
