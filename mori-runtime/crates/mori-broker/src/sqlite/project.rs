//! The lane of a SQLite connection in its project folder: the image of prod below it, and when a new image is taken.

use super::lane::SqliteLane;
use super::layers::{open_options, take_prod};
use crate::config::Prod;
use crate::error::BrokerError;
use crate::lane::{Front, LaneObserver};
use crate::proxy::ProjectFolder;
use mori_backend::embedded::sqlite::{LaneFile, Layer, ProdFingerprint, fixture_key};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The shadow of a SQLite connection.
pub struct SqliteProject {
    pub folder: Arc<ProjectFolder>,
    /// Held from the look whether prod has changed until its new image is in place.
    pub(super) refreshing: Mutex<()>,
}

/// What the image of prod was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Origin {
    File(ProdFingerprint),
    Fixture(String),
    Empty,
}

impl SqliteProject {
    pub fn new(folder: Arc<ProjectFolder>) -> SqliteProject {
        SqliteProject {
            folder,
            refreshing: Mutex::default(),
        }
    }

    /// The lane, with its changes marked.
    pub fn lane(&self, observer: Option<Box<dyn LaneObserver>>) -> Result<Arc<SqliteLane>, BrokerError> {
        let connection = &self.folder.connection;
        let file = self.open_lane()?;
        let options = open_options(connection.foreign_keys);
        let lane = SqliteLane::new(Front::of(connection)?, self.folder.shadow_dir(), file, options, observer);
        let delta = lane.delta()?;
        lane.mark_dirty(delta.tables.into_keys().chain(lane.schema_registry()?.into_keys()));
        Ok(Arc::new(lane))
    }

    fn image_path(&self) -> PathBuf {
        self.folder.shadow_dir().join("prod.db")
    }

    fn origin_path(&self) -> PathBuf {
        self.folder.shadow_dir().join("prod.json")
    }

    /// Opens the lane over the image of prod. A lane that has changes keeps its image; without changes, prod is looked at again.
    ///
    /// Errors: `Unsupported` if the lane has changes and what they were made against is not known any more.
    pub fn open_lane(&self) -> Result<Arc<LaneFile>, BrokerError> {
        let dir = self.folder.shadow_dir();
        let below = match self.image_in_use()? {
            Some(below) => below,
            None if has_written(&dir)? => {
                return Err(BrokerError::Unsupported {
                    what: format!("the image of prod that the changes in {} were made against is gone", dir.display()),
                    remedy: format!(
                        "`mori reset {} --hard` drops the changes and reads prod again",
                        self.folder.connection.name
                    ),
                });
            }
            None => self.prepare_image()?.put_in_place(self)?,
        };
        let lane = LaneFile::durable(&dir, below).map_err(BrokerError::io("open the shadow in", dir))?;
        if lane.is_clean() && self.prod_has_changed()? {
            let next = self.prepare_image()?;
            let below = next.put_in_place(self)?;
            lane.rebase(below).map_err(BrokerError::io("clear", lane.path()))?;
        }
        Ok(lane)
    }

    /// Removes the lane's files unread, whatever is in them. The folder is as new then, but for the image.
    pub fn discard_lane(&self) -> Result<(), BrokerError> {
        LaneFile::discard(&self.folder.shadow_dir()).map_err(BrokerError::io("clear", self.folder.shadow_dir()))?;
        // What tells of the image goes last: until here, what is left of the lane's files says that they do not count.
        let origin = self.origin_path();
        match fs::remove_file(&origin) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BrokerError::io("remove", origin)(error)),
            _ => Ok(()),
        }
    }

    /// The image of prod as a layer. None if there is none, or nothing tells what it is an image of.
    fn image_in_use(&self) -> Result<Option<Arc<Layer>>, BrokerError> {
        let path = self.image_path();
        match self.known_origin() {
            None => Ok(None),
            Some(Origin::Empty) => Ok(Some(Arc::new(Layer::Empty))),
            Some(_) => match Layer::open_image(&path) {
                Ok(image) => Ok(Some(Arc::new(image))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(BrokerError::io("open", path)(error)),
            },
        }
    }

    /// Reads prod again, beside the image that is in use.
    pub fn prepare_image(&self) -> Result<NextImage, BrokerError> {
        let fingerprint = take_prod(&self.folder.connection, &self.next_image_path())?;
        Ok(NextImage(match (&self.folder.connection.prod, fingerprint) {
            (_, Some(fingerprint)) => Origin::File(fingerprint),
            (Prod::Fixture { sql, .. }, None) => Origin::Fixture(fixture_key(sql)?),
            _ => Origin::Empty,
        }))
    }

    fn next_image_path(&self) -> PathBuf {
        self.folder.shadow_dir().join("prod.next.db")
    }

    /// Whether prod is another than when its image was taken, as far as its file's length and times tell.
    pub fn prod_has_changed(&self) -> Result<bool, BrokerError> {
        let now = match &self.folder.connection.prod {
            Prod::SqliteFile(path) => Origin::File(ProdFingerprint::of(path)),
            Prod::Fixture { sql, .. } => Origin::Fixture(fixture_key(sql)?),
            Prod::Empty | Prod::Url(_) => Origin::Empty,
        };
        Ok(self.known_origin() != Some(now))
    }

    fn known_origin(&self) -> Option<Origin> {
        let bytes = fs::read(self.origin_path()).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

/// A new image of prod, not in use yet.
pub struct NextImage(Origin);

impl NextImage {
    /// Replaces the image in use. The lane must have no changes.
    pub fn put_in_place(self, project: &SqliteProject) -> Result<Arc<Layer>, BrokerError> {
        if !matches!(self.0, Origin::Empty) {
            let (from, to) = (project.next_image_path(), project.image_path());
            fs::rename(&from, &to).map_err(BrokerError::io("rename", from))?;
        }
        project.folder.write_json(&project.origin_path(), &self.0)?;
        let missing = || BrokerError::io("open", project.image_path())(io::ErrorKind::NotFound.into());
        project.image_in_use()?.ok_or_else(missing)
    }
}

/// Whether the lane in `dir` has pages of its own, looked at without opening it: they mean nothing without the layer below them.
fn has_written(dir: &Path) -> Result<bool, BrokerError> {
    /// Where the page map says its state, and the state in which it counts. After a clearing, which may not have been finished,
    /// neither pages nor journals do.
    const STATE_AT: usize = 12;
    const STATE_WRITTEN: u8 = 0;
    const STATE_CLEAN: u8 = 1;
    let path = dir.join("shadow.map");
    let mut header = Vec::new();
    match File::open(&path).and_then(|file| file.take(32).read_to_end(&mut header)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(BrokerError::io("read", path)(error)),
        _ => {}
    }
    // A lane whose process died may have written into its journals only.
    let has_journal = || {
        ["shadow.pages-wal", "shadow.pages-journal"]
            .iter()
            .any(|name| fs::metadata(dir.join(name)).is_ok_and(|file| file.len() > 0))
    };
    Ok(match header.get(STATE_AT) {
        Some(&STATE_WRITTEN) => true,
        Some(&STATE_CLEAN) | None => has_journal(),
        Some(_) => false,
    })
}
