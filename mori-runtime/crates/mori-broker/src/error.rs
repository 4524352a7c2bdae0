//! What can go wrong in the broker, with the remedy.

use crate::config::ConfigError;
use mori_backend::embedded::sqlite::{DeltaError, FixtureError, ImageError, SqliteError};
use mori_backend::postgres::PostgresError;
use mori_backend::postgres::capture::CaptureError;
use mori_backend::postgres::schema::SchemaError;
use mori_backend::redis::RedisError;
use mori_control::{ControlError, ErrorCode};
use mori_model::Engine;
use mori_wire::pg::SqlState;
use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    Fixture(#[from] FixtureError),
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("the lane's server: {0}")]
    Server(#[from] postgres::Error),
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error("{what}: {source}")]
    Sqlite { what: String, source: SqliteError },
    #[error("{what} {path}: {source}")]
    Io {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{}: no certificate or key that can be used: {reason}", path.display())]
    Certificate { path: PathBuf, reason: String },
    #[error("port {port} is in use")]
    PortInUse { port: u16 },
    #[error("listen on 127.0.0.1:{port}: {source}")]
    Listen { port: u16, source: io::Error },
    #[error("connection `{connection}` is started already (process {pid})")]
    AlreadyStarted { connection: String, pid: u32 },
    #[error("engine {engine} is not supported in this version")]
    Engine { engine: Engine },
    #[error("{what}")]
    Unsupported { what: String, remedy: String },
    /// What was said of it before.
    #[error("{}", .0.message)]
    Known(ControlError),
    #[error("no lane {0}")]
    NoSuchLane(u64),
    #[error("no snapshot {0} of this lane")]
    NoSuchSnapshot(u64),
    #[error("a transaction is open on the lane (connection c{session})")]
    OpenTransaction { session: u32 },
    #[error("statements are still running on the lane")]
    LaneBusy,
    #[error("no table `{table}`")]
    NoSuchTable { table: String },
    #[error("compare the lane with the layer below: {0}")]
    Diff(#[from] DeltaError),
    #[error("a file of Mori's own is not what it should be: {0}")]
    Json(#[from] serde_json::Error),
}

impl BrokerError {
    pub fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> BrokerError {
        let path = path.into();
        move |source| BrokerError::Io { what, path, source }
    }

    pub fn sqlite(what: impl Into<String>) -> impl FnOnce(SqliteError) -> BrokerError {
        let what = what.into();
        move |source| BrokerError::Sqlite { what, source }
    }

    /// A client has the file for itself.
    pub fn is_busy(&self) -> bool {
        match self {
            BrokerError::Sqlite { source, .. } | BrokerError::Diff(DeltaError::Sqlite(source)) => source.is_busy(),
            _ => false,
        }
    }

    pub fn code(&self) -> ErrorCode {
        match self {
            BrokerError::Config(_) => ErrorCode::Config,
            BrokerError::Known(error) => error.code,
            BrokerError::Image(_) | BrokerError::Fixture(_) | BrokerError::Sqlite { .. } => ErrorCode::Setup,
            BrokerError::Postgres(_)
            | BrokerError::Redis(_)
            | BrokerError::Server(_)
            | BrokerError::Schema(_)
            | BrokerError::Capture(_) => ErrorCode::Setup,
            BrokerError::Certificate { .. } | BrokerError::PortInUse { .. } | BrokerError::Listen { .. } => ErrorCode::Setup,
            BrokerError::Io { .. } | BrokerError::Diff(_) | BrokerError::Json(_) => ErrorCode::Io,
            BrokerError::Engine { .. } | BrokerError::Unsupported { .. } => ErrorCode::Unsupported,
            BrokerError::AlreadyStarted { .. }
            | BrokerError::NoSuchLane(_)
            | BrokerError::NoSuchSnapshot(_)
            | BrokerError::OpenTransaction { .. }
            | BrokerError::LaneBusy
            | BrokerError::NoSuchTable { .. } => ErrorCode::State,
        }
    }

    pub fn remedy(&self) -> Option<String> {
        Some(match self {
            BrokerError::Config(error) => error.remedy(),
            BrokerError::Known(error) => return error.remedy.clone(),
            BrokerError::Image(error) => error.remedy().to_owned(),
            BrokerError::Postgres(error) => return error.remedy(),
            BrokerError::Redis(error) => return error.remedy(),
            BrokerError::Fixture(FixtureError::Sql { .. }) => "correct the SQL file; it is run by SQLite itself".to_owned(),
            BrokerError::Fixture(_) => "check the `sql` files of the fixture in mori.yaml".to_owned(),
            BrokerError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => "free some disk space".to_owned(),
            BrokerError::Io { source, .. }
                if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
            {
                "give the project a folder you may write to".to_owned()
            }
            BrokerError::Io { source, .. } if matches!(source.kind(), io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists) => {
                "something else is in the way: move it, or take another folder for the project".to_owned()
            }
            BrokerError::Sqlite { source, .. } if source.sqlstate() == SqlState::DISK_FULL => "free some disk space".to_owned(),
            BrokerError::Sqlite { source, .. } if source.sqlstate() == SqlState::DATA_CORRUPTED => {
                "if prod's file is damaged, `sqlite3 FILE 'PRAGMA integrity_check'` says where; if not, `mori reset --hard` reads it again"
                    .to_owned()
            }
            BrokerError::Certificate { .. } => "`tls_cert` and `tls_key` name files in PEM, the key without a passphrase".to_owned(),
            BrokerError::PortInUse { .. } => "choose another with --port".to_owned(),
            BrokerError::AlreadyStarted { connection, .. } => format!("use it, or end it with `mori stop {connection}`"),
            BrokerError::Engine { .. } => {
                "this version serves postgres, redis and sqlite; the README's table says which engines are next".to_owned()
            }
            BrokerError::Unsupported { remedy, .. } => remedy.clone(),
            BrokerError::OpenTransaction { .. } => "commit or roll back first".to_owned(),
            BrokerError::LaneBusy => "let running statements finish first".to_owned(),
            BrokerError::NoSuchTable { .. } => "`mori status` lists the tables with changes".to_owned(),
            _ => return None,
        })
    }

    pub fn to_control(&self) -> ControlError {
        ControlError {
            code: self.code(),
            message: self.to_string(),
            remedy: self.remedy(),
        }
    }
}
