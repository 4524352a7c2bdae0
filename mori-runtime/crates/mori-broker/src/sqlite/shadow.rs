//! A SQLite lane that lives in a folder: a project's, or a kept state's.

use super::lane::{KEPT_IMAGE, SqliteLane};
use super::layers::open_options;
use super::project::SqliteProject;
use super::refresh;
use crate::error::BrokerError;
use crate::lane::{Front, Lane, LaneObserver};
use crate::proxy::{ProjectFolder, Shadow};
use mori_backend::embedded::sqlite::{LaneFile, Layer};
use std::path::Path;
use std::sync::Arc;

struct SqliteShadow {
    project: Arc<SqliteProject>,
    lane: Arc<SqliteLane>,
}

impl Shadow for SqliteShadow {
    fn lane(&self) -> Arc<dyn Lane> {
        self.lane.clone()
    }

    fn reset(&self, hard: bool) -> Result<(), BrokerError> {
        refresh::reset(&self.project, &self.lane, hard)
    }
}

/// The lane of a project's folder.
pub fn open_shadow(folder: &Arc<ProjectFolder>, observer: Option<Box<dyn LaneObserver>>) -> Result<Arc<dyn Shadow>, BrokerError> {
    let project = Arc::new(SqliteProject::new(folder.clone()));
    let lane = project.lane(observer)?;
    let followed = project.clone();
    lane.greet_with(move |lane| {
        if let Err(error) = refresh::follow_prod(&followed, lane) {
            eprintln!("mori: prod has changed, and could not be read again: {error}");
        }
    });
    Ok(Arc::new(SqliteShadow { project, lane }))
}

/// Removes the files of a project's lane unread.
pub fn discard(folder: &Arc<ProjectFolder>) -> Result<(), BrokerError> {
    SqliteProject::new(folder.clone()).discard_lane()
}

/// The lane of a kept state. What is written to it stays in its folder.
pub fn open_kept(database: String, dir: &Path, foreign_keys: bool) -> Result<Arc<dyn Lane>, BrokerError> {
    let image = dir.join(KEPT_IMAGE);
    let below = if image.exists() {
        Layer::open_image(&image).map_err(BrokerError::io("open", image))?
    } else {
        Layer::Empty
    };
    let file = LaneFile::durable(dir, Arc::new(below)).map_err(BrokerError::io("open the kept state in", dir))?;
    let lane = SqliteLane::new(Front::named(database), dir.to_owned(), file, open_options(foreign_keys), None);
    lane.mark_dirty(lane.delta()?.tables.into_keys());
    Ok(Arc::new(lane))
}
