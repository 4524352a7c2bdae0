//! The lane of a project's folder, whatever its engine.

use super::project::ProjectFolder;
use crate::error::BrokerError;
use crate::lane::{Lane, LaneObserver};
use crate::{postgres, redis, sqlite};
use mori_model::Engine;
use std::sync::Arc;

/// A lane that lives in a project's folder.
pub trait Shadow: Send + Sync {
    fn lane(&self) -> Arc<dyn Lane>;

    /// Drops all local changes. `hard`: read prod again even if it does not look changed.
    fn reset(&self, hard: bool) -> Result<(), BrokerError>;
}

/// Opens the lane of a folder; reads prod where there is no image of it.
pub fn open(folder: &Arc<ProjectFolder>, observer: Option<Box<dyn LaneObserver>>) -> Result<Arc<dyn Shadow>, BrokerError> {
    match folder.connection.engine {
        Engine::Sqlite => sqlite::open_shadow(folder, observer),
        Engine::Postgres => postgres::open_shadow(folder, observer),
        Engine::Redis => redis::open_shadow(folder, observer),
        engine => Err(BrokerError::Engine { engine }),
    }
}

/// Removes the lane's files unread, whatever is in them. The folder is as new then, but for the image.
pub fn discard(folder: &Arc<ProjectFolder>) -> Result<(), BrokerError> {
    match folder.connection.engine {
        Engine::Sqlite => sqlite::discard(folder),
        Engine::Postgres => postgres::discard(folder),
        Engine::Redis => redis::discard(folder),
        engine => Err(BrokerError::Engine { engine }),
    }
}
