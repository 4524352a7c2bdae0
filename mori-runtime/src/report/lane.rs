//! One lane in the report: what it holds, what was expected, what ran.

use super::expected::{self, Expected};
use super::labelled;
use crate::assertions::Broken;
use crate::text::{self, Values};
use crate::{Db, HarnessError, routing};
use mori_control::KeptState;
use mori_model::{ChangeKind, LaneDelta, RouteRecord, TableDelta};

/// What is known of a lane when its test has failed. Plain data, read before the lease ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct LaneReport {
    pub slot: u32,
    pub engine: String,
    pub connection: String,
    pub prod: String,
    pub layers: Vec<String>,
    pub delta: LaneDelta,
    pub routing: Vec<RouteRecord>,
    /// The assertion that failed, if one on this lane did.
    pub broken: Option<Broken>,
    pub kept: Option<KeptState>,
    /// Why the rest is empty.
    pub trouble: Option<String>,
}

/// The statements before a failure that are worth a look.
const STATEMENTS_MAX: usize = 12;
/// Rows of one kind in one table that get a line of their own.
const ROWS_MAX: usize = 8;
const KEYS_MAX: usize = 10;

impl LaneReport {
    /// Asks the broker. What cannot be had is left out, and the reason shown.
    pub(crate) fn look(db: &Db) -> LaneReport {
        let grant = db.grant();
        let mut report = LaneReport {
            slot: grant.slot,
            engine: grant.engine.to_string(),
            connection: grant.connection.clone(),
            prod: grant.prod.clone(),
            layers: grant.layers.clone(),
            broken: db.broken(),
            ..LaneReport::default()
        };
        if let Err(error) = report.read(db) {
            report.trouble = Some(error.to_string());
        }
        report
    }

    fn read(&mut self, db: &Db) -> Result<(), HarnessError> {
        self.delta = db.read_delta()?.as_model().clone();
        self.routing = db.read_routing()?.records().to_vec();
        Ok(())
    }

    /// `lane 3 · sqlite · prod fixture:shop · fixtures users, orders`.
    pub(super) fn about(&self) -> String {
        let mut parts = vec![format!("lane {}", self.slot), self.engine.clone(), format!("prod {}", self.prod)];
        parts.extend(self.layers.iter().cloned());
        parts.join(" · ")
    }

    /// What was stated is shown if it is what `failure` is about; an assertion that a test caught, and went on, is of the past.
    pub(super) fn lines(&self, failure: &str) -> Vec<String> {
        if let Some(trouble) = &self.trouble {
            return labelled("lane", trouble.lines().map(str::to_owned).collect());
        }
        let broken = self.broken.as_ref().filter(|broken| failure.contains(broken.headline()));
        let mut lines = labelled("delta", self.delta_lines(broken));
        lines.extend(labelled("tombstones", self.tombstone_lines(broken)));
        lines.extend(labelled("routing", self.routing_lines()));
        lines
    }

    fn delta_lines(&self, broken: Option<&Broken>) -> Vec<String> {
        let mut rows = Vec::new();
        for (table, changes) in self
            .delta
            .tables
            .iter()
            .filter(|(_, changes)| changes.delta_keys().next().is_some())
        {
            for kind in [ChangeKind::Inserted, ChangeKind::Updated] {
                let expected = match broken {
                    Some(Broken::Delta(stated)) => expected::of_table(stated, table, changes, kind),
                    _ => Expected::default(),
                };
                rows.extend(table_rows(table, changes, kind, expected));
            }
        }
        if let Some(Broken::Delta(stated)) = broken {
            rows.extend(expected::missing_tables(stated, &self.delta).into_iter().map(missing_row));
        }
        text::align(&rows, &[2, 3, 3, 3])
    }

    fn tombstone_lines(&self, broken: Option<&Broken>) -> Vec<String> {
        let mut rows = Vec::new();
        for (table, changes) in self
            .delta
            .tables
            .iter()
            .filter(|(_, changes)| changes.count(ChangeKind::Deleted) > 0)
        {
            let expected = match broken {
                Some(Broken::Delta(stated)) => expected::of_stated_tombstones(stated, table, changes),
                Some(Broken::Tombstones(stated)) => expected::of_tombstones(stated, table, changes),
                None => Expected::default(),
            };
            rows.extend(table_rows(table, changes, ChangeKind::Deleted, expected));
        }
        if let Some(Broken::Tombstones(stated)) = broken {
            rows.extend(expected::missing_tombstones(stated, &self.delta).into_iter().map(missing_row));
        }
        text::align(&rows, &[2, 3, 3, 3])
    }

    fn routing_lines(&self) -> Vec<String> {
        let outside = routing::outside_transactions(&self.routing);
        let first = self.routing.len().saturating_sub(STATEMENTS_MAX);
        let shown = &self.routing[first..];
        let marked = routing::lines(shown)
            .into_iter()
            .zip(shown)
            .map(|(line, record)| match outside.get(&record.ordinal) {
                Some(opened) => format!("{line}   <-- outside the transaction opened in #{opened}"),
                None => line,
            });
        let before = (first > 0).then(|| format!("… {} before", text::counted(first, "statement")));
        before.into_iter().chain(marked).collect()
    }
}

fn missing_row((table, expected): (String, Expected)) -> Vec<String> {
    vec![table, "none".to_owned(), String::new(), expected.text, expected.mark]
}

/// The changes of one kind in one table. A single row, and rows with values to compare, show what changed; many rows their keys.
fn table_rows(table: &str, changes: &TableDelta, kind: ChangeKind, expected: Expected) -> Vec<Vec<String>> {
    let of_kind: Vec<_> = changes.of_kind(kind).collect();
    if of_kind.is_empty() && expected == Expected::default() {
        return Vec::new();
    }
    let count = format!("{}{}", text::sign(kind), of_kind.len());
    let keys = text::keys(of_kind.iter().map(|row| &row.key), KEYS_MAX);
    let detail = |row: &mori_model::RowChange| {
        let key = format!("pk {}", text::key(&row.key));
        let change = if kind == ChangeKind::Updated {
            text::change(row, Values::Cut)
        } else {
            String::new()
        };
        if change.is_empty() { key } else { format!("{key}   {change}") }
    };
    let (first, rest) = match of_kind.as_slice() {
        [] => (String::new(), Vec::new()),
        [only] => (detail(only), Vec::new()),
        rows if kind == ChangeKind::Updated => (keys, rows.iter().take(ROWS_MAX).map(|row| detail(row)).collect()),
        _ => (keys, Vec::new()),
    };
    let mut rows = vec![vec![table.to_owned(), count, first, expected.text, expected.mark]];
    rows.extend(rest.into_iter().map(|detail| vec![String::new(), String::new(), detail]));
    rows
}
