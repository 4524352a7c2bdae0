//! A lane's changes as text: a line a row, with old and new values.

use mori_model::{ChangeKind, LaneDelta, RowChange, TableDelta, Value};
use std::fmt::Write;

/// The changes of all tables.
pub fn render_lane(delta: &LaneDelta) -> String {
    if delta.is_empty() {
        return "no changes\n".to_owned();
    }
    delta
        .tables
        .iter()
        .map(|(name, table)| format!("{name}\n{}", render_table(table)))
        .collect()
}

/// The changes of one table, indented by two.
pub fn render_table(table: &TableDelta) -> String {
    table.rows.iter().map(render_row).collect()
}

fn render_row(row: &RowChange) -> String {
    let mut text = format!("  {} {}", sign(row.kind), row.key);
    let value = |value: Option<&Value>| value.map_or_else(|| "-".to_owned(), Value::quoted);
    match row.kind {
        ChangeKind::Deleted => {}
        ChangeKind::Inserted => {
            for (column, new) in row.new.iter().flat_map(|row| &row.columns) {
                let _ = write!(text, "  {column} {}", new.quoted());
            }
        }
        ChangeKind::Updated => {
            for (column, old, new) in row.changed() {
                let _ = write!(text, "  {column} {} -> {}", value(old), value(new));
            }
        }
    }
    text.push('\n');
    text
}

fn sign(kind: ChangeKind) -> char {
    match kind {
        ChangeKind::Inserted => '+',
        ChangeKind::Updated => '~',
        ChangeKind::Deleted => '-',
    }
}
