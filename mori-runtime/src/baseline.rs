//! What a seed function left in the lane, taken off everything the test is shown: like a fixture file, a seed is not part of the
//! test's delta. The layers below the lane end where its SQL files end, so this is arithmetic on our side.

use mori_control::Counters;
use mori_model::{ChangeKind, LaneDelta, RouteRecord, Row, RowChange, TableDelta};
use std::collections::BTreeMap;

/// The lane as the seed left it; empty without a seed, and again after a reset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Baseline {
    pub delta: LaneDelta,
    /// The seed's last statement.
    pub ordinal: u64,
    pub counters: Counters,
}

impl Baseline {
    pub fn delta_since(&self, now: LaneDelta) -> LaneDelta {
        if self.delta.is_empty() {
            return now;
        }
        let tables = self
            .delta
            .tables
            .keys()
            .chain(now.tables.keys())
            .cloned()
            .collect::<std::collections::BTreeSet<_>>();
        let none = TableDelta::default();
        let changed = tables.into_iter().filter_map(|table| {
            let rows = rows_since(
                self.delta.tables.get(&table).unwrap_or(&none),
                now.tables.get(&table).unwrap_or(&none),
            );
            (!rows.is_empty()).then_some((table, TableDelta { rows }))
        });
        LaneDelta { tables: changed.collect() }
    }

    /// Ordinals and connection aliases begin at 1 again.
    pub fn routing_since(&self, now: Vec<RouteRecord>) -> Vec<RouteRecord> {
        if self.ordinal == 0 {
            return now;
        }
        let mut aliases: BTreeMap<u32, u32> = BTreeMap::new();
        let after = now.into_iter().filter(|record| record.ordinal > self.ordinal);
        after
            .map(|mut record| {
                let next = u32::try_from(aliases.len()).unwrap_or(u32::MAX).saturating_add(1);
                record.ordinal -= self.ordinal;
                record.session = *aliases.entry(record.session).or_insert(next);
                record
            })
            .collect()
    }

    pub fn counters_since(&self, now: Counters) -> Counters {
        Counters {
            statements: now.statements.saturating_sub(self.counters.statements),
            committed: now.committed.saturating_sub(self.counters.committed),
            rolled_back: now.rolled_back.saturating_sub(self.counters.rolled_back),
            connections: now.connections.saturating_sub(self.counters.connections),
        }
    }
}

/// Both sides are differences from the same layer; a row that neither names is as it is there.
fn rows_since(seeded: &TableDelta, now: &TableDelta) -> Vec<RowChange> {
    let mut pairs: BTreeMap<_, (Option<&RowChange>, Option<&RowChange>)> = BTreeMap::new();
    for change in &seeded.rows {
        pairs.entry(&change.key).or_default().0 = Some(change);
    }
    for change in &now.rows {
        pairs.entry(&change.key).or_default().1 = Some(change);
    }
    let changed = pairs.into_iter().filter_map(|(key, (seeded, now))| {
        let layer: Option<&Row> = seeded.or(now).and_then(|change| change.old.as_ref());
        let before = seeded.map_or(layer, |change| change.new.as_ref());
        let after = now.map_or(layer, |change| change.new.as_ref());
        let kind = match (before, after) {
            (None, Some(_)) => ChangeKind::Inserted,
            (Some(_), None) => ChangeKind::Deleted,
            (Some(before), Some(after)) if before != after => ChangeKind::Updated,
            _ => return None,
        };
        Some(RowChange {
            key: key.clone(),
            kind,
            old: before.cloned(),
            new: after.cloned(),
        })
    });
    changed.collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::Baseline;
    use crate::broker::fake::{deleted, delta, inserted, row, updated};
    use mori_model::LaneDelta;

    fn paid() -> mori_model::Row {
        row(&[("status", "paid".into())])
    }

    fn open() -> mori_model::Row {
        row(&[("status", "open".into())])
    }

    /// `seeded` then `now`, both from the layer; what the test did is `expected`.
    #[track_caller]
    fn check(seeded: LaneDelta, now: LaneDelta, expected: LaneDelta) {
        assert_eq!(
            Baseline {
                delta: seeded,
                ..Baseline::default()
            }
            .delta_since(now),
            expected
        );
    }

    #[test]
    fn what_the_seed_left_and_the_test_did_not_touch_is_absent() {
        let seeded = || delta(vec![("orders", inserted(1, paid())), ("users", deleted(7, open()))]);
        check(seeded(), seeded(), LaneDelta::default());
    }

    #[test]
    fn a_seeded_row_changes_like_a_row_of_a_layer() {
        let seeded = || delta(vec![("orders", inserted(1, open()))]);
        check(
            seeded(),
            delta(vec![("orders", inserted(1, paid()))]),
            delta(vec![("orders", updated(1, open(), paid()))]),
        );
        check(seeded(), LaneDelta::default(), delta(vec![("orders", deleted(1, open()))]));
    }

    #[test]
    fn undoing_the_seed_is_a_change() {
        let updated_by_seed = delta(vec![("orders", updated(1, open(), paid()))]);
        check(
            updated_by_seed,
            LaneDelta::default(),
            delta(vec![("orders", updated(1, paid(), open()))]),
        );
        let deleted_by_seed = delta(vec![("orders", deleted(1, open()))]);
        check(deleted_by_seed, LaneDelta::default(), delta(vec![("orders", inserted(1, open()))]));
    }

    #[test]
    fn other_rows_stay_as_they_are() {
        let seeded = delta(vec![("orders", inserted(1, paid()))]);
        let now = delta(vec![
            ("orders", inserted(1, paid())),
            ("orders", deleted(2, open())),
            ("users", inserted(9, paid())),
        ]);
        check(
            seeded,
            now,
            delta(vec![("orders", deleted(2, open())), ("users", inserted(9, paid()))]),
        );
    }
}
