//! The messages. Fields are plain data; the words are those of `docs/architecture.md`.

use mori_model::{Engine, LaneDelta, RouteRecord, SchemaRegistry};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Raised whenever a message changes shape. A test and a broker of different versions refuse each other.
pub const PROTOCOL_VERSION: u32 = 2;

/// The socket of the broker that serves this run.
pub const ENV_SOCKET: &str = "MORI_SOCKET";
/// The run a test belongs to.
pub const ENV_RUN_ID: &str = "MORI_RUN_ID";
/// Overrides `keep` of every test: `on-failure`, `always` or `never`.
pub const ENV_KEEP: &str = "MORI_KEEP";
/// `keep` of the tests whose attribute does not say: what a profile sets.
pub const ENV_KEEP_DEFAULT: &str = "MORI_KEEP_DEFAULT";
/// The connection of the tests that name none.
pub const ENV_CONNECTION: &str = "MORI_CONNECTION";
/// The broker's executable, where it is not beside the test's target folder or on the PATH.
pub const ENV_BIN: &str = "MORI_BIN";

/// Who opens the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A test process; `pid` is ended by the broker when the run's runner is lost.
    Test { pid: u32 },
    /// `cargo mori test`. The broker ends the run when this connection closes.
    Runner { pid: u32 },
    /// `cargo mori status` and the like.
    Tool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// First on every connection.
    Hello {
        version: u32,
        role: Role,
        run_id: Option<String>,
    },
    /// A lane for a test. Waits until one is free.
    Acquire(Box<AcquireSpec>),
    /// The lane's difference from its fixture layer.
    Delta {
        lane: LaneId,
    },
    /// The lane's statements since its last reset.
    Routing {
        lane: LaneId,
    },
    /// Counters since the last reset.
    Counters {
        lane: LaneId,
    },
    Schema {
        lane: LaneId,
    },
    /// A savepoint over the whole lane; open transactions are an error.
    Snapshot {
        lane: LaneId,
    },
    Restore {
        lane: LaneId,
        snapshot: u64,
    },
    /// Back to the fixture layer; closes the lane's connections.
    Reset {
        lane: LaneId,
    },
    /// A private copy of the lane as a plain database file, for a native driver. Its path is returned.
    Export {
        lane: LaneId,
    },
    /// The test is over: reset, or keep and replace, the lane. The lane is no longer held afterwards.
    Finish {
        lane: LaneId,
        outcome: Outcome,
        keep: Keep,
    },
    /// Figures of the whole run, for the runner's summary.
    RunStats,
    /// What the broker holds, for tools.
    Status,
    /// `cargo mori start`'s own connection: deep dive into one table.
    Inspect {
        table: String,
    },
    /// `cargo mori reset [--hard]` on a running proxy.
    ResetProxy {
        hard: bool,
    },
    /// Ends the broker or the proxy in an orderly way.
    Shutdown,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    Hello { version: u32, pid: u32, run_id: String },
    Lane(Box<LaneGrant>),
    Delta(LaneDelta),
    Routing(Vec<RouteRecord>),
    Counters(Counters),
    Schema(SchemaRegistry),
    Snapshot { snapshot: u64 },
    Exported { path: PathBuf },
    Finished(Box<Finished>),
    RunStats(Box<RunStats>),
    Status(Box<StatusReport>),
    Inspect(Box<InspectReport>),
    Done,
    Error(ControlError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LaneId(pub u64);

/// What a test asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AcquireSpec {
    /// Where `mori.yaml` is searched: this folder, then its ancestors.
    pub manifest_dir: PathBuf,
    /// The connection of `mori.yaml` that the test names. Where it names none, the next three fields decide.
    pub connection: Option<String>,
    /// The engine the argument's type demands.
    pub engine: Option<Engine>,
    /// The connection that the run is for, of those that have the engine.
    pub run_connection: Option<String>,
    /// The test's package: of several connections, the one of this name is meant.
    pub package: Option<String>,
    /// Folder of SQL files applied in name order, resolved against `manifest_dir`.
    pub migrations: Option<PathBuf>,
    /// SQL files applied after the migrations, resolved already.
    pub fixtures: Vec<PathBuf>,
    pub isolation: Isolation,
    /// `crate::module::test`, for reports and the name of a kept state.
    pub test: String,
    pub max_connections: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    #[default]
    Cow,
    Clone,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    #[default]
    OnFailure,
    Always,
    Never,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    Failed { message: String },
}

