//! The layers below SQLite lanes: prod, migrations, fixtures. Each is built once and shared by every suite that stands on it.

use super::lane::SqliteLane;
use crate::config::{Connection, Prod};
use crate::error::BrokerError;
use crate::lane::{Front, Lane, LaneBase};
use crate::run::{ProdStamp, Recipe};
use mori_backend::embedded::sqlite::{self, LaneFile, Layer, OpenOptions, ProdFingerprint};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Prod files that tests of this process stand on, and when each was last looked at. A process is one broker.
static PINNED: Mutex<BTreeMap<PathBuf, (Instant, ProdFingerprint)>> = Mutex::new(BTreeMap::new());

/// Tests of one run see one prod. A broker that is kept warm between runs looks at it again after this time.
const PIN_AGE_MAX: Duration = Duration::from_secs(60);

/// The prod file as tests see it that come now.
pub fn pinned_prod(path: &Path) -> ProdStamp {
    pinned(path, Instant::now())
}

/// The prod file as it was when it was last looked at, which is `now` where that was too long ago.
fn pinned(path: &Path, now: Instant) -> ProdStamp {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut pinned = PINNED.lock().unwrap_or_else(PoisonError::into_inner);
    let fingerprint = match pinned.get(&path) {
        Some((at, fingerprint)) if now.saturating_duration_since(*at) <= PIN_AGE_MAX => fingerprint.clone(),
        _ => {
            let fingerprint = ProdFingerprint::of(&path);
            pinned.insert(path.clone(), (now, fingerprint.clone()));
            fingerprint
        }
    };
    ProdStamp::File { path, fingerprint }
}

/// What SQLite lanes of a suite stand on.
pub struct SqliteBase {
    pub below: Arc<Layer>,
}

impl LaneBase for SqliteBase {
    fn new_lane(&self, connection: &Connection, dir: &Path) -> Result<Arc<dyn Lane>, BrokerError> {
        let file = LaneFile::volatile(dir, self.below.clone()).map_err(BrokerError::io("create a lane in", dir))?;
        let options = open_options(connection.foreign_keys);
        Ok(Arc::new(SqliteLane::new(
            Front::of_test(connection),
            dir.to_owned(),
            file,
            options,
            None,
        )))
    }
}

/// How the connections of a lane are opened.
pub fn open_options(foreign_keys: bool) -> OpenOptions {
    OpenOptions {
        foreign_keys,
        ..OpenOptions::default()
    }
}

/// Layers built by this broker.
pub struct SqliteLayers {
    cache_dir: PathBuf,
    work_dir: PathBuf,
    /// Apart from the scripts on it: settings of a connection make no other image.
    prods: HashMap<ProdStamp, Arc<Layer>>,
    built: HashMap<Recipe, Arc<Layer>>,
    next: u32,
}

impl SqliteLayers {
    /// `cache_dir` keeps images and fixture databases between runs, `work_dir` goes with the run.
    pub fn new(cache_dir: PathBuf, work_dir: PathBuf) -> SqliteLayers {
        SqliteLayers {
            cache_dir,
            work_dir,
            prods: HashMap::new(),
            built: HashMap::new(),
            next: 0,
        }
    }

    /// The layer of prod with the scripts run on it, in order, each file a transaction of its own.
    pub fn get(&mut self, connection: &Connection, recipe: &Recipe) -> Result<Arc<Layer>, BrokerError> {
        if let Some(layer) = self.built.get(recipe) {
            return Ok(layer.clone());
        }
        let below = match self.prods.get(&recipe.prod) {
            Some(prod) => prod.clone(),
            None => {
                let prod = Arc::new(self.prod(connection)?);
                self.prods.insert(recipe.prod.clone(), prod.clone());
                prod
            }
        };
        if recipe.scripts.is_empty() {
            return Ok(below);
        }
        let scripts: Vec<&Path> = recipe.scripts.iter().map(|(path, _)| path.as_path()).collect();
        let layer = Arc::new(self.run_scripts(connection, below, &scripts)?);
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
        let options = OpenOptions {
            foreign_keys: connection.foreign_keys,
            ..OpenOptions::default()
        };
        let database = sqlite::Connection::open(&file, &options).map_err(BrokerError::sqlite("open a layer"))?;
        for script in scripts {
            sqlite::run_sql_file(script, |sql| database.execute(sql).map_err(|error| error.message))?;
            if !database.is_autocommit() {
                database
                    .execute("COMMIT")
                    .map_err(BrokerError::sqlite(format!("commit {}", script.display())))?;
            }
        }
        database
            .execute("PRAGMA wal_checkpoint(TRUNCATE)")
            .map_err(BrokerError::sqlite("close a layer"))?;
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
