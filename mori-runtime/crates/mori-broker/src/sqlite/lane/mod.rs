//! A lane: one database file, its connections, and what they did.
//!
//! Sessions execute statements while they hold the gate for reading; whoever changes the file under them (reset, restore)
//! holds it for writing and takes every session's database connection away first. A session opens a new one when it next needs it.

mod lane_impl;
mod reset;
mod schema_cache;
mod sessions;

pub use lane_impl::KEPT_IMAGE;
pub use sessions::{SessionHandle, Slot};

use super::session::{Plan, PlanKey};
use crate::error::BrokerError;
use crate::lane::{Front, LaneCommon, LaneObserver, lock};
use mori_backend::embedded::sqlite::{self, Connection, DeltaScope, LaneFile, OpenOptions, Schema};
use mori_cow::dirty::DirtyTables;
use mori_model::{LaneDelta, SchemaRegistry};
use schema_cache::SchemaCache;
use sessions::Sessions;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Between two looks at a lane whose file a client has for itself.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Called before a client is let in.
type Greeting = Box<dyn Fn(&SqliteLane) + Send + Sync>;

/// A lane on SQLite.
pub struct SqliteLane {
    pub common: LaneCommon,
    pub(in crate::sqlite) file: Arc<LaneFile>,
    /// The layer below as a file of its own, for `prod()` and for old values. Nothing is written to it.
    below: Mutex<Option<Arc<LaneFile>>>,
    options: OpenOptions,
    /// Held for reading by a session while it executes, for writing by whoever changes the file under the sessions.
    gate: RwLock<()>,
    sessions: Mutex<Sessions>,
    /// Tables that committed statements have changed since the last reset.
    dirty: RwLock<DirtyTables>,
    schemas: Mutex<SchemaCache>,
    /// Counts DDL, and the transactions that may have made it visible.
    ddl: AtomicU64,
    snapshots: Mutex<Vec<Snapshot>>,
    greeting: OnceLock<Greeting>,
}

/// A state of the lane to go back to.
struct Snapshot {
    id: u64,
    pages: sqlite::LanePages,
    dirty: DirtyTables,
}

impl SqliteLane {
    pub fn new(
        front: Front,
        dir: PathBuf,
        file: Arc<LaneFile>,
        options: OpenOptions,
        observer: Option<Box<dyn LaneObserver>>,
    ) -> SqliteLane {
        SqliteLane {
            common: LaneCommon::new(front, dir, observer),
            file,
            below: Mutex::new(None),
            options,
            gate: RwLock::new(()),
            sessions: Mutex::default(),
            dirty: RwLock::default(),
            schemas: Mutex::default(),
            ddl: AtomicU64::new(0),
            snapshots: Mutex::default(),
            greeting: OnceLock::new(),
        }
    }

    /// `greeting` is called before each client is let in. Only the first one counts.
    pub fn greet_with(&self, greeting: impl Fn(&SqliteLane) + Send + Sync + 'static) {
        let _ = self.greeting.set(Box::new(greeting));
    }

    /// A connection to the lane's database, as a session uses it.
    pub fn open(&self) -> sqlite::SqliteResult<Connection> {
        Connection::open(&self.file, &self.options)
    }

    /// A connection for a look of our own, which no client is refused for, and which waits for none: see [`Lane::look`].
    fn open_for_bookkeeping(&self) -> sqlite::SqliteResult<Connection> {
        Connection::open(
            &self.file,
            &OpenOptions {
                is_bookkeeping: true,
                busy_timeout: Duration::ZERO,
                ..self.options.clone()
            },
        )
    }

    /// Looks at the lane's committed content, behind the gate. A client that has the file for itself is waited for as long as another
    /// client would wait; meanwhile the gate is free, so that a reset waits for nobody.
    fn look<T>(&self, look: impl Fn() -> Result<T, BrokerError>) -> Result<T, BrokerError> {
        let deadline = Instant::now() + self.options.busy_timeout;
        loop {
            let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
            let looked = look();
            drop(gate);
            match looked {
                Err(error) if error.is_busy() && Instant::now() < deadline => std::thread::sleep(LOOK_AGAIN),
                looked => return looked,
            }
        }
    }

    /// A read-only connection to the layers below the lane.
    pub fn open_below(&self) -> Result<Connection, BrokerError> {
        let file = self.below_file()?;
        let options = OpenOptions {
            read_only: true,
            ..self.options.clone()
        };
        Connection::open(&file, &options).map_err(BrokerError::sqlite("open the layer below the lane"))
    }

    fn below_file(&self) -> Result<Arc<LaneFile>, BrokerError> {
        let mut below = lock(&self.below);
        if let Some(file) = &*below {
            return Ok(file.clone());
        }
        let dir = self.common.dir.join("below");
        std::fs::create_dir_all(&dir).map_err(BrokerError::io("create", &dir))?;
        let file = LaneFile::sealed(&dir, self.file.below()).map_err(BrokerError::io("create a lane in", &dir))?;
        *below = Some(file.clone());
        Ok(file)
    }

    pub(in crate::sqlite) fn greet(&self) {
        if let Some(greeting) = self.greeting.get() {
            greeting(self);
        }
    }

    /// Marks tables as changed that were changed in an earlier life of the lane.
    pub fn mark_dirty(&self, tables: impl IntoIterator<Item = String>) {
        self.dirty.write().unwrap_or_else(PoisonError::into_inner).mark(tables);
    }

    pub(in crate::sqlite) fn gate(&self) -> &RwLock<()> {
        &self.gate
    }

    /// Whether committed statements have changed a table.
    pub fn is_dirty(&self, table: &str) -> bool {
        self.dirty.read().unwrap_or_else(PoisonError::into_inner).contains(table)
    }