/// A lane, held until `Finish` or until the connection closes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneGrant {
    pub lane: LaneId,
    /// The lane's number in reports, from 1.
    pub slot: u32,
    pub engine: Engine,
    pub connection: String,
    /// For the application's driver.
    pub url: String,
    /// The layers below the test, for a read-only look at what the lane started from.
    pub prod_url: String,
    /// `fixture:shop`, or the redacted URL.
    pub prod: String,
    /// Names of the layers above prod: `migrations`, `fixtures users, orders`.
    pub layers: Vec<String>,
    pub acquire_us: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Statements executed, transaction control and session settings left out.
    pub statements: u64,
    /// Explicit transactions that committed.
    pub committed: u64,
    /// Explicit transactions that rolled back.
    pub rolled_back: u64,
    /// Client connections accepted.
    pub connections: u64,
}

/// What `Finish` found and did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    pub delta_rows: u64,
    pub tombstones: u64,
    pub statements: u64,
    pub reset_us: u64,
    pub kept: Option<KeptState>,
}

/// The state of a finished test, kept for a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptState {
    /// `crate::module::test`.
    pub test: String,
    /// The folder that holds it.
    pub dir: PathBuf,
}

/// Figures over all tests of a run. Durations in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunStats {
    /// One entry a finished test.
    pub tests: Vec<TestStats>,
    /// Tests whose connection wrote after they had ended, with what they tried.
    pub late_writes: Vec<String>,
    /// Milliseconds spent on prod images, migrations and fixtures.
    pub setup_ms: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestStats {
    pub test: String,
    pub slot: u32,
    pub engine: String,
    pub acquire_us: u64,
    pub reset_us: u64,
    pub delta_rows: u64,
    pub tombstones: u64,
    pub statements: u64,
    pub failed: bool,
    pub kept: bool,
}

/// `cargo mori status`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StatusReport {
    pub connection: String,
    pub engine: String,
    /// Redacted.
    pub prod: String,
    pub running: bool,
    pub pid: Option<u32>,
    pub url: Option<String>,
    /// Table to the number of rows in the delta map and in the tombstone set.
    pub tables: std::collections::BTreeMap<String, TableCounts>,
    pub schema: SchemaRegistry,
    pub sequences: std::collections::BTreeMap<String, mori_model::SequenceInfo>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCounts {
    pub delta: u64,
    pub tombstones: u64,
}

/// `cargo mori inspect <table>`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InspectReport {
    pub table: String,
    pub pk_columns: Vec<String>,
    pub delta: mori_model::TableDelta,
    pub divergence: Option<mori_model::TableDivergence>,
    pub sequence: Option<mori_model::SequenceInfo>,
}

/// An error with the remedy. `code` is stable and documented in `docs/errors.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}{}", remedy.as_deref().map(|remedy| format!("\n  remedy: {remedy}")).unwrap_or_default())]
pub struct ControlError {
    pub code: ErrorCode,
    pub message: String,
    pub remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// `mori.yaml` is missing, malformed, or names no such connection. Exit code 96.
    Config,
    /// Prod, the shadow, migrations or fixtures could not be set up. Exit code 105.
    Setup,
    /// A write was aimed at prod. Exit code 120.
    Guard,
    /// The request does not fit the state: an unknown lane, an open transaction.
    State,
    /// The engine or feature is not there.
    Unsupported,
    /// Versions differ.
    Version,
    /// A file could not be read or written.
    Io,
}
