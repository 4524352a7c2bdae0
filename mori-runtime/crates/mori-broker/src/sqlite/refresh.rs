//! When a proxy's lane gets a new image of prod: at a reset, and when a client comes to a lane that nobody has changed or uses.

use super::lane::SqliteLane;
use super::project::SqliteProject;
use crate::error::BrokerError;
use std::sync::PoisonError;

/// A lane with changes stands on the prod it was changed against; one without follows prod, while no client is connected.
///
/// Clients that come at the same time wait for each other here, so that each is served by a lane that stays where it is.
pub fn follow_prod(project: &SqliteProject, lane: &SqliteLane) -> Result<(), BrokerError> {
    let _refreshing = project.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
    if lane.has_sessions() || !lane.file.is_clean() || !project.prod_has_changed()? {
        return Ok(());
    }
    let next = project.prepare_image()?;
    // Somebody who was let in before may have come and written meanwhile: then the image in use stays.
    lane.rebase_if_unused(|| next.put_in_place(project))?;
    Ok(())
}

/// Drops all local changes. `hard`: read prod again even if it does not look changed.
pub fn reset(project: &SqliteProject, lane: &SqliteLane, hard: bool) -> Result<(), BrokerError> {
    let _refreshing = project.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
    if hard || project.prod_has_changed()? {
        let next = project.prepare_image()?;
        lane.rebase(|| next.put_in_place(project))
    } else {
        lane.reset()
    }
}
