//! What a layer is made of, from prod upwards: equal recipes give equal layers.

use crate::config::{Connection, Prod};
use crate::error::BrokerError;
use crate::sqlite;
use mori_backend::embedded::sqlite::ProdFingerprint;
use mori_model::Engine;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a file was when a layer was built from it: length and time of its last change.
pub type Stamp = (PathBuf, Option<(u64, SystemTime)>);

pub fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok();
    let stamp = metadata.and_then(|metadata| Some((metadata.len(), metadata.modified().ok()?)));
    (path.to_owned(), stamp)
}

/// What prod was when an image of it was first wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProdStamp {
    Empty,
    File {
        path: PathBuf,
        fingerprint: ProdFingerprint,
    },
    Fixture(Vec<Stamp>),
    /// The tests of one broker see one image of a server.
    Server {
        url: String,
    },
}

/// What a connection's prod is to the tests that come now.
pub fn prod_stamp(connection: &Connection) -> ProdStamp {
    match &connection.prod {
        Prod::SqliteFile(path) => sqlite::pinned_prod(path),
        Prod::Fixture { sql, .. } => ProdStamp::Fixture(sql.iter().map(|path| stamp(path)).collect()),
        Prod::Empty => ProdStamp::Empty,
        Prod::Url(url) => ProdStamp::Server { url: url.clone() },
    }
}

/// What a layer is made of, from prod upwards. Equal recipes give equal layers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recipe {
    pub prod: ProdStamp,
    pub engine: Engine,
    pub foreign_keys: bool,
    pub scripts: Vec<Stamp>,
}

/// The migrations of a folder: its `.sql` files in name order, without those that undo others.
pub fn migrations(folder: &Path) -> Result<Vec<PathBuf>, BrokerError> {
    let entries = fs::read_dir(folder).map_err(BrokerError::io("read the migrations in", folder))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(BrokerError::io("read the migrations in", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".sql") && !name.ends_with(".down.sql") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
