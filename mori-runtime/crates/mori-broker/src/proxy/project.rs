//! `.mori/<connection>/`: the folder of a connection, locked by the process that uses it.
//!
//! `config.json` says what runs, `shadow/` holds the lane and the image of prod, `state/` what people read, `log/` the statements.

use crate::config::{Connection, write_atomically};
use crate::error::BrokerError;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

pub struct ProjectFolder {
    pub dir: PathBuf,
    pub connection: Connection,
    /// Held while the state is exported.
    pub exporting: Mutex<()>,
    _lock: File,
}

/// `config.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeConfig {
    pub connection: String,
    pub engine: String,
    /// Redacted.
    pub prod: String,
    pub pid: Option<u32>,
    pub url: Option<String>,
}

/// A Unix socket's path must fit in `sockaddr_un`.
const SOCKET_PATH_BYTES_MAX: usize = 100;

/// The folder of a connection.
pub fn folder(project_dir: &Path, connection: &Connection) -> PathBuf {
    project_dir.join(".mori").join(&connection.name)
}

/// The control socket of a connection's proxy, whether it runs or not.
pub fn socket_path(project_dir: &Path, connection: &Connection) -> PathBuf {
    let dir = folder(project_dir, connection);
    let dir = dir.canonicalize().unwrap_or(dir);
    let beside = dir.join("control.sock");
    if beside.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return beside;
    }
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    dir.hash(&mut hasher);
    std::env::temp_dir().join(format!("mori-{:016x}.sock", hasher.finish()))
}

impl ProjectFolder {
    /// Takes the folder for this process. Created where it does not exist.
    ///
    /// Errors: `AlreadyStarted` if another process has it.
    pub fn lock(project_dir: &Path, connection: &Connection) -> Result<ProjectFolder, BrokerError> {
        let dir = folder(project_dir, connection);
        for sub in ["shadow", "state", "log"] {
            let path = dir.join(sub);
            // What is in it is a copy of prod, or comes from it.
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&path)
                .map_err(BrokerError::io("create", &path))?;
            // It may have been made by somebody else before: the runner's log of a start in the background is in it.
            if sub != "shadow" {
                fs::set_permissions(&path, Permissions::from_mode(0o700)).map_err(BrokerError::io("close", path))?;
            }
        }
        let path = dir.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(BrokerError::io("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = read_config(&dir).and_then(|config| config.pid).unwrap_or(0);
                return Err(BrokerError::AlreadyStarted {
                    connection: connection.name.clone(),
                    pid,
                });
            }
            Err(TryLockError::Error(error)) => return Err(BrokerError::io("lock", path)(error)),
        }
        let dir = dir.canonicalize().map_err(BrokerError::io("resolve", dir))?;
        Ok(ProjectFolder {
            dir,
            connection: connection.clone(),
            exporting: Mutex::default(),
            _lock: lock,
        })
    }

    pub fn shadow_dir(&self) -> PathBuf {
        self.dir.join("shadow")
    }

    pub fn state_dir(&self) -> PathBuf {
        self.dir.join("state")
    }

    pub fn log_path(&self) -> PathBuf {
        self.dir.join("log").join("mori.jsonl")
    }

    pub fn socket_path(&self) -> PathBuf {
        let project = self.dir.parent().and_then(Path::parent).unwrap_or(&self.dir);
        socket_path(project, &self.connection)
    }

    /// Says what runs, or that nothing does.
    pub fn write_config(&self, url: Option<&str>) -> Result<(), BrokerError> {
        let config = RuntimeConfig {
            connection: self.connection.name.clone(),
            engine: self.connection.engine.name().to_owned(),
            prod: self.connection.redacted_url(),
            pid: url.map(|_| std::process::id()),
            url: url.map(str::to_owned),
        };
        self.write_json(&self.dir.join("config.json"), &config)
    }

    /// Writes a file of this folder as a whole.
    pub fn write_json(&self, path: &Path, value: &impl Serialize) -> Result<(), BrokerError> {
        let json = serde_json::to_vec_pretty(value).map_err(BrokerError::Json)?;
        write_atomically(path, &json, 0o600).map_err(BrokerError::io("write", path))
    }
}

/// `config.json`, if there is one.
pub fn read_config(dir: &Path) -> Option<RuntimeConfig> {
    serde_json::from_slice(&fs::read(dir.join("config.json")).ok()?).ok()
}
