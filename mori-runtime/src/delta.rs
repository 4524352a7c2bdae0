//! What the test changed, as tests look at it: by table, by row, by column.

use crate::text::{self, Values};
use mori_model::{ChangeKind, Key, LaneDelta, RowChange, TableDelta, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The lane's difference from its layers at the moment of the call. Cheap to clone; later changes do not show in it.
///
/// Its display text is that of [`assert_delta_snapshot!`](crate::assert_delta_snapshot).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta(Arc<LaneDelta>);

impl Delta {
    pub(crate) fn new(delta: LaneDelta) -> Delta {
        Delta(Arc::new(delta))
    }

    /// No row inserted, updated or deleted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tables with a changed row, sorted.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.0.tables.keys().map(String::as_str)
    }

    /// One table's changes; without any for a table that is unchanged or does not exist. The name is the schema's, small and
    /// capital letters alike.
    pub fn table(&self, name: &str) -> TableChanges {
        let found = resolve(&self.0, name).map(|(table, changes)| (table.to_owned(), changes.clone()));
        let (name, changes) = found.unwrap_or_else(|| (name.to_owned(), TableDelta::default()));
        TableChanges { name, changes }
    }

    /// The change of a key, in whatever database it is: for Redis.
    ///
    /// # Panics
    /// If that key is unchanged.
    #[track_caller]
    pub fn key(&self, key: impl Into<Key>) -> RowView {
        let key = key.into();
        let has_it = |changes: &TableDelta| changes.rows.iter().any(|change| change.key == key);
        let found = self.0.tables.iter().find(|(_, changes)| has_it(changes));
        let table = found.map_or("db0", |(table, _)| table.as_str());
        self.table(table).row(key.clone())
    }

    /// The whole difference as plain data.
    pub fn as_model(&self) -> &LaneDelta {
        &self.0
    }

    /// The tombstone set.
    pub fn tombstones(&self) -> Tombstones {
        let keys = self
            .0
            .tables
            .iter()
            .map(|(table, changes)| (table.clone(), changes.tombstone_keys().cloned().collect::<Vec<_>>()));
        Tombstones(keys.filter(|(_, keys)| !keys.is_empty()).collect())
    }

    #[doc(hidden)]
    #[track_caller]
    pub fn __delta_text(&self) -> String {
        crate::harness::note_snapshot();
        self.to_string()
    }
}

/// The table of that name: as written, else without regard to case.
pub(crate) fn resolve<'a>(delta: &'a LaneDelta, name: &str) -> Option<(&'a str, &'a TableDelta)> {
    let exact = delta.tables.get_key_value(name);
    let found = exact.or_else(|| delta.tables.iter().find(|(table, _)| table.eq_ignore_ascii_case(name)));
    found.map(|(table, changes)| (table.as_str(), changes))
}

impl fmt::Display for Delta {
    /// One line a row, sorted by table, kind and key; values whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = Vec::new();
        for (table, changes) in &self.0.tables {
            for kind in text::KINDS {
                for (index, change) in changes.of_kind(kind).enumerate() {
                    let first = index == 0;
                    rows.push(vec![
                        if first { table.clone() } else { String::new() },
                        if first {
                            format!("{}{}", text::sign(kind), changes.count(kind))
                        } else {
                            String::new()
                        },
                        format!("pk {}", text::key(&change.key)),
                        text::change(change, Values::Whole),
                    ]);
                }
            }
        }
        if rows.is_empty() {
            return f.write_str("no changes");
        }
        f.write_str(&text::align(&rows, &[2]).join("\n"))
    }
}

/// One table's changed rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableChanges {
    name: String,
    changes: TableDelta,
}

impl TableChanges {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn inserted(&self) -> usize {
        self.changes.count(ChangeKind::Inserted)
    }

    pub fn updated(&self) -> usize {
        self.changes.count(ChangeKind::Updated)
    }

    pub fn deleted(&self) -> usize {
        self.changes.count(ChangeKind::Deleted)
    }

