//! Reset, snapshot and restore: keys that were changed are put back, in one round trip to the layer's server and one to the lane's.
//!
//! Settings, users and what else lives in the server and not in its keys is taken back by a new server.

use super::base::RedisBase;
use super::lane::{Changes, RedisLane};
use crate::error::BrokerError;
use crate::lane::lock;
use mori_backend::redis::{Batch, Client, PutBack, Snapshot as Keys, candidates, dump_keys, put_back};
use mori_query::redis::Touched;
use mori_wire::resp::Value;
use std::collections::BTreeSet;
use std::net::Shutdown;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// A state of the lane to go back to.
pub struct Snapshot {
    id: u64,
    /// The keys that differed from the layer, or may have.
    keys: Keys,
    functions: Option<Vec<u8>>,
}

/// Where all keys may have been changed, a layer of more keys than this is loaded again instead.
const KEYS_PUT_BACK_MAX: u64 = 10_000;

/// An append-only file that has grown beyond this is begun anew.
const CHANGES_BYTES_MAX: u64 = 64 << 20;

impl RedisLane {
    /// Back to the layer below. Connections in the middle of something are ended, idle ones stay.
    pub(super) fn reset(&self) -> Result<(), BrokerError> {
        if self.may_have_written.load(Ordering::Acquire) {
            self.end_busy()?;
            self.put_layer_back()?;
            if self.is_coarse.load(Ordering::Acquire) {
                self.rebuild()?;
            }
        }
        self.forget();
        Ok(())
    }

    /// The end of a lease: all its connections are ended. Counts what was changed. A lane that needs a new server says so afterwards.
    pub(super) fn finish(&self) -> Result<(u64, u64), BrokerError> {
        for handle in lock(&self.sessions).values() {
            // The client keeps its end, so that it can be told whose connection it was.
            let _ = handle.server.shutdown(Shutdown::Both);
        }
        let mut counts = (0, 0);
        let mut is_coarse = self.is_coarse.load(Ordering::Acquire);
        if self.may_have_written.load(Ordering::Acquire) && !is_coarse {
            // What a connection has sent and the server has not read must not run any more.
            self.with_admin(end_clients)?;
            counts = self.put_layer_back()?;
            is_coarse = self.is_coarse.load(Ordering::Acquire);
        }
        self.forget();
        self.is_coarse.store(is_coarse, Ordering::Release);
        Ok(counts)
    }

    /// Ends the connections that have a transaction open, or wait for an answer.
    fn end_busy(&self) -> Result<(), BrokerError> {
        let mut busy = Vec::new();
        for handle in lock(&self.sessions).values() {
            if handle.is_busy() {
                let _ = handle.server.shutdown(Shutdown::Both);
                handle.client.shutdown();
                busy.extend(handle.server_id);
            }
        }
        if busy.is_empty() {
            return Ok(());
        }
        self.with_admin(|client| {
            for id in &busy {
                // It may be gone already.
                drop(client.ask(&["CLIENT", "KILL", "ID", &id.to_string()]));
            }
            Ok(())
        })
    }

    /// Puts all keys back that may have been changed. Says how many were there, and how many were gone. Sets `is_coarse` where that is not enough.
    fn put_layer_back(&self) -> Result<(u64, u64), BrokerError> {
        self.read_changes()?;
        let touched = lock(&self.changes).touched.clone();
        let base = self.base();
        let is_wide = touched.everything || !touched.databases.is_empty();
        if self.is_coarse.load(Ordering::Acquire) || (is_wide && base.keys > KEYS_PUT_BACK_MAX) || self.aof().bytes() > CHANGES_BYTES_MAX {
            self.is_coarse.store(true, Ordering::Release);
            return Ok((0, 0));
        }
        let has_scripts = self.has_scripts.load(Ordering::Acquire);
        let counts = self.with_admin(|lane| base.with_below(|below| put_back_from(&base, &touched, has_scripts, lane, below)))?;
        // What was done to put the keys back is no change.
        self.read_changes()?;
        lock(&self.changes).touched = Touched::default();
        Ok(counts)
    }

    /// A new server on a new copy of the layer.
    pub(super) fn rebuild(&self) -> Result<(), BrokerError> {
        let base = self.base();
        self.rebase(|| Ok(base))
    }

    /// Puts the lane on a layer, which `layer` puts in place once the lane's server is stopped. Nothing of the lane is left.
    pub(super) fn rebase(&self, layer: impl FnOnce() -> Result<Arc<RedisBase>, BrokerError>) -> Result<(), BrokerError> {
        self.close();
        let base = layer()?;
        self.set_base(base.clone());
        self.aof().create(&base.layer.dump())?;
        self.forget_spoilt()?;
        *lock(&self.changes) = Changes::default();
        self.forget();
        self.start_server()?;
        self.is_closed.store(false, Ordering::Release);
        Ok(())
    }

