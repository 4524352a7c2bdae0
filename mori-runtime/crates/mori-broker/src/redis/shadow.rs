//! A Redis lane that lives in a folder: a project's, or a kept state's.

use super::base::{RedisBase, below_dir, remove_left_below};
use super::lane::RedisLane;
use super::lane_impl::KEPT_LAYER;
use super::layers::{build_prod, fixture_key};
use crate::config::Connection;
use crate::error::BrokerError;
use crate::lane::{Front, Lane, LaneObserver};
use crate::outside;
use crate::proxy::{Origin, ProjectFolder, Shadow};
use mori_backend::redis::{Layer, Progress};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

struct RedisShadow {
    folder: Arc<ProjectFolder>,
    lane: Arc<RedisLane>,
    resetting: Mutex<()>,
}

impl Shadow for RedisShadow {
    fn lane(&self) -> Arc<dyn Lane> {
        self.lane.clone()
    }

    fn reset(&self, hard: bool) -> Result<(), BrokerError> {
        let _resetting = self.resetting.lock().unwrap_or_else(PoisonError::into_inner);
        if !hard && Origin::known(&self.folder) == Some(wanted(&self.folder.connection)?) {
            return Lane::reset(&*self.lane);
        }
        // The new image is whole before the old one goes: prod may not answer.
        let next = self.folder.shadow_dir().join("layer-next");
        build_prod(&self.folder.connection, &next, &mut show)?;
        self.lane.rebase(|| put_in_place(&self.folder, &next))
    }
}

/// The lane of a project's folder. Prod is read where there is no image of it.
pub fn open_shadow(folder: &Arc<ProjectFolder>, observer: Option<Box<dyn LaneObserver>>) -> Result<Arc<dyn Shadow>, BrokerError> {
    let base = Arc::new(base(folder)?);
    let dir = lane_dir(folder);
    fs::create_dir_all(&dir).map_err(BrokerError::io("create", &dir))?;
    let front = Front::of(&folder.connection)?;
    let lane = Arc::new(RedisLane::recall(base, front, dir, observer)?);
    let shadow = RedisShadow {
        folder: folder.clone(),
        lane: lane.clone(),
        resetting: Mutex::default(),
    };
    // A lane without changes follows the configuration.
    if Origin::known(folder) != Some(wanted(&folder.connection)?) && lane.delta()?.is_empty() {
        shadow.reset(true)?;
    }
    Ok(Arc::new(shadow))
}

/// Removes lane and image unread.
pub fn discard(folder: &Arc<ProjectFolder>) -> Result<(), BrokerError> {
    // The note of the origin goes first: what is left without it does not count.
    Origin::forget(folder)?;
    outside::remove(&lane_dir(folder))?;
    outside::remove(&layer_dir(folder))
}

/// The lane of a kept state. What is written to it stays in its folder.
pub fn open_kept(database: String, dir: &Path) -> Result<Arc<dyn Lane>, BrokerError> {
    let layer = dir.join(KEPT_LAYER);
    remove_left_below(dir);
    let base = RedisBase::open(Layer::open(&layer)?, &below_dir(&layer))?;
    Ok(Arc::new(RedisLane::recall(
        Arc::new(base),
        Front::named(database),
        dir.to_owned(),
        None,
    )?))
}

fn base(folder: &Arc<ProjectFolder>) -> Result<RedisBase, BrokerError> {
    let dir = layer_dir(folder);
    remove_left_below(&folder.shadow_dir());
    if dir.exists() && Origin::known(folder).is_some() {
        return RedisBase::open(Layer::open(&dir)?, &below_dir(&dir));
    }
    // A lane without its layer means nothing.
    discard(folder)?;
    let layer = build_prod(&folder.connection, &dir, &mut show)?;
    if let Some(prod) = layer.meta().prod_version.filter(|prod| *prod != layer.meta().version) {
        eprintln!(
            "mori: prod runs {prod}, the lane {}: what differs between them differs here, too",
            layer.meta().version
        );
    }
    wanted(&folder.connection)?.note(folder)?;
    RedisBase::open(layer, &below_dir(&dir))
}

/// The new image takes the old one's place. The lane is closed meanwhile.
fn put_in_place(folder: &ProjectFolder, next: &Path) -> Result<Arc<RedisBase>, BrokerError> {
    let dir = layer_dir(folder);
    outside::remove(&dir)?;
    fs::rename(next, &dir).map_err(BrokerError::io("rename", next))?;
    wanted(&folder.connection)?.note(folder)?;
    Ok(Arc::new(RedisBase::open(Layer::open(&dir)?, &below_dir(&dir))?))
}

fn layer_dir(folder: &ProjectFolder) -> PathBuf {
    folder.shadow_dir().join("layer")
}

fn lane_dir(folder: &ProjectFolder) -> PathBuf {
    folder.shadow_dir().join("lane")
}

fn wanted(connection: &Connection) -> Result<Origin, BrokerError> {
    Ok(Origin::wanted(connection, fixture_key(connection)?))
}

/// Tells on stderr what is being copied: it may take a while.
fn show(progress: Progress) {
    match progress {
        Progress::Connected { version, keys } => {
            eprintln!("mori: copying prod ({version}, {keys} keys) once; later starts use the copy");
        }
        Progress::Keys { done, total } if done % 100_000 < 512 && done > 512 => eprintln!("mori: {done} of {total} keys"),
        Progress::Keys { .. } => {}
        Progress::Done { keys, elapsed } => eprintln!("mori: {keys} keys copied in {:.1} s", elapsed.as_secs_f64()),
    }
}
