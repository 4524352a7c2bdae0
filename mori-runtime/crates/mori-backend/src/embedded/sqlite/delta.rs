//! The delta map and the tombstone set of a lane, derived by comparing its B-trees with those below.

use super::connection::Connection;
use super::error::{SqliteError, SqliteResult};
use super::lane_file::LaneFile;
use super::schema::{Schema, Table, quote};
use super::statement::{Statement, Step};
use super::view::{LaneView, LayerView, ViewError, begin_snapshot};
use mori_cow::sqlite::{Changed, DiffError, RowDiff, RowKey, TreeKind, TreePair, diff_trees};
use mori_model::{ChangeKind, Key, LaneDelta, Row, RowChange, TableDelta, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Why a lane could not be compared with the layer below.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    #[error(transparent)]
    Sqlite(#[from] SqliteError),
    #[error(transparent)]
    View(#[from] ViewError),
    #[error(transparent)]
    Diff(#[from] DiffError),
}

/// Where to look for differences.
#[derive(Debug, Clone, Default)]
pub struct DeltaScope {
    /// The schema of both sides, if no DDL ran on the lane; without it both are read.
    pub schema: Option<Arc<Schema>>,
    /// The tables that statements have written, virtual tables by their own names; without it all are compared.
    pub tables: Option<BTreeSet<String>>,
}

/// The rows in which the lane's committed content differs from the layer below, with their values.
///
/// `lane` and `below` are connections of their own for this purpose. Cost by what differs, plus the interior pages of the tables in scope.
pub fn lane_delta(file: &Arc<LaneFile>, lane: &Connection, below: &Connection, scope: &DeltaScope) -> Result<LaneDelta, DeltaError> {
    let log_frames = begin_snapshot(file, lane)?;
    let delta = compare(file, lane, below, scope, log_frames);
    let ended = lane.execute("COMMIT");
    let delta = delta?;
    ended?;
    Ok(delta)
}

/// How many rows the lane has in its delta map and in its tombstone set, counted by stored bytes. Asks no connection: none may
/// be open, none may have left a journal (`LaneFile::has_journal`), and `schema` is that of both sides.
pub fn lane_counts(file: &Arc<LaneFile>, schema: &Schema, tables: &BTreeSet<String>) -> Result<(u64, u64), DeltaError> {
    let page_size = file.block_bytes();
    let page_count = u32::try_from(file.len_bytes() / u64::from(page_size)).unwrap_or(u32::MAX);
    let view = LaneView::new(file, page_size, page_count, 0)?;
    let pairs = pairs(schema, schema, Some(tables));
    let differences = diff_trees(&LayerView(file.below()), &view, &view.changed(), &pairs)?;
    let rows = || differences.values().flatten();
    Ok((
        rows().filter(|row| row.new).count() as u64,
        rows().filter(|row| !row.new).count() as u64,
    ))
}

fn compare(
    file: &Arc<LaneFile>,
    lane: &Connection,
    below: &Connection,
    scope: &DeltaScope,
    log_frames: u32,
) -> Result<LaneDelta, DeltaError> {
    let view = LaneView::new(file, pragma(lane, "page_size")?, pragma(lane, "page_count")?, log_frames)?;
    let changed = view.changed();
    if changed.changed_pages().is_empty() {
        return Ok(LaneDelta::default());
    }
    let (old_schema, new_schema) = match &scope.schema {
        Some(schema) => (schema.clone(), schema.clone()),
        None => (Arc::new(Schema::read(below)?), Arc::new(Schema::read(lane)?)),
    };
    let pairs = pairs(&old_schema, &new_schema, scope.tables.as_ref());
    let differences = diff_trees(&LayerView(file.below()), &view, &changed, &pairs)?;
    let mut by_table: BTreeMap<String, Vec<RowDiff>> = BTreeMap::new();
    for (name, rows) in differences {
        by_table
            .entry(name.strip_prefix(FORMER).unwrap_or(&name).to_owned())
            .or_default()
            .extend(rows);
    }
    let mut delta = LaneDelta::default();
    for (name, rows) in by_table {
        let (old, new) = (old_schema.table(&name), new_schema.table(&name));
        let table = table_delta(below, old, lane, new, rows)?;
        if !table.rows.is_empty() {
            delta.tables.insert(shown_name(&name, &new_schema, &old_schema), table);
        }
    }
    Ok(delta)
}

/// Before the name of a table, marks the tree it had below, where the lane has made it anew with another kind of tree. No table's name
/// has a NUL in it.
const FORMER: &str = "\0former ";

fn pragma(connection: &Connection, name: &str) -> SqliteResult<u32> {
    Ok(match connection.query_value(&format!("PRAGMA {name}"), &[])? {
        Some(Value::Int(value)) => u32::try_from(value).unwrap_or(0),
        _ => 0,
    })
}

/// Tables whose rows count. A full-text or R-tree table shows in the one shadow table that has a row for each of its rows; a full-text
/// index over another table's rows does not show, for those rows do.
fn counts(table: &Table, schema: &Schema) -> bool {
    if table.is_view || table.is_virtual || table.name.starts_with("sqlite_") {
        return false;
    }
    !table.is_shadow || virtual_owner(&table.name, schema).is_some_and(|(_, has_rows)| has_rows)
}

/// The virtual table a shadow table belongs to, and whether this shadow table has one row for each row of it.
fn virtual_owner<'a>(shadow: &str, schema: &'a Schema) -> Option<(&'a str, bool)> {
    let owners = schema.tables.values().filter(|table| table.is_virtual);
    let (owner, suffix) = owners
        .filter_map(|owner| Some((owner, shadow.strip_prefix(&owner.name)?)))
        .max_by_key(|(owner, _)| owner.name.len())?;
    Some((&owner.name, matches!(suffix, "_content" | "_rowid")))
}

fn shown_name(table: &str, new: &Schema, old: &Schema) -> String {
    let is_shadow = |schema: &Schema| schema.table(table).is_some_and(|table| table.is_shadow);
    let owner = if is_shadow(new) { virtual_owner(table, new) } else { None };
    owner
        .or_else(|| if is_shadow(old) { virtual_owner(table, old) } else { None })
        .map_or(table, |(owner, _)| owner)
        .to_owned()
}

/// The tables to compare. A table that the lane dropped is left to the schema registry: its rows are no tombstones.
fn pairs(old: &Schema, new: &Schema, scope: Option<&BTreeSet<String>>) -> Vec<TreePair> {
    let is_meant = |table: &Table| {
        let owner = if table.is_shadow {
            virtual_owner(&table.name, new).map(|(owner, _)| owner)
        } else {
            None
        };
        scope.is_none_or(|names| names.contains(owner.unwrap_or(&table.name)))
    };
    let mut pairs = Vec::new();
    for table in new.tables.values().filter(|table| is_meant(table) && counts(table, new)) {
        let below = old.table(&table.name).filter(|below| !below.is_view && !below.is_virtual);
        let kind = |table: &Table| {
            if table.is_without_rowid {
                TreeKind::WithoutRowid {
                    key_columns: table.key_columns().len(),
                }
            } else {
                TreeKind::Rowid
            }
        };
        let (below, former): (Option<&Table>, Option<&Table>) = match below {
            Some(below) if below.is_without_rowid != table.is_without_rowid => (None, Some(below)),
            below => (below, None),
        };
        // A table that was made anew with another kind of tree: its rows are compared by key, all of them.
        if let Some(former) = former {
            let name = format!("{FORMER}{}", table.name);
            pairs.push(TreePair {
                name,
                kind: kind(former),
                old_root: former.root_page,
                new_root: None,
            });
        }
        pairs.push(TreePair {
            name: table.name.clone(),
            kind: kind(table),
            old_root: below.and_then(|below| below.root_page),
            new_root: table.root_page,
        });
    }
    pairs
}

fn table_delta(
    below: &Connection,
    old: Option<&Table>,
    lane: &Connection,
    new: Option<&Table>,
    rows: Vec<RowDiff>,
) -> SqliteResult<TableDelta> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    let fetch = |connection: &Connection, table: Option<&Table>, into: &mut BTreeMap<Identity, Row>, is_there: fn(&RowDiff) -> bool| {
        let Some(table) = table else { return Ok(()) };
        let mut reader = RowReader::new(connection, table)?;
        for diff in rows.iter().filter(|diff| is_there(diff)) {
            if let Some((key, row)) = reader.read(&diff.key)? {
                into.insert(identity(key, &diff.key), row);
            }
        }
        Ok(())
    };
    fetch(below, old, &mut before, |diff| diff.old)?;
    fetch(lane, new, &mut after, |diff| diff.new)?;
    let mut changes = Vec::new();
    for (identity, row) in &after {
        let old = before.get(identity);
        // A row can be stored anew with the values it had: by a rewrite of its table, or under another row id.
        if old != Some(row) {
            let kind = if old.is_some() { ChangeKind::Updated } else { ChangeKind::Inserted };
            changes.push(RowChange {
                key: identity.0.clone(),
                kind,
                old: old.cloned(),
                new: Some(row.clone()),
            });
        }
    }
    for (identity, row) in before {
        if !after.contains_key(&identity) {
            changes.push(RowChange {
                key: identity.0,
                kind: ChangeKind::Deleted,
                old: Some(row),
                new: None,
            });
        }
    }
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(TableDelta { rows: changes })
}

/// What a row before and a row after have in common when they are the same row: the key. Where SQLite lets a primary key be NULL, such a
/// key tells no rows apart, and the row id does.
type Identity = (Key, Option<i64>);

fn identity(key: Key, row: &RowKey) -> Identity {
    let rowid = match row {
        RowKey::Rowid(rowid) if key.0.contains(&Value::Null) => Some(*rowid),
        _ => None,
    };
    (key, rowid)
}

/// Reads rows of one table by the key of its B-tree.
struct RowReader {
    select: Option<Statement>,
    columns: Vec<String>,
    /// Positions of the primary key's columns in `columns`; empty if the row id is the key.
    key: Vec<usize>,
}

impl RowReader {
    fn new(connection: &Connection, table: &Table) -> SqliteResult<RowReader> {
        let columns: Vec<String> = table
            .columns
            .iter()
            .filter(|column| !column.is_hidden)
            .map(|column| column.name.clone())
            .collect();
        let list = columns.iter().map(|column| quote(column)).collect::<Vec<_>>().join(", ");
        let condition = if table.is_without_rowid {
            let key = table.key_columns();
            key.iter()
                .map(|column| format!("{} IS ? COLLATE BINARY", quote(&column.name)))
                .collect::<Vec<_>>()
                .join(" AND ")
        } else {
            let name = table
                .rowid_name()
                .or_else(|| table.rowid_alias().map(|column| column.name.as_str()));
            format!("{} = ?", quote(name.unwrap_or("rowid")))
        };
        let key = table
            .key_columns()
            .iter()
            .filter_map(|key| columns.iter().position(|column| *column == key.name))
            .collect();
        let sql = format!("SELECT {list} FROM {} WHERE {condition}", quote(&table.name));
        Ok(RowReader {
            select: connection.prepare(&sql)?.statement,
            columns,
            key,
        })
    }

    fn read(&mut self, key: &RowKey) -> SqliteResult<Option<(Key, Row)>> {
        let parameters = match key {
            RowKey::Rowid(rowid) => vec![Value::Int(*rowid)],
            RowKey::Columns(values) => values.clone(),
        };
        let Some(select) = &mut self.select else { return Ok(None) };
        for (index, value) in parameters.iter().enumerate() {
            select.bind(index + 1, value)?;
        }
        let has_row = select.step()? == Step::Row;
        let values: Vec<Value> = if has_row {
            (0..self.columns.len()).map(|index| select.value(index).to_value()).collect()
        } else {
            Vec::new()
        };
        select.reset();
        if !has_row {
            return Ok(None);
        }
        let row_key = if self.key.is_empty() {
            Key(parameters)
        } else {
            Key(self.key.iter().map(|position| values[*position].clone()).collect())
        };
        Ok(Some((
            row_key,
            Row {
                columns: self.columns.iter().cloned().zip(values).collect(),
            },
        )))
    }
}

#[cfg(test)]
mod tests;
