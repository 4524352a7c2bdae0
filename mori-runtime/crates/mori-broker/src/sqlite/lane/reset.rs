//! Reset, snapshot and restore: changing the lane's file under its sessions.

use super::{Snapshot, SqliteLane};
use crate::error::BrokerError;
use crate::lane::lock;
use mori_backend::embedded::sqlite::Layer;
use std::sync::{Arc, PoisonError, RwLockWriteGuard, TryLockError, atomic::Ordering};
use std::time::{Duration, Instant};

/// How long a snapshot waits for statements that are running.
const QUIET_WAIT: Duration = Duration::from_secs(2);

impl SqliteLane {
    /// Back to the layer below, for the next lease. Open transactions are rolled back, running statements stopped. Connections
    /// of the lease that ended stay open until they speak: then they are told which test they belong to.
    pub fn reset(&self) -> Result<(), BrokerError> {
        let _gate = self.stop_statements();
        self.close_databases();
        self.file.clear().map_err(BrokerError::io("clear", self.file.path()))?;
        self.forget();
        Ok(())
    }

    /// As `reset`; says first how many rows were in the delta map and in the tombstone set.
    pub fn finish(&self) -> Result<(u64, u64), BrokerError> {
        let _gate = self.stop_statements();
        self.close_databases();
        self.settle()?;
        let counts = self.counts()?;
        self.file.clear().map_err(BrokerError::io("clear", self.file.path()))?;
        self.forget();
        Ok(counts)
    }

    /// As `reset`, onto another layer below, which `below` puts in place once the lane's changes are gone: at no instant do the
    /// lane's pages stand on a layer that is not theirs.
    pub fn rebase(&self, below: impl FnOnce() -> Result<Arc<Layer>, BrokerError>) -> Result<(), BrokerError> {
        let _gate = self.stop_statements();
        self.close_databases();
        self.replace_below(below)
    }

