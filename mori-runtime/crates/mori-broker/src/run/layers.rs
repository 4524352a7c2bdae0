//! The layers below the lanes: prod, migrations, fixtures. Each is built once and shared by every suite that stands on it.

use crate::config::{Connection, Prod};
use crate::error::BrokerError;
use mori_backend::embedded::sqlite::{self, LaneFile, Layer, OpenOptions, ProdFingerprint};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// What a file was when a layer was built from it: length and time of its last change.
pub type Stamp = (PathBuf, Option<(u64, SystemTime)>);

pub fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok();
    let stamp = metadata.and_then(|metadata| Some((metadata.len(), metadata.modified().ok()?)));
    (path.to_owned(), stamp)
}

/// What a layer is made of, from prod upwards. Equal recipes give equal layers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recipe {
    pub prod: Vec<Stamp>,
    pub foreign_keys: bool,
    pub scripts: Vec<Stamp>,
}

/// Layers built by this broker.
pub struct Layers {
    cache_dir: PathBuf,
    work_dir: PathBuf,
    built: HashMap<Recipe, Arc<Layer>>,
    next: u32,
}

impl Layers {
    /// `cache_dir` keeps images and fixture databases between runs, `work_dir` goes with the run.
    pub fn new(cache_dir: PathBuf, work_dir: PathBuf) -> Layers {
        Layers { cache_dir, work_dir, built: HashMap::new(), next: 0 }
    }

    /// The files a connection's prod consists of, as they are now.
    pub fn prod_stamps(connection: &Connection) -> Vec<Stamp> {
        match &connection.prod {
            Prod::SqliteFile(path) => {
                let mut log = path.clone().into_os_string();
                log.push("-wal");
                vec![stamp(path), stamp(Path::new(&log))]
            }
            Prod::Fixture { sql, .. } => sql.iter().map(|path| stamp(path)).collect(),
            Prod::Empty | Prod::Url(_) => Vec::new(),
        }
    }

    /// The layer of prod with the scripts run on it, in order, each file a transaction of its own.
    pub fn get(&mut self, connection: &Connection, recipe: &Recipe) -> Result<Arc<Layer>, BrokerError> {
        if let Some(layer) = self.built.get(recipe) {
            return Ok(layer.clone());
        }
        let layer = match recipe.scripts.split_last() {
            None => Arc::new(self.prod(connection)?),
            Some(_) => {
                let below = self.get(connection, &Recipe { scripts: Vec::new(), ..recipe.clone() })?;
                let scripts: Vec<&Path> = recipe.scripts.iter().map(|(path, _)| path.as_path()).collect();
                Arc::new(self.run_scripts(connection, below, &scripts)?)
            }
        };
        self.built.insert(recipe.clone(), layer.clone());
        Ok(layer)
    }

    fn prod(&mut self, connection: &Connection) -> Result<Layer, BrokerError> {
        let path = match &connection.prod {
            Prod::Empty => return Ok(Layer::Empty),
            Prod::Url(_) => return Err(BrokerError::Engine { engine: connection.engine }),
            Prod::Fixture { sql, .. } => {
                let key = sqlite::fixture_key(sql)?;
                let path = self.cache_dir.join("fixtures").join(format!("{key}.db"));
                if !path.exists() {
                    create_parent(&path)?;
                    sqlite::build_fixture(sql, &path)?;
                }
                path
            }
            Prod::SqliteFile(prod) => {
                // An image lives as long as the run: prod may be large, and another run sees another prod.
                self.next += 1;
                let path = self.work_dir.join(format!("prod-{}.db", self.next));
                create_parent(&path)?;
                sqlite::take_image(prod, &path)?;
                path
            }
        };
        Layer::open_image(&path).map_err(BrokerError::io("open", path))
    }

    fn run_scripts(&mut self, connection: &Connection, below: Arc<Layer>, scripts: &[&Path]) -> Result<Layer, BrokerError> {
        self.next += 1;
        let dir = self.work_dir.join(format!("layer-{}", self.next));
        fs::create_dir_all(&dir).map_err(BrokerError::io("create", &dir))?;
        let file = LaneFile::volatile(&dir, below).map_err(BrokerError::io("create a layer in", &dir))?;
        let options = OpenOptions { foreign_keys: connection.foreign_keys, ..OpenOptions::default() };
        let database = sqlite::Connection::open(&file, &options).map_err(BrokerError::sqlite("open a layer"))?;
        for script in scripts {
            sqlite::run_sql_file(script, |sql| database.execute(sql).map_err(|error| error.message))?;
            if !database.is_autocommit() {
                database.execute("COMMIT").map_err(BrokerError::sqlite(format!("commit {}", script.display())))?;
            }
        }
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").map_err(BrokerError::sqlite("close a layer"))?;
        drop(database);
        LaneFile::freeze(file).map_err(BrokerError::io("close a layer in", &dir))
    }
}

/// The image of prod that a fixture or a file gives, outside of a run: for `start`. Returns what it was made from.
pub fn take_prod(connection: &Connection, image: &Path) -> Result<Option<ProdFingerprint>, BrokerError> {
    create_parent(image)?;
    match &connection.prod {
        Prod::Empty => Ok(None),
        Prod::Url(_) => Err(BrokerError::Engine { engine: connection.engine }),
        Prod::SqliteFile(prod) => Ok(Some(sqlite::take_image(prod, image)?)),
        Prod::Fixture { sql, .. } => {
            sqlite::build_fixture(sql, image)?;
            Ok(None)
        }
    }
}

fn create_parent(path: &Path) -> Result<(), BrokerError> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(BrokerError::io("create", parent)),
        None => Ok(()),
    }
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
