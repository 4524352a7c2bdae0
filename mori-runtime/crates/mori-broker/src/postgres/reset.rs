//! Reset, snapshot and restore: undoing what was written, in the lane's own server.
//!
//! What the capture knows row by row is undone in one round trip, while idle connections stay open. DDL, and what lives outside the
//! database, is taken back by copying the layer again.

use super::base::PostgresBase;
use super::lane::{PostgresLane, SPOILT};
use crate::error::BrokerError;
use crate::lane::lock;
use mori_backend::postgres::StopMode;
use mori_backend::postgres::capture::{self, Mark, Undone};
use mori_cow::dirty::DirtyTables;
use std::fs;
use std::io::ErrorKind;
use std::net::Shutdown;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// A state of the lane to go back to.
pub struct Snapshot {
    id: u64,
    mark: Mark,
    dirty: DirtyTables,
}

/// Which connections of clients are ended.
#[derive(Clone, Copy)]
enum Ended {
    All,
    /// Those that have a transaction open, or a statement running.
    Busy,
}

/// Ends connections and waits until they are gone, for what they hold is in the way; all in one round trip, 5 seconds at most.
fn end_connections(which: Ended) -> String {
    let which = match which {
        Ended::All => "",
        Ended::Busy => "AND state <> 'idle'",
    };
    format!(
        "DO $$ BEGIN \
         FOR i IN 1..10000 LOOP \
             PERFORM pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
                 WHERE backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid() {which}; \
             IF NOT FOUND THEN RETURN; END IF; \
             PERFORM pg_catalog.pg_sleep(0.0005); \
             PERFORM pg_catalog.pg_stat_clear_snapshot(); \
         END LOOP; \
         RAISE EXCEPTION 'connections of clients do not end'; \
         END $$"
    )
}

impl PostgresLane {
    /// Back to the layer below. Connections with an open transaction or a running statement are ended, idle ones stay.
    pub(super) fn reset(&self) -> Result<(), BrokerError> {
        if self.may_have_written.load(Ordering::Acquire) {
            self.end_connections(Ended::Busy)?;
            if self.is_coarse.load(Ordering::Acquire) || self.is_undone_coarse(None)? {
                self.rebuild()?;
            }
        }
        self.drop_spoilt_below();
        self.forget();
        Ok(())
    }

    /// The end of a lease: all its connections are ended. Counts what was changed. A lane that needs a rebuild says so afterwards:
    /// see [`PostgresLane::needs_rebuild`].
    pub(super) fn finish(&self) -> Result<(u64, u64), BrokerError> {
        for handle in lock(&self.sessions).values() {
            // The client keeps its end, so that it can be told whose connection it was.
            let _ = handle.server.shutdown(Shutdown::Both);
        }
        let mut counts = (0, 0);
        if self.may_have_written.load(Ordering::Acquire) {
            // Meanwhile the servers of the connections find that their clients are gone.
            let counted = self.with_admin(capture::counts)?;
            counts = (counted.delta_rows, counted.tombstones);
            self.end_connections(Ended::All)?;
            if !self.is_coarse.load(Ordering::Acquire) && self.is_undone_coarse(None)? {
                self.is_coarse.store(true, Ordering::Release);
            }
        }
        self.drop_spoilt_below();
        self.forget();
        Ok(counts)
    }

    /// The next client of the layer below gets a new copy of it, if one may have written to this.
    fn drop_spoilt_below(&self) {
        if self.is_below_spoilt.swap(false, Ordering::AcqRel) {
            drop(lock(&self.below).take());
        }
    }

    /// Copies the layer again: for what cannot be undone row by row.
    pub(super) fn rebuild(&self) -> Result<(), BrokerError> {
        let base = self.base();
        self.rebase(|| Ok(base))
    }

