//! What PostgreSQL lanes stand on: a frozen data directory, and what is known of the database in it.

use super::catalog::{Catalog, CatalogFacts};
use super::lane::PostgresLane;
use crate::config::Connection;
use crate::error::BrokerError;
use crate::lane::{Front, Lane, LaneBase, LaneShape};
use crate::outside;
use mori_backend::postgres::schema::{self, Schema};
use mori_backend::postgres::{Binaries, Layer, Purpose, Server, capture, copy_stopped, data_home, memory_home};
use mori_model::SequenceInfo;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The data directory in the folder of a lane.
const DATA: &str = "data";
/// Beside a layer's data: what the layer is, and what is in it.
const LAYER: &str = "layer.json";
const CATALOG: &str = "catalog.json";
/// The layer in the folder of a kept state.
pub const KEPT_LAYER: &str = "layer";

pub struct PostgresBase {
    pub binaries: Binaries,
    pub layer: Layer,
    pub schema: Schema,
    pub catalog: Arc<Catalog>,
    sequences: BTreeMap<String, SequenceInfo>,
}

/// What is in a layer's database: the content of `catalog.json`.
#[derive(Serialize, Deserialize)]
struct Contents {
    schema: Schema,
    facts: CatalogFacts,
    sequences: BTreeMap<String, SequenceInfo>,
}

impl PostgresBase {
    /// Opens a layer that was prepared, see [`prepare`].
    pub fn open(binaries: Binaries, layer: Layer) -> Result<PostgresBase, BrokerError> {
        let path = layer.dir().join(CATALOG);
        let bytes = fs::read(&path).map_err(BrokerError::io("read", &path))?;
        let Contents { schema, facts, sequences } = serde_json::from_slice(&bytes).map_err(BrokerError::Json)?;
        Ok(PostgresBase {
            binaries,
            layer,
            catalog: Arc::new(Catalog::new(&schema, facts)),
            sequences,
            schema,
        })
    }

    /// Where the data of the lane in `dir` is.
    pub fn data_dir(&self, dir: &Path) -> PathBuf {
        outside::noted(dir).unwrap_or_else(|| dir.join(DATA))
    }

    /// Gives the lane in `dir` a new copy of the layer's data, in memory if it is a lane that nobody needs for long.
    pub fn copy_data(&self, dir: &Path, purpose: Purpose) -> Result<(), BrokerError> {
        let wanted = dir.join(DATA);
        let in_memory = match purpose {
            Purpose::Throwaway => memory_home(&wanted, self.layer.bytes()?),
            Purpose::Build | Purpose::Durable => None,
        };
        let data = in_memory.unwrap_or_else(|| data_home(&wanted, ""));
        outside::remove(&wanted)?;
        outside::remove(&data)?;
        outside::note(dir, &data)?;
        self.layer.lane(&data)?;
        Ok(())
    }

    /// A server on a copy of the layer in `dir`.
    pub fn start_copy(&self, dir: &Path) -> Result<Server, BrokerError> {
        fs::create_dir_all(dir).map_err(BrokerError::io("create", dir))?;
        self.copy_data(dir, Purpose::Throwaway)?;
        Ok(Server::start(
            &self.binaries,
            &self.data_dir(dir),
            &dir.join("run"),
            Purpose::Throwaway,
        )?)
    }

    /// The lane's schema beside the layer's.
    pub fn shape(&self, client: &mut postgres::Client) -> Result<LaneShape, BrokerError> {
        let now = Schema::read(client)?;
        let (tables, mut dropped) = (schema::tables(&now), schema::tables(&self.schema));
        dropped.retain(|name, _| !tables.contains_key(name));
        Ok(LaneShape {
            registry: schema::registry(&self.schema, &now),
            sequences: self.sequences.clone(),
            tables,
            dropped,
        })
    }

    /// Puts what a closed lane is made of into the folder of a kept state: its data, which is gone from here then, and of its layer what
    /// tells what it is.
    pub fn keep(&self, dir: &Path, kept: &Path) -> Result<(), BrokerError> {
        let layer = kept.join(KEPT_LAYER);
        fs::create_dir_all(&layer).map_err(BrokerError::io("create", &layer))?;
        for file in [LAYER, CATALOG] {
            let from = self.layer.dir().join(file);
            fs::copy(&from, layer.join(file)).map_err(BrokerError::io("copy", from))?;
        }
        let (from, to) = (self.data_dir(dir), data_home(&kept.join(DATA), ""));
        outside::note(kept, &to)?;
        if fs::rename(&from, &to).is_err() {
            copy_stopped(&from, &to)?;
            outside::remove(&from)?;
        }
        Ok(())
    }
}

impl LaneBase for Arc<PostgresBase> {
    fn is_slow(&self) -> bool {
        true
    }

    fn new_lane(&self, connection: &Connection, dir: &Path) -> Result<Arc<dyn Lane>, BrokerError> {
        self.copy_data(dir, Purpose::Throwaway)?;
        let lane = PostgresLane::start(self.clone(), Front::of_test(connection), dir.to_owned(), Purpose::Throwaway, None)?;
        Ok(Arc::new(lane))
    }
}

/// Makes a layer ready for lanes: what is written from here on is captured. Leaves what [`PostgresBase::open`] reads in `dir`.
pub fn prepare(client: &mut postgres::Client, dir: &Path) -> Result<(), BrokerError> {
    capture::install(client)?;
    let schema = Schema::read(client)?;
    let contents = Contents {
        facts: CatalogFacts::read(client)?,
        sequences: schema::sequences(client, &schema)?,
        schema,
    };
    capture::seal(client)?;
    let json = serde_json::to_vec(&contents).map_err(BrokerError::Json)?;
    let path = dir.join(CATALOG);
    fs::write(&path, json).map_err(BrokerError::io("write", path))
}