    /// As `rebase`, for a lane without changes and without clients. False if it has either: then nothing is interrupted or closed.
    pub fn rebase_if_unused(&self, below: impl FnOnce() -> Result<Arc<Layer>, BrokerError>) -> Result<bool, BrokerError> {
        // Without clients, only looks of our own are in the gate, and soon leave it.
        let _gate = loop {
            if self.has_sessions() {
                return Ok(false);
            }
            match self.gate.try_write() {
                Ok(gate) => break gate,
                Err(TryLockError::Poisoned(poisoned)) => break poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        // A client that enters from here on reaches the file after us.
        if self.has_sessions() || !self.file.is_clean() {
            return Ok(false);
        }
        self.replace_below(below)?;
        Ok(true)
    }

    /// The gate is held for writing, and no session has a connection open.
    fn replace_below(&self, below: impl FnOnce() -> Result<Arc<Layer>, BrokerError>) -> Result<(), BrokerError> {
        *lock(&self.below) = None;
        self.file.clear().map_err(BrokerError::io("clear", self.file.path()))?;
        let below = below()?;
        self.file.rebase(below).map_err(BrokerError::io("clear", self.file.path()))?;
        self.forget();
        lock(&self.schemas).rebase();
        Ok(())
    }

    /// Stops everything and leaves the file closed, so that it can be kept or frozen.
    pub fn close(&self) -> Result<(), BrokerError> {
        let _gate = self.stop_statements();
        self.close_databases();
        for (_, session) in self.open_sessions() {
            session.disconnect();
        }
        self.settle()
    }

    /// Folds the write-ahead log into the pages, or rolls a journal back: a connection that was interrupted closes without doing so.
    /// The gate is held for writing, and no connection is open.
    fn settle(&self) -> Result<(), BrokerError> {
        if self.file.has_journal() {
            let connection = self.open_for_bookkeeping().map_err(BrokerError::sqlite("open the lane"))?;
            connection
                .query("SELECT count(*) FROM sqlite_schema", &[])
                .map_err(BrokerError::sqlite("read the lane"))?;
        }
        Ok(())
    }

    fn forget(&self) {
        self.dirty.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.common.forget();
        lock(&self.schemas).reset();
        // What was prepared for another schema is prepared anew.
        self.ddl.fetch_add(1, Ordering::Release);
        lock(&self.snapshots).clear();
    }

    /// Remembers the lane's state. Errors: `OpenTransaction`, `LaneBusy`.
    pub fn snapshot(&self) -> Result<u64, BrokerError> {
        let _gate = self.wait_for_quiet()?;
        self.require_no_transaction()?;
        // What is still in the write-ahead log goes into the pages. A portal left open by a client can hold a read there.
        let connection = self.open_for_bookkeeping().map_err(BrokerError::sqlite("open the lane"))?;
        let checkpoint = connection
            .query("PRAGMA wal_checkpoint(TRUNCATE)", &[])
            .map_err(BrokerError::sqlite("checkpoint"))?;
        if checkpoint.first().and_then(|row| row.first()) == Some(&mori_model::Value::Int(1)) {
            return Err(BrokerError::LaneBusy);
        }
        drop(connection);
        let pages = self.file.capture().map_err(BrokerError::io("read", self.file.path()))?;
        let mut snapshots = lock(&self.snapshots);
        let id = snapshots.last().map_or(1, |snapshot| snapshot.id + 1);
        let dirty = self.dirty.read().unwrap_or_else(PoisonError::into_inner).clone();
        snapshots.push(Snapshot { id, pages, dirty });
        Ok(id)
    }

    /// Back to a snapshot. Client connections stay usable; their temporary tables are gone.
    /// Errors: `NoSuchSnapshot`, `OpenTransaction`, `LaneBusy`.
    pub fn restore(&self, id: u64) -> Result<(), BrokerError> {
        let _gate = self.wait_for_quiet()?;
        self.require_no_transaction()?;
        let snapshots = lock(&self.snapshots);
        let snapshot = snapshots
            .iter()
            .find(|snapshot| snapshot.id == id)
            .ok_or(BrokerError::NoSuchSnapshot(id))?;
        self.close_databases();
        self.file
            .put_back(&snapshot.pages)
            .map_err(BrokerError::io("write", self.file.path()))?;
        *self.dirty.write().unwrap_or_else(PoisonError::into_inner) = snapshot.dirty.clone();
        // The schema may be an older one again.
        self.note_ddl();
        Ok(())
    }

    /// Takes the gate, stopping whatever runs.
    fn stop_statements(&self) -> RwLockWriteGuard<'_, ()> {
        let mut tries = 0;
        loop {
            match self.gate.try_write() {
                Ok(guard) => return guard,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
            for (_, session) in self.open_sessions() {
                match session.slot.try_lock() {
                    // An idle session may hold the lock that a running statement waits for.
                    Ok(mut slot) => drop(slot.take()),
                    Err(_) => {
                        session.interrupt();
                        // One that waits for its client to read is not interrupted by SQLite.
                        if tries > 100 {
                            session.disconnect();
                        }
                    }
                }
            }
            tries += 1;
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn wait_for_quiet(&self) -> Result<RwLockWriteGuard<'_, ()>, BrokerError> {
        let deadline = Instant::now() + QUIET_WAIT;
        loop {
            match self.gate.try_write() {
                Ok(guard) => return Ok(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if Instant::now() > deadline => return Err(BrokerError::LaneBusy),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_micros(200)),
            }
        }
    }

    fn require_no_transaction(&self) -> Result<(), BrokerError> {
        for (key, session) in self.open_sessions() {
            let slot = lock(&session.slot);
            if slot.as_ref().is_some_and(|db| !db.is_autocommit()) {
                return Err(BrokerError::OpenTransaction {
                    session: self.common.alias(key),
                });
            }
        }
        Ok(())
    }

    /// Closes every session's database connection. The gate is held for writing.
    fn close_databases(&self) {
        for (_, session) in self.open_sessions() {
            drop(lock(&session.slot).take());
        }
    }
}
