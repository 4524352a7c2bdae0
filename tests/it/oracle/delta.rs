//! The delta map and the tombstone set, computed by comparing the private copy with prod row by row, and compared with Mori's.

use super::compare::Difference;
use super::generator::quote;
use super::reference::owned;
use mori_model::{ChangeKind, LaneDelta, Value};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// Rows of one table: the values of the key, and for a key with a NULL in it, which tells no rows apart, the row id.
type Rows = BTreeMap<(Vec<Value>, Option<i64>), Vec<Value>>;

struct Table {
    columns: Vec<String>,
    /// Positions of the key's columns; empty where the row id is the key.
    key: Vec<usize>,
    rows: Rows,
}

/// A changed row: its key, what happened to it, the values before and after.
type Change = (Vec<Value>, ChangeKind, Option<Vec<Value>>, Option<Vec<Value>>);

/// Compares Mori's delta with that between `before` and `after`.
pub fn check(before: &Connection, after: &Connection, mut delta: LaneDelta) -> Result<(), Difference> {
    for (name, shown) in tables(after) {
        let Some(new) = read(after, &name) else { continue };
        let rows = delta.tables.remove(&shown).unwrap_or_default().rows;
        let mut actual: Vec<Change> = rows
            .into_iter()
            .map(|change| {
                let values = |row: mori_model::Row| row.columns.into_iter().map(|(_, value)| value).collect::<Vec<_>>();
                (change.key.0, change.kind, change.old.map(values), change.new.map(values))
            })
            .collect();
        actual.sort();
        compare(&shown, read(before, &name).as_ref(), &new, &actual)?;
    }
    // A table that is no longer there has no delta.
    match delta.tables.first_key_value() {
        Some((table, rows)) => Err(Difference(format!(
            "the delta holds rows of {table}, which is no table of the lane: {rows:?}"
        ))),
        None => Ok(()),
    }
}

fn compare(name: &str, before: Option<&Table>, after: &Table, actual: &[Change]) -> Result<(), Difference> {
    let no_rows = Rows::new();
    let key_names = |table: &Table| {
        table
            .key
            .iter()
            .map(|position| table.columns[*position].clone())
            .collect::<Vec<_>>()
    };
    if before.is_some_and(|before| key_names(before) != key_names(after)) {
        // A table that was made anew with another key: its rows have no common name.
        return Ok(());
    }
    let before_rows = before.map_or(&no_rows, |before| &before.rows);
    let mut expected: Vec<Change> = Vec::new();
    for (key, row) in &after.rows {
        match before_rows.get(key) {
            None => expected.push((key.0.clone(), ChangeKind::Inserted, None, Some(row.clone()))),
            Some(old) if old != row => expected.push((key.0.clone(), ChangeKind::Updated, Some(old.clone()), Some(row.clone()))),
            Some(_) => {}
        }
    }
    for (key, row) in before_rows.iter().filter(|(key, _)| !after.rows.contains_key(*key)) {
        expected.push((key.0.clone(), ChangeKind::Deleted, Some(row.clone()), None));
    }
    expected.sort();
    if before.is_none_or(|before| before.columns == after.columns) {
        if expected == actual {
            return Ok(());
        }
        let missing: Vec<&Change> = expected.iter().filter(|change| !actual.contains(change)).take(3).collect();
        let extra: Vec<&Change> = actual.iter().filter(|change| !expected.contains(change)).take(3).collect();
        return Err(Difference(format!("delta of {name}: missing {missing:?}, not expected {extra:?}")));
    }
    // With other columns than prod every row differs; only rows that were written need to be told. Which keys came and went is certain.
    for kind in [ChangeKind::Inserted, ChangeKind::Deleted] {
        let keys = |changes: &[Change]| {
            changes
                .iter()
                .filter(|change| change.1 == kind)
                .map(|change| change.0.clone())
                .collect::<Vec<_>>()
        };
        if keys(&expected) != keys(actual) {
            return Err(Difference(format!(
                "delta of {name}: {kind:?} {:?} instead of {:?}",
                keys(actual),
                keys(&expected)
            )));
        }
    }
    Ok(())
}

