//! The layers below Redis lanes: prod and fixtures. Each is built once and shared by every suite that stands on it.

use super::base::{RedisBase, RedisLaneBase, below_dir};
use crate::config::{Connection, Prod};
use crate::error::BrokerError;
use crate::run::{ProdStamp, Recipe};
use mori_backend::redis::{Binaries, Layer, ProdOptions, Progress, layer_key};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Layers built by this broker.
pub struct RedisLayers {
    work_dir: PathBuf,
    prods: HashMap<(ProdStamp, String), Layer>,
    built: HashMap<(Recipe, String), Arc<RedisBase>>,
    next: u32,
}

impl RedisLayers {
    /// `work_dir` goes with the run. Nothing is kept between runs: keys with a time to live would be gone.
    pub fn new(work_dir: PathBuf) -> RedisLayers {
        RedisLayers {
            work_dir,
            prods: HashMap::new(),
            built: HashMap::new(),
            next: 0,
        }
    }

    /// The layer of prod with the scripts run on it, in order.
    pub fn get(&mut self, connection: &Connection, recipe: &Recipe) -> Result<RedisLaneBase, BrokerError> {
        let key = (recipe.clone(), connection.name.clone());
        if let Some(base) = self.built.get(&key) {
            return Ok(RedisLaneBase(base.clone()));
        }
        let prod_key = (recipe.prod.clone(), connection.name.clone());
        let prod = match self.prods.get(&prod_key) {
            Some(prod) => prod.clone(),
            None => {
                let prod = build_prod(connection, &self.next_dir()?, &mut |_| {})?;
                self.prods.insert(prod_key, prod.clone());
                prod
            }
        };
        let layer = match recipe.scripts.is_empty() {
            true => prod,
            false => {
                let scripts: Vec<PathBuf> = recipe.scripts.iter().map(|(path, _)| path.clone()).collect();
                let binaries = Binaries::find(Some(prod.meta().version))?;
                prod.derive(&binaries, &scripts, &self.next_dir()?)?
            }
        };
        let below = below_dir(&self.next_dir()?);
        let base = Arc::new(RedisBase::open(layer, &below)?);
        self.built.insert(key, base.clone());
        Ok(RedisLaneBase(base))
    }

    fn next_dir(&mut self) -> Result<PathBuf, BrokerError> {
        self.next += 1;
        std::fs::create_dir_all(&self.work_dir).map_err(BrokerError::io("create", &self.work_dir))?;
        Ok(self.work_dir.join(format!("redis-{}", self.next)))
    }
}

/// The server that fixtures are made with, as `Redis 7.0.15 in /usr/bin`. Errors: there is none here.
pub fn found_server() -> Result<String, BrokerError> {
    let binaries = Binaries::find(None)?;
    let folder = binaries.program.parent().unwrap_or(Path::new("/"));
    Ok(format!("{} in {}", binaries.version, folder.display()))
}

/// What tells one fixture from another. None for a server.
pub fn fixture_key(connection: &Connection) -> Result<Option<String>, BrokerError> {
    let files: &[PathBuf] = match &connection.prod {
        Prod::Fixture { sql, .. } => sql,
        Prod::Empty => &[],
        Prod::Url(_) | Prod::SqliteFile(_) => return Ok(None),
    };
    let binaries = Binaries::find(None)?;
    Ok(Some(layer_key(&format!("1 {} {}", binaries.version, connection.name), files)?))
}

/// Builds the image of prod in `dir`.
pub fn build_prod(connection: &Connection, dir: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Layer, BrokerError> {
    let options = ProdOptions {
        bytes_max: connection.max_copy,
    };
    Ok(match &connection.prod {
        Prod::Url(url) => Layer::of_prod(url, dir, &options, progress)?,
        Prod::Fixture { sql, .. } => Layer::of_fixture(&Binaries::find(None)?, sql, dir)?,
        Prod::Empty => Layer::of_fixture(&Binaries::find(None)?, &[], dir)?,
        Prod::SqliteFile(_) => return Err(BrokerError::Engine { engine: connection.engine }),
    })
}
