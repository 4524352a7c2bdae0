//! The report's columns `expected …` and `<-- …`: what the test's assertions stated, against what the lane holds.

use crate::assertions::StatedTable;
use crate::delta::resolve;
use crate::text;
use mori_model::{ChangeKind, Key, LaneDelta, TableDelta};
use std::collections::BTreeMap;

/// Two cells; both empty where nothing was stated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Expected {
    /// `expected +1`.
    pub text: String,
    /// `<-- 9002 not expected`.
    pub mark: String,
}

/// Keys in a mark.
const KEYS_MAX: usize = 5;

type StatedDelta = BTreeMap<String, StatedTable>;

/// Inserted or updated rows of a table that has some of either.
pub(super) fn of_table(stated: &StatedDelta, table: &str, found: &TableDelta, kind: ChangeKind) -> Expected {
    let found_keys: Vec<&Key> = found.of_kind(kind).map(|row| &row.key).collect();
    match entry(stated, table) {
        Some(StatedTable::Counts(counts)) => of_count(counts.of(kind).unwrap_or(0), found, kind),
        _ if found_keys.is_empty() => Expected::default(),
        None => unexpected(),
        Some(StatedTable::Keys(keys)) => {
            let missing = if kind == first_kind(found) {
                absent(keys, found.delta_keys())
            } else {
                Vec::new()
            };
            of_keys(keys, &found_keys, &missing)
        }
    }
}

/// Tombstones where `assert_delta!` counted them; nothing where it did not.
pub(super) fn of_stated_tombstones(stated: &StatedDelta, table: &str, found: &TableDelta) -> Expected {
    match entry(stated, table) {
        Some(StatedTable::Counts(counts)) => counts
            .of(ChangeKind::Deleted)
            .map(|count| of_count(count, found, ChangeKind::Deleted))
            .unwrap_or_default(),
        _ => Expected::default(),
    }
}

/// Tombstones where `assert_tombstones!` named them.
pub(super) fn of_tombstones(stated: &BTreeMap<String, Vec<Key>>, table: &str, found: &TableDelta) -> Expected {
    match entry(stated, table) {
        None => unexpected(),
        Some(keys) => {
            let found_keys: Vec<&Key> = found.tombstone_keys().collect();
            of_keys(keys, &found_keys, &absent(keys, found.tombstone_keys()))
        }
    }
}

/// Tables that were stated to change and hold no inserted or updated row.
pub(super) fn missing_tables(stated: &StatedDelta, found: &LaneDelta) -> Vec<(String, Expected)> {
    let unchanged = stated
        .iter()
        .filter(|(table, _)| resolve(found, table).is_none_or(|(_, changes)| changes.delta_keys().next().is_none()));
    let expected = unchanged.filter_map(|(table, stated)| {
        let text = match stated {
            StatedTable::Keys(keys) if keys.is_empty() => return None,
            StatedTable::Keys(keys) => text::keys(keys, KEYS_MAX),
            StatedTable::Counts(counts) => {
                let kinds = [ChangeKind::Inserted, ChangeKind::Updated];
                let counts = kinds
                    .iter()
                    .filter_map(|kind| counts.of(*kind).filter(|count| *count > 0).map(|count| (text::sign(*kind), count)));
                counts.map(|(sign, count)| format!("{sign}{count}")).collect::<Vec<_>>().join(" ")
            }
        };
        (!text.is_empty()).then(|| {
            (
                table.clone(),
                Expected {
                    text: format!("expected {text}"),
                    mark: "<-- missing".to_owned(),
                },
            )
        })
    });
    expected.collect()
}

/// Tables that were stated to lose rows and lost none.
pub(super) fn missing_tombstones(stated: &BTreeMap<String, Vec<Key>>, found: &LaneDelta) -> Vec<(String, Expected)> {
    let kept = stated.iter().filter(|(table, keys)| {
        !keys.is_empty() && resolve(found, table).is_none_or(|(_, changes)| changes.tombstone_keys().next().is_none())
    });
    kept.map(|(table, keys)| {
        let text = format!("expected {}", text::keys(keys, KEYS_MAX));
        (
            table.clone(),
            Expected {
                text,
                mark: "<-- missing".to_owned(),
            },
        )
    })
    .collect()
}

fn entry<'a, T>(stated: &'a BTreeMap<String, T>, table: &str) -> Option<&'a T> {
    stated.get(table).or_else(|| {
        stated
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(table))
            .map(|(_, stated)| stated)
    })
}

fn unexpected() -> Expected {
    Expected {
        text: "expected none".to_owned(),
        mark: "<-- not expected".to_owned(),
    }
}

/// The rows past the stated number are marked; which of them are the wrong ones, a number cannot tell, so the last are named.
fn of_count(stated: usize, found: &TableDelta, kind: ChangeKind) -> Expected {
    let keys: Vec<&Key> = found.of_kind(kind).map(|row| &row.key).collect();
    if keys.is_empty() && stated == 0 {
        return Expected::default();
    }
    let mark = if keys.len() > stated {
        format!("<-- {} not expected", names(&keys[stated..]))
    } else if keys.len() < stated {
        format!("<-- {} missing", stated - keys.len())
    } else {
        String::new()
    };
    let text = if stated == 0 {
        "expected none".to_owned()
    } else {
        format!("expected {}{stated}", text::sign(kind))
    };
    Expected { text, mark }
}

fn of_keys(stated: &[Key], found: &[&Key], missing: &[&Key]) -> Expected {
    let extra: Vec<&Key> = found.iter().copied().filter(|key| !stated.contains(key)).collect();
    let mark = match (extra.as_slice(), missing) {
        ([], []) => String::new(),
        (extra, []) => format!("<-- {} not expected", names(extra)),
        ([], missing) => format!("<-- {} missing", names(missing)),
        (extra, missing) => format!("<-- {} not expected, {} missing", names(extra), names(missing)),
    };
    Expected {
        text: format!("expected {}", text::keys(stated, KEYS_MAX)),
        mark,
    }
}

/// Keys are stated for inserted and updated rows together; a missing one is told once, with the kind shown first.
fn first_kind(found: &TableDelta) -> ChangeKind {
    if found.count(ChangeKind::Inserted) > 0 {
        ChangeKind::Inserted
    } else {
        ChangeKind::Updated
    }
}

fn absent<'a>(stated: &'a [Key], found: impl Iterator<Item = &'a Key>) -> Vec<&'a Key> {
    let found: Vec<&Key> = found.collect();
    stated.iter().filter(|key| !found.contains(key)).collect()
}

fn names(keys: &[&Key]) -> String {
    let text = text::keys(keys.iter().copied(), KEYS_MAX);
    text.strip_prefix("pk ").unwrap_or(&text).to_owned()
}
