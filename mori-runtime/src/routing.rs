//! The lane's statements, and how each was answered.

use crate::text;
use mori_model::{Operation, RouteRecord};
use std::collections::BTreeMap;
use std::fmt;

/// The statements since the test began, in the order the lane met them. Holds no literal, time, port or lane number.
///
/// Its display text is that of [`assert_routing_snapshot!`](crate::assert_routing_snapshot).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    records: Vec<RouteRecord>,
    order: Order,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    #[default]
    AsMet,
    /// By text, without ordinal and connection.
    Sorted,
}

impl Routing {
    pub(crate) fn new(records: Vec<RouteRecord>) -> Routing {
        Routing {
            records,
            order: Order::AsMet,
        }
    }

    /// The same statements sorted by their text, without ordinal and connection: for pools, where chance decides which connection
    /// runs what.
    pub fn sorted(self) -> Routing {
        Routing {
            order: Order::Sorted,
            ..self
        }
    }

    pub fn records(&self) -> &[RouteRecord] {
        &self.records
    }

    #[doc(hidden)]
    #[track_caller]
    pub fn __routing_text(&self) -> String {
        crate::harness::note_snapshot();
        self.to_string()
    }
}

impl fmt::Display for Routing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.records.is_empty() {
            return f.write_str("no statements");
        }
        let lines = match self.order {
            Order::AsMet => lines(&self.records),
            Order::Sorted => {
                let mut rows: Vec<Vec<String>> = self.records.iter().map(|record| record.cells().to_vec()).collect();
                rows.sort();
                text::align(&rows, &[2])
            }
        };
        f.write_str(&lines.join("\n"))
    }
}

/// `#11 c1 SELECT orders  MERGED_READ  delta(orders)`, in columns.
pub(crate) fn lines(records: &[RouteRecord]) -> Vec<String> {
    let rows: Vec<Vec<String>> = records
        .iter()
        .map(|record| {
            let mut row = vec![format!("#{}", record.ordinal), format!("c{}", record.session)];
            row.extend(record.cells());
            row
        })
        .collect();
    text::align(&rows, &[1, 1, 2])
}

/// Writes that ran on their own while another connection had a transaction open: by ordinal, the statement that opened it. A
/// classic slip, a function that took the pool where the transaction was meant.
pub(crate) fn outside_transactions(records: &[RouteRecord]) -> BTreeMap<u64, u64> {
    let mut open: BTreeMap<u32, u64> = BTreeMap::new();
    let mut outside = BTreeMap::new();
    for record in records {
        match record.operation {
            Operation::Transaction => match transaction_step(&record.verb) {
                Some(Step::Begin) => drop(open.entry(record.session).or_insert(record.ordinal)),
                Some(Step::End) => drop(open.remove(&record.session)),
                None => {}
            },
            Operation::Write if !open.contains_key(&record.session) => {
                if let Some(opened) = open.values().min() {
                    outside.insert(record.ordinal, *opened);
                }
            }
            _ => {}
        }
    }
    outside
}

enum Step {
    Begin,
    End,
}

/// Savepoints neither begin nor end a transaction.
fn transaction_step(verb: &str) -> Option<Step> {
    match verb {
        "BEGIN" | "START" | "START TRANSACTION" => Some(Step::Begin),
        "COMMIT" | "END" | "ROLLBACK" | "ABORT" => Some(Step::End),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Routing, outside_transactions};
    use mori_model::{Operation, RouteRecord, Strategy};

    pub(crate) fn record(
        ordinal: u64,
        session: u32,
        operation: Operation,
        verb: &str,
        tables: &[&str],
        strategy: Strategy,
        reason: &str,
    ) -> RouteRecord {
        RouteRecord {
            ordinal,
            session,
            operation,
            verb: verb.into(),
            tables: tables.iter().map(|table| (*table).to_owned()).collect(),
            strategy,
            reason: reason.to_owned().into(),
            error: None,
            rows: 1,
        }
    }

    pub(crate) fn refund() -> Vec<RouteRecord> {
        let mut failed = record(10, 2, Operation::Write, "INSERT", &["refunds"], Strategy::ShadowWrite, "autocommit");
        failed.error = Some("23505".to_owned());
        vec![
            record(8, 1, Operation::Transaction, "BEGIN", &[], Strategy::Transaction, ""),
            record(
                9,
                1,
                Operation::Read,
                "SELECT",
                &["orders", "users"],
                Strategy::JoinPatch,
                "delta(orders)",
            ),
            failed,
            record(11, 1, Operation::Transaction, "COMMIT", &[], Strategy::Transaction, ""),
            record(
                12,
                2,
                Operation::Write,
                "UPDATE",
                &["orders"],
                Strategy::HydrateAndWrite,
                "autocommit",
            ),
        ]
    }

    #[test]
    fn the_snapshot_text() {
        insta::assert_snapshot!(Routing::new(refund()), @r"
        #8  c1 BEGIN                 TRANSACTION
        #9  c1 SELECT orders, users  JOIN_PATCH         delta(orders)
        #10 c2 INSERT refunds        SHADOW_WRITE       autocommit, error 23505
        #11 c1 COMMIT                TRANSACTION
        #12 c2 UPDATE orders         HYDRATE_AND_WRITE  autocommit
        ");
        insta::assert_snapshot!(Routing::new(refund()).sorted(), @r"
        BEGIN                 TRANSACTION
        COMMIT                TRANSACTION
        INSERT refunds        SHADOW_WRITE       autocommit, error 23505
        SELECT orders, users  JOIN_PATCH         delta(orders)
        UPDATE orders         HYDRATE_AND_WRITE  autocommit
        ");
        assert_eq!(Routing::default().to_string(), "no statements");
    }

    #[test]
    fn a_write_beside_an_open_transaction_is_noticed() {
        assert_eq!(outside_transactions(&refund()), [(10, 8)].into());
    }

    #[test]
    fn a_rollback_to_a_savepoint_leaves_the_transaction_open() {
        let mut records = refund();
        records[3].verb = "ROLLBACK TO".into();
        assert_eq!(outside_transactions(&records), [(10, 8), (12, 8)].into());
    }
}
