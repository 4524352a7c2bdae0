//! What a test states, and how the lane differs from it. Pure.

use crate::delta::resolve;
use crate::text;
use mori_model::{ChangeKind, Key, LaneDelta, TableDelta};
use std::collections::{BTreeMap, BTreeSet};

/// The assertion that failed last, kept for the report, which shows beside each row what was stated of it.
#[derive(Clone, Debug)]
pub(crate) enum Broken {
    Delta(BTreeMap<String, StatedTable>),
    Tombstones(BTreeMap<String, Vec<Key>>),
}

impl Broken {
    /// The first line of the assertion's panic.
    pub fn headline(&self) -> &'static str {
        match self {
            Broken::Delta(_) => "assertion failed: delta differs from what the test states",
            Broken::Tombstones(_) => "assertion failed: tombstones differ from what the test states",
        }
    }
}

/// One table of `assert_delta!`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatedTable {
    Counts(StatedCounts),
    /// Exactly these keys in the delta map.
    Keys(Vec<Key>),
}

/// `{ inserted: 1, updated: 2 }`. What is left out is 0, but for tombstones, which are compared where they are stated only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatedCounts {
    inserted: usize,
    updated: usize,
    deleted: Option<usize>,
}

impl StatedCounts {
    #[must_use]
    pub fn inserted(self, inserted: usize) -> StatedCounts {
        StatedCounts { inserted, ..self }
    }

    #[must_use]
    pub fn updated(self, updated: usize) -> StatedCounts {
        StatedCounts { updated, ..self }
    }

    #[must_use]
    pub fn deleted(self, deleted: usize) -> StatedCounts {
        StatedCounts {
            deleted: Some(deleted),
            ..self
        }
    }

    /// `None` where nothing is stated of that kind.
    pub(crate) fn of(&self, kind: ChangeKind) -> Option<usize> {
        match kind {
            ChangeKind::Inserted => Some(self.inserted),
            ChangeKind::Updated => Some(self.updated),
            ChangeKind::Deleted => self.deleted,
        }
    }
}

impl From<StatedCounts> for StatedTable {
    fn from(counts: StatedCounts) -> StatedTable {
        StatedTable::Counts(counts)
    }
}

impl StatedTable {
    fn holds_for(&self, found: &TableDelta) -> bool {
        match self {
            StatedTable::Counts(counts) => text::KINDS
                .iter()
                .all(|kind| counts.of(*kind).is_none_or(|count| count == found.count(*kind))),
            StatedTable::Keys(keys) => sorted(keys) == sorted(found.delta_keys()),
        }
    }

    /// `+1 ~2`, or `pk 1, 7`.
    fn text(&self) -> String {
        match self {
            StatedTable::Counts(counts) => signs(|kind| counts.of(kind).unwrap_or(0)),
            StatedTable::Keys(keys) => text::keys(sorted(keys), usize::MAX),
        }
    }
}

fn sorted<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Vec<&'a Key> {
    let mut keys: Vec<&Key> = keys.into_iter().collect();
    keys.sort();
    keys
}

fn signs(count: impl Fn(ChangeKind) -> usize) -> String {
    let shown = text::KINDS.iter().map(|kind| (*kind, count(*kind))).filter(|(_, count)| *count > 0);
    let shown: Vec<String> = shown.map(|(kind, count)| format!("{}{count}", text::sign(kind))).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(" ") }
}

/// Keys in a message; whoever changed more rows looks at the snapshot.
const KEYS_MAX: usize = 20;

