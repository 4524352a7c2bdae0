//! The layers of a run, of every engine.

use super::recipe::Recipe;
use crate::config::Connection;
use crate::error::BrokerError;
use crate::lane::LaneBase;
use crate::postgres::PostgresLayers;
use crate::redis::RedisLayers;
use crate::sqlite::{SqliteBase, SqliteLayers};
use mori_model::Engine;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub struct Layers {
    sqlite: SqliteLayers,
    postgres: PostgresLayers,
    redis: RedisLayers,
}

impl Layers {
    /// `cache_dir` keeps fixture databases between runs, `work_dir` goes with the run.
    pub fn new(cache_dir: &Path, work_dir: PathBuf) -> Layers {
        Layers {
            sqlite: SqliteLayers::new(cache_dir.to_owned(), work_dir.clone()),
            postgres: PostgresLayers::new(cache_dir.to_owned(), work_dir.clone()),
            redis: RedisLayers::new(work_dir),
        }
    }

    /// The layer of prod with the scripts run on it, in order.
    pub fn get(&mut self, connection: &Connection, recipe: &Recipe) -> Result<Arc<dyn LaneBase>, BrokerError> {
        match connection.engine {
            Engine::Sqlite => {
                let below = self.sqlite.get(connection, recipe)?;
                Ok(Arc::new(SqliteBase { below }))
            }
            Engine::Postgres => Ok(Arc::new(self.postgres.get(connection, recipe)?)),
            Engine::Redis => Ok(Arc::new(self.redis.get(connection, recipe)?)),
            engine => Err(BrokerError::Engine { engine }),
        }
    }
}
