//! A session's database side: what is in its slot, and is made again when it was taken away.

use super::execute::Portal;
use super::failure::Failure;
use super::plan::Plan;
use super::read_only::ReadOnly;
use super::{OUT_FLUSH_BYTES, Session};
use crate::sqlite::lane::SqliteLane;
use mori_backend::embedded::sqlite::{Connection, Statement};
use mori_cow::dirty::Stage;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

/// Idle statements kept for their next execution.
const IDLE_STATEMENTS_MAX: usize = 256;
/// A longer text is prepared each time.
const IDLE_TEXT_BYTES_MAX: usize = 16 << 10;

/// A session's connection with everything that lives on it.
pub struct SessionDb {
    // Statements come first: they are finalized before the connection closes.
    pub(super) portals: HashMap<String, Portal>,
    idle: HashMap<Arc<str>, Statement>,
    pub(super) connection: Connection,
    /// The client has set what changes the meaning of a text here (PRAGMA foreign_keys, temporary tables): plans are not shared.
    pub(super) has_own_plans: bool,
    /// Tables the open transaction has changed.
    pub(super) stage: Stage,
    pub(super) read_only: ReadOnly,
    /// The DDL on the lane that the connection knows of.
    ddl_seen: u64,
}

impl SessionDb {
    pub fn is_autocommit(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// Before a statement is planned: what other connections have done to the schema must show in the names and types of its columns.
    pub(super) fn follow_schema(&mut self, lane: &SqliteLane) {
        let ddl = lane.ddl_count();
        if self.ddl_seen != ddl {
            self.connection.refresh_schema();
            self.ddl_seen = ddl;
        }
    }

    /// A statement of this text, ready to be bound.
    pub(super) fn statement(&mut self, plan: &Plan) -> Result<Statement, Failure> {
        if let Some(statement) = self.idle.remove(&plan.key.sql) {
            return Ok(statement);
        }
        let prepared = self.connection.prepare(plan.text())?;
        prepared
            .statement
            .ok_or_else(|| Failure::Setup("a statement became empty".to_owned()))
    }

    /// Gives a statement back for its next execution.
    pub(super) fn put_back(&mut self, plan: &Plan, mut statement: Statement) {
        statement.reset();
        statement.clear_bindings();
        if plan.key.sql.len() > IDLE_TEXT_BYTES_MAX {
            return;
        }
        if self.idle.len() >= IDLE_STATEMENTS_MAX {
            self.idle.clear();
        }
        self.idle.insert(plan.key.sql.clone(), statement);
    }

    /// The lane's schema changed: what was prepared is prepared anew.
    pub(super) fn forget_statements(&mut self) {
        self.idle.clear();
    }
}

/// What a closure over the database side gets besides it.
pub(super) struct Context<'a> {
    pub lane: &'a Arc<SqliteLane>,
    pub key: crate::lane::SessionKey,
    pub out: &'a mut Vec<u8>,
    /// The layers below the lane are read, not the lane.
    pub below: bool,
    stream: &'a std::net::TcpStream,
}

impl Context<'_> {
    /// Sends what waits, once it is much, so that a large result is never held as a whole.
    pub fn flush_if_full(&mut self) -> Result<(), Failure> {
        if self.out.len() >= OUT_FLUSH_BYTES {
            std::io::Write::write_all(&mut &*self.stream, self.out)?;
            self.out.clear();
        }
        Ok(())
    }
}

impl Session {
    /// Runs `work` on the session's database connection, which is opened where there is none. Nobody changes the lane's file meanwhile.
    ///
    /// Errors: `Ended` if the lane has gone on to another test.
    pub(super) fn with_db<T>(&mut self, work: impl FnOnce(&mut SessionDb, &mut Context<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let lane = self.lane.clone();
        let _gate = lane.gate().read().unwrap_or_else(PoisonError::into_inner);
        if let Some(test) = lane.common.ended_test(self.lease) {
            return Err(Failure::Ended { test });
        }
        let slot = self.slot.clone();
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let db = match &mut *slot {
            Some(db) => db,
            empty => {
                let connection = if self.below {
                    lane.open_below().map_err(|error| Failure::Setup(error.to_string()))?
                } else {
                    lane.open()?
                };
                if let Some(session) = lane.session(self.key) {
                    *session.interrupt.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection.interrupt_handle());
                }
                let read_only = ReadOnly::new(self.below, self.settings.is_read_only());
                let db = empty.insert(SessionDb {
                    portals: HashMap::new(),
                    idle: HashMap::new(),
                    connection,
                    has_own_plans: false,
                    stage: Stage::default(),
                    read_only,
                    ddl_seen: lane.ddl_count(),
                });
                db.hold_to_read_only()?;
                db
            }
        };
        let mut context = Context {
            lane: &lane,
            key: self.key,
            below: self.below,
            out: &mut self.out,
            stream: &self.stream,
        };
        work(db, &mut context)
    }

    /// Closes the session's database connection; what is open is rolled back. Behind the gate, because the last connection to
    /// close writes the log's pages into the lane's file.
    pub(super) fn close_database(&self) {
        let _gate = self.lane.gate().read().unwrap_or_else(PoisonError::into_inner);
        drop(self.slot.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    pub(super) fn in_transaction(&self) -> bool {
        let slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_ref().is_some_and(|db| !db.is_autocommit())
    }
}
