//! The folder of a run, and what is left of runs whose broker was killed.

use crate::error::BrokerError;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// A run's own folder: lanes and layers. Locked while the broker lives; the lock is what tells a dead run from a live one.
pub struct RunFolder {
    pub path: PathBuf,
    pub socket: PathBuf,
    _lock: File,
}

/// A Unix socket's path must fit in `sockaddr_un`.
const SOCKET_PATH_BYTES_MAX: usize = 100;

impl RunFolder {
    pub fn create(mori_dir: &Path, run_id: &str) -> Result<RunFolder, BrokerError> {
        let path = mori_dir.join(format!("run-{run_id}"));
        fs::create_dir_all(&path).map_err(BrokerError::io("create", &path))?;
        let lock_path = path.join("lock");
        let lock = File::create(&lock_path).map_err(BrokerError::io("create", &lock_path))?;
        lock.lock().map_err(BrokerError::io("lock", &lock_path))?;
        let socket = socket_path(&path, run_id);
        let note = path.join("socket");
        fs::write(&note, socket.as_os_str().as_encoded_bytes()).map_err(BrokerError::io("write", note))?;
        Ok(RunFolder { path, socket, _lock: lock })
    }

    /// Removes folders and sockets of runs whose broker is gone.
    pub fn reap(mori_dir: &Path) {
        let Ok(entries) = fs::read_dir(mori_dir) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            if !entry.file_name().to_string_lossy().starts_with("run-") {
                continue;
            }
            let is_dead = match File::open(path.join("lock")) {
                Ok(lock) => !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
                // Its broker has not come to its lock yet, or was killed before: the next run looks again.
                Err(_) => fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some()),
            };
            if is_dead {
                if let Ok(socket) = fs::read_to_string(path.join("socket")) {
                    let _ = fs::remove_file(socket);
                }
                let _ = fs::remove_dir_all(&path);
            }
        }
    }

    pub fn remove(&self) {
        let _ = fs::remove_file(&self.socket);
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn socket_path(folder: &Path, run_id: &str) -> PathBuf {
    let beside = folder.join("control.sock");
    if beside.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return beside;
    }
    std::env::temp_dir().join(format!("mori-{run_id}.sock"))
}
