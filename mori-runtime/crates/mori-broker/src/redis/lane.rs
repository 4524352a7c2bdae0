//! A lane on Redis: a server of its own on a copy of the layer's dump.

use super::base::RedisBase;
use super::dirty::{DirtyKeys, KeyNumber};
use super::session::SessionHandle;
use crate::config::Connection;
use crate::error::BrokerError;
use crate::lane::{Front, LaneCommon, LaneObserver, SessionKey, lock};
use mori_backend::redis::{Aof, Client, Server, StreamState};
use mori_query::redis::{Effect, Touched};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// In the folder of a lane that a later process goes on with: keys are not all that was changed.
const SPOILT: &str = "spoilt";

/// What the append-only file has told so far.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub state: StreamState,
    pub touched: Touched,
    /// What of it `dirty` does not know yet.
    unmarked: Unmarked,
}

#[derive(Debug, Default)]
struct Unmarked {
    keys: Vec<(u32, KeyNumber)>,
    everything: bool,
}

impl Unmarked {
    fn add(&mut self, touched: &Touched) {
        self.keys.extend(
            touched
                .keys
                .iter()
                .map(|(database, key)| (*database, KeyNumber::of(*database, key))),
        );
        self.everything |= touched.everything || !touched.databases.is_empty();
    }
}

pub struct RedisLane {
    pub common: LaneCommon,
    base: RwLock<Arc<RedisBase>>,
    /// None while the lane is rebuilt, and after it was closed.
    pub(super) server: RwLock<Option<Server>>,
    /// The lane has no server on purpose.
    pub(super) is_closed: AtomicBool,
    is_durable: bool,
    /// A connection of our own.
    pub(super) admin: Mutex<Option<Client>>,
    pub(super) sessions: Mutex<BTreeMap<SessionKey, SessionHandle>>,
    pub(super) changes: Mutex<Changes>,
    pub(super) dirty: RwLock<DirtyKeys>,
    /// The append-only file knows of changed keys that `dirty` does not.
    is_dirty_stale: AtomicBool,
    /// A command ran that is not known to have changed nothing.
    pub(super) may_have_written: AtomicBool,
    /// Scripts may be in the server's cache.
    pub(super) has_scripts: AtomicBool,
    /// Something was done that keys do not tell: only a new server takes it back.
    pub(super) is_coarse: AtomicBool,
    pub(super) snapshots: Mutex<Vec<super::reset::Snapshot>>,
}

impl RedisLane {
    /// A new lane in `dir`, which exists.
    pub fn create(
        base: Arc<RedisBase>,
        connection: &Connection,
        dir: PathBuf,
        observer: Option<Box<dyn LaneObserver>>,
    ) -> Result<RedisLane, BrokerError> {
        let lane = RedisLane::new(base, Front::of_test(connection), dir, observer);
        lane.aof().create(&lane.base().layer.dump())?;
        lane.start_server()?;
        Ok(lane)
    }

    /// The lane that an earlier process has left in `dir`.
    pub fn recall(
        base: Arc<RedisBase>,
        front: Front,
        dir: PathBuf,
        observer: Option<Box<dyn LaneObserver>>,
    ) -> Result<RedisLane, BrokerError> {
        let lane = RedisLane {
            is_durable: true,
            ..RedisLane::new(base, front, dir, observer)
        };
        if !lane.aof().exists() {
            lane.aof().create(&lane.base().layer.dump())?;
        }
        lane.start_server()?;
        lane.may_have_written.store(true, Ordering::Release);
        lane.is_coarse.store(lane.spoilt_path().exists(), Ordering::Release);
        lane.read_changes()?;
        let touched = lock(&lane.changes).touched.clone();
        lane.mark_dirty(&touched);
        Ok(lane)
    }