    /// Sorted by key.
    pub fn rows(&self) -> impl Iterator<Item = RowView> {
        self.changes.rows.iter().map(|change| RowView {
            table: self.name.clone(),
            change: change.clone(),
        })
    }

    /// The changed row of that key.
    ///
    /// # Panics
    /// If that row is unchanged, with the keys of those that are not.
    #[track_caller]
    pub fn row(&self, key: impl Into<Key>) -> RowView {
        let key = key.into();
        let Some(change) = self.changes.rows.iter().find(|change| change.key == key) else {
            let changed = match self.changes.rows.as_slice() {
                [] => "the table has no changed row".to_owned(),
                rows => format!("changed are {}", text::keys(rows.iter().map(|row| &row.key), 20)),
            };
            panic!("{} has no change at pk {}; {changed}", self.name, text::key(&key));
        };
        RowView {
            table: self.name.clone(),
            change: change.clone(),
        }
    }
}

/// One changed row, with its values before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowView {
    table: String,
    change: RowChange,
}

impl RowView {
    pub fn key(&self) -> &Key {
        &self.change.key
    }

    pub fn kind(&self) -> ChangeKind {
        self.change.kind
    }

    pub fn is_inserted(&self) -> bool {
        self.change.kind == ChangeKind::Inserted
    }

    pub fn is_updated(&self) -> bool {
        self.change.kind == ChangeKind::Updated
    }

    pub fn is_deleted(&self) -> bool {
        self.change.kind == ChangeKind::Deleted
    }

    /// Asserts that exactly these columns changed, in any order.
    ///
    /// # Panics
    /// If others changed, or some of these did not, with old and new values.
    #[track_caller]
    pub fn changed<C: AsRef<str>>(&self, columns: impl IntoIterator<Item = C>) -> &RowView {
        let stated: Vec<String> = columns.into_iter().map(|column| column.as_ref().to_owned()).collect();
        let changed = self.change.changed();
        let is_stated = |name: &str| stated.iter().any(|column| column.eq_ignore_ascii_case(name));
        let unstated: Vec<&str> = changed.iter().map(|(name, ..)| *name).filter(|name| !is_stated(name)).collect();
        let unchanged: Vec<&str> = stated
            .iter()
            .map(String::as_str)
            .filter(|column| !changed.iter().any(|(name, ..)| name.eq_ignore_ascii_case(column)))
            .collect();
        if unstated.is_empty() && unchanged.is_empty() {
            return self;
        }
        let mut lines = vec![format!(
            "{} pk {}: the changed columns differ from what the test states",
            self.table,
            self.key_text()
        )];
        lines.extend(
            text::changed_columns(&self.change, Values::Whole)
                .into_iter()
                .map(|column| format!("    {column}")),
        );
        if !unstated.is_empty() {
            lines.push(format!("  not expected: {}", unstated.join(", ")));
        }
        if !unchanged.is_empty() {
            lines.push(format!("  unchanged: {}", unchanged.join(", ")));
        }
        panic!("{}", lines.join("\n"));
    }

    /// The column's value in the layers below.
    ///
    /// # Panics
    /// If the row was inserted by the test, or has no such column.
    #[track_caller]
    pub fn old(&self, column: &str) -> Value {
        match &self.change.old {
            Some(row) => self.column(row, column),
            None => panic!(
                "{} pk {} was inserted by the test: it has no old values",
                self.table,
                self.key_text()
            ),
        }
    }

    /// The column's value in the lane.
    ///
    /// # Panics
    /// If the row was deleted by the test, or has no such column.
    #[track_caller]
    #[expect(clippy::new_ret_no_self, reason = "the pair of `old`: a row's values before and after")]
    pub fn new(&self, column: &str) -> Value {
        match &self.change.new {
            Some(row) => self.column(row, column),
            None => panic!(
                "{} pk {} was deleted by the test: it has no new values",
                self.table,
                self.key_text()
            ),
        }
    }

