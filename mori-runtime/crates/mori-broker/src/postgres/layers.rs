//! The layers below PostgreSQL lanes: prod, migrations, fixtures. Each is built once and shared by every suite that stands on it.

use super::base::{self, PostgresBase};
use crate::config::{Connection, Prod};
use crate::error::BrokerError;
use crate::run::{ProdStamp, Recipe};
use mori_backend::postgres::{Binaries, Layer, LayerOptions, PostgresError, ProdOptions, Progress, data_home, layer_key, prod_major};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Layers of this kind; a change of what is installed in them is a change of the kind.
const KIND: &str = "9";

/// Layers built by this broker.
pub struct PostgresLayers {
    cache_dir: PathBuf,
    work_dir: PathBuf,
    prods: HashMap<(ProdStamp, String), Arc<PostgresBase>>,
    built: HashMap<(Recipe, String), Arc<PostgresBase>>,
    next: u32,
}

impl PostgresLayers {
    /// `cache_dir` keeps fixture databases between runs, `work_dir` goes with the run.
    pub fn new(cache_dir: PathBuf, work_dir: PathBuf) -> PostgresLayers {
        PostgresLayers {
            cache_dir,
            work_dir,
            prods: HashMap::new(),
            built: HashMap::new(),
            next: 0,
        }
    }

    /// The layer of prod with the scripts run on it, in order.
    pub fn get(&mut self, connection: &Connection, recipe: &Recipe) -> Result<Arc<PostgresBase>, BrokerError> {
        let key = (recipe.clone(), connection.name.clone());
        if let Some(base) = self.built.get(&key) {
            return Ok(base.clone());
        }
        let prod_key = (recipe.prod.clone(), connection.name.clone());
        let below = match self.prods.get(&prod_key) {
            Some(prod) => prod.clone(),
            None => {
                let dir = self.prod_dir(connection)?;
                let prod = Arc::new(build_prod(connection, &dir, &mut |_| {})?);
                self.prods.insert(prod_key, prod.clone());
                prod
            }
        };
        if recipe.scripts.is_empty() {
            return Ok(below);
        }
        let scripts: Vec<PathBuf> = recipe.scripts.iter().map(|(path, _)| path.clone()).collect();
        let base = Arc::new(seal(below.binaries.clone(), &below.layer, &scripts, &self.next_dir())?);
        self.built.insert(key, base.clone());
        Ok(base)
    }

    /// Fixture databases are kept by their content; an image of a server lives as long as the run, for another run sees another prod.
    fn prod_dir(&mut self, connection: &Connection) -> Result<PathBuf, BrokerError> {
        Ok(match fixture_key(connection)? {
            Some(key) => data_home(&self.cache_dir.join("postgres").join(key), ""),
            None => self.next_dir(),
        })
    }

    fn next_dir(&mut self) -> PathBuf {
        self.next += 1;
        data_home(&self.work_dir.join(format!("postgres-{}", self.next)), "")
    }
}

/// The server that fixture databases are made with, as `PostgreSQL 15.18 in /usr/lib/postgresql/15/bin`. Errors: there is none here.
pub fn found_server() -> Result<String, BrokerError> {
    let binaries = Binaries::find(None)?;
    Ok(format!("PostgreSQL {} in {}", binaries.version(), binaries.bindir().display()))
}

/// What tells one fixture database from another. None for a server.
pub fn fixture_key(connection: &Connection) -> Result<Option<String>, BrokerError> {
    let sql: &[PathBuf] = match &connection.prod {
        Prod::Fixture { sql, .. } => sql,
        Prod::Empty => &[],
        Prod::Url(_) | Prod::SqliteFile(_) => return Ok(None),
    };
    let binaries = Binaries::find(None)?;
    let parent = format!("{KIND} {} {}", binaries.version(), connection.name);
    Ok(Some(layer_key(&parent, sql)?))
}

/// Builds the image of prod in `dir`, or opens it if it is there.
pub fn build_prod(connection: &Connection, dir: &Path, progress: &mut dyn FnMut(Progress)) -> Result<PostgresBase, BrokerError> {
    let binaries = match &connection.prod {
        Prod::Url(url) => Binaries::find(Some(prod_major(url)?))?,
        _ => Binaries::find(None)?,
    };
    if dir.exists() {
        return open(binaries, dir);
    }
    let raw = dir.with_extension("raw");
    remove(&raw)?;
    let options = LayerOptions {
        database: connection.name.clone(),
        ..LayerOptions::default()
    };
    let layer = match &connection.prod {
        Prod::Url(url) => {
            let options = ProdOptions {
                key: KIND.to_owned(),
                bytes_max: connection.max_copy,
            };
            Layer::of_prod(&binaries, url, &raw, &options, progress)?
        }
        Prod::Fixture { sql, .. } => Layer::of_fixture(&binaries, sql, &raw, &options)?,
        Prod::Empty => Layer::empty(&binaries, &raw, &options)?,
        Prod::SqliteFile(_) => return Err(BrokerError::Engine { engine: connection.engine }),
    };
    let sealed = seal(binaries, &layer, &[], dir);
    remove(&raw)?;
    sealed
}

/// Opens an image that was built by an earlier process.
pub fn open_layer(dir: &Path, major: Option<u32>) -> Result<PostgresBase, BrokerError> {
    open(Binaries::find(major)?, dir)
}

fn open(binaries: Binaries, dir: &Path) -> Result<PostgresBase, BrokerError> {
    let layer = Layer::open(&binaries, dir)?;
    PostgresBase::open(binaries, layer)
}

/// The layer with the scripts run on it, and the capture in it.
fn seal(binaries: Binaries, layer: &Layer, scripts: &[PathBuf], dir: &Path) -> Result<PostgresBase, BrokerError> {
    // What the catalog says is written before the layer appears: a layer that is there is whole.
    let mut prepared = Ok(());
    let sealed = layer.derive(dir, scripts, |client, server| {
        prepared = base::prepare(client, server.data().parent().unwrap_or(dir));
        match &prepared {
            Ok(()) => Ok(()),
            Err(_) => Err(PostgresError::BrokenLayer {
                dir: dir.to_owned(),
                reason: "it could not be prepared".to_owned(),
            }),
        }
    });
    prepared?;
    PostgresBase::open(binaries, sealed?)
}

fn remove(dir: &Path) -> Result<(), BrokerError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(BrokerError::io("remove", dir)(error)),
        _ => Ok(()),
    }
}
