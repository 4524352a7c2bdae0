//! What a lane changed: the delta map and the tombstone set, with old and new values.

use crate::{Key, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a row of the lane differs from the layer below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// In the delta map; the layer below has no row of that key.
    Inserted,
    /// In the delta map; the layer below has that key with other values.
    Updated,
    /// In the tombstone set.
    Deleted,
}

/// A row's values by column name, in the table's column order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub columns: Vec<(String, Value)>,
}

impl Row {
    pub fn get(&self, column: &str) -> Option<&Value> {
        self.columns
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(column))
            .map(|(_, value)| value)
    }
}

/// One changed row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowChange {
    pub key: Key,
    pub kind: ChangeKind,
    /// The row in the layer below; absent for `Inserted`.
    pub old: Option<Row>,
    /// The row in the lane; absent for `Deleted`.
    pub new: Option<Row>,
}

impl RowChange {
    /// The columns whose value changed, as `(column, old, new)`, in column order. Columns that only one side has count as changed.
    pub fn changed(&self) -> Vec<(&str, Option<&Value>, Option<&Value>)> {
        fn columns(row: &Option<Row>) -> &[(String, Value)] {
            row.as_ref().map_or(&[], |row| &row.columns)
        }
        let mut changed = Vec::new();
        for (column, value) in columns(&self.new) {
            let before = self.old.as_ref().and_then(|row| row.get(column));
            if before != Some(value) {
                changed.push((column.as_str(), before, Some(value)));
            }
        }
        for (column, value) in columns(&self.old) {
            if self.new.as_ref().and_then(|row| row.get(column)).is_none() {
                changed.push((column.as_str(), Some(value), None));
            }
        }
        changed
    }
}

/// All changed rows of one table, sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDelta {
    pub rows: Vec<RowChange>,
}

impl TableDelta {
    pub fn count(&self, kind: ChangeKind) -> usize {
        self.of_kind(kind).count()
    }

    pub fn of_kind(&self, kind: ChangeKind) -> impl Iterator<Item = &RowChange> {
        self.rows.iter().filter(move |row| row.kind == kind)
    }

    /// The keys in the delta map: inserted and updated rows.
    pub fn delta_keys(&self) -> impl Iterator<Item = &Key> {
        self.rows.iter().filter(|row| row.kind != ChangeKind::Deleted).map(|row| &row.key)
    }

    /// The keys in the tombstone set: deleted rows.
    pub fn tombstone_keys(&self) -> impl Iterator<Item = &Key> {
        self.of_kind(ChangeKind::Deleted).map(|row| &row.key)
    }
}

/// A lane's whole difference from the layer below, by table. Tables without a changed row are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneDelta {
    pub tables: BTreeMap<String, TableDelta>,
}

impl LaneDelta {
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Rows in the delta map over all tables.
    pub fn delta_rows(&self) -> usize {
        self.tables.values().map(|table| table.delta_keys().count()).sum()
    }

    /// Rows in the tombstone set over all tables.
    pub fn tombstones(&self) -> usize {
        self.tables.values().map(|table| table.count(ChangeKind::Deleted)).sum()
    }
}