    #[track_caller]
    fn column(&self, row: &mori_model::Row, column: &str) -> Value {
        let Some(value) = row.get(column) else {
            let known: Vec<&str> = row.columns.iter().map(|(name, _)| name.as_str()).collect();
            panic!("{} has no column `{column}`; it has {}", self.table, known.join(", "));
        };
        value.clone()
    }

    fn key_text(&self) -> String {
        text::key(&self.change.key)
    }
}

/// The keys of deleted rows by table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tombstones(pub(crate) BTreeMap<String, Vec<Key>>);

impl Tombstones {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Over all tables.
    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The deleted keys of one table, sorted; none for a table without any.
    pub fn table(&self, name: &str) -> &[Key] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Key])> {
        self.0.iter().map(|(table, keys)| (table.as_str(), keys.as_slice()))
    }
}

impl fmt::Display for Tombstones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no tombstones");
        }
        let rows: Vec<Vec<String>> = self
            .0
            .iter()
            .map(|(table, keys)| vec![table.clone(), text::keys(keys, usize::MAX)])
            .collect();
        f.write_str(&text::align(&rows, &[2]).join("\n"))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::Delta;
    use crate::Value;
    use crate::broker::fake::{deleted, delta, inserted, row, updated};
    use std::panic::catch_unwind;

    fn refunded() -> Delta {
        let before = row(&[("id", 17.into()), ("status", "paid".into()), ("paid_at", Value::Null)]);
        let after = row(&[("id", 17.into()), ("status", "refunded".into()), ("paid_at", 3.into())]);
        Delta::new(delta(vec![
            ("orders", updated(17, before, after)),
            ("refunds", inserted(9001, row(&[("id", 9001.into()), ("note", "it's".into())]))),
            ("refunds", inserted(9002, row(&[("id", 9002.into()), ("note", Value::Null)]))),
            ("carts", deleted((4, "x"), row(&[("id", 4.into())]))),
        ]))
    }

    #[track_caller]
    fn panics(call: impl FnOnce() + std::panic::UnwindSafe, expected: &str) {
        let payload = catch_unwind(call).expect_err("panics");
        assert_eq!(payload.downcast_ref::<String>().map(String::as_str), Some(expected));
    }

    #[test]
    fn the_snapshot_text() {
        insta::assert_snapshot!(refunded(), @r"
        carts    -1  pk (4, 'x')
        orders   ~1  pk 17        status 'paid' -> 'refunded', paid_at NULL -> 3
        refunds  +2  pk 9001      id 9001, note 'it''s'
                     pk 9002      id 9002, note NULL
        ");
        assert_eq!(Delta::default().to_string(), "no changes");
        assert_eq!(refunded().tombstones().to_string(), "carts  pk (4, 'x')");
    }

    #[test]
    fn a_row_tells_old_and_new() {
        let row = refunded().table("ORDERS").row(17);
        row.changed(["paid_at", "STATUS"]);
        assert_eq!((row.old("status"), row.new("status")), ("paid".into(), "refunded".into()));
        assert!(row.is_updated() && !row.is_inserted() && !row.is_deleted());
    }

    #[test]
    fn a_mismatch_shows_old_and_new() {
        panics(
            || {
                refunded().table("orders").row(17).changed(["status", "total"]);
            },
            "orders pk 17: the changed columns differ from what the test states\n    status 'paid' -> 'refunded'\n    paid_at NULL -> 3\n  not expected: paid_at\n  unchanged: total",
        );
    }

    #[test]
    fn what_is_not_there_is_said() {
        panics(
            || drop(refunded().table("refunds").row(1)),
            "refunds has no change at pk 1; changed are pk 9001, 9002",
        );
        panics(
            || drop(refunded().table("users").row(1)),
            "users has no change at pk 1; the table has no changed row",
        );
        panics(
            || drop(refunded().table("refunds").row(9001).old("id")),
            "refunds pk 9001 was inserted by the test: it has no old values",
        );
        panics(
            || drop(refunded().table("orders").row(17).new("sum")),
            "orders has no column `sum`; it has id, status, paid_at",
        );
    }
}
