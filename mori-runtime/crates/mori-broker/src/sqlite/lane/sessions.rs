//! The client connections of a SQLite lane.

use super::SqliteLane;
use crate::lane::{SessionKey, lock};
use crate::sqlite::session::SessionDb;
use mori_backend::embedded::sqlite::Interrupt;
use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

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
        if let Some(interrupt) = &*lock(&self.interrupt) {
            interrupt.interrupt();
        }
    }

    /// Ends the client's connection, so that a session that waits for it goes on.
    pub fn disconnect(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// The open ones, by key.
pub type Sessions = BTreeMap<SessionKey, SessionHandle>;

impl SqliteLane {
    /// Enters a client connection; false if its lease has as many as it may have.
    pub fn enter(&self, key: SessionKey, handle: SessionHandle) -> bool {
        let max = self.common.connections_max.load(Ordering::Relaxed);
        let mut sessions = lock(&self.sessions);
        let lease = handle.lease;
        if sessions.values().filter(|session| session.lease == lease).count() as u64 >= max {
            return false;
        }
        sessions.insert(key, handle);
        self.common.count_accepted();
        true
    }

    pub fn leave(&self, key: SessionKey) {
        lock(&self.sessions).remove(&key);
    }

    pub fn session(&self, key: SessionKey) -> Option<SessionHandle> {
        lock(&self.sessions).get(&key).cloned()
    }

    pub(super) fn open_sessions(&self) -> Vec<(SessionKey, SessionHandle)> {
        lock(&self.sessions).iter().map(|(key, handle)| (*key, handle.clone())).collect()
    }

    pub(in crate::sqlite) fn has_sessions(&self) -> bool {
        !lock(&self.sessions).is_empty()
    }
}
