//! Words that assertions, snapshots and reports share: keys, values, counts, columns.

use mori_model::{ChangeKind, Key, LaneDelta, RowChange, Value};
use std::fmt::Write;

/// Longer values are cut in reports; assertions and snapshots show them whole.
const VALUE_LEN_CHARS_MAX: usize = 60;

/// A simple key as its value, a composite one in parentheses. Text is quoted, so that `17` and `'17'` can be told apart.
pub(crate) fn key(key: &Key) -> String {
    let values = key.0.iter().map(Value::quoted).collect::<Vec<_>>().join(", ");
    if key.0.len() == 1 { values } else { format!("({values})") }
}

/// `pk 1, 2, 3, … 9 more`.
pub(crate) fn keys<'a>(keys: impl IntoIterator<Item = &'a Key>, max: usize) -> String {
    let mut keys = keys.into_iter();
    let shown = keys.by_ref().take(max).map(key).collect::<Vec<_>>().join(", ");
    match keys.count() {
        0 => format!("pk {shown}"),
        more => format!("pk {shown}, … {more} more"),
    }
}

/// How the three kinds are written, in the order reports show them.
pub(crate) const KINDS: [ChangeKind; 3] = [ChangeKind::Inserted, ChangeKind::Updated, ChangeKind::Deleted];

pub(crate) fn sign(kind: ChangeKind) -> char {
    match kind {
        ChangeKind::Inserted => '+',
        ChangeKind::Updated => '~',
        ChangeKind::Deleted => '-',
    }
}

/// `orders ~1, refunds +2 -1`: a whole delta in one line.
pub(crate) fn summary(delta: &LaneDelta) -> String {
    let tables = delta.tables.iter().map(|(table, changes)| {
        let counts = KINDS
            .iter()
            .map(|kind| (*kind, changes.count(*kind)))
            .filter(|(_, count)| *count > 0);
        counts.fold(table.clone(), |mut text, (kind, count)| {
            let _ = write!(text, " {}{count}", sign(kind));
            text
        })
    });
    tables.collect::<Vec<_>>().join(", ")
}

/// How much of a value is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    Whole,
    Cut,
}

pub(crate) fn value(value: Option<&Value>, values: Values) -> String {
    let text = value.map_or_else(|| "(none)".to_owned(), Value::quoted);
    match text.char_indices().nth(VALUE_LEN_CHARS_MAX) {
        Some((end, _)) if values == Values::Cut => format!("{}…", &text[..end]),
        _ => text,
    }
}

/// What a row's change says beyond its key: `status 'paid' -> 'refunded', paid_at NULL -> 3`; an inserted row's columns; of a
/// tombstone nothing.
pub(crate) fn change(change: &RowChange, values: Values) -> String {
    let columns = match change.kind {
        ChangeKind::Inserted => change
            .changed()
            .into_iter()
            .map(|(column, _, new)| format!("{column} {}", value(new, values)))
            .collect(),
        ChangeKind::Updated => changed_columns(change, values),
        ChangeKind::Deleted => Vec::new(),
    };
    columns.join(", ")
}

/// `status 'paid' -> 'refunded'`, one entry a column.
pub(crate) fn changed_columns(change: &RowChange, values: Values) -> Vec<String> {
    let changed = change.changed().into_iter();
    changed
        .map(|(column, old, new)| format!("{column} {} -> {}", value(old, values), value(new, values)))
        .collect()
}

/// Lines of cells with every column as wide as its widest cell. `gaps[i]` is the space after column `i`; the last one counts for
/// all further columns. No line ends in a space.
pub(crate) fn align(rows: &[Vec<String>], gaps: &[usize]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let gap = |column: usize| gaps.get(column).or(gaps.last()).copied().unwrap_or(2);
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            // A column without any content takes no room.
            if widths[column] > 0 {
                let _ = write!(line, "{cell:<width$}{:gap$}", "", width = widths[column], gap = gap(column));
            }
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// `1 row`, `2 rows`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::{Values, align, key, keys, value};
    use mori_model::{Key, Value};

    #[test]
    fn keys_show_their_types() {
        assert_eq!(key(&Key::from(17)), "17");
        assert_eq!(key(&Key::from("17")), "'17'");
        assert_eq!(key(&Key::from((1, "a"))), "(1, 'a')");
        let many: Vec<Key> = (1..=5).map(Key::from).collect();
        assert_eq!(keys(&many, 3), "pk 1, 2, 3, … 2 more");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let long = Value::from("ä".repeat(80));
        assert_eq!(value(Some(&long), Values::Cut).chars().count(), 61);
        assert_eq!(value(Some(&long), Values::Whole).chars().count(), 82);
        assert_eq!(value(None, Values::Whole), "(none)");
    }

    #[test]
    fn columns_line_up_without_trailing_space() {
        let rows = [
            vec!["a".to_owned(), "long".to_owned(), String::new()],
            vec!["bcd".to_owned(), "x".to_owned(), "end".to_owned()],
        ];
        assert_eq!(align(&rows, &[1, 2]), ["a   long", "bcd x     end"]);
    }
}
