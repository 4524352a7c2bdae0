//! The functions behind the assertion macros: look at the lane, compare, panic at the test's line.

use super::stated::{Broken, StatedTable, compare_delta, compare_tombstones};
use crate::Db;
use crate::db::observed;
use crate::routing;
use mori_model::Key;
use std::collections::BTreeMap;
use std::fmt;

/// Statements shown when there are too many or too few of them.
const STATEMENTS_SHOWN_MAX: usize = 40;

#[track_caller]
pub fn assert_delta<const N: usize>(db: &Db, stated: [(String, StatedTable); N]) {
    let stated = by_table(stated);
    let found = observed(db.read_delta());
    if let Err(lines) = compare_delta(found.as_model(), &stated) {
        fail_in_columns(db, Broken::Delta(stated), &lines);
    }
}

#[track_caller]
pub fn assert_no_delta(db: &Db) {
    assert_delta(db, []);
}

#[track_caller]
pub fn assert_tombstones<const N: usize>(db: &Db, stated: [(String, Vec<Key>); N]) {
    let stated = by_table(stated);
    let found = observed(db.read_delta()).tombstones();
    if let Err(lines) = compare_tombstones(&found.0, &stated) {
        fail_in_columns(db, Broken::Tombstones(stated), &lines);
    }
}

#[track_caller]
pub fn assert_no_tombstones(db: &Db) {
    assert_tombstones(db, []);
}

/// How a number of statements is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    AtMost,
    Below,
    Exactly,
    AtLeast,
    Above,
}

impl Bound {
    fn holds(self, found: u64, limit: u64) -> bool {
        match self {
            Bound::AtMost => found <= limit,
            Bound::Below => found < limit,
            Bound::Exactly => found == limit,
            Bound::AtLeast => found >= limit,
            Bound::Above => found > limit,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Bound::AtMost => "<=",
            Bound::Below => "<",
            Bound::Exactly => "==",
            Bound::AtLeast => ">=",
            Bound::Above => ">",
        })
    }
}

#[track_caller]
pub fn assert_statements(db: &Db, bound: Bound, limit: u64) {
    let found = observed(db.read_counters()).statements;
    if bound.holds(found, limit) {
        return;
    }
    let routing = observed(db.read_routing());
    let mut lines = vec![format!("stated {bound} {limit}, found {found}")];
    let all = routing::lines(routing.records());
    let hidden = all.len().saturating_sub(STATEMENTS_SHOWN_MAX);
    if hidden > 0 {
        lines.push(format!("… {hidden} before"));
    }
    lines.extend(all.into_iter().skip(hidden));
    fail(
        "assertion failed: the number of statements differs from what the test states",
        &lines,
    );
}

/// `committed: 1, rolled_back: 0`; what is left out is not compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatedTransactions {
    committed: Option<u64>,
    rolled_back: Option<u64>,
}

impl StatedTransactions {
    #[must_use]
    pub fn committed(self, count: u64) -> StatedTransactions {
        StatedTransactions {
            committed: Some(count),
            ..self
        }
    }

    #[must_use]
    pub fn rolled_back(self, count: u64) -> StatedTransactions {
        StatedTransactions {
            rolled_back: Some(count),
            ..self
        }
    }
}

#[track_caller]
pub fn assert_transactions(db: &Db, stated: StatedTransactions) {
    let found = observed(db.read_counters());
    let pairs = [
        ("committed", stated.committed, found.committed),
        ("rolled back", stated.rolled_back, found.rolled_back),
    ];
    let lines: Vec<String> = pairs
        .into_iter()
        .filter_map(|(name, stated, found)| {
            stated
                .filter(|stated| *stated != found)
                .map(|stated| format!("{name}: stated {stated}, found {found}"))
        })
        .collect();
    if !lines.is_empty() {
        fail("assertion failed: transactions differ from what the test states", &lines);
    }
}

/// A table's name from its parts as written: `r#type` is `type`, `main.orders` keeps its dot.
pub fn table_name(parts: &[&str]) -> String {
    parts
        .iter()
        .map(|part| part.strip_prefix("r#").unwrap_or(part))
        .collect::<Vec<_>>()
        .join(".")
}

/// The table that a Redis connection's keys are in: `db0`, or that of the database its URL names.
pub fn keyspace(db: &Db) -> String {
    let database = db.url().rsplit('/').next().and_then(|number| number.parse::<u32>().ok());
    format!("db{}", database.unwrap_or(0))
}

#[track_caller]
fn by_table<T, const N: usize>(stated: [(String, T); N]) -> BTreeMap<String, T> {
    let mut tables = BTreeMap::new();
    for (table, stated) in stated {
        assert!(!tables.contains_key(&table), "`{table}` is stated twice");
        tables.insert(table, stated);
    }
    tables
}

/// Fails with a text whose lines the report repeats as columns.
#[track_caller]
fn fail_in_columns(db: &Db, broken: Broken, lines: &[String]) -> ! {
    let headline = broken.headline();
    db.note_broken(broken);
    fail(headline, lines)
}

#[track_caller]
fn fail(headline: &str, lines: &[String]) -> ! {
    panic!("{headline}\n  {}", lines.join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::{Bound, table_name};

    #[test]
    fn bounds_mean_what_they_say() {
        let holds = |bound: Bound| [5, 6, 7].map(|found| bound.holds(found, 6));
        assert_eq!(holds(Bound::AtMost), [true, true, false]);
        assert_eq!(holds(Bound::Below), [true, false, false]);
        assert_eq!(holds(Bound::Exactly), [false, true, false]);
        assert_eq!(holds(Bound::AtLeast), [false, true, true]);
        assert_eq!(holds(Bound::Above), [false, false, true]);
    }

    #[test]
    fn names_lose_their_raw_mark() {
        assert_eq!(table_name(&["main", "r#type"]), "main.type");
    }
}
