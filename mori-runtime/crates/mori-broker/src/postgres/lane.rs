//! A lane on PostgreSQL: a server of its own on a copy of the layer's data directory.

use super::base::PostgresBase;
use super::catalog::Catalog;
use super::classify::{Classified, Classifier, Effect, Statements};
use super::session::{self, SessionHandle};
use crate::error::BrokerError;
use crate::lane::{Front, Lane, LaneCommon, LaneObserver, LaneShape, LaneUrl, SessionKey, lock, postgres_url};
use mori_backend::postgres::capture::CaptureError;
use mori_backend::postgres::{PostgresError, Purpose, Server, capture};
use mori_cow::dirty::DirtyTables;
use mori_model::LaneDelta;
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How long our own connection may take to show that it is alive, after something has failed on it.
const ALIVE_WAIT: Duration = Duration::from_secs(5);

/// How long a lane's server may take to accept connections again.
const RECOVERY_WAIT: Duration = Duration::from_secs(10);

/// What a client's statement may be held up for the log's sake.
const SLOW_REFRESH: Duration = Duration::from_millis(10);

/// How long our own connection waits for a lock in the middle of a client's work.
const IMPATIENT: &str = "SET lock_timeout = '100ms'";

/// In the folder of a lane that a later process goes on with: rows are not all that changed.
pub(super) const SPOILT: &str = "spoilt";

/// A lane on PostgreSQL.
pub struct PostgresLane {
    pub common: LaneCommon,
    base: RwLock<Arc<PostgresBase>>,
    pub(super) purpose: Purpose,
    /// None while the lane is rebuilt, and after it was closed.
    pub(super) server: RwLock<Option<Server>>,
    /// The lane has no server on purpose: it was closed, or is being rebuilt.
    pub(super) is_closed: AtomicBool,
    /// A connection of our own, opened when it is first needed.
    pub(super) admin: Mutex<Option<postgres::Client>>,
    /// A server on a copy of the layer below, for `prod()`.
    pub(super) below: Mutex<Option<Server>>,
    /// A client has sent a statement to it that may have written: `default_transaction_read_only` is for the client to switch off.
    pub(super) is_below_spoilt: AtomicBool,
    pub(super) sessions: Mutex<BTreeMap<SessionKey, SessionHandle>>,
    /// Tables that committed statements have changed since the last reset.
    pub(super) dirty: RwLock<DirtyTables>,
    /// The capture knows of changed tables that `dirty` does not.
    dirty_is_stale: AtomicBool,
    /// To ask it takes so long that no client waits for the answer.
    is_refresh_slow: AtomicBool,
    is_refreshing: AtomicBool,
    /// A statement ran that is not known to have changed nothing.
    pub(super) may_have_written: AtomicBool,
    /// Something was done that row changes do not tell: only a rebuild takes it back.
    pub(super) is_coarse: AtomicBool,
    classifier: Classifier,
    pub(super) snapshots: Mutex<Vec<super::reset::Snapshot>>,
}

impl PostgresLane {
    /// Starts the lane's server on its data directory, which exists. `is_known_clean`: nobody has written to it yet.
    pub fn start(
        base: Arc<PostgresBase>,
        front: Front,
        dir: PathBuf,
        purpose: Purpose,
        observer: Option<Box<dyn LaneObserver>>,
    ) -> Result<PostgresLane, BrokerError> {
        let lane = PostgresLane {
            common: LaneCommon::new(front, dir, observer),
            classifier: Classifier::new(base.catalog.clone()),
            base: RwLock::new(base),
            purpose,
            is_closed: AtomicBool::new(false),
            server: RwLock::new(None),
            admin: Mutex::new(None),
            below: Mutex::new(None),
            is_below_spoilt: AtomicBool::new(false),
            sessions: Mutex::default(),
            dirty: RwLock::default(),
            dirty_is_stale: AtomicBool::new(false),
            is_refresh_slow: AtomicBool::new(false),
            is_refreshing: AtomicBool::new(false),
            may_have_written: AtomicBool::new(false),
            is_coarse: AtomicBool::new(false),
            snapshots: Mutex::default(),
        };
        lane.start_server()?;
        match purpose {
            Purpose::Durable => lane.recall()?,
            // The functions of a reset are compiled when a connection first calls them: not in a test's time.
            Purpose::Throwaway | Purpose::Build => drop(lane.with_admin(|client| capture::undo(client, None))?),
        }
        Ok(lane)
    }