/// Compares the delta map, and tombstones where a table states them. Errors: the lines of the difference.
pub(crate) fn compare_delta(found: &LaneDelta, stated: &BTreeMap<String, StatedTable>) -> Result<(), Vec<String>> {
    let none = TableDelta::default();
    let mut rows = Vec::new();
    let mut same = true;
    let mut met = BTreeSet::new();
    for (name, stated) in stated {
        let (name, changes) = resolve(found, name).unwrap_or((name, &none));
        met.insert(name);
        if stated.holds_for(changes) {
            rows.push((name, [line(' ', name, stated.text(), String::new())].to_vec()));
            continue;
        }
        same = false;
        let found = match stated {
            StatedTable::Counts(counts) if counts.of(ChangeKind::Deleted).is_some() => found_line(name, changes, &text::KINDS),
            StatedTable::Counts(_) => found_line(name, changes, &text::KINDS[..2]),
            StatedTable::Keys(_) if changes.delta_keys().next().is_none() => line('+', name, "none".to_owned(), String::new()),
            StatedTable::Keys(_) => line('+', name, text::keys(changes.delta_keys(), KEYS_MAX), String::new()),
        };
        rows.push((name, [line('-', name, stated.text(), String::new()), found].to_vec()));
    }
    for (name, changes) in &found.tables {
        if !met.contains(name.as_str()) && changes.delta_keys().next().is_some() {
            same = false;
            rows.push((name, [found_line(name, changes, &text::KINDS[..2])].to_vec()));
        }
    }
    finish(same, rows)
}

/// Compares the whole tombstone set. Errors: the lines of the difference.
pub(crate) fn compare_tombstones(found: &BTreeMap<String, Vec<Key>>, stated: &BTreeMap<String, Vec<Key>>) -> Result<(), Vec<String>> {
    let none = Vec::new();
    let mut rows = Vec::new();
    let mut same = true;
    let mut met = BTreeSet::new();
    for (name, stated) in stated {
        let found = found
            .get_key_value(name)
            .or_else(|| found.iter().find(|(table, _)| table.eq_ignore_ascii_case(name)));
        let (name, found) = found.unwrap_or((name, &none));
        met.insert(name);
        let text = |keys: &Vec<Key>| {
            if keys.is_empty() {
                "none".to_owned()
            } else {
                text::keys(sorted(keys), KEYS_MAX)
            }
        };
        if sorted(stated) == sorted(found) {
            rows.push((name.as_str(), [line(' ', name, text(stated), String::new())].to_vec()));
        } else {
            same = false;
            let lines = [
                line('-', name, text(stated), String::new()),
                line('+', name, text(found), String::new()),
            ];
            rows.push((name, lines.to_vec()));
        }
    }
    for (name, keys) in found.iter().filter(|(name, _)| !met.contains(name)) {
        same = false;
        rows.push((name, [line('+', name, text::keys(keys, KEYS_MAX), String::new())].to_vec()));
    }
    finish(same, rows)
}

type Line = Vec<String>;

fn line(mark: char, table: &str, what: String, keys: String) -> Line {
    vec![mark.to_string(), table.to_owned(), what, keys]
}

/// `+ refunds  +2  pk 9001, 9002`; with several kinds each one's keys behind its sign.
fn found_line(table: &str, changes: &TableDelta, kinds: &[ChangeKind]) -> Line {
    let present: Vec<ChangeKind> = kinds.iter().copied().filter(|kind| changes.count(*kind) > 0).collect();
    let keys = |kind: ChangeKind| text::keys(changes.of_kind(kind).map(|row| &row.key), KEYS_MAX);
    let keys = match present.as_slice() {
        [] => String::new(),
        [kind] => keys(*kind),
        many => many
            .iter()
            .map(|kind| format!("{} {}", text::sign(*kind), keys(*kind)))
            .collect::<Vec<_>>()
            .join("  "),
    };
    line(
        '+',
        table,
        signs(|kind| if kinds.contains(&kind) { changes.count(kind) } else { 0 }),
        keys,
    )
}

fn finish(same: bool, mut rows: Vec<(&str, Vec<Line>)>) -> Result<(), Vec<String>> {
    if same {
        return Ok(());
    }
    rows.sort_by_key(|(table, _)| *table);
    let lines: Vec<Line> = rows.into_iter().flat_map(|(_, lines)| lines).collect();
    let mut lines = text::align(&lines, &[1, 2]);
    lines.push("(- stated, + found)".to_owned());
    Err(lines)
}