    fn new(base: Arc<RedisBase>, front: Front, dir: PathBuf, observer: Option<Box<dyn LaneObserver>>) -> RedisLane {
        RedisLane {
            common: LaneCommon::new(front, dir, observer),
            base: RwLock::new(base),
            server: RwLock::new(None),
            is_closed: AtomicBool::new(false),
            is_durable: false,
            admin: Mutex::new(None),
            sessions: Mutex::default(),
            changes: Mutex::default(),
            dirty: RwLock::default(),
            is_dirty_stale: AtomicBool::new(false),
            may_have_written: AtomicBool::new(false),
            has_scripts: AtomicBool::new(false),
            is_coarse: AtomicBool::new(false),
            snapshots: Mutex::default(),
        }
    }

    /// Whether clients that begin with TLS get it.
    pub fn offers_tls(&self) -> bool {
        self.common.tls.unwrap_or(self.base().meta().login.has_tls)
    }

    pub fn base(&self) -> Arc<RedisBase> {
        self.base.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_base(&self, base: Arc<RedisBase>) {
        *self.base.write().unwrap_or_else(PoisonError::into_inner) = base;
    }

    pub(super) fn aof(&self) -> Aof {
        let base = self.base();
        Aof::new(&self.common.dir, base.binaries.version, &base.layer.dump())
    }

    fn spoilt_path(&self) -> PathBuf {
        self.common.dir.join(SPOILT)
    }

    /// Starts the lane's server, unless it runs.
    pub(super) fn start_server(&self) -> Result<(), BrokerError> {
        let mut server = self.server.write().unwrap_or_else(PoisonError::into_inner);
        if server.as_ref().is_some_and(Server::is_alive) {
            return Ok(());
        }
        // Of the old one nothing is to be left when the new one reads its files.
        drop(server.take());
        let password = self.common.login.as_ref().map(|login| login.password.as_str());
        *server = Some(self.base().start_server(&self.common.dir, password)?);
        Ok(())
    }

    /// A new connection to the lane's server for a client, and the server's number of it. A server that has died is started again: what it acknowledged is in its files.
    pub fn connect(&self) -> Result<(UnixStream, Option<i64>), BrokerError> {
        match self.try_connect() {
            Err(_) if self.has_died() => {
                self.start_server()?;
                self.try_connect()
            }
            connected => connected,
        }
    }

    fn try_connect(&self) -> Result<(UnixStream, Option<i64>), BrokerError> {
        let server = self.server.read().unwrap_or_else(PoisonError::into_inner);
        let server = server.as_ref().ok_or(BrokerError::LaneBusy)?;
        server.connect_client().map_err(BrokerError::io("connect to", server.socket_path()))
    }

    fn has_died(&self) -> bool {
        let server = self.server.read().unwrap_or_else(PoisonError::into_inner);
        !self.is_closed.load(Ordering::Acquire) && !server.as_ref().is_some_and(Server::is_alive)
    }

    /// Runs `work` on our own connection to the lane's server. What it does can be done twice: a client may have ended the connection, or the server.
    pub(super) fn with_admin<T>(&self, work: impl Fn(&mut Client) -> Result<T, BrokerError>) -> Result<T, BrokerError> {
        let mut admin = lock(&self.admin);
        if let Some(client) = admin.as_mut() {
            let outcome = work(client);
            if !matches!(outcome, Err(BrokerError::Redis(_))) {
                return outcome;
            }
            *admin = None;
        }
        let mut client = self.connect_admin()?;
        let outcome = work(&mut client)?;
        *admin = Some(client);
        Ok(outcome)
    }

    fn connect_admin(&self) -> Result<Client, BrokerError> {
        if self.has_died() {
            self.start_server()?;
        }
        let server = self.server.read().unwrap_or_else(PoisonError::into_inner);
        let server = server.as_ref().ok_or(BrokerError::LaneBusy)?;
        Ok(server.connect()?)
    }

    pub fn enter(&self, key: SessionKey, handle: SessionHandle) -> bool {
        let max = self.common.connections_max.load(Ordering::Relaxed);
        let mut sessions = lock(&self.sessions);
        if sessions.values().filter(|open| open.lease == handle.lease).count() as u64 >= max {
            return false;
        }
        sessions.insert(key, handle);
        self.common.count_accepted();
        true
    }

    pub fn leave(&self, key: SessionKey) {
        lock(&self.sessions).remove(&key);
    }

    /// Called before a command is sent to the server.
    pub fn before(&self, effect: Effect) {
        match effect {
            Effect::None => return,
            Effect::Data => {}
            Effect::Scripts => self.has_scripts.store(true, Ordering::Release),
            Effect::Server => self.spoil(),
        }
        if !self.may_have_written.load(Ordering::Acquire) {
            self.may_have_written.store(true, Ordering::Release);
        }
    }

    /// Keys that the command about to be sent may change without the append-only file being told.
    pub fn note_unrecorded(&self, database: u32, keys: impl Iterator<Item = Vec<u8>>) {
        self.may_have_written.store(true, Ordering::Release);
        let Changes { touched, unmarked, .. } = &mut *lock(&self.changes);
        for key in keys {
            unmarked.keys.push((database, KeyNumber::of(database, &key)));
            touched.keys.insert((database, key));
        }
    }

    fn spoil(&self) {
        if !self.is_coarse.swap(true, Ordering::AcqRel) && self.is_durable {
            // For the process after this one.
            let _ = fs::write(self.spoilt_path(), "");
        }
    }

    pub(super) fn forget_spoilt(&self) -> Result<(), BrokerError> {
        let path = self.spoilt_path();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(BrokerError::io("remove", path)(error)),
            _ => Ok(()),
        }
    }