    pub(super) fn snapshot(&self) -> Result<u64, BrokerError> {
        self.require_nothing_open()?;
        self.require_not_coarse()?;
        let (keys, functions) = match self.may_have_written.load(Ordering::Acquire) {
            false => (Keys::new(), self.base().functions.clone()),
            true => {
                self.read_changes()?;
                let touched = lock(&self.changes).touched.clone();
                let base = self.base();
                self.with_admin(|lane| {
                    let keys = base.with_below(|below| Ok(candidates(&touched, lane, below)?))?;
                    Ok((dump_keys(lane, &keys)?, functions(lane)))
                })?
            }
        };
        let mut snapshots = lock(&self.snapshots);
        let id = snapshots.last().map_or(1, |snapshot| snapshot.id + 1);
        snapshots.push(Snapshot { id, keys, functions });
        Ok(id)
    }

    pub(super) fn restore(&self, id: u64) -> Result<(), BrokerError> {
        self.require_nothing_open()?;
        self.require_not_coarse()?;
        let mut snapshots = lock(&self.snapshots);
        let position = snapshots
            .iter()
            .position(|snapshot| snapshot.id == id)
            .ok_or(BrokerError::NoSuchSnapshot(id))?;
        self.read_changes()?;
        let touched = lock(&self.changes).touched.clone();
        let (base, snapshot) = (self.base(), &snapshots[position]);
        self.with_admin(|lane| {
            let keys = base.with_below(|below| {
                let keys = candidates(&touched, lane, below)?;
                Ok(dump_keys(below, &keys)?)
            })?;
            // What differed from the layer then, differs again.
            let keys: Keys = keys
                .into_iter()
                .map(|(place, layer)| match snapshot.keys.get(&place) {
                    Some(then) => (place, then.clone()),
                    None => (place, layer),
                })
                .collect();
            let mut first = Batch::default();
            if touched.functions {
                push_functions(&mut first, snapshot.functions.as_deref());
            }
            put_back(lane, &keys, &first)?;
            Ok(())
        })?;
        // Later snapshots stand on changes that are gone.
        snapshots.truncate(position + 1);
        Ok(())
    }

    fn require_nothing_open(&self) -> Result<(), BrokerError> {
        for (key, handle) in lock(&self.sessions).iter() {
            if handle.is_in_transaction() {
                return Err(BrokerError::OpenTransaction {
                    session: self.common.alias(*key),
                });
            }
        }
        Ok(())
    }

    fn require_not_coarse(&self) -> Result<(), BrokerError> {
        match self.is_coarse.load(Ordering::Acquire) {
            false => Ok(()),
            true => Err(BrokerError::Unsupported {
                what: "the server's settings, users or state were changed: snapshots hold keys and functions only".to_owned(),
                remedy: "use `db.reset()`, which goes back to the fixtures".to_owned(),
            }),
        }
    }

    /// Ends all clients' connections.
    pub(super) fn disconnect(&self) -> Result<(), BrokerError> {
        self.hang_up();
        self.with_admin(end_clients)
    }

    fn hang_up(&self) {
        for handle in lock(&self.sessions).values() {
            let _ = handle.server.shutdown(Shutdown::Both);
            handle.client.shutdown();
        }
    }

    /// Stops everything and leaves the lane's files closed.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.hang_up();
        *lock(&self.admin) = None;
        drop(self.server.write().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// Ends every connection but ours, and with it what it has sent and waits for.
fn end_clients(client: &mut Client) -> Result<(), BrokerError> {
    let mut batch = Batch::default();
    for kind in ["normal", "pubsub", "replica"] {
        batch.push(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]);
    }
    client.run(&batch)?;
    Ok(())
}

fn functions(client: &mut Client) -> Option<Vec<u8>> {
    match client.ask(&["FUNCTION", "DUMP"]) {
        Ok(Value::Bulk(dump)) => Some(dump),
        _ => None,
    }
}

fn push_functions(batch: &mut Batch, functions: Option<&[u8]>) {
    if let Some(dump) = functions {
        batch.push(&[b"FUNCTION".as_slice(), b"RESTORE", dump, b"FLUSH"]);
    }
}

fn put_back_from(
    base: &RedisBase,
    touched: &Touched,
    has_scripts: bool,
    lane: &mut Client,
    below: &mut Client,
) -> Result<(u64, u64), BrokerError> {
    let keys = candidates(touched, lane, below)?;
    // Keys that the layer never had need not be asked for there.
    let (known, new): (BTreeSet<_>, BTreeSet<_>) = keys.into_iter().partition(|(database, key)| base.may_have(*database, key));
    let mut states = match known.is_empty() {
        true => Keys::new(),
        false => dump_keys(below, &known)?,
    };
    states.extend(new.into_iter().map(|place| (place, None)));
    let mut first = Batch::default();
    if has_scripts {
        first.push(&["SCRIPT", "FLUSH"]);
    }
    if touched.functions {
        push_functions(&mut first, base.functions.as_deref());
    }
    let PutBack { there, gone } = put_back(lane, &states, &first)?;
    Ok((there, gone))
}
