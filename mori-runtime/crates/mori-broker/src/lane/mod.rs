//! A lane, whatever its engine: what a test or `mori start` holds. Its port, its leases, its log, and what changed in it.

mod common;
mod leases;
mod listener;
mod routing;

pub use common::{Front, LaneCommon, SessionKey};
pub use listener::Listener;
pub use routing::{RouteEntry, RoutingLog};

use crate::error::BrokerError;
use mori_model::{LaneDelta, SchemaRegistry, SequenceInfo, TableInfo};
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Leads the user name that a lane's URL carries; the number of the lease follows.
pub const LEASE_USER: &str = "lease-";
/// A database of this name's end shows the layers below the lane.
pub const BELOW_SUFFIX: &str = ".prod";

/// One lane.
pub trait Lane: Send + Sync {
    fn common(&self) -> &LaneCommon;

    /// Serves one client until it leaves.
    fn serve(self: Arc<Self>, stream: TcpStream);

    /// What an application connects to.
    fn url(&self, url: &LaneUrl) -> String;

    /// The difference from the layer below, of committed changes. Nothing is read if nothing was written.
    fn delta(&self) -> Result<LaneDelta, BrokerError>;

    /// The lane's tables, and how they differ from prod's.
    fn shape(&self) -> Result<LaneShape, BrokerError>;

    /// Back to the layer below. Open transactions are rolled back, running statements stopped.
    fn reset(&self) -> Result<(), BrokerError>;

    /// As `reset`, at the end of a lease. Says first how many rows were in the delta map and in the tombstone set.
    fn finish(&self) -> Result<(u64, u64), BrokerError>;

    /// Whether `finish` left something undone that `refresh` takes back, before the next lease.
    fn is_spoilt(&self) -> bool {
        false
    }

    /// Makes a spoilt lane as new. Takes a while.
    fn refresh(&self) -> Result<(), BrokerError> {
        Ok(())
    }

    /// Remembers the lane's state. Errors: `OpenTransaction`, `LaneBusy`.
    fn snapshot(&self) -> Result<u64, BrokerError>;

    /// Back to a snapshot. Errors: `NoSuchSnapshot`, `OpenTransaction`, `LaneBusy`.
    fn restore(&self, id: u64) -> Result<(), BrokerError>;

    /// Stops what runs and ends all clients' connections. The lane can still be looked at.
    fn disconnect(&self) -> Result<(), BrokerError>;

    /// Stops everything and leaves the lane's files closed, so that they can be kept.
    fn close(&self) -> Result<(), BrokerError>;

    /// A copy of the lane's committed content as a file for a native driver. Errors: `Unsupported`.
    fn export(&self) -> Result<PathBuf, BrokerError>;

    /// Writes all that is needed to serve the closed lane again into a folder.
    fn keep_into(&self, dir: &Path) -> Result<(), BrokerError>;
}

/// What a URL of a lane is to say.
#[derive(Clone, Debug)]
pub struct LaneUrl {
    pub port: u16,
    /// The lease whose connections it opens; none where the lane is not lent.
    pub lease: Option<u64>,
    /// The layer below the lane, to look at.
    pub is_below: bool,
}

/// A URL of a lane that speaks PostgreSQL's protocol. `user`: that of clients without a lease.
pub fn postgres_url(database: &str, user: &str, url: &LaneUrl) -> String {
    let user = url.lease.map_or_else(|| user.to_owned(), |lease| format!("{LEASE_USER}{lease}"));
    let below = if url.is_below { BELOW_SUFFIX } else { "" };
    format!("postgres://{user}@127.0.0.1:{}/{database}{below}?sslmode=disable", url.port)
}

/// What a lane's schema looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneShape {
    pub tables: BTreeMap<String, TableInfo>,
    /// Tables of the layer below that the lane has not.
    pub dropped: BTreeMap<String, TableInfo>,
    pub registry: SchemaRegistry,
    pub sequences: BTreeMap<String, SequenceInfo>,
}

/// What the lanes of a suite stand on.
pub trait LaneBase: Send + Sync {
    /// A new lane in the folder `dir`, which exists.
    fn new_lane(&self, connection: &crate::config::Connection, dir: &Path) -> Result<Arc<dyn Lane>, BrokerError>;

    /// Whether making a lane takes so long that it is better made ahead of need.
    fn is_slow(&self) -> bool {
        false
    }
}

/// Who is told what happens on a lane.
pub trait LaneObserver: Send + Sync {
    /// Statements that one connection has executed, in order.
    fn executed(&self, entries: &[RouteEntry]);
    /// A transaction has committed changes.
    fn committed(&self);
}

pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