#[cfg(all(test, unix))]
mod tests {
    use super::{StatedCounts, StatedTable, compare_delta, compare_tombstones};
    use crate::broker::fake::{deleted, delta, inserted, row, updated};
    use mori_model::{Key, LaneDelta};
    use std::collections::BTreeMap;

    fn found() -> LaneDelta {
        let empty = || row(&[]);
        delta(vec![
            (
                "orders",
                updated(17, row(&[("status", "paid".into())]), row(&[("status", "refunded".into())])),
            ),
            ("refunds", inserted(9001, empty())),
            ("refunds", inserted(9002, empty())),
            ("carts", deleted(4, empty())),
        ])
    }

    fn counts() -> StatedCounts {
        StatedCounts::default()
    }

    fn keys<const N: usize>(keys: [i32; N]) -> StatedTable {
        StatedTable::Keys(keys.into_iter().map(Key::from).collect())
    }

    /// `expected` is empty for "holds".
    #[track_caller]
    fn check<const N: usize>(stated: [(&str, StatedTable); N], expected: &[&str]) {
        let stated: BTreeMap<String, StatedTable> = stated.into_iter().map(|(table, stated)| (table.to_owned(), stated)).collect();
        let lines = compare_delta(&found(), &stated).err().unwrap_or_default();
        assert_eq!(lines, expected);
    }

    #[test]
    fn counts_and_keys_hold() {
        check(
            [("orders", counts().updated(1).into()), ("refunds", counts().inserted(2).into())],
            &[],
        );
        check([("orders", keys([17])), ("REFUNDS", keys([9002, 9001]))], &[]);
        check(
            [
                ("orders", counts().updated(1).deleted(0).into()),
                ("refunds", keys([9001, 9002])),
                ("carts", counts().deleted(1).into()),
            ],
            &[],
        );
    }

    #[test]
    fn too_many_rows_are_named() {
        check(
            [("orders", counts().updated(1).into()), ("refunds", counts().inserted(1).into())],
            &[
                "  orders   ~1",
                "- refunds  +1",
                "+ refunds  +2  pk 9001, 9002",
                "(- stated, + found)",
            ],
        );
    }

    #[test]
    fn a_table_that_is_not_stated_fails() {
        check(
            [("refunds", keys([9001, 9002]))],
            &["+ orders   ~1             pk 17", "  refunds  pk 9001, 9002", "(- stated, + found)"],
        );
    }

    #[test]
    fn a_table_that_did_not_change_fails() {
        check(
            [
                ("orders", keys([17])),
                ("refunds", counts().inserted(2).into()),
                ("users", keys([1, 7])),
                ("carts", counts().inserted(1).into()),
            ],
            &[
                "- carts    +1",
                "+ carts    none",
                "  orders   pk 17",
                "  refunds  +2",
                "- users    pk 1, 7",
                "+ users    none",
                "(- stated, + found)",
            ],
        );
    }

    #[test]
    fn stated_tombstones_are_compared() {
        check(
            [
                ("orders", keys([17])),
                ("refunds", keys([9001, 9002])),
                ("carts", counts().deleted(2).into()),
            ],
            &[
                "- carts    -2",
                "+ carts    -1             pk 4",
                "  orders   pk 17",
                "  refunds  pk 9001, 9002",
                "(- stated, + found)",
            ],
        );
    }

    #[test]
    fn tombstones_are_exact() {
        let found: BTreeMap<String, Vec<Key>> = [
            ("carts".to_owned(), vec![Key::from(4)]),
            ("orders".to_owned(), vec![Key::from(17), Key::from(18)]),
        ]
        .into();
        assert_eq!(compare_tombstones(&found, &found), Ok(()));
        let stated = [("orders".to_owned(), vec![Key::from(18), Key::from("17")])].into();
        let lines = compare_tombstones(&found, &stated).expect_err("differ");
        assert_eq!(
            lines,
            [
                "+ carts   pk 4",
                "- orders  pk 18, '17'",
                "+ orders  pk 17, 18",
                "(- stated, + found)"
            ]
        );
    }
}