    /// Puts the lane on a layer, which `layer` puts in place once the lane's server is stopped. Nothing of the lane is left.
    pub(super) fn rebase(&self, layer: impl FnOnce() -> Result<Arc<PostgresBase>, BrokerError>) -> Result<(), BrokerError> {
        for handle in lock(&self.sessions).values() {
            let _ = handle.server.shutdown(Shutdown::Both);
        }
        self.is_closed.store(true, Ordering::Release);
        *lock(&self.admin) = None;
        let server = self.server.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            server.stop(StopMode::Immediate)?;
        }
        let base = layer()?;
        // It stands on the old one.
        drop(lock(&self.below).take());
        base.copy_data(&self.common.dir, self.purpose)?;
        let spoilt = self.common.dir.join(SPOILT);
        match fs::remove_file(&spoilt) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(BrokerError::io("remove", &spoilt)(error)),
            _ => {}
        }
        self.set_base(base);
        self.is_closed.store(false, Ordering::Release);
        self.start_server()?;
        self.is_coarse.store(false, Ordering::Release);
        self.forget();
        Ok(())
    }

    fn end_connections(&self, which: Ended) -> Result<(), BrokerError> {
        self.with_admin(|client| client.batch_execute(&end_connections(which)))
    }

    /// Undoes rows; true if that is not enough, and nothing was done.
    fn is_undone_coarse(&self, to: Option<&Mark>) -> Result<bool, BrokerError> {
        let undone = self.with_admin(|client| capture::undo(client, to))?;
        Ok(matches!(undone, Undone::Coarse { .. }))
    }

    fn require_no_transaction(&self) -> Result<(), BrokerError> {
        for (key, handle) in lock(&self.sessions).iter() {
            if handle.is_in_transaction() {
                return Err(BrokerError::OpenTransaction {
                    session: self.common.alias(*key),
                });
            }
        }
        Ok(())
    }

    pub(super) fn snapshot(&self) -> Result<u64, BrokerError> {
        self.require_no_transaction()?;
        let mark = self.with_admin(capture::mark)?;
        let dirty = self.dirty.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut snapshots = lock(&self.snapshots);
        let id = snapshots.last().map_or(1, |snapshot| snapshot.id + 1);
        snapshots.push(Snapshot { id, mark, dirty });
        Ok(id)
    }

    pub(super) fn restore(&self, id: u64) -> Result<(), BrokerError> {
        self.require_no_transaction()?;
        let mut snapshots = lock(&self.snapshots);
        let position = snapshots
            .iter()
            .position(|snapshot| snapshot.id == id)
            .ok_or(BrokerError::NoSuchSnapshot(id))?;
        let snapshot = &snapshots[position];
        if self.is_undone_coarse(Some(&snapshot.mark))? {
            return Err(BrokerError::Unsupported {
                what: "the schema has changed since the snapshot: it cannot be restored".to_owned(),
                remedy: "use `db.reset()`, which goes back to the fixtures".to_owned(),
            });
        }
        *self.dirty.write().unwrap_or_else(PoisonError::into_inner) = snapshot.dirty.clone();
        // Later snapshots stand on changes that are gone.
        snapshots.truncate(position + 1);
        Ok(())
    }

    /// Ends all clients' connections.
    pub(super) fn disconnect(&self) -> Result<(), BrokerError> {
        for handle in lock(&self.sessions).values() {
            let _ = handle.server.shutdown(Shutdown::Both);
            handle.client.shutdown();
        }
        self.end_connections(Ended::All)
    }

    /// Stops everything and leaves the data directory closed.
    pub(super) fn close(&self) -> Result<(), BrokerError> {
        for handle in lock(&self.sessions).values() {
            let _ = handle.server.shutdown(Shutdown::Both);
            handle.client.shutdown();
        }
        self.is_closed.store(true, Ordering::Release);
        *lock(&self.admin) = None;
        let server = self.server.write().unwrap_or_else(PoisonError::into_inner).take();
        match server {
            Some(server) => Ok(server.stop(StopMode::Fast)?),
            None => Ok(()),
        }
    }
}
