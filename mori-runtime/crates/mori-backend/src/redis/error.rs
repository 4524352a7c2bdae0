//! What can go wrong between prod, a layer and a lane's server, and what to do about it.

use mori_wire::resp::RespError;
use std::io;
use std::path::{Path, PathBuf};

pub type Result<T> = std::result::Result<T, RedisError>;

/// Why there is no server, no layer or no image. [`RedisError::remedy`] says what helps.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    #[error("no server binary of {wanted}; found: {}", if found.is_empty() { "none".to_owned() } else { found.join(", ") })]
    NoBinaries { wanted: String, found: Vec<String> },
    #[error("{action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("no space left on the disk of {}", path.display())]
    DiskFull { path: PathBuf },
    /// `log` is the end of what the server wrote.
    #[error("start a server in {}: {reason}\n{log}", dir.display())]
    Start { dir: PathBuf, reason: String, log: String },
    #[error("a server with process id {pid} is at work in {}", dir.display())]
    InUse { dir: PathBuf, pid: u32 },
    #[error("the connection to the server: {0}")]
    Connection(#[from] io::Error),
    #[error("the server's answer: {0}")]
    Protocol(#[from] RespError),
    /// The server's own error, its code first.
    #[error("{command}: {message}")]
    Server { command: String, message: String },
    #[error("{}:{line}: {message}", path.display())]
    Script { path: PathBuf, line: usize, message: String },
    #[error("layer {}: {reason}", dir.display())]
    BrokenLayer { dir: PathBuf, reason: String },
    #[error("prod's URL: {reason}")]
    ProdUrl { reason: String },
    #[error("TLS to prod: {reason}")]
    ProdTls { reason: String },
    #[error("connect to prod at {host}: {reason}")]
    ProdUnreachable { host: String, reason: String },
    #[error("prod at {host} does not let us in: {message}")]
    ProdAuthentication { host: String, message: String },
    #[error("prod does not let us run {command}: {message}")]
    ProdPrivilege { command: String, message: String },
    #[error("prod holds about {bytes} bytes, the limit is {bytes_max}")]
    ProdTooLarge { bytes: u64, bytes_max: u64 },
    #[error("prod is {what}")]
    ProdUnsupported { what: String },
    #[error("a key of prod ({prod}) cannot be read by the local server ({local}): {message}")]
    NewerThanLocal { prod: String, local: String, message: String },
}

impl RedisError {
    /// What the user can do about it, where that is known.
    pub fn remedy(&self) -> Option<String> {
        Some(match self {
            RedisError::NoBinaries { .. } => {
                "install it, for example with `apt-get install redis-server`, or set MORI_REDIS_BIN to the folder of redis-server or valkey-server"
                    .to_owned()
            }
            RedisError::DiskFull { .. } => "free some disk space".to_owned(),
            RedisError::InUse { .. } => "stop the process that owns it".to_owned(),
            RedisError::Script { .. } => "correct the line: a command as you would type it into redis-cli".to_owned(),
            RedisError::BrokenLayer { .. } => "remove its folder; it is made again".to_owned(),
            RedisError::ProdUrl { .. } => {
                "write it as redis://user:password@host:port/database, or rediss:// for TLS, with special characters escaped as %XX".to_owned()
            }
            RedisError::ProdTls { .. } => {
                "name the file of prod's certificate authority with ?cacert=, or say #insecure to trust any certificate".to_owned()
            }
            RedisError::ProdUnreachable { .. } => "check host, port, TLS (rediss://) and the network".to_owned(),
            RedisError::ProdAuthentication { .. } => "check user and password in prod's URL".to_owned(),
            RedisError::ProdPrivilege { .. } => {
                "prod is read with these commands: ACL SETUSER <user> on ><password> ~* +@read +@connection +info +time".to_owned()
            }
            RedisError::ProdTooLarge { .. } => "raise `max_copy` in mori.yaml, or use a fixture instead".to_owned(),
            RedisError::ProdUnsupported { .. } => "use a single server, or a fixture".to_owned(),
            RedisError::NewerThanLocal { prod, .. } => {
                format!("install a server of prod's version ({prod}) or newer, and set MORI_REDIS_BIN to its folder")
            }
            _ => return None,
        })
    }

    /// Wraps an error of the file system; a full disk is one of its own.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RedisError {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => RedisError::DiskFull { path },
            _ => RedisError::Io { action, path, source },
        }
    }
}
