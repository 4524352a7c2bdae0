//! Plain Redis servers, a raw client that keeps every byte of a reply, and the whole content of a server in a form that can be compared.

mod canonical;
mod client;
mod content;
mod reply;

pub use client::{Address, At, Resp, encode};
pub use content::{Content, Image, copy_all, differences, dump_all};
pub use reply::{Parsed, Reply, parse, quoted};

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Names another server than the one on the path: another version, or Valkey.
const SERVER_VARIABLE: &str = "MORI_TEST_REDIS_SERVER";
/// What a test may set.
const SETTINGS: [&str; 5] = [
    "notify-keyspace-events",
    "hash-max-listpack-entries",
    "zset-max-listpack-entries",
    "set-max-intset-entries",
    "list-max-listpack-size",
];
const START_MAX: Duration = Duration::from_secs(20);
/// Ports that somebody else took between our look and the server's start, before we give up.
const PORTS_MAX: usize = 10;

/// The server's program, if there is one on this machine.
pub fn server_binary() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(SERVER_VARIABLE) {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH")?;
    ["redis-server", "valkey-server"]
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

/// `Redis server v=7.0.15 sha=…`.
fn major(binary: &Path) -> u32 {
    let output = Command::new(binary).arg("--version").output().expect("the server says its version");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = text
        .split_whitespace()
        .find_map(|word| word.strip_prefix("v=")?.split('.').next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no version in {text:?}"))
}

/// A server on 127.0.0.1 that writes nothing to disk. It is killed when the value is dropped.
pub struct RedisServer {
    pub port: u16,
    child: Child,
    /// The settings that [`RedisServer::renew`] puts back.
    settings: Vec<(String, String)>,
    // Goes after its server.
    _folder: TempDir,
}

impl RedisServer {
    /// `None` where no server is installed.
    pub fn start(extra_args: &[&str]) -> Option<RedisServer> {
        let binary = server_binary()?;
        let extra_args = match extra_args {
            // Servers before 7 have DEBUG without being asked, and do not know the setting.
            ["--enable-debug-command", _, rest @ ..] if major(&binary) < 7 => rest,
            all => all,
        };
        for _ in 0..PORTS_MAX {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let port = free.local_addr().expect("it is bound").port();
            drop(free);
            let child = Command::new(&binary)
                .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
                .arg(port.to_string())
                .args(extra_args)
                .current_dir(folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
            let mut server = RedisServer {
                port,
                child,
                settings: Vec::new(),
                _folder: folder,
            };
            if server.wait_until_ready() {
                server.settings = server.ask_settings();
                return Some(server);
            }
        }
        panic!("{} ended {PORTS_MAX} times before it was ready", binary.display());
    }

    pub fn address(&self) -> Address {
        Address::tcp("127.0.0.1", self.port)
    }

    pub fn connect(&self) -> Resp {
        Resp::connect(&self.address()).expect("the server accepts")
    }

    /// No keys and no functions. Connections stay.
    pub fn clear(&self) {
        let mut client = self.connect();
        client.ask(&["FLUSHALL"]);
        client.ask(&["FUNCTION", "FLUSH"]);
    }

    /// The server as it was when it started, but for its numbers of clients.
    pub fn renew(&self) {
        self.clear();
        let mut client = self.connect();
        for kind in ["normal", "pubsub"] {
            client.ask(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]);
        }
        client.ask(&["SCRIPT", "FLUSH"]);
        for (name, value) in &self.settings {
            client.ask(&["CONFIG", "SET", name, value]);
        }
        client.ask(&["CONFIG", "RESETSTAT"]);
    }

    fn ask_settings(&self) -> Vec<(String, String)> {
        let mut client = self.connect();
        let asked = SETTINGS.iter().map(|name| client.ask(&["CONFIG", "GET", name]));
        asked
            .filter_map(|reply| match reply.items() {
                [name, value] => Some((name.text(), value.text())),
                _ => None,
            })
            .collect()
    }

    /// False if the server ended: somebody else has its port.
    fn wait_until_ready(&mut self) -> bool {
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            if self.child.try_wait().expect("our own child").is_some() {
                return false;
            }
            // It is ours that answers only if it is still there after the answer.
            if let Ok(mut client) = Resp::connect(&self.address())
                && client
                    .try_ask(&["PING"])
                    .is_ok_and(|reply| reply == Reply::Line(b'+', b"PONG".to_vec()))
            {
                return self.child.try_wait().expect("our own child").is_none();
            }
            std::thread::park_timeout(Duration::from_millis(2));
        }
        panic!("the server on port {} does not answer", self.port);
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // One that has ended by itself needs no more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
