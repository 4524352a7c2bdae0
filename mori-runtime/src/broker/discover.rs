//! Which broker serves this run: the one `MORI_SOCKET` names, else the one `<target>/mori/broker.json` names, else a new one.
//!
//! The file is the broker's: it writes it whole when it serves and removes it when it ends. We only read it.

use super::{Client, start, target};
use crate::HarnessError;
use crate::harness::Settings;
use serde::Deserialize;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// What a test needs of `broker.json`.
#[derive(Debug, Deserialize)]
struct Record {
    socket: PathBuf,
}

const RECORD_FILE: &str = "broker.json";
const LOCK_FILE: &str = "broker.lock";

/// A connection to the broker of this run. `manifest_dir` is where a new broker starts to look for the workspace.
pub(crate) fn connect(settings: &Settings, manifest_dir: &Path) -> Result<Client, HarnessError> {
    let run_id = settings.run_id.as_deref();
    if let Some(socket) = &settings.socket {
        return Client::connect(socket, run_id);
    }
    let target = target::folder()?;
    find_or_start(&target.join("mori"), run_id, || start::broker(&target, manifest_dir))
}

/// `start` gives the socket of a broker that is ready. At most one process at a time looks and starts.
fn find_or_start(
    folder: &Path,
    run_id: Option<&str>,
    start: impl FnOnce() -> Result<PathBuf, HarnessError>,
) -> Result<Client, HarnessError> {
    // The usual case needs no lock: hundreds of test processes find a broker that is there.
    if let Some(client) = recorded(folder, run_id)? {
        return Ok(client);
    }
    fs::create_dir_all(folder).map_err(|source| HarnessError::File {
        action: "create",
        path: folder.to_owned(),
        source,
    })?;
    let lock_path = folder.join(LOCK_FILE);
    let locked = || {
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path)?;
        lock.lock()?;
        Ok(lock)
    };
    let _lock: File = locked().map_err(|source| HarnessError::File {
        action: "lock",
        path: lock_path.clone(),
        source,
    })?;
    if let Some(client) = recorded(folder, run_id)? {
        return Ok(client);
    }
    let socket = start()?;
    Client::connect(&socket, run_id)
}

/// The recorded broker, if it lives.
fn recorded(folder: &Path, run_id: Option<&str>) -> Result<Option<Client>, HarnessError> {
    // A record that cannot be read is as good as none: the next start replaces it.
    let Some(record) = fs::read(folder.join(RECORD_FILE))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok())
    else {
        return Ok(None);
    };
    match Client::connect(&record.socket, run_id) {
        Ok(client) => Ok(Some(client)),
        Err(HarnessError::Connect { source, .. })
            if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
        {
            Ok(None)
        }
        // It was about to end when we came.
        Err(HarnessError::BrokerLost { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::{RECORD_FILE, find_or_start};
    use crate::broker::fake::{FakeBroker, Script};
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn record(folder: &Path, socket: &Path) {
        let text = serde_json::json!({ "pid": 4711, "socket": socket, "run_id": "fake-run", "version": 1 });
        fs::write(folder.join(RECORD_FILE), text.to_string()).expect("written");
    }

    #[test]
    fn a_started_broker_is_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let broker = FakeBroker::start(Script::default());
        let start = || {
            record(folder.path(), broker.socket());
            Ok(broker.socket().to_owned())
        };
        find_or_start(folder.path(), None, start).expect("starts");
        find_or_start(folder.path(), None, || panic!("the recorded broker is used")).expect("finds");
    }

    #[test]
    fn a_dead_broker_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused: PathBuf = folder.path().join("refused.sock");
        drop(std::os::unix::net::UnixListener::bind(&refused).expect("binds"));
        for dead in [refused, folder.path().join("never.sock")] {
            record(folder.path(), &dead);
            let (broker, starts) = (FakeBroker::start(Script::default()), AtomicUsize::new(0));
            let start = || {
                starts.fetch_add(1, Ordering::SeqCst);
                Ok(broker.socket().to_owned())
            };
            find_or_start(folder.path(), None, start).expect("replaces");
            assert_eq!(starts.into_inner(), 1);
        }
    }

    #[test]
    fn a_torn_record_counts_as_none() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(RECORD_FILE), b"{\"pid\":").expect("written");
        let broker = FakeBroker::start(Script::default());
        find_or_start(folder.path(), None, || Ok(broker.socket().to_owned())).expect("starts");
    }

    #[test]
    fn many_that_come_at_once_start_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let (broker, starts) = (FakeBroker::start(Script::default()), AtomicUsize::new(0));
        let start = || {
            starts.fetch_add(1, Ordering::SeqCst);
            record(folder.path(), broker.socket());
            Ok(broker.socket().to_owned())
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| find_or_start(folder.path(), None, start).expect("finds or starts"));
            }
        });
        assert_eq!(starts.into_inner(), 1);
    }
}