    /// Notes what a transaction that committed has changed.
    pub fn commit(&self, tables: impl IntoIterator<Item = String>) {
        let mut tables = tables.into_iter().peekable();
        if tables.peek().is_none() {
            return;
        }
        self.dirty.write().unwrap_or_else(PoisonError::into_inner).mark(tables);
        self.common.notify_committed();
    }

    /// The lane's schema as `connection` sees it; an older one where it cannot be read without waiting, for it serves the inference of
    /// types. Takes no lock on the file that `connection` does not hold already, and starts no transaction: a client is only planning.
    pub fn schema(&self, connection: &Connection) -> sqlite::SqliteResult<Arc<Schema>> {
        if let Some(schema) = lock(&self.schemas).shared() {
            return Ok(schema);
        }
        // The cache is not locked meanwhile.
        let read = if connection.holds_snapshot() {
            Schema::read(connection)
        } else {
            connection.glance().and_then(|own| Schema::read(&own))
        };
        match read {
            Ok(schema) => Ok(lock(&self.schemas).keep(schema)),
            Err(error) if error.is_busy() => Ok(lock(&self.schemas).last()),
            Err(error) => Err(error),
        }
    }

    /// What is known of a statement's text.
    pub fn cached_plan(&self, key: &PlanKey) -> Option<Arc<Plan>> {
        lock(&self.schemas).plan(key)
    }

    pub fn cache_plan(&self, plan: &Arc<Plan>) {
        lock(&self.schemas).add_plan(plan);
    }

    /// DDL ran somewhere on the lane: a version number alone no longer names a schema.
    pub fn note_ddl(&self) {
        lock(&self.schemas).note_ddl();
        self.ddl.fetch_add(1, Ordering::Release);
    }

    /// A transaction was committed, in which DDL may have run.
    pub fn note_commit(&self) {
        if self.ddl_count() > 0 {
            self.ddl.fetch_add(1, Ordering::Release);
        }
    }

    /// Changes with the lane's schema, and at times without.
    pub fn ddl_count(&self) -> u64 {
        self.ddl.load(Ordering::Acquire)
    }

    /// The difference from the layer below, of committed changes. Nothing is read if nothing was written.
    pub fn delta(&self) -> Result<LaneDelta, BrokerError> {
        self.look(|| self.compare())
    }

    fn compare(&self) -> Result<LaneDelta, BrokerError> {
        if self.file.is_clean() {
            return Ok(LaneDelta::default());
        }
        let lane = self.open_for_bookkeeping().map_err(BrokerError::sqlite("open the lane"))?;
        let below = self.open_below()?;
        sqlite::lane_delta(&self.file, &lane, &below, &self.delta_scope()).map_err(BrokerError::Diff)
    }

    /// Where committed statements can have changed anything: all tables, unless every statement since the lane stood on the
    /// layer below has gone through here.
    fn delta_scope(&self) -> DeltaScope {
        let schema = lock(&self.schemas).shared().filter(|_| !self.file.is_durable());
        let dirty = self.dirty.read().unwrap_or_else(PoisonError::into_inner);
        let tables = schema.is_some().then(|| dirty.iter().map(str::to_owned).collect());
        DeltaScope { schema, tables }
    }

    /// Rows in the delta map and in the tombstone set, for figures. No session may have a connection open.
    fn counts(&self) -> Result<(u64, u64), BrokerError> {
        if self.file.is_clean() {
            return Ok((0, 0));
        }
        match self.delta_scope() {
            DeltaScope {
                schema: Some(schema),
                tables: Some(tables),
            } => sqlite::lane_counts(&self.file, &schema, &tables).map_err(BrokerError::Diff),
            _ => {
                let delta = self.compare()?;
                Ok((delta.delta_rows() as u64, delta.tombstones() as u64))
            }
        }
    }

    /// A copy of the lane's committed content as a plain database file in the lane's folder, for a native driver.
    pub fn export(&self) -> Result<PathBuf, BrokerError> {
        let path = self.common.dir.join(format!("{}.db", self.common.database));
        for suffix in ["", "-wal", "-journal"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
        }
        self.look(|| {
            let lane = self.open_for_bookkeeping().map_err(BrokerError::sqlite("open the lane"))?;
            lane.copy_to(&path)
                .map_err(BrokerError::sqlite(format!("copy the lane to {}", path.display())))
        })?;
        Ok(path)
    }

    pub fn schema_registry(&self) -> Result<SchemaRegistry, BrokerError> {
        let (below, lane) = self.schemas_of_both_sides()?;
        Ok(sqlite::schema_registry(&below, &lane))
    }

    /// The schema below and the lane's own.
    pub fn schemas_of_both_sides(&self) -> Result<(Arc<Schema>, Arc<Schema>), BrokerError> {
        let read = |connection: &Connection| {
            Schema::read(connection)
                .map(Arc::new)
                .map_err(BrokerError::sqlite("read the schema"))
        };
        self.look(|| {
            let below = read(&self.open_below()?)?;
            if self.file.is_clean() {
                return Ok((below.clone(), below));
            }
            let lane = read(&self.open_for_bookkeeping().map_err(BrokerError::sqlite("open the lane"))?)?;
            Ok((below, lane))
        })
    }

    /// Where generated keys continue.
    pub fn sequences(&self) -> Result<std::collections::BTreeMap<String, mori_model::SequenceInfo>, BrokerError> {
        let _gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let below = self.open_below()?;
        let schema = Schema::read(&below).map_err(BrokerError::sqlite("read the schema"))?;
        sqlite::sequences(&below, &schema).map_err(BrokerError::sqlite("read the largest keys"))
    }
}
