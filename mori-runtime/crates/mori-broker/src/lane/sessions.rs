//! The client connections of a lane, and the leases under which they came.

use crate::session::SessionDb;
use mori_backend::embedded::sqlite::Interrupt;
use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};

/// A client connection's identity within the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(pub u32);

/// A session's database side: connection, prepared statements, portals. Empty before first use and after it was taken away.
pub type Slot = Arc<Mutex<Option<SessionDb>>>;

/// What the lane holds of one client connection.
#[derive(Clone)]
pub struct SessionHandle {
    pub slot: Slot,
    pub stream: Arc<TcpStream>,
    /// The lease the connection came under.
    pub lease: u64,
    pub interrupt: Arc<Mutex<Option<Interrupt>>>,
    /// What a cancel request must show.
    pub secret: [u8; 4],
}

impl SessionHandle {
    /// Stops a running statement.
    pub fn interrupt(&self) {
        if let Some(interrupt) = &*super::lock(&self.interrupt) {
            interrupt.interrupt();
        }
    }

    /// Ends the client's connection, so that a session that waits for it goes on.
    pub fn disconnect(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Who holds the lane. A lease that has ended keeps its name, so that a late statement can be traced to its test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub id: u64,
    pub test: String,
}

/// Leases remembered after their end, for late statements.
const PAST_LEASES_MAX: usize = 1000;

#[derive(Default)]
pub struct Sessions {
    open: BTreeMap<SessionKey, SessionHandle>,
    accepted: u64,
    /// Only the connections of the current lease are served: this lane is lent to tests.
    is_lent: bool,
    current: Option<Lease>,
    past: Vec<Lease>,
    late_writes: Vec<String>,
}

impl Sessions {
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    pub fn open_count(&self) -> usize {
        self.open.len()
    }
}

impl super::Lane {
    /// From now on nobody is served without a lease.
    pub fn lend(&self) {
        super::lock(&self.sessions).is_lent = true;
    }

    /// Starts a lease: the lane belongs to `test` until the next `end_lease`.
    pub fn start_lease(&self, id: u64, test: &str) {
        let mut sessions = super::lock(&self.sessions);
        sessions.current = Some(Lease { id, test: test.to_owned() });
        sessions.accepted = 0;
    }

    pub fn end_lease(&self) {
        let mut sessions = super::lock(&self.sessions);
        if let Some(lease) = sessions.current.take() {
            if sessions.past.len() == PAST_LEASES_MAX {
                sessions.past.remove(0);
            }
            sessions.past.push(lease);
        }
    }

    /// Whether a connection of this lease may not be served: then the test it belonged to, as far as that is remembered.
    pub fn ended_test(&self, lease: u64) -> Option<String> {
        let sessions = super::lock(&self.sessions);
        let is_current = sessions.current.as_ref().is_some_and(|current| current.id == lease);
        if is_current || !sessions.is_lent {
            return None;
        }
        let past = sessions.past.iter().rev().find(|past| past.id == lease);
        Some(past.map_or_else(|| "(unknown)".to_owned(), |past| past.test.clone()))
    }

    /// Notes that a test which has ended tried to write.
    pub fn report_late_write(&self, test: &str, verb: &str) {
        super::lock(&self.sessions)
            .late_writes
            .push(format!("{test}: {verb} after the test had ended"));
    }

    pub fn late_writes(&self) -> Vec<String> {
        super::lock(&self.sessions).late_writes.clone()
    }

    /// Enters a client connection; false if the lane has as many as it may have.
    pub fn enter(&self, key: SessionKey, handle: SessionHandle) -> bool {
        let max = self.connections_max.load(std::sync::atomic::Ordering::Relaxed);
        let mut sessions = super::lock(&self.sessions);
        let lease = handle.lease;
        if sessions.open.values().filter(|session| session.lease == lease).count() as u64 >= max {
            return false;
        }
        sessions.open.insert(key, handle);
        sessions.accepted += 1;
        true
    }

    pub fn leave(&self, key: SessionKey) {
        super::lock(&self.sessions).open.remove(&key);
    }

    pub fn session(&self, key: SessionKey) -> Option<SessionHandle> {
        super::lock(&self.sessions).open.get(&key).cloned()
    }

    pub(super) fn open_sessions(&self) -> Vec<(SessionKey, SessionHandle)> {
        super::lock(&self.sessions)
            .open
            .iter()
            .map(|(key, handle)| (*key, handle.clone()))
            .collect()
    }
}
