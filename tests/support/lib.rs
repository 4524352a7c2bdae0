//! What the tests across rooms share: a prod, a proxy in front of it, and a checksum that shares no code with the product.

pub mod postgres;
pub mod raw;
pub mod redis;

mod control;
mod same;

pub use control::{Control, RunningBroker};

use mori_broker::config::{Connection, Prod};
use mori_broker::{Proxy, ProxyOptions, StopHandle, offline};
use mori_model::Engine;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use tempfile::TempDir;

/// A SQLite database with a proxy in front of it, in a folder of its own.
pub struct Served {
    pub url: String,
    pub port: u16,
    /// The prod file.
    pub prod: PathBuf,
    /// The folder that holds prod and `.mori`.
    pub folder: TempDir,
    stop: StopHandle,
    waiting: Option<JoinHandle<()>>,
    checksum: String,
    /// Journals that lay beside prod when it was first served.
    beside: Vec<PathBuf>,
    connection: Connection,
}

impl Served {
    /// Makes prod by running `setup` on an empty database, and serves it.
    pub fn with(setup: &str) -> Served {
        Served::build(|connection| connection.execute_batch(setup).expect("the set-up is valid SQL"))
    }

    pub fn build(setup: impl FnOnce(&rusqlite::Connection)) -> Served {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let prod = folder.path().join("prod.db");
        let connection = rusqlite::Connection::open(&prod).expect("a new database");
        setup(&connection);
        connection.close().expect("prod closes");
        Served::start(folder, prod)
    }

    /// Serves a prod that is there.
    pub fn start(folder: TempDir, prod: PathBuf) -> Served {
        let checksum = checksum(&prod);
        let connection = Connection {
            name: "db".to_owned(),
            engine: Engine::Sqlite,
            prod: Prod::SqliteFile(prod.clone()),
            foreign_keys: true,
            max_copy: u64::MAX,
            tls: None,
            certificate: None,
            login: None,
            image: None,
        };
        let options = ProxyOptions {
            project_dir: folder.path().to_owned(),
            connection: connection.clone(),
            port: 0,
            verbose: false,
        };
        let beside = journals(&prod);
        let proxy = Proxy::start(options).expect("the proxy starts");
        let (url, stop) = (proxy.url(), proxy.stop_handle());
        let port = url
            .split(':')
            .nth(2)
            .and_then(|rest| rest.split('/').next())
            .and_then(|port| port.parse().ok());
        let waiting = std::thread::spawn(move || proxy.wait().expect("the proxy ends well"));
        Served {
            url,
            port: port.expect("the URL has a port"),
            prod,
            folder,
            stop,
            waiting: Some(waiting),
            checksum,
            beside,
            connection,
        }
    }

    /// A private full copy of prod, opened as the lane's connections are.
    pub fn private_copy(&self) -> rusqlite::Connection {
        let copy = self.folder.path().join(format!(
            "copy-{}.db",
            std::fs::read_dir(self.folder.path()).map_or(0, Iterator::count)
        ));
        std::fs::copy(&self.prod, &copy).expect("prod can be copied");
        let connection = rusqlite::Connection::open(copy).expect("the copy opens");
        connection
            .execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF")
            .expect("settings");
        connection
    }

    /// Asserts that prod is byte for byte what it was. Also done when the value is dropped.
    #[track_caller]
    pub fn assert_prod_untouched(&self) {
        assert_eq!(checksum(&self.prod), self.checksum, "prod was written");
        assert_eq!(journals(&self.prod), self.beside, "beside prod");
    }

    /// Prod was written by somebody else: what it is now is what it must stay.
    pub fn prod_has_changed(&mut self) {
        self.checksum = checksum(&self.prod);
        self.beside = journals(&self.prod);
    }

    /// A control connection to the proxy.
    pub fn control(&self) -> Control {
        Control::connect(&offline::control_socket(self.folder.path(), &self.connection))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(waiting) = self.waiting.take() {
            let ended = waiting.join();
            if !std::thread::panicking() {
                ended.expect("the proxy ends well");
                self.assert_prod_untouched();
            }
        }
    }
}

/// The rollback journal and the wal-index beside a database, where they are.
fn journals(prod: &Path) -> Vec<PathBuf> {
    let names = ["-journal", "-shm"].map(|suffix| PathBuf::from(format!("{}{suffix}", prod.display())));
    names.into_iter().filter(|path| path.exists()).collect()
}

/// SHA-256 of a file.
pub fn checksum(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("the file can be read");
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A seeded generator (xorshift64*), so that a failing run can be repeated from the seed it printed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        // SplitMix64's finalizer spreads small seeds; zero would stay zero.
        let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Random((mixed ^ (mixed >> 31)) | 1)
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit.max(1)
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[usize::try_from(self.below(items.len() as u64)).expect("an index")]
    }

    /// True in `percent` of cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
