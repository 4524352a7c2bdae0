//! Other relays in front of a server, for comparison.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A relay that runs; killed when it is dropped.
pub struct Relay {
    pub name: &'static str,
    pub port: u16,
    child: Child,
    _folder: TempDir,
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// haproxy in TCP mode, one thread. `server`: `127.0.0.1:6379`, `unix@/run/…`.
pub fn haproxy(server: &str) -> Option<Relay> {
    start(
        "haproxy",
        |port| {
            format!(
                "global\n  nbthread 1\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n\
                 listen relay\n  bind 127.0.0.1:{port}\n  server s {server}\n"
            )
        },
        |command, file| {
            command.arg("-f").arg(file).arg("-db");
        },
    )
}

pub fn start(name: &'static str, config: impl Fn(u16) -> String, arguments: impl Fn(&mut Command, &Path)) -> Option<Relay> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (port, file) = (free_port(), folder.path().join("config"));
    fs::write(&file, config(port)).expect("a file");
    let mut command = Command::new(name);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    arguments(&mut command, &file);
    let Ok(child) = command.spawn() else {
        println!("{name} is not installed: it is left out");
        return None;
    };
    let deadline = Instant::now() + Duration::from_secs(5);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > deadline {
            println!("{name} does not accept: it is left out");
            return None;
        }
    }
    Some(Relay {
        name,
        port,
        child,
        _folder: folder,
    })
}
