//! The test processes that hold a control connection, and the end of those whose runner is gone.

use mori_control::ENV_RUN_ID;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fs;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientKey(u64);

#[derive(Debug)]
struct TestClient {
    pid: u32,
    run_id: Option<String>,
}

#[derive(Debug, Default)]
struct Clients {
    open: BTreeMap<ClientKey, TestClient>,
    last: u64,
}

/// The tests that are connected.
#[derive(Debug, Default)]
pub struct TestClients {
    clients: Mutex<Clients>,
    left: Condvar,
}

impl TestClients {
    fn lock(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn enter(&self, pid: u32, run_id: Option<String>) -> ClientKey {
        let mut clients = self.lock();
        clients.last += 1;
        let key = ClientKey(clients.last);
        clients.open.insert(key, TestClient { pid, run_id });
        key
    }

    /// The connection is closed, and what it held is given back.
    pub fn leave(&self, key: ClientKey) {
        self.lock().open.remove(&key);
        self.left.notify_all();
    }

    /// Returns when no test of the run is connected any more, or after `limit`.
    pub fn wait_for_end_of(&self, run_id: &str, limit: Duration) {
        let is_of_run = |client: &TestClient| client.run_id.as_deref() == Some(run_id);
        let wait = self
            .left
            .wait_timeout_while(self.lock(), limit, |clients| clients.open.values().any(is_of_run));
        // Past the limit a process that outlived its test has the connection still; the figures are then without it.
        drop(wait);
    }

    /// Ends all processes of a run, those that have no connection included, where the system tells which they are. What
    /// has ended by itself in the meantime is as well.
    pub fn kill(&self, run_id: &str) {
        let connected: Vec<u32> = {
            let clients = self.lock();
            clients
                .open
                .values()
                .filter(|client| client.run_id.as_deref() == Some(run_id))
                .map(|client| client.pid)
                .collect()
        };
        let all = connected
            .into_iter()
            .chain(started_for(run_id))
            .filter(|pid| *pid != std::process::id());
        for pid in all.filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The processes that have the run's id in their environment, as every test that a runner starts has, and what it starts in turn.
#[cfg(target_os = "linux")]
fn started_for(run_id: &str) -> Vec<u32> {
    let wanted = format!("{ENV_RUN_ID}={run_id}");
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_of_run = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    };
    pids.filter(is_of_run).collect()
}

#[cfg(not(target_os = "linux"))]
fn started_for(_run_id: &str) -> Vec<u32> {
    Vec::new()
}
