//! From net images to the delta.

use super::record::{self, RecordError};
use super::state::{CaptureState, CapturedTable, Column, Shape};
use mori_model::{ChangeKind, Key, LaneDelta, Row, RowChange, TableDelta, Value};
use std::collections::BTreeMap;

impl CaptureState {
    /// The delta map and the tombstones.
    ///
    /// Rows of tables that the lane has created count as inserted. A table that the lane has dropped does not show: the schema registry tells of
    /// it. An update of the key is a deletion and an insertion. In a table whose columns the lane has changed, images from before the change
    /// have the columns of the seal; a row that was not written since shows without what the DDL has put into it.
    pub fn delta(&self) -> Result<LaneDelta, RecordError> {
        let mut by_name: BTreeMap<&str, BTreeMap<Key, Versions>> = BTreeMap::new();
        for image in &self.images {
            let Some(table) = self.tables.get(&image.table) else { continue };
            let (age, row) = read_row(table, &image.text)?;
            let rows = by_name.entry(&table.name).or_default();
            rows.entry(key(table, &row)).or_default().add(table, age, row, image.count);
        }
        let mut delta = LaneDelta::default();
        for (name, rows) in by_name {
            let rows: Vec<RowChange> = rows.into_iter().flat_map(|(key, versions)| versions.changes(key)).collect();
            if !rows.is_empty() {
                delta.tables.insert(name.to_owned(), TableDelta { rows });
            }
        }
        Ok(delta)
    }
}

/// Which of a table's shapes an image has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    Sealed,
    Current,
}

/// Reads an image by the shape that has its number of fields, preferring the current one.
fn read_row(table: &CapturedTable, image: &str) -> Result<(Age, Row), RecordError> {
    let fields = record::fields(image)?;
    let count = |shape: &Shape| shape.columns.len().max(1);
    let (age, shape) = match &table.sealed_shape {
        Some(sealed) if count(sealed) == fields.len() && count(&table.shape) != fields.len() => (Age::Sealed, sealed),
        _ if count(&table.shape) == fields.len() => (Age::Current, &table.shape),
        // Between two changes of the columns: the columns that there are, as far as they go.
        _ => (Age::Sealed, &table.shape),
    };
    let value = |column: &Column| {
        let field = fields.get(column.field)?;
        Some((column.name.clone(), column.kind.read(field.as_deref())))
    };
    let columns = shape.columns.iter().filter_map(value).collect();
    Ok((age, Row { columns }))
}

fn key(table: &CapturedTable, row: &Row) -> Key {
    if table.key.is_empty() {
        return Key(row.columns.iter().map(|(_, value)| value.clone()).collect());
    }
    // By exact name: columns may differ in case alone.
    let value = |name: &String| {
        row.columns
            .iter()
            .find(|(column, _)| column == name)
            .map_or(Value::Null, |(_, value)| value.clone())
    };
    Key(table.key.iter().map(value).collect())
}

/// The images under one key: those that are gone, and those that have come.
#[derive(Debug, Default)]
struct Versions {
    gone: Vec<(Age, Row)>,
    come: Vec<(Age, Row)>,
}

impl Versions {
    fn add(&mut self, table: &CapturedTable, age: Age, row: Row, count: i64) {
        let versions = if count < 0 { &mut self.gone } else { &mut self.come };
        // Only a table without a key can have rows that are alike.
        let copies = if table.key.is_empty() { count.unsigned_abs() } else { 1 };
        versions.extend((0..copies).map(|_| (age, row.clone())));
    }

    fn changes(mut self, key: Key) -> Vec<RowChange> {
        self.cancel();
        let mut changes = Vec::new();
        let (mut gone, mut come) = (self.gone.into_iter().map(|(_, row)| row), self.come.into_iter().map(|(_, row)| row));
        loop {
            let (old, new) = (gone.next(), come.next());
            let kind = match (&old, &new) {
                (Some(_), Some(_)) => ChangeKind::Updated,
                (Some(_), None) => ChangeKind::Deleted,
                (None, Some(_)) => ChangeKind::Inserted,
                (None, None) => return changes,
            };
            changes.push(RowChange {
                key: key.clone(),
                kind,
                old,
                new,
            });
        }
    }

    /// Takes away what has gone and come: the same row moved between partitions, or written before a change of the columns and again after it.
    fn cancel(&mut self) {
        let come = &mut self.come;
        self.gone.retain(|(gone_age, gone)| {
            let partner = come.iter().position(|(come_age, come)| come == gone || come_age < gone_age);
            partner.map(|index| come.swap_remove(index)).is_none()
        });
    }
}
