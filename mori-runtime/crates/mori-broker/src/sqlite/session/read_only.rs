//! Read-only sessions and transactions. SQLite has neither, but `PRAGMA query_only` makes a connection refuse writes.

use super::failure::Failure;
use super::{Session, SessionDb};
use std::sync::PoisonError;

/// What may write on a connection.
#[derive(Debug)]
pub struct ReadOnly {
    /// What is read is not the lane: nothing may write, whatever is set.
    always: bool,
    /// `default_transaction_read_only`: what a transaction is that does not say.
    pub session: bool,
    /// The open transaction.
    pub transaction: bool,
    /// What SQLite was told last. It is told only what changes, so that a client's own `PRAGMA query_only` stays.
    told: bool,
}

impl ReadOnly {
    /// Of a connection that is just open. `always`: it was opened read-only.
    pub fn new(always: bool, session: bool) -> ReadOnly {
        ReadOnly {
            always,
            session,
            transaction: false,
            told: always,
        }
    }
}

impl SessionDb {
    /// A transaction has begun; `asked`: what its BEGIN said.
    pub(super) fn begin_read_only(&mut self, asked: Option<bool>) -> Result<(), Failure> {
        self.read_only.transaction = asked.unwrap_or(self.read_only.session);
        self.hold_to_read_only()
    }

    /// Tells SQLite what the session or its open transaction is.
    pub(super) fn hold_to_read_only(&mut self) -> Result<(), Failure> {
        let of_now = if self.is_autocommit() {
            self.read_only.session
        } else {
            self.read_only.transaction
        };
        let wanted = of_now || self.read_only.always;
        if wanted != self.read_only.told {
            self.connection.execute(if wanted {
                "PRAGMA query_only = ON"
            } else {
                "PRAGMA query_only = OFF"
            })?;
            self.read_only.told = wanted;
        }
        Ok(())
    }
}

impl Session {
    /// After a change of settings. A transaction that is open stays what it is.
    pub(super) fn settings_changed(&mut self) -> Result<(), Failure> {
        let session = self.settings.is_read_only();
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *slot {
            Some(db) if db.read_only.session != session => {
                db.read_only.session = session;
                db.hold_to_read_only()
            }
            _ => Ok(()),
        }
    }

    /// `SET TRANSACTION READ ONLY` and `READ WRITE`. Outside a transaction they do nothing.
    pub(super) fn set_transaction_read_only(&mut self, read_only: bool) -> Result<(), Failure> {
        self.with_db(|db, _| {
            if db.is_autocommit() {
                return Ok(());
            }
            db.begin_read_only(Some(read_only))
        })
    }

    /// What `SHOW transaction_read_only` says.
    pub(super) fn is_transaction_read_only(&self) -> bool {
        let slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some(db) if !db.is_autocommit() => db.read_only.transaction,
            _ => self.settings.is_read_only(),
        }
    }
}
