//! The broker's process: its socket, its end, and what it leaves behind, which is nothing.

use super::broker::{Broker, mori_dir};
use super::clients::TestClients;
use super::control;
use super::folder::RunFolder;
use crate::config::write_atomically;
use crate::error::BrokerError;
use crate::proxy::StopHandle;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A broker that a test started ends when it was not needed for this long.
pub const IDLE_MAX: Duration = Duration::from_secs(5);
/// How often the broker looks whether it is still needed.
const IDLE_CHECK: Duration = Duration::from_millis(250);

#[derive(Clone, Debug)]
pub struct BrokerOptions {
    /// Cargo's target folder.
    pub target_dir: PathBuf,
    /// The workspace or package that is tested.
    pub workspace: PathBuf,
    /// The run's name; without one a new one.
    pub run_id: Option<String>,
    /// Started by a runner: ends with it, and is not offered to other tests.
    pub runner: bool,
    /// How long a broker without a runner stays when nobody needs it.
    pub idle_max: Duration,
}

/// What control connections share.
pub(super) struct Shared {
    pub broker: Arc<Broker>,
    pub tests: TestClients,
    pub connections: AtomicUsize,
    last_use: Mutex<Instant>,
    stop: StopHandle,
    has_runner: bool,
    idle_max: Duration,
}

impl Shared {
    pub fn touch(&self) {
        *self.last_use.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub fn shut_down(&self) {
        self.stop.stop();
    }

    /// The runner's connection has closed. Without a word before, so is the run: its tests are ended, for nobody reads them.
    pub fn runner_lost(&self, run_id: Option<&str>) {
        if self.stop.is_stopped() {
            return;
        }
        if let Some(run_id) = run_id {
            self.tests.kill(run_id);
        }
        if self.has_runner {
            self.shut_down();
        }
    }

    fn is_unused(&self) -> bool {
        let last_use = *self.last_use.lock().unwrap_or_else(PoisonError::into_inner);
        self.connections.load(Ordering::Acquire) == 0 && self.broker.is_idle() && last_use.elapsed() > self.idle_max
    }
}

/// Runs the broker until the run is over. `on_ready` is told the socket once it accepts connections.
pub fn run_broker(options: BrokerOptions, on_ready: impl FnOnce(&Path)) -> Result<(), BrokerError> {
    let folder = mori_dir(&options.target_dir);
    std::fs::create_dir_all(&folder).map_err(BrokerError::io("create", &folder))?;
    RunFolder::reap(&folder);
    let run_id = options.run_id.clone().unwrap_or_else(new_run_id);
    let run = RunFolder::create(&folder, &run_id)?;
    let _ = std::fs::remove_file(&run.socket);
    let listener = UnixListener::bind(&run.socket).map_err(BrokerError::io("listen on", &run.socket))?;
    let broker = Arc::new(Broker::new(run_id.clone(), options.target_dir.clone(), run.path.clone()));
    let shared = Arc::new(Shared {
        broker,
        tests: TestClients::default(),
        connections: AtomicUsize::new(0),
        last_use: Mutex::new(Instant::now()),
        stop: StopHandle::default(),
        has_runner: options.runner,
        idle_max: options.idle_max,
    });
    let notice = folder.join("broker.json");
    if !options.runner {
        let text = serde_json::json!({
            "pid": std::process::id(),
            "socket": run.socket,
            "run_id": run_id,
            "version": mori_control::PROTOCOL_VERSION,
        });
        write_atomically(&notice, text.to_string().as_bytes(), 0o600).map_err(BrokerError::io("write", &notice))?;
        let watched = shared.clone();
        std::thread::spawn(move || {
            while !watched.is_unused() {
                std::thread::sleep(IDLE_CHECK);
            }
            watched.shut_down();
        });
    }
    on_ready(&run.socket);
    // The thread that accepts ends with the process. Nothing has to wake it, least of all through the socket's name, which goes where
    // somebody removes the target folder.
    let accepting = shared.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            let shared = accepting.clone();
            std::thread::spawn(move || control::serve(&shared, &stream));
        }
    });
    shared.stop.wait();
    if !options.runner {
        let is_ours = std::fs::read_to_string(&notice).is_ok_and(|text| text.contains(&run_id));
        if is_ours {
            let _ = std::fs::remove_file(&notice);
        }
    }
    shared.broker.close();
    run.remove();
    Ok(())
}

fn new_run_id() -> String {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    format!("{:x}-{:x}", since.as_millis(), std::process::id())
}
