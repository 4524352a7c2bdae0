//! The folder of a run, and what is left of runs whose broker was killed.

use crate::error::BrokerError;
use crate::outside;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A run's own folder: lanes and layers. Locked while the broker lives; the lock is what tells a dead run from a live one.
pub struct RunFolder {
    pub path: PathBuf,
    pub socket: PathBuf,
    _lock: File,
}

const LOCK: &str = "lock";

/// A Unix socket's path must fit in `sockaddr_un`.
const SOCKET_PATH_BYTES_MAX: usize = 100;

impl RunFolder {
    pub fn create(mori_dir: &Path, run_id: &str) -> Result<RunFolder, BrokerError> {
        let path = mori_dir.join(format!("run-{run_id}"));
        let lock = locked(&path)?;
        let socket = socket_path(&path, run_id);
        let note = path.join("socket");
        fs::write(&note, socket.as_os_str().as_encoded_bytes()).map_err(BrokerError::io("write", note))?;
        Ok(RunFolder { path, socket, _lock: lock })
    }

    /// Removes folders and sockets of runs whose broker is gone.
    pub fn reap(mori_dir: &Path) {
        let Ok(entries) = fs::read_dir(mori_dir) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_run = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("run-"));
            if !is_run {
                continue;
            }
            match File::open(path.join(LOCK)) {
                // The lock is held until the folder is gone, so that a broker that is about to take it for its own sees that it has to
                // make another.
                Ok(lock) => {
                    if !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
                        remove_dead(&path);
                    }
                }
                // A broker's first file is its lock, and whoever removes a folder may be killed after the lock is gone.
                Err(_) => {
                    let names = fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.file_name());
                    let names: Vec<_> = names.collect();
                    if names.is_empty() {
                        // Fails where the lock has come in the meantime.
                        let _ = fs::remove_dir(&path);
                    } else if !names.iter().any(|name| name == LOCK) {
                        remove_dead(&path);
                    }
                }
            }
        }
    }

    pub fn remove(&self) {
        let _ = fs::remove_file(&self.socket);
        let _ = outside::remove(&self.path);
    }
}

/// Makes the folder and locks it. Another broker that starts may take it for a dead one's before it is locked, and remove it: then it is made
/// again.
fn locked(path: &Path) -> Result<File, BrokerError> {
    let lock_path = path.join(LOCK);
    loop {
        fs::create_dir_all(path).map_err(BrokerError::io("create", path))?;
        let lock = match File::create(&lock_path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            created => created.map_err(BrokerError::io("create", &lock_path))?,
        };
        lock.lock().map_err(BrokerError::io("lock", &lock_path))?;
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let ours = lock.metadata().map(identity).map_err(BrokerError::io("look at", &lock_path))?;
        if fs::metadata(&lock_path).is_ok_and(|there| identity(there) == ours) {
            return Ok(lock);
        }
    }
}

fn remove_dead(path: &Path) {
    if let Ok(socket) = fs::read_to_string(path.join("socket")) {
        let _ = fs::remove_file(socket);
    }
    let _ = outside::remove(path);
}

fn socket_path(folder: &Path, run_id: &str) -> PathBuf {
    let beside = folder.join("control.sock");
    if beside.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return beside;
    }
    std::env::temp_dir().join(format!("mori-{run_id}.sock"))
}
