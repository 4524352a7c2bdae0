//! A PostgreSQL lane that lives in a folder: a project's, or a kept state's.

use super::base::{KEPT_LAYER, PostgresBase};
use super::lane::PostgresLane;
use super::layers::{build_prod, fixture_key, open_layer};
use crate::config::Connection;
use crate::error::BrokerError;
use crate::lane::{Front, Lane, LaneObserver};
use crate::outside;
use crate::proxy::{Origin, ProjectFolder, Shadow};
use mori_backend::postgres::{Phase, Progress, Purpose, data_home, reap};
use serde::Deserialize;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

struct PostgresShadow {
    folder: Arc<ProjectFolder>,
    lane: Arc<PostgresLane>,
    resetting: Mutex<()>,
}

impl Shadow for PostgresShadow {
    fn lane(&self) -> Arc<dyn Lane> {
        self.lane.clone()
    }

    fn reset(&self, hard: bool) -> Result<(), BrokerError> {
        let _resetting = self.resetting.lock().unwrap_or_else(PoisonError::into_inner);
        if !hard && Origin::known(&self.folder) == Some(wanted(&self.folder.connection)?) {
            return Lane::reset(&*self.lane);
        }
        // The new image is whole before the old one goes: prod may not answer.
        let next = next_dir(&self.folder);
        outside::remove(&next)?;
        build_prod(&self.folder.connection, &next, &mut show)?;
        self.lane.rebase(|| put_in_place(&self.folder, &next))
    }
}

/// The lane of a project's folder. Prod is read where there is no image of it.
pub fn open_shadow(folder: &Arc<ProjectFolder>, observer: Option<Box<dyn LaneObserver>>) -> Result<Arc<dyn Shadow>, BrokerError> {
    let_pass(folder)?;
    let base = Arc::new(base(folder)?);
    let dir = lane_dir(folder);
    fs::create_dir_all(&dir).map_err(BrokerError::io("create", &dir))?;
    let data = base.data_dir(&dir);
    if data.exists() {
        reap(&data)?;
    } else {
        base.copy_data(&dir, Purpose::Durable)?;
    }
    let front = Front::of(&folder.connection)?;
    let lane = Arc::new(PostgresLane::start(base, front, dir, Purpose::Durable, observer)?);
    let shadow = PostgresShadow {
        folder: folder.clone(),
        lane: lane.clone(),
        resetting: Mutex::default(),
    };
    // A lane without changes follows the configuration.
    if Origin::known(folder) != Some(wanted(&folder.connection)?) && lane.is_clean()? {
        shadow.reset(true)?;
    }
    Ok(Arc::new(shadow))
}

/// The server of root runs as another user: it may go through the folders above its data, and see nothing else in them. Where a folder above the
/// project is closed to it, its data goes elsewhere.
fn let_pass(folder: &ProjectFolder) -> Result<(), BrokerError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let shadow = folder.shadow_dir();
    for dir in [Some(&*shadow), Some(&*folder.dir), folder.dir.parent()].into_iter().flatten() {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o711)).map_err(BrokerError::io("open the way through", dir))?;
    }
    Ok(())
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
    let base = Arc::new(open_layer(&layer, read_major(&layer))?);
    reap(&base.data_dir(dir))?;
    let lane = PostgresLane::start(base, Front::named(database), dir.to_owned(), Purpose::Durable, None)?;
    Ok(Arc::new(lane))
}

fn base(folder: &Arc<ProjectFolder>) -> Result<PostgresBase, BrokerError> {
    let dir = layer_dir(folder);
    // What is elsewhere outlives a project's folder that somebody has removed. Without the note of its origin it is not ours any more.
    if dir.exists() && Origin::known(folder).is_some() {
        return open_layer(&dir, read_major(&dir));
    }
    // A lane without its layer means nothing.
    discard(folder)?;
    let base = build_prod(&folder.connection, &dir, &mut show)?;
    wanted(&folder.connection)?.note(folder)?;
    Ok(base)
}

/// The new image takes the old one's place. The lane is closed meanwhile.
fn put_in_place(folder: &ProjectFolder, next: &Path) -> Result<Arc<PostgresBase>, BrokerError> {
    let dir = layer_dir(folder);
    outside::remove(&lane_dir(folder).join("data"))?;
    outside::remove(&dir)?;
    fs::rename(next, &dir).map_err(BrokerError::io("rename", next))?;
    wanted(&folder.connection)?.note(folder)?;
    Ok(Arc::new(open_layer(&dir, read_major(&dir))?))
}

fn layer_dir(folder: &ProjectFolder) -> PathBuf {
    data_home(&folder.shadow_dir().join("layer"), "")
}

fn next_dir(folder: &ProjectFolder) -> PathBuf {
    data_home(&folder.shadow_dir().join("layer.next"), "")
}

fn lane_dir(folder: &ProjectFolder) -> PathBuf {
    folder.shadow_dir().join("lane")
}

fn wanted(connection: &Connection) -> Result<Origin, BrokerError> {
    Ok(Origin::wanted(connection, fixture_key(connection)?))
}

/// The major version that a layer says it needs.
fn read_major(layer: &Path) -> Option<u32> {
    #[derive(Deserialize)]
    struct Meta {
        major: u32,
    }
    let bytes = fs::read(layer.join("layer.json")).ok()?;
    Some(serde_json::from_slice::<Meta>(&bytes).ok()?.major)
}

/// Tells on stderr what is being copied: it may take a while.
fn show(progress: Progress) {
    let mb = |bytes: u64| bytes.div_ceil(1 << 20);
    match progress {
        Progress::Connected { version, tables, bytes } => eprintln!(
            "mori: copying prod (PostgreSQL {version}, {tables} tables, {} MB) once; later starts use the copy",
            mb(bytes)
        ),
        Progress::Table {
            phase,
            table,
            done,
            total,
            bytes_done,
            bytes_total,
        } => {
            let phase = match phase {
                Phase::Reading => "reading",
                Phase::Restoring => "restoring",
            };
            eprintln!(
                "mori: {phase} {table} ({} of {total}, {} of {} MB)",
                done + 1,
                mb(bytes_done),
                mb(bytes_total)
            );
        }
        Progress::Indexes => eprintln!("mori: making indexes and constraints"),
        Progress::Schema | Progress::Statistics => {}
        Progress::Done { elapsed } => eprintln!("mori: prod copied in {:.1} s", elapsed.as_secs_f64()),
    }
}