    /// Takes note of what the append-only file tells since it was read last.
    pub(super) fn read_changes(&self) -> Result<(), BrokerError> {
        let base = self.base();
        let Changes { state, touched, unmarked } = &mut *lock(&self.changes);
        let mut fresh = Touched::default();
        let read = self.aof().read(&base.table, state, &mut fresh);
        unmarked.add(&fresh);
        touched.extend(fresh);
        Ok(read?)
    }

    fn mark_dirty(&self, touched: &Touched) {
        let mut unmarked = Unmarked::default();
        unmarked.add(touched);
        self.mark(unmarked);
    }

    fn mark(&self, unmarked: Unmarked) {
        let mut dirty = self.dirty.write().unwrap_or_else(PoisonError::into_inner);
        if unmarked.everything {
            dirty.mark_everything();
        }
        for (database, key) in unmarked.keys {
            dirty.mark(database, key);
        }
    }

    /// Clients have changed keys. `is_more`: others than those named, too, or nobody knows which.
    pub fn note_written(&self, keys: impl Iterator<Item = (u32, KeyNumber)>, is_more: bool) {
        {
            let mut dirty = self.dirty.write().unwrap_or_else(PoisonError::into_inner);
            for (database, key) in keys {
                dirty.mark(database, key);
            }
        }
        if is_more {
            self.is_dirty_stale.store(true, Ordering::Release);
        }
        self.common.notify_committed();
    }

    /// Whether a key was changed, as far as is known.
    pub fn is_dirty(&self, key: KeyNumber) -> bool {
        self.refresh_dirty();
        self.dirty.read().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    /// Whether any key of a database was changed.
    pub fn is_touched(&self, database: u32) -> bool {
        self.refresh_dirty();
        self.dirty.read().unwrap_or_else(PoisonError::into_inner).is_touched(database)
    }

    /// Asks the append-only file, if a command has changed keys that it did not name.
    fn refresh_dirty(&self) {
        if self.is_dirty_stale.load(Ordering::Acquire) && self.is_dirty_stale.swap(false, Ordering::AcqRel) && self.read_changes().is_ok() {
            let unmarked = std::mem::take(&mut lock(&self.changes).unmarked);
            self.mark(unmarked);
        }
    }

    /// After a reset the lane knows nothing of what was done before.
    pub(super) fn forget(&self) {
        self.dirty.write().unwrap_or_else(PoisonError::into_inner).clear();
        lock(&self.changes).unmarked = Unmarked::default();
        for flag in [&self.may_have_written, &self.has_scripts, &self.is_coarse, &self.is_dirty_stale] {
            flag.store(false, Ordering::Release);
        }
        lock(&self.snapshots).clear();
        self.common.forget();
    }
}
