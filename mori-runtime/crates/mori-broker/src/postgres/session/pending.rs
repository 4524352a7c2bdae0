//! Which statements a server has been asked to run, in order, so that its answers can be told apart.

use crate::lane::{LaneCommon, RouteEntry, SessionKey};
use crate::postgres::classify::{Classified, Effect};
use crate::postgres::lane::PostgresLane;
use mori_cow::dirty::Stage;
use mori_cow::route;
use mori_model::{Operation, RouteRecord};
use mori_query::postgres::Transaction;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// What an answer will belong to.
#[derive(Debug)]
pub enum Pending {
    /// Answered by ParseComplete.
    Parse(Arc<Classified>, Instant),
    /// Answered by CommandComplete, EmptyQueryResponse or PortalSuspended.
    Statement(Arc<Classified>, Instant),
    /// Answered by ReadyForQuery: the end of a simple query, of a function call, or a Sync.
    Ready,
}

/// The state of a session as far as the log needs it.
#[derive(Debug, Default)]
pub struct Ledger {
    pending: VecDeque<Pending>,
    stage: Stage,
    is_in_transaction: bool,
    /// Rows of the statement that is being answered.
    rows: u64,
    /// Something failed since the last ReadyForQuery.
    has_failed: bool,
    /// Writes of this transaction may have reached tables that its statements do not name.
    has_spread: bool,
    /// The test is over: what is answered now is in no log.
    is_muted: bool,
}

impl Ledger {
    /// Of a session whose client waits for the greeting, which ends with ReadyForQuery.
    pub fn greeted() -> Ledger {
        Ledger {
            pending: [Pending::Ready].into(),
            ..Ledger::default()
        }
    }

    pub fn mute(&mut self) {
        self.is_muted = true;
    }

    pub fn extend(&mut self, asked: impl Iterator<Item = Pending>) {
        self.pending.extend(asked);
    }

    pub fn is_in_transaction(&self) -> bool {
        self.is_in_transaction
    }

    /// Something that was asked for is not answered yet.
    pub fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The statements that are not answered yet, each once; they will not be.
    pub fn take_statements(&mut self) -> Vec<Arc<Classified>> {
        let mut statements: Vec<Arc<Classified>> = Vec::new();
        for pending in self.pending.drain(..) {
            if let Pending::Parse(statement, _) | Pending::Statement(statement, _) = pending
                && !statements.last().is_some_and(|last| Arc::ptr_eq(last, &statement))
            {
                statements.push(statement);
            }
        }
        statements
    }

    /// A DataRow went by.
    pub fn row(&mut self) {
        self.rows += 1;
    }

    /// ParseComplete.
    pub fn parsed(&mut self) {
        if let Some(Pending::Parse(..)) = self.pending.front() {
            self.pending.pop_front();
        }
    }

    /// CommandComplete with its tag and row count, EmptyQueryResponse or PortalSuspended.
    pub fn completed(&mut self, lane: &Arc<PostgresLane>, key: SessionKey, tag: &str, rows: Option<u64>) {
        let Some(Pending::Statement(..)) = self.pending.front() else {
            return;
        };
        let Some(Pending::Statement(statement, started)) = self.pending.pop_front() else {
            return;
        };
        let rows = rows.unwrap_or(self.rows);
        self.rows = 0;
        self.record(lane, key, &statement, started, rows, None);
        self.settle(lane, &statement, tag, rows);
    }

    /// ErrorResponse: what was asked for up to the next ReadyForQuery is not done.
    pub fn failed(&mut self, lane: &Arc<PostgresLane>, key: SessionKey, sqlstate: &str) {
        if !self.has_failed
            && let Some(Pending::Parse(statement, started) | Pending::Statement(statement, started)) = self.pending.front()
        {
            let (statement, started, rows) = (statement.clone(), *started, self.rows);
            self.record(lane, key, &statement, started, rows, Some(sqlstate));
        }
        self.rows = 0;
        self.has_failed = true;
        while !matches!(self.pending.front(), None | Some(Pending::Ready)) {
            self.pending.pop_front();
        }
    }

    /// ReadyForQuery with its status byte.
    pub fn ready(&mut self, lane: &Arc<PostgresLane>, status: u8) {
        while let Some(pending) = self.pending.pop_front() {
            if matches!(pending, Pending::Ready) {
                break;
            }
        }
        self.is_in_transaction = status != b'I';
        if !self.is_in_transaction {
            // Outside of a transaction block, a failure took back all that was done since the last ReadyForQuery.
            if self.has_failed {
                self.stage.rollback();
            }
            let written: Vec<String> = self.stage.commit().into_iter().collect();
            if !self.is_muted && (!written.is_empty() || self.has_spread) {
                lane.commit(written, std::mem::take(&mut self.has_spread));
            }
        }
        self.has_failed = false;
        self.rows = 0;
    }

    /// Notes what a statement that succeeded has changed.
    fn settle(&mut self, lane: &Arc<PostgresLane>, statement: &Classified, tag: &str, rows: u64) {
        if self.is_muted {
            return;
        }
        if statement.facts.operation == Operation::Ddl {
            lane.note_ddl();
            self.has_spread = true;
        }
        let has_written = statement.facts.operation == Operation::Ddl || rows > 0 || tag == "TRUNCATE TABLE";
        if has_written {
            for table in &statement.facts.writes {
                self.stage.stage(table.clone());
            }
        }
        self.has_spread |= statement.effect == Effect::Unknown || (has_written && statement.effect == Effect::Spreads);
        match &statement.transaction {
            Some(Transaction::Begin { .. }) => self.is_in_transaction = true,
            Some(Transaction::Savepoint { savepoint }) => self.stage.savepoint(savepoint.clone()),
            // PostgreSQL knew the savepoint, so the stage does.
            Some(Transaction::RollbackTo { savepoint }) => drop(self.stage.rollback_to(savepoint)),
            Some(Transaction::Release { savepoint }) => drop(self.stage.release(savepoint)),
            _ => {}
        }
        match tag {
            // COMMIT of a transaction that has failed answers ROLLBACK.
            "COMMIT" | "PREPARE TRANSACTION" => {
                lane.common.count_transaction(true);
                let written: Vec<String> = self.stage.commit().into_iter().collect();
                lane.commit(written, std::mem::take(&mut self.has_spread));
                self.is_in_transaction = false;
            }
            "ROLLBACK" if !matches!(statement.transaction, Some(Transaction::RollbackTo { .. })) => {
                lane.common.count_transaction(false);
                self.stage.rollback();
                self.has_spread = false;
                self.is_in_transaction = false;
            }
            _ => {}
        }
    }

    fn record(&self, lane: &Arc<PostgresLane>, key: SessionKey, statement: &Classified, started: Instant, rows: u64, error: Option<&str>) {
        if self.is_muted || (statement.facts.verb.is_empty() && error.is_none()) {
            return;
        }
        lane.refresh_dirty(statement);
        let dirty = |table: &str| self.stage.contains(table) || lane.is_dirty(table);
        let route = route::route(&statement.facts, &dirty, self.is_in_transaction);
        let record = RouteRecord {
            ordinal: 0,
            session: 0,
            operation: statement.facts.operation,
            verb: statement.verb.clone(),
            tables: statement.tables.clone(),
            strategy: statement.strategy.unwrap_or(route.strategy),
            reason: route.reason,
            error: error.map(str::to_owned),
            rows,
        };
        let common: &LaneCommon = &lane.common;
        let sql = if common.is_observed() { statement.sql() } else { String::new() };
        common.record(
            key,
            RouteEntry {
                record,
                sql,
                duration: started.elapsed(),
            },
        );
    }
}