    /// What an earlier process has left in the lane.
    fn recall(&self) -> Result<(), BrokerError> {
        self.may_have_written.store(true, Ordering::Release);
        self.with_admin(|client| self.read_dirty(client))?;
        if self.common.dir.join(SPOILT).exists() || self.with_admin(capture::is_coarse)? {
            self.is_coarse.store(true, Ordering::Release);
            self.note_ddl();
        }
        Ok(())
    }

    /// Whether clients that ask for TLS get it.
    pub fn offers_tls(&self) -> bool {
        let as_prod = || self.base().layer.meta().prod.as_ref().is_some_and(|prod| prod.offers_tls);
        self.common.tls.unwrap_or_else(as_prod)
    }

    /// What the lane stands on.
    pub(super) fn base(&self) -> Arc<PostgresBase> {
        self.base.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_base(&self, base: Arc<PostgresBase>) {
        self.classifier.replace(base.catalog.clone());
        *self.base.write().unwrap_or_else(PoisonError::into_inner) = base;
    }

    /// Starts the lane's server, unless it runs. The processes of one that was killed may hold on to its data for a moment.
    pub(super) fn start_server(&self) -> Result<(), BrokerError> {
        let base = self.base();
        let run = self.common.dir.join("run");
        let deadline = Instant::now() + RECOVERY_WAIT;
        // Who wants to connect meanwhile waits here.
        let mut server = self.server.write().unwrap_or_else(PoisonError::into_inner);
        if server.as_ref().is_some_and(Server::is_alive) {
            return Ok(());
        }
        // What is left of the old one goes first: its socket has the same name.
        drop(server.take());
        loop {
            match Server::start(&base.binaries, &base.data_dir(&self.common.dir), &run, self.purpose) {
                Ok(started) => {
                    *server = Some(started);
                    return Ok(());
                }
                Err(PostgresError::InUse { .. } | PostgresError::Start { .. }) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A new connection to the lane's server. A server that has died is started again: what was committed is on its disk.
    pub fn connect(&self) -> Result<UnixStream, BrokerError> {
        match self.try_connect() {
            Err(_) if self.has_died() => {
                self.start_server()?;
                self.try_connect()
            }
            connected => connected,
        }
    }

    fn try_connect(&self) -> Result<UnixStream, BrokerError> {
        let server = self.server.read().unwrap_or_else(PoisonError::into_inner);
        let server = server.as_ref().ok_or(BrokerError::LaneBusy)?;
        UnixStream::connect(server.socket_path()).map_err(BrokerError::io("connect to", server.socket_path()))
    }

    /// Whether the lane is to have a server, and has none that runs.
    fn has_died(&self) -> bool {
        let server = self.server.read().unwrap_or_else(PoisonError::into_inner);
        !self.is_closed.load(Ordering::Acquire) && !server.as_ref().is_some_and(Server::is_alive)
    }

    /// A connection to a server on the layer below, which is started when it is first asked for.
    pub fn connect_below(&self) -> Result<UnixStream, BrokerError> {
        let mut below = lock(&self.below);
        let server = match &mut *below {
            Some(server) => server,
            none => {
                let dir = self.common.dir.join("below");
                none.insert(self.base().start_copy(&dir)?)
            }
        };
        UnixStream::connect(server.socket_path()).map_err(BrokerError::io("connect to", server.socket_path()))
    }

    /// Runs `work` on our own connection to the lane's database.
    pub(super) fn with_admin<T, E>(&self, work: impl Fn(&mut postgres::Client) -> Result<T, E>) -> Result<T, BrokerError>
    where
        BrokerError: From<E>,
    {
        self.with_locked_admin(&mut lock(&self.admin), work)
    }

    /// As `with_admin`, for a session in the middle of its client's work, which holds up the lane's other sessions. None if our connection is busy or gone, or
    /// has to wait for a lock: a client of the lane may hold it, and gets nowhere while we wait.
    fn with_idle_admin<T, E>(&self, work: impl Fn(&mut postgres::Client) -> Result<T, E>) -> Option<T>
    where
        BrokerError: From<E>,
    {
        let mut admin = self.admin.try_lock().ok()?;
        let client = admin.as_mut().filter(|client| !client.is_closed())?;
        client.batch_execute(IMPATIENT).ok()?;
        let outcome = work(client).ok();
        client.batch_execute("RESET lock_timeout").ok()?;
        outcome
    }

    fn with_locked_admin<T, E>(
        &self,
        admin: &mut Option<postgres::Client>,
        work: impl Fn(&mut postgres::Client) -> Result<T, E>,
    ) -> Result<T, BrokerError>
    where
        BrokerError: From<E>,
    {
        if admin.as_ref().is_none_or(postgres::Client::is_closed) {
            *admin = Some(self.connect_admin()?);
        }
        let client = admin.as_mut().ok_or(BrokerError::LaneBusy)?;
        match work(client) {
            // A client may end every other connection of its server, ours with them, or crash it. What we do is a whole transaction, or can be done
            // twice.
            Err(_) if client.is_valid(ALIVE_WAIT).is_err() => Ok(work(admin.insert(self.connect_admin()?))?),
            outcome => Ok(outcome?),
        }
    }

    /// Our own connection. A server that has died is started again, and one that recovers from a crash is waited for.
    fn connect_admin(&self) -> Result<postgres::Client, BrokerError> {
        let deadline = Instant::now() + RECOVERY_WAIT;
        loop {
            let connected = {
                let server = self.server.read().unwrap_or_else(PoisonError::into_inner);
                server.as_ref().map(|server| server.connect(self.base().layer.database()))
            };
            match connected {
                Some(Ok(client)) => return Ok(client),
                None if self.is_closed.load(Ordering::Acquire) => return Err(BrokerError::LaneBusy),
                Some(Err(error)) if Instant::now() >= deadline => return Err(error.into()),
                Some(Err(_)) | None if self.has_died() => self.start_server()?,
                Some(Err(_)) | None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Whether nothing differs from the layer below.
    pub fn is_clean(&self) -> Result<bool, BrokerError> {
        Ok(!self.is_coarse.load(Ordering::Acquire) && self.with_admin(capture::dirty_tables)?.is_empty())
    }

    /// Whether the layer has a role of this name. One that was made in the lane is asked of the server.
    pub fn is_role(&self, name: &str) -> bool {
        self.base().catalog.has_role(name)
            || self
                .with_admin(|client| client.query_opt("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&name]))
                .is_ok_and(|row| row.is_some())
    }

    pub fn enter(&self, session: &session::Session) -> bool {
        let handle = session.handle();
        let max = self.common.connections_max.load(Ordering::Relaxed);
        let mut sessions = lock(&self.sessions);
        if sessions.values().filter(|open| open.lease == handle.lease).count() as u64 >= max {
            return false;
        }
        sessions.insert(session.key, handle);
        self.common.count_accepted();
        true
    }

    pub fn leave(&self, key: SessionKey) {
        lock(&self.sessions).remove(&key);
    }

    /// What is known of the statements of a query string.
    pub fn classify(&self, sql: &[u8]) -> Statements {
        self.classifier.classify(sql, || self.with_idle_admin(Catalog::read))
    }

    /// Called before a statement is sent to the server.
    pub fn before(&self, statement: &Classified) {
        if statement.effect != Effect::None && !self.may_have_written.load(Ordering::Acquire) {
            self.may_have_written.store(true, Ordering::Release);
        }
        if statement.is_coarse {
            self.spoil();
        }
    }

    /// Something may have been changed that the capture does not see.
    pub fn spoil(&self) {
        self.may_have_written.store(true, Ordering::Release);
        if !self.is_coarse.swap(true, Ordering::AcqRel) && matches!(self.purpose, Purpose::Durable) {
            // For the process after this one. Without the file it would undo rows only.
            let _ = fs::write(self.common.dir.join(SPOILT), "");
        }
    }

    /// Whether committed statements have changed a table.
    pub fn is_dirty(&self, table: &str) -> bool {
        self.dirty.read().unwrap_or_else(PoisonError::into_inner).contains(table)
    }

    /// Notes what a transaction that committed has changed. `has_spread`: tables that it did not name may be among them.
    pub fn commit(&self, tables: Vec<String>, has_spread: bool) {
        self.dirty.write().unwrap_or_else(PoisonError::into_inner).mark(tables);
        if has_spread {
            self.dirty_is_stale.store(true, Ordering::Release);
        }
        self.common.notify_committed();
    }

    /// Asks the capture which tables are dirty, if a statement that reads tables is to be routed and it may know more.
    pub fn refresh_dirty(self: &Arc<Self>, statement: &Classified) {
        if statement.facts.reads.is_empty()
            || !self.dirty_is_stale.load(Ordering::Acquire)
            || !self.dirty_is_stale.swap(false, Ordering::AcqRel)
        {
            return;
        }
        let started = Instant::now();
        let is_slow = self.is_refresh_slow.load(Ordering::Acquire);
        let read = (!is_slow).then(|| self.with_idle_admin(|client| self.read_dirty(client))).flatten();
        if read.is_none() {
            self.dirty_is_stale.store(true, Ordering::Release);
            self.refresh_dirty_later();
        } else if started.elapsed() > SLOW_REFRESH {
            self.is_refresh_slow.store(true, Ordering::Release);
        }
    }

    /// Marks while our connection is held: a reset, which needs it too, forgets what was marked before it.
    fn read_dirty(&self, client: &mut postgres::Client) -> Result<(), CaptureError> {
        let tables = capture::dirty_tables(client)?;
        self.dirty.write().unwrap_or_else(PoisonError::into_inner).mark(tables);
        Ok(())
    }

    /// As `refresh_dirty`, without anybody waiting for it: until then the log calls a table clean that a trigger has written.
    fn refresh_dirty_later(self: &Arc<Self>) {
        if self.is_refreshing.swap(true, Ordering::AcqRel) {
            return;
        }
        let lane = self.clone();
        let refresh = move || {
            let started = Instant::now();
            if lane.dirty_is_stale.swap(false, Ordering::AcqRel) && lane.with_admin(|client| lane.read_dirty(client)).is_err() {
                lane.dirty_is_stale.store(true, Ordering::Release);
            }
            lane.is_refresh_slow.store(started.elapsed() > SLOW_REFRESH, Ordering::Release);
            lane.is_refreshing.store(false, Ordering::Release);
        };
        if std::thread::Builder::new().name("refresh".to_owned()).spawn(refresh).is_err() {
            self.is_refreshing.store(false, Ordering::Release);
        }
    }

    /// DDL ran on the lane: names may mean something else from now on.
    pub fn note_ddl(&self) {
        self.classifier.forget();
    }

    pub(super) fn forget(&self) {
        self.dirty.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.dirty_is_stale.store(false, Ordering::Release);
        self.is_refresh_slow.store(false, Ordering::Release);
        self.may_have_written.store(false, Ordering::Release);
        lock(&self.snapshots).clear();
        self.common.forget();
    }
}

impl Lane for PostgresLane {
    fn common(&self) -> &LaneCommon {
        &self.common
    }

    fn serve(self: Arc<Self>, stream: TcpStream) {
        session::serve(&self, stream);
    }

    fn url(&self, url: &LaneUrl) -> String {
        postgres_url(&self.common.database, self.base().layer.user(), url)
    }

    fn delta(&self) -> Result<LaneDelta, BrokerError> {
        if !self.may_have_written.load(Ordering::Acquire) {
            return Ok(LaneDelta::default());
        }
        self.with_admin(|client| capture::read(client)?.delta().map_err(CaptureError::from))
    }

    fn shape(&self) -> Result<LaneShape, BrokerError> {
        let base = self.base();
        self.with_admin(|client| base.shape(client))
    }

    fn reset(&self) -> Result<(), BrokerError> {
        PostgresLane::reset(self)
    }

    fn finish(&self) -> Result<(u64, u64), BrokerError> {
        PostgresLane::finish(self)
    }

    fn is_spoilt(&self) -> bool {
        self.is_coarse.load(Ordering::Acquire)
    }

    fn refresh(&self) -> Result<(), BrokerError> {
        self.rebuild()
    }

    fn snapshot(&self) -> Result<u64, BrokerError> {
        PostgresLane::snapshot(self)
    }

    fn restore(&self, id: u64) -> Result<(), BrokerError> {
        PostgresLane::restore(self, id)
    }

    fn disconnect(&self) -> Result<(), BrokerError> {
        PostgresLane::disconnect(self)
    }

    fn close(&self) -> Result<(), BrokerError> {
        PostgresLane::close(self)
    }

    fn export(&self) -> Result<PathBuf, BrokerError> {
        Err(BrokerError::Unsupported {
            what: "a PostgreSQL lane is no file".to_owned(),
            remedy: "connect to `url()`".to_owned(),
        })
    }

    fn keep_into(&self, dir: &Path) -> Result<(), BrokerError> {
        let base = self.base();
        base.keep(&self.common.dir, dir)
    }
}
