//! `.mori/<connection>/`: the folder of a connection, locked by the process that uses it.
//!
//! `config.json` says what runs, `shadow/` holds the lane and the image of prod, `state/` what people read, `log/` the statements.

use crate::config::{Connection, Prod, write_atomically};
use crate::error::BrokerError;
use crate::run::take_prod;
use mori_backend::embedded::sqlite::{LaneFile, Layer, ProdFingerprint, fixture_key};
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

pub struct ProjectFolder {
    pub dir: PathBuf,
    pub connection: Connection,
    /// Held while the state is exported.
    pub exporting: Mutex<()>,
    /// Held from the look whether prod has changed until its new image is in place.
    pub refreshing: Mutex<()>,
    _lock: File,
}

/// `config.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeConfig {
    pub connection: String,
    pub engine: String,
    /// Redacted.
    pub prod: String,
    pub pid: Option<u32>,
    pub url: Option<String>,
}

/// What the image of prod was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Origin {
    File(ProdFingerprint),
    Fixture(String),
    Empty,
}

/// A Unix socket's path must fit in `sockaddr_un`.
const SOCKET_PATH_BYTES_MAX: usize = 100;

/// The folder of a connection.
pub fn folder(project_dir: &Path, connection: &Connection) -> PathBuf {
    project_dir.join(".mori").join(&connection.name)
}

/// The control socket of a connection's proxy, whether it runs or not.
pub fn socket_path(project_dir: &Path, connection: &Connection) -> PathBuf {
    let dir = folder(project_dir, connection);
    let dir = dir.canonicalize().unwrap_or(dir);
    let beside = dir.join("control.sock");
    if beside.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return beside;
    }
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    dir.hash(&mut hasher);
    std::env::temp_dir().join(format!("mori-{:016x}.sock", hasher.finish()))
}

impl ProjectFolder {
    /// Takes the folder for this process. Created where it does not exist.
    ///
    /// Errors: `AlreadyStarted` if another process has it.
    pub fn lock(project_dir: &Path, connection: &Connection) -> Result<ProjectFolder, BrokerError> {
        let dir = folder(project_dir, connection);
        for sub in ["shadow", "state", "log"] {
            let path = dir.join(sub);
            // What is in it is a copy of prod, or comes from it.
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&path)
                .map_err(BrokerError::io("create", path))?;
        }
        let path = dir.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(BrokerError::io("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = read_config(&dir).and_then(|config| config.pid).unwrap_or(0);
                return Err(BrokerError::AlreadyStarted {
                    connection: connection.name.clone(),
                    pid,
                });
            }
            Err(TryLockError::Error(error)) => return Err(BrokerError::io("lock", path)(error)),
        }
        let dir = dir.canonicalize().map_err(BrokerError::io("resolve", dir))?;
        Ok(ProjectFolder {
            dir,
            connection: connection.clone(),
            exporting: Mutex::default(),
            refreshing: Mutex::default(),
            _lock: lock,
        })
    }

    pub fn shadow_dir(&self) -> PathBuf {
        self.dir.join("shadow")
    }

    pub fn state_dir(&self) -> PathBuf {
        self.dir.join("state")
    }

    pub fn log_path(&self) -> PathBuf {
        self.dir.join("log").join("mori.jsonl")
    }

    pub fn socket_path(&self) -> PathBuf {
        let project = self.dir.parent().and_then(Path::parent).unwrap_or(&self.dir);
        socket_path(project, &self.connection)
    }

    fn image_path(&self) -> PathBuf {
        self.shadow_dir().join("prod.db")
    }

    fn origin_path(&self) -> PathBuf {
        self.shadow_dir().join("prod.json")
    }

    /// Opens the lane over the image of prod. A lane that has changes keeps its image; without changes, prod is looked at again.
    ///
    /// Errors: `Unsupported` if the lane has changes and what they were made against is not known any more.
    pub fn open_lane(&self) -> Result<Arc<LaneFile>, BrokerError> {
        let dir = self.shadow_dir();
        let below = match self.image_in_use()? {
            Some(below) => below,
            None if has_written(&dir)? => {
                return Err(BrokerError::Unsupported {
                    what: format!("the image of prod that the changes in {} were made against is gone", dir.display()),
                    remedy: format!(
                        "`mori reset {} --hard` drops the changes and reads prod again",
                        self.connection.name
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
        LaneFile::discard(&self.shadow_dir()).map_err(BrokerError::io("clear", self.shadow_dir()))?;
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
        let fingerprint = take_prod(&self.connection, &self.next_image_path())?;
        Ok(NextImage(match (&self.connection.prod, fingerprint) {
            (_, Some(fingerprint)) => Origin::File(fingerprint),
            (Prod::Fixture { sql, .. }, None) => Origin::Fixture(fixture_key(sql)?),
            _ => Origin::Empty,
        }))
    }

    fn next_image_path(&self) -> PathBuf {
        self.shadow_dir().join("prod.next.db")
    }

    /// Whether prod is another than when its image was taken, as far as its file's length and times tell.
    pub fn prod_has_changed(&self) -> Result<bool, BrokerError> {
        let now = match &self.connection.prod {
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

    /// Says what runs, or that nothing does.
    pub fn write_config(&self, url: Option<&str>) -> Result<(), BrokerError> {
        let config = RuntimeConfig {
            connection: self.connection.name.clone(),
            engine: self.connection.engine.name().to_owned(),
            prod: self.connection.redacted_url(),
            pid: url.map(|_| std::process::id()),
            url: url.map(str::to_owned),
        };
        self.write_json(&self.dir.join("config.json"), &config)
    }

    fn write_json(&self, path: &Path, value: &impl Serialize) -> Result<(), BrokerError> {
        let json = serde_json::to_vec_pretty(value).map_err(BrokerError::Json)?;
        write_atomically(path, &json, 0o600).map_err(BrokerError::io("write", path))
    }
}

/// A new image of prod, not in use yet.
pub struct NextImage(Origin);

impl NextImage {
    /// Replaces the image in use. The lane must have no changes.
    pub fn put_in_place(self, project: &ProjectFolder) -> Result<Arc<Layer>, BrokerError> {
        if !matches!(self.0, Origin::Empty) {
            let (from, to) = (project.next_image_path(), project.image_path());
            fs::rename(&from, &to).map_err(BrokerError::io("rename", from))?;
        }
        project.write_json(&project.origin_path(), &self.0)?;
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

/// `config.json`, if there is one.
pub fn read_config(dir: &Path) -> Option<RuntimeConfig> {
    serde_json::from_slice(&fs::read(dir.join("config.json")).ok()?).ok()
}