/// The tables whose rows count, with the name they are shown under: a virtual table is shown by its shadow table of rows.
fn tables(connection: &Connection) -> Vec<(String, String)> {
    let sql = "SELECT t.name, coalesce(v.name, t.name) FROM pragma_table_list AS t
        LEFT JOIN pragma_table_list AS v ON v.schema = 'main' AND v.type = 'virtual' AND t.type = 'shadow'
            AND t.name IN (v.name || '_content', v.name || '_rowid')
        WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite~_%' ESCAPE '~' AND (t.type = 'table' OR (t.type = 'shadow' AND v.name IS NOT NULL))";
    let mut statement = connection.prepare(sql).expect("the table list");
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("the table list");
    rows.collect::<rusqlite::Result<_>>().expect("the table list")
}

/// All rows of a table; `None` if there is no such table.
fn read(connection: &Connection, table: &str) -> Option<Table> {
    let sql =
        "SELECT name, pk FROM pragma_table_xinfo(?1) WHERE hidden <> 1 AND (SELECT type FROM pragma_table_list(?1)) IN ('table', 'shadow')";
    let mut statement = connection.prepare(sql).expect("the columns");
    let columns = statement
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("the columns");
    let columns: Vec<(String, i64)> = columns.collect::<rusqlite::Result<_>>().expect("the columns");
    if columns.is_empty() {
        return None;
    }
    let mut key: Vec<(i64, usize)> = columns
        .iter()
        .enumerate()
        .filter(|(_, (_, pk))| *pk > 0)
        .map(|(index, (_, pk))| (*pk, index))
        .collect();
    key.sort_unstable();
    let key: Vec<usize> = key.into_iter().map(|(_, index)| index).collect();
    let columns: Vec<String> = columns.into_iter().map(|(name, _)| name).collect();
    let names: Vec<String> = columns.iter().map(|name| quote(name)).collect();
    let is_free = |name: &&str| !columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    let rowid = ["rowid", "_rowid_", "oid"]
        .into_iter()
        .find(is_free)
        .expect("the generator hides one name at most");
    let (mut statement, has_rowid) = match connection.prepare(&format!("SELECT {}, {rowid} FROM {}", names.join(", "), quote(table))) {
        Ok(statement) => (statement, true),
        // WITHOUT ROWID.
        Err(_) => (
            connection
                .prepare(&format!("SELECT {} FROM {}", names.join(", "), quote(table)))
                .ok()?,
            false,
        ),
    };
    let mut rows = Rows::new();
    let mut found = statement.query([]).expect("the rows");
    while let Some(row) = found.next().expect("the rows") {
        let values: Vec<Value> = (0..columns.len())
            .map(|index| model(owned(row.get_ref(index).expect("a value"))))
            .collect();
        let rowid: Option<i64> = if has_rowid {
            Some(row.get(columns.len()).expect("a row id"))
        } else {
            None
        };
        let row_key: Vec<Value> = key.iter().map(|position| values[*position].clone()).collect();
        let row_key = match rowid {
            Some(rowid) if key.is_empty() => (vec![Value::Int(rowid)], None),
            rowid if row_key.contains(&Value::Null) => (row_key, rowid),
            _ => (row_key, None),
        };
        rows.insert(row_key, values);
    }
    Some(Table { columns, key, rows })
}

fn model(value: rusqlite::types::Value) -> Value {
    use rusqlite::types::Value as Stored;
    match value {
        Stored::Null => Value::Null,
        Stored::Integer(value) => Value::Int(value),
        Stored::Real(value) => Value::Real(value),
        Stored::Text(text) => Value::Text(text),
        Stored::Blob(bytes) => Value::Blob(bytes),
    }
}
