//! The delta map and the tombstones, computed from the private copy before and after, in the form the lane tells its own.

use mori_model::{ChangeKind, LaneDelta, Row, Value};
use mori_tests::raw::{Message, Raw};
use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;

/// The tables, with the places of their keys' columns; without any where all values together are the key.
pub const TABLES: [(&str, &[usize]); 7] = [
    ("users", &[0]),
    ("orders", &[0]),
    ("items", &[0, 1]),
    ("devices", &[0]),
    ("notes", &[]),
    ("events", &[0, 1]),
    ("audit", &[]),
];

type Values = Vec<Option<String>>;
/// The rows of each table, with their number.
pub type Content = BTreeMap<&'static str, BTreeMap<Values, usize>>;
/// The table, the key, what happened, and the values before and after.
type Change = (String, Values, ChangeKind, Option<Values>, Option<Values>);

pub fn content(copy: &mut Raw<UnixStream>) -> Content {
    TABLES
        .iter()
        .map(|(table, _)| {
            copy.send(&mori_tests::raw::query(&format!("SELECT * FROM {table}")));
            let mut rows: BTreeMap<Values, usize> = BTreeMap::new();
            let answer = copy.until_ready();
            for row in answer.iter().filter(|message| message.tag == b'D') {
                *rows.entry(texts(row)).or_default() += 1;
            }
            (*table, rows)
        })
        .collect()
}

fn texts(row: &Message) -> Values {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    row.values().into_iter().map(|value| value.map(text)).collect()
}

/// The first difference between the lane's delta and that between two contents of the copy.
pub fn check(before: &Content, after: &Content, delta: &LaneDelta) -> Result<(), String> {
    let expected: Vec<Change> = TABLES
        .iter()
        .flat_map(|(table, key)| differences(table, key, &before[table], &after[table]))
        .collect();
    let mut actual: Vec<Change> = Vec::new();
    for (table, rows) in &delta.tables {
        for change in &rows.rows {
            actual.push((
                table.clone(),
                change.key.0.iter().map(text).collect(),
                change.kind,
                change.old.as_ref().map(values),
                change.new.as_ref().map(values),
            ));
        }
    }
    let sorted = |mut changes: Vec<Change>| {
        changes.sort();
        changes
    };
    let (expected, actual) = (sorted(expected), sorted(actual));
    if expected == actual {
        return Ok(());
    }
    let missing: Vec<&Change> = expected.iter().filter(|change| !actual.contains(change)).take(3).collect();
    let extra: Vec<&Change> = actual.iter().filter(|change| !expected.contains(change)).take(3).collect();
    Err(format!(
        "the lane's delta has {} changes instead of {}: missing {missing:?}, not expected {extra:?}",
        actual.len(),
        expected.len()
    ))
}

fn differences(table: &str, key: &[usize], before: &BTreeMap<Values, usize>, after: &BTreeMap<Values, usize>) -> Vec<Change> {
    let key_of = |row: &Values| {
        if key.is_empty() {
            row.clone()
        } else {
            key.iter().map(|place| row[*place].clone()).collect()
        }
    };
    let more = |rows: &BTreeMap<Values, usize>, than: &BTreeMap<Values, usize>| -> Vec<Values> {
        rows.iter()
            .flat_map(|(row, count)| vec![row.clone(); count.saturating_sub(than.get(row).copied().unwrap_or(0))])
            .collect()
    };
    let (gone, mut come) = (more(before, after), more(after, before));
    let mut changes = Vec::new();
    for old in gone {
        let partner = if key.is_empty() {
            None
        } else {
            come.iter().position(|new| key_of(new) == key_of(&old))
        };
        let new = partner.map(|place| come.swap_remove(place));
        let kind = if new.is_some() { ChangeKind::Updated } else { ChangeKind::Deleted };
        changes.push((table.to_owned(), key_of(&old), kind, Some(old), new));
    }
    for new in come {
        changes.push((table.to_owned(), key_of(&new), ChangeKind::Inserted, None, Some(new)));
    }
    changes
}

fn values(row: &Row) -> Values {
    row.columns.iter().map(|(_, value)| text(value)).collect()
}

/// As PostgreSQL prints it; no table has floats, booleans or bytes.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Int(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.clone()),
        other => panic!("{other:?}"),
    }
}
