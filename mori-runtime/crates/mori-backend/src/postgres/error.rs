//! What can go wrong between prod, a layer and a lane's server, and what to do about it.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

pub type Result<T> = std::result::Result<T, PostgresError>;

/// Why there is no server, no layer or no image. [`PostgresError::remedy`] says what helps.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    #[error("no PostgreSQL server binaries{}; found: {}", of_major(*wanted), list(found))]
    NoBinaries { wanted: Option<u32>, found: Vec<String> },
    #[error("{tool} is not beside the PostgreSQL server binaries in {bindir}")]
    NoTool { tool: &'static str, bindir: PathBuf },
    #[error("prod runs PostgreSQL {prod}, the local server binaries are of {local}; found: {}", list(found))]
    MajorMismatch { prod: u32, local: u32, found: Vec<String> },
    #[error("PostgreSQL does not run as root, and there is neither a user `postgres` nor a user `nobody`")]
    NoServerUser,
    #[error("{path} cannot be entered by the server's user `{user}`")]
    NotTraversable { path: PathBuf, user: String },
    #[error("{action} {path}: {source}")]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("no space left on the disk of {path}")]
    DiskFull { path: PathBuf },
    #[error("run {program}: {source}")]
    Run { program: PathBuf, source: io::Error },
    #[error("initdb: {message}")]
    Initdb { message: String },
    #[error("this machine has no locale {locale}")]
    MissingLocale { locale: String },
    #[error("a PostgreSQL server with process id {pid} is at work on {data}")]
    InUse { data: PathBuf, pid: u32 },
    /// `log` is the end of what the server wrote.
    #[error("start PostgreSQL on {data}: {reason}\n{log}")]
    Start { data: PathBuf, reason: String, log: String },
    #[error("stop PostgreSQL on {data}: {reason}\n{log}")]
    Stop { data: PathBuf, reason: String, log: String },
    #[error("{}", describe(.0))]
    Database(#[from] postgres::Error),
    /// `sqlstate` is absent where the file was refused before the server saw it.
    #[error("{path}:{line}: {}{message}", sqlstate.as_ref().map_or(String::new(), |code| format!("{code}: ")))]
    Script {
        path: PathBuf,
        line: usize,
        sqlstate: Option<String>,
        message: String,
    },
    #[error("layer {dir}: {reason}")]
    BrokenLayer { dir: PathBuf, reason: String },
    #[error("prod's URL: {reason}")]
    ProdUrl { reason: String },
    #[error("certificates for prod: {reason}")]
    ProdCertificates { reason: String },
    #[error("connect to prod at {host}: {reason}")]
    ProdUnreachable { host: String, reason: String },
    #[error("prod at {host} does not let user `{user}` in: {reason}")]
    ProdAuthentication { host: String, user: String, reason: String },
    #[error("prod at {host} has no database `{database}`")]
    ProdNoDatabase { host: String, database: String },
    #[error("prod is not a PostgreSQL server that can be copied: {version}")]
    ProdUnsupported { version: String },
    #[error("prod's session is not read-only")]
    ProdNotReadOnly,
    #[error("prod database `{database}` has {bytes} bytes, the limit is {max_bytes}")]
    ProdTooLarge { database: String, bytes: u64, max_bytes: u64 },
    #[error("user `{user}` may not read all of prod: {reason}")]
    ProdPrivilege { user: String, reason: String },
    #[error("prod uses extensions that are not installed here: {}", names.join(", "))]
    MissingExtension { names: Vec<String>, major: u32 },
    #[error("read prod with pg_dump: {message}")]
    Dump { message: String },
    #[error("restore prod's image: {message}")]
    Restore { message: String },
}

impl PostgresError {
    /// What the user can do about it, where that is known.
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            PostgresError::NoBinaries { wanted, .. } => {
                let package = wanted.map_or("postgresql".to_owned(), |major| format!("postgresql-{major}"));
                format!("install them, for example with `apt-get install {package}`, or set MORI_POSTGRES_BIN to the folder they are in")
            }
            PostgresError::NoTool { tool, .. } => format!("install the PostgreSQL client programs of that version, {tool} among them"),
            PostgresError::MajorMismatch { prod, .. } => {
                format!(
                    "install the server of prod's version, for example with `apt-get install postgresql-{prod}`, or set MORI_POSTGRES_BIN"
                )
            }
            PostgresError::NoServerUser => "add a system user `postgres`, or run as a user that is not root".to_owned(),
            PostgresError::NotTraversable { .. } => "choose a folder whose parents others may enter (mode o+x)".to_owned(),
            PostgresError::DiskFull { .. } => "free some disk space: a layer is about as large as its database".to_owned(),
            PostgresError::MissingLocale { locale } => {
                format!("make it, for example with `apt-get install locales-all` or `localedef`: prod sorts and compares by {locale}")
            }
            PostgresError::InUse { .. } => "stop the process that owns it".to_owned(),
            PostgresError::BrokenLayer { .. } => "remove its folder; it is made again".to_owned(),
            PostgresError::ProdUrl { .. } => {
                "write it as postgres://user:password@host:port/database?sslmode=verify-full, with special characters escaped as %XX"
                    .to_owned()
            }
            PostgresError::ProdCertificates { .. } => {
                "name the file of prod's certificate authority with sslrootcert=, or say how far prod is to be trusted with sslmode="
                    .to_owned()
            }
            PostgresError::ProdUnreachable { .. } => "check host, port, sslmode and the network".to_owned(),
            PostgresError::ProdAuthentication { .. } => "check user and password in prod's URL, and pg_hba.conf of prod".to_owned(),
            PostgresError::ProdNoDatabase { .. } => "check the database's name in prod's URL".to_owned(),
            PostgresError::ProdUnsupported { .. } => "PostgreSQL 10 or newer is needed".to_owned(),
            PostgresError::ProdNotReadOnly => "connect to PostgreSQL itself: something on the way drops the session's options".to_owned(),
            PostgresError::ProdTooLarge { .. } => "raise the limit, or use a fixture database instead".to_owned(),
            PostgresError::ProdPrivilege { user, reason } => match reason.contains("row-level security") || reason.contains("row security")
            {
                true => format!("ALTER ROLE \"{user}\" BYPASSRLS: rows hidden by policies would be missing"),
                false => format!(
                    "GRANT pg_read_all_data TO \"{user}\" (PostgreSQL 14 and newer), or grant it USAGE on the schemas and SELECT on all tables, \
                     sequences and large objects"
                ),
            },
            PostgresError::MissingExtension { major, .. } => {
                format!("install their packages for PostgreSQL {major}, for example postgresql-contrib or postgresql-{major}-<name>")
            }
            _ => return None,
        };
        Some(remedy)
    }

    /// Wraps an error of the file system; a full disk is one of its own.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PostgresError {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => PostgresError::DiskFull { path },
            _ => PostgresError::Io { action, path, source },
        }
    }

    /// The SQLSTATE, where a server has spoken.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            PostgresError::Database(error) => error.code().map(postgres::error::SqlState::code),
            PostgresError::Script { sqlstate, .. } => sqlstate.as_deref(),
            _ => None,
        }
    }
}

/// The driver's error in one line: the server's SQLSTATE, message and detail, or the chain of causes.
pub(super) fn describe(error: &postgres::Error) -> String {
    if let Some(server) = error.as_db_error() {
        return format!("{}: {}", server.code().code(), server_message(server));
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// Message, detail and hint of the server, without its SQLSTATE.
pub(super) fn server_message(error: &postgres::error::DbError) -> String {
    let mut text = error.message().to_owned();
    for more in [error.detail(), error.hint(), error.where_()].into_iter().flatten() {
        let _ = write!(text, "; {more}");
    }
    text
}

fn of_major(wanted: Option<u32>) -> String {
    wanted.map_or(String::new(), |major| format!(" of version {major}"))
}

fn list(found: &[String]) -> String {
    if found.is_empty() { "none".to_owned() } else { found.join(", ") }
}
