//! The report of a test whose process ended while it held a lane: it could not write its own, so the runner does, from the state that
//! the broker kept. The form is that of the tests' own reports.

use crate::runner::LostTest;
use mori_model::{ChangeKind, Key, LaneDelta, RouteRecord, RowChange, TableDelta, Value};
use std::fmt::Write;

/// The statements before the end that are worth a look.
const STATEMENTS_MAX: usize = 12;
/// Updated rows of one table that get a line of their own, and keys that are named.
const ROWS_MAX: usize = 8;
const LABEL_WIDTH: usize = 11;

/// Whole lines, indented below the test's status line. `function`: the test's name within its binary.
pub fn render_lost(lost: &LostTest, function: &str) -> String {
    let mut about = vec![format!("lane {}", lost.slot), lost.engine.clone(), format!("prod {}", lost.prod)];
    about.extend(lost.layers.iter().cloned());
    let mut lines = vec![format!("the test process ended while it held the lane   {}", about.join(" · "))];
    lines.extend(labelled(
        "delta",
        delta_lines(&lost.delta, &[ChangeKind::Inserted, ChangeKind::Updated]),
    ));
    lines.extend(labelled("tombstones", delta_lines(&lost.delta, &[ChangeKind::Deleted])));
    lines.extend(labelled("routing", routing_lines(&lost.routing)));
    if let Some(dir) = &lost.kept {
        lines.push(format!(
            "state kept: cargo mori shell {function}   {}   until dropped or 5 newer ones",
            dir.display()
        ));
    }
    let connection = lost
        .run_connection
        .as_ref()
        .map(|name| format!(" --connection {name}"))
        .unwrap_or_default();
    lines.push(format!("again:      cargo mori test -E 'test(={function})' --lanes 1{connection}"));
    lines.into_iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "      {line}");
        text
    })
}

/// Lines under one label, which stands on the first.
fn labelled(label: &str, lines: Vec<String>) -> impl Iterator<Item = String> {
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    labels.zip(lines).map(|(label, line)| format!("{label:<LABEL_WIDTH$}{line}"))
}

fn delta_lines(delta: &LaneDelta, kinds: &[ChangeKind]) -> Vec<String> {
    let tables = delta.tables.iter();
    let rows = tables.flat_map(|(table, changes)| kinds.iter().flat_map(move |kind| table_rows(table, changes, *kind)));
    align(&rows.collect::<Vec<_>>(), &[2, 3])
}

/// The changes of one kind in one table: a single row, and updated rows, with what changed; many rows by their keys.
fn table_rows(table: &str, changes: &TableDelta, kind: ChangeKind) -> Vec<Vec<String>> {
    let rows: Vec<&RowChange> = changes.of_kind(kind).collect();
    let sign = match kind {
        ChangeKind::Inserted => '+',
        ChangeKind::Updated => '~',
        ChangeKind::Deleted => '-',
    };
    let (first, rest) = match rows.as_slice() {
        [] => return Vec::new(),
        [only] => (row_text(only), Vec::new()),
        [..] if kind == ChangeKind::Updated => (keys_text(&rows), rows.iter().take(ROWS_MAX).map(|row| row_text(row)).collect()),
        [..] => (keys_text(&rows), Vec::new()),
    };
    let mut lines = vec![vec![table.to_owned(), format!("{sign}{}", rows.len()), first]];
    lines.extend(rest.into_iter().map(|text| vec![String::new(), String::new(), text]));
    lines
}

fn row_text(row: &RowChange) -> String {
    let value = |value: Option<&Value>| value.map_or_else(|| "(none)".to_owned(), Value::quoted);
    let changed = || {
        row.changed()
            .into_iter()
            .map(|(column, old, new)| format!("{column} {} -> {}", value(old), value(new)))
    };
    match row.kind {
        ChangeKind::Updated => format!("pk {}   {}", key_text(&row.key), changed().collect::<Vec<_>>().join(", ")),
        ChangeKind::Inserted | ChangeKind::Deleted => format!("pk {}", key_text(&row.key)),
    }
}

fn keys_text(rows: &[&RowChange]) -> String {
    let shown: Vec<String> = rows.iter().take(ROWS_MAX).map(|row| key_text(&row.key)).collect();
    match rows.len() - shown.len() {
        0 => format!("pk {}", shown.join(", ")),
        more => format!("pk {}, … {more} more", shown.join(", ")),
    }
}

fn key_text(key: &Key) -> String {
    let values = key.0.iter().map(Value::quoted).collect::<Vec<_>>().join(", ");
    if key.0.len() == 1 { values } else { format!("({values})") }
}

fn routing_lines(records: &[RouteRecord]) -> Vec<String> {
    let first = records.len().saturating_sub(STATEMENTS_MAX);
    let rows: Vec<Vec<String>> = records[first..].iter().map(record_row).collect();
    let before = (first > 0).then(|| format!("… {first} before"));
    before.into_iter().chain(align(&rows, &[1, 1, 2])).collect()
}

fn record_row(record: &RouteRecord) -> Vec<String> {
    [format!("#{}", record.ordinal), format!("c{}", record.session)]
        .into_iter()
        .chain(record.cells())
        .collect()
}

/// Lines of cells with every column as wide as its widest cell. `gaps[i]` follows column `i`, the last one all further columns.
fn align(rows: &[Vec<String>], gaps: &[usize]) -> Vec<String> {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..rows.iter().map(Vec::len).max().unwrap_or(0)).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let gap = gaps.get(column).or(gaps.last()).copied().unwrap_or(2);
            format!("{cell:<width$}{:gap$}", "", width = widths[column])
        });
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
