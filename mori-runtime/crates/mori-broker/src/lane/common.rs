//! What every lane has, whatever its engine: its name, the log of its statements, its counters.

use super::leases::Leases;
use super::{LaneObserver, RouteEntry, RoutingLog, lock};
use crate::config::{ClientLogin, Connection};
use crate::error::BrokerError;
use crate::relay::{Arrival, Relay};
use crate::wire::certified;
use mori_control::Counters;
use mori_model::RouteRecord;
use rustls::ServerConfig;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A client connection's identity within the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(pub u32);

/// How clients find a lane, and come in.
#[derive(Clone, Debug, Default)]
pub struct Front {
    /// The connection's name in `mori.yaml`.
    pub database: String,
    /// What `mori.yaml` says of TLS.
    pub tls: Option<bool>,
    /// None is the certificate made for the process.
    pub certificate: Option<Arc<ServerConfig>>,
    /// None lets anybody in.
    pub login: Option<ClientLogin>,
}

impl Front {
    /// Of `mori start`. Errors: `Certificate`.
    pub fn of(connection: &Connection) -> Result<Front, BrokerError> {
        Ok(Front {
            certificate: connection.certificate.as_ref().map(certified).transpose()?,
            login: connection.login.clone(),
            ..Front::of_test(connection)
        })
    }

    /// Of a lane whose clients have their lease's URL.
    pub fn of_test(connection: &Connection) -> Front {
        Front {
            database: connection.name.clone(),
            tls: connection.tls,
            ..Front::default()
        }
    }

    /// Of a kept state.
    pub fn named(database: String) -> Front {
        Front {
            database,
            ..Front::default()
        }
    }
}

/// The part of a lane that knows nothing of its engine.
pub struct LaneCommon {
    /// The connection's name in `mori.yaml`.
    pub database: String,
    /// What `mori.yaml` says of TLS.
    pub tls: Option<bool>,
    pub certificate: Option<Arc<ServerConfig>>,
    pub login: Option<ClientLogin>,
    /// The lane's own folder.
    pub dir: PathBuf,
    /// How many client connections a lease may have.
    pub connections_max: AtomicU64,
    pub(super) leases: Mutex<Leases>,
    routing: Mutex<RoutingLog>,
    committed: AtomicU64,
    rolled_back: AtomicU64,
    accepted: AtomicU64,
    observer: Option<Box<dyn LaneObserver>>,
    /// Begins with the first session that is relayed.
    relay: Mutex<Option<Relay>>,
}

impl LaneCommon {
    pub fn new(front: Front, dir: PathBuf, observer: Option<Box<dyn LaneObserver>>) -> LaneCommon {
        LaneCommon {
            database: front.database,
            tls: front.tls,
            certificate: front.certificate,
            login: front.login,
            dir,
            connections_max: AtomicU64::new(u64::MAX),
            leases: Mutex::default(),
            routing: Mutex::default(),
            committed: AtomicU64::new(0),
            rolled_back: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            observer,
            relay: Mutex::new(None),
        }
    }

    /// From here on the bytes of a session pass.
    pub fn relay(&self, arrival: Arrival) -> io::Result<()> {
        let mut relay = lock(&self.relay);
        let relay = match &mut *relay {
            Some(relay) if !relay.has_ended() => relay,
            none => none.insert(Relay::start()?),
        };
        relay.hand_over(arrival)
    }

    /// Logs a statement. Numbers it and its connection.
    pub fn record(&self, session: SessionKey, entry: RouteEntry) {
        let mut routing = lock(&self.routing);
        let mut entry = [entry];
        routing.number(session, &mut entry);
        match &self.observer {
            Some(observer) => observer.executed(&entry),
            None => routing.keep(entry.into_iter().map(|entry| entry.record)),
        }
    }

    /// Logs statements that were answered together, and leaves none in `entries`.
    pub fn record_all(&self, session: SessionKey, entries: &mut Vec<RouteEntry>) {
        if entries.is_empty() {
            return;
        }
        let mut routing = lock(&self.routing);
        routing.number(session, entries);
        match &self.observer {
            Some(observer) => {
                observer.executed(entries);
                entries.clear();
            }
            None => routing.keep(entries.drain(..).map(|entry| entry.record)),
        }
    }

    pub fn routing(&self) -> Vec<RouteRecord> {
        lock(&self.routing).records()
    }

    /// The number that reports give a connection; 0 if it has executed nothing.
    pub fn alias(&self, session: SessionKey) -> u32 {
        lock(&self.routing).alias(session).unwrap_or(0)
    }

    pub fn count_transaction(&self, committed: bool) {
        let counter = if committed { &self.committed } else { &self.rolled_back };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A client connection was let in.
    pub fn count_accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn forget_accepted(&self) {
        self.accepted.store(0, Ordering::Relaxed);
    }

    /// Tells the observer that changes were committed.
    pub fn notify_committed(&self) {
        if let Some(observer) = &self.observer {
            observer.committed();
        }
    }

    /// Whether the log goes to an observer, who wants the statements' texts.
    pub fn is_observed(&self) -> bool {
        self.observer.is_some()
    }

    pub fn counters(&self) -> Counters {
        Counters {
            statements: lock(&self.routing).statements(),
            committed: self.committed.load(Ordering::Relaxed),
            rolled_back: self.rolled_back.load(Ordering::Relaxed),
            connections: self.accepted.load(Ordering::Relaxed),
        }
    }

    /// After a reset, the lane knows nothing of what was done before.
    pub fn forget(&self) {
        *lock(&self.routing) = RoutingLog::default();
        self.committed.store(0, Ordering::Relaxed);
        self.rolled_back.store(0, Ordering::Relaxed);
    }
}
