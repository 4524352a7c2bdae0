//! A SQLite prod in a folder with a `mori.yaml`, and a proxy as a process in front of it.

use super::{Background, Ran, mori, run};
use mori_tests::checksum;
use mori_tests::raw::{Message, Raw};
use rusqlite::Connection;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Puts prod into write-ahead-log mode.
pub const WAL: &str = "PRAGMA journal_mode = WAL;";

/// The folder, its prod, and its `mori.yaml` with the one connection `shop`.
pub struct Served {
    pub prod: PathBuf,
    pub checksum: String,
    folder: TempDir,
}

impl Served {
    /// Makes prod by running `sql` on an empty database.
    pub fn new(sql: &str) -> Served {
        Served::in_folder(tempfile::tempdir().expect("a folder"), sql)
    }

    pub fn in_folder(folder: TempDir, sql: &str) -> Served {
        let prod = folder.path().join("prod.db");
        let connection = Connection::open(&prod).expect("a new database");
        connection.execute_batch(sql).expect("the SQL is valid");
        connection.close().expect("prod closes");
        fs::write(
            folder.path().join("mori.yaml"),
            "version: 1\nconnections:\n  shop:\n    prod:\n      url: sqlite:prod.db\n",
        )
        .expect("a file");
        Served {
            checksum: checksum(&prod),
            prod,
            folder,
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `.mori/shop/<name>`.
    pub fn state(&self, name: &str) -> PathBuf {
        self.path().join(".mori/shop").join(name)
    }

    pub fn command(&self) -> Command {
        let mut command = mori();
        command.current_dir(self.path());
        command
    }

    /// `mori <args>` in the folder.
    pub fn mori<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Ran {
        run(self.command(), args)
    }

    /// `mori start` in the foreground, on a port of its choice, until its `ready` line.
    pub fn start(&self) -> Proxy {
        self.start_with(&[])
    }

    pub fn start_with(&self, args: &[&str]) -> Proxy {
        let mut command = self.command();
        command.args(["start", "--port", "0"]).args(args);
        let mut process = Background::start(&mut command);
        let stdout = process.child().stdout.take().expect("a pipe");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let Some(url) = line.trim_end().strip_prefix("ready ") else {
            panic!("no ready line: {}", process.wait())
        };
        let port = url
            .split(':')
            .nth(2)
            .and_then(|rest| rest.split('/').next())
            .and_then(|port| port.parse().ok());
        Proxy {
            url: url.to_owned(),
            port: port.expect("the URL has a port"),
            process,
        }
    }

    /// Asserts that prod is byte for byte what it was, and that nothing was put beside it.
    #[track_caller]
    pub fn assert_prod_untouched(&self) {
        assert_eq!(checksum(&self.prod), self.checksum, "prod was written");
        for suffix in ["-journal", "-wal", "-shm"] {
            let beside = PathBuf::from(format!("{}{suffix}", self.prod.display()));
            assert!(!beside.exists(), "{} appeared beside prod", beside.display());
        }
    }
}

/// A running `mori start`.
pub struct Proxy {
    pub url: String,
    pub port: u16,
    pub process: Background,
}

impl Proxy {
    /// Signals it, and waits for its end.
    pub fn end(self, signal: &str) -> Ran {
        super::signal(self.process.pid(), signal);
        self.process.wait()
    }

    /// A client that may say what it likes.
    pub fn client(&self) -> Raw {
        Raw::connect(self.port)
    }

    /// Runs statements on a connection of their own, and gives what came back, a line each, without the last.
    #[track_caller]
    pub fn sql(&self, sql: &str) -> Vec<String> {
        let mut lines = self.client().query(sql);
        assert_eq!(lines.pop().as_deref(), Some("Z I"), "{lines:?}");
        let errors: Vec<&String> = lines.iter().filter(|line| line.starts_with("E ")).collect();
        assert!(errors.is_empty(), "{sql}: {errors:?}");
        lines
    }

    /// The rows of a query, values of a row separated by `|`.
    #[track_caller]
    pub fn rows(&self, sql: &str) -> Vec<String> {
        self.sql(sql)
            .iter()
            .filter_map(|line| line.strip_prefix("D ").map(str::to_owned))
            .collect()
    }
}

/// Asks for `sql`, and gives what came back; None if the connection ended before the answer had.
pub fn told(client: &mut Raw, sql: &str) -> Option<Vec<Message>> {
    use std::io::Write;
    client.stream.write_all(&mori_tests::raw::query(sql)).ok()?;
    let messages = client.until_ready();
    (messages.last()?.tag == b'Z').then_some(messages)
}
