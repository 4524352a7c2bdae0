//! Tests with real servers. Without PostgreSQL's binaries they say so and prove nothing.

mod image;
mod layers;
mod prod_server;
mod servers;
mod snapshot;

use super::{Binaries, Layer, LayerOptions, Purpose, Server};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The binaries, or a line that says that there are none.
fn binaries() -> Option<Binaries> {
    let found = Binaries::find(None).ok();
    if found.is_none() {
        println!("skipped: PostgreSQL is not installed");
    }
    found
}

/// A temporary folder that the server's user can pass through.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
        Place(folder)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn sql(&self, name: &str, text: &str) -> PathBuf {
        let path = self.at(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

fn options() -> LayerOptions {
    LayerOptions {
        key: "test".to_owned(),
        database: "app".to_owned(),
        ..LayerOptions::default()
    }
}

/// A server on a copy of a layer.
fn lane(layer: &Layer, dir: &Path) -> Server {
    let data = layer.lane(&dir.join("data")).unwrap();
    Server::start(layer.binaries(), &data, dir, Purpose::Throwaway).unwrap()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}
