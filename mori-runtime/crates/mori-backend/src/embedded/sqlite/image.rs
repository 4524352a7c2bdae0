//! An image of prod: a consistent copy of a database file that others may be writing, made without writing anything beside it.

use rusqlite::backup::Backup;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Why prod could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error("prod database {path} does not exist")]
    Missing { path: PathBuf },
    #[error("prod file {path} is not a SQLite database")]
    NotADatabase { path: PathBuf },
    #[error("read prod database {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("read prod database {path}: {source}")]
    Sqlite { path: PathBuf, source: rusqlite::Error },
    #[error("write the image of prod to {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error("prod database {path} kept changing while it was read")]
    Busy { path: PathBuf },
}

impl ImageError {
    pub fn remedy(&self) -> &'static str {
        match self {
            ImageError::Missing { .. } => "check the path in mori.yaml; a relative path is looked up from the folder of mori.yaml",
            ImageError::NotADatabase { .. } => "name a SQLite 3 database file; an encrypted database cannot be read",
            ImageError::Read { .. } | ImageError::Sqlite { .. } => "check that you may read the file and its folder",
            ImageError::Write { .. } => "free some disk space, or give the project a folder you may write to: the image is as large as prod",
            ImageError::Busy { .. } => "try again when fewer writers are at work on it",
        }
    }
}

/// What tells that a prod file has changed, without reading it: lengths and times of the file and of its write-ahead log.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ProdFingerprint {
    files: Vec<Option<(u64, u64)>>,
}

impl ProdFingerprint {
    pub fn of(prod: &Path) -> ProdFingerprint {
        let stamp = |path: PathBuf| {
            let metadata = fs::metadata(path).ok()?;
            let since = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            Some((metadata.len(), u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))
        };
        // An empty log says the same as none.
        let log = stamp(beside(prod, "-wal")).filter(|(len, _)| *len > 0);
        ProdFingerprint { files: vec![stamp(prod.to_owned()), log] }
    }
}

/// How the copy has to be made.
enum Way {
    /// No other file belongs to it.
    Alone,
    /// A rollback-journal database: readers keep writers from changing the file.
    Locked,
    /// A write-ahead log with its index: somebody may have it open.
    LiveLog,
    /// A log or a journal left behind: recovered on the copy.
    LeftBehind(&'static str),
}

/// Copies the database at `prod` to `image`, as it is at one moment, committed content of its write-ahead log included.
///
/// Neither the file nor its log, journal or folder is written. `image` is replaced as a whole or not at all.
pub fn take_image(prod: &Path, image: &Path) -> Result<ProdFingerprint, ImageError> {
    check_header(prod)?;
    let partial = beside(image, ".partial");
    let taken = copy_until_consistent(prod, &partial).and_then(|fingerprint| {
        let written = File::open(&partial).and_then(|file| file.sync_all()).and_then(|()| fs::rename(&partial, image));
        written.map_err(|source| ImageError::Write { path: image.to_owned(), source })?;
        Ok(fingerprint)
    });
    if taken.is_err() {
        // The first error is the one to tell. What did not fit must not go on filling the disk.
        let _ = remove_all(&partial);
    }
    taken
}

fn copy_until_consistent(prod: &Path, partial: &Path) -> Result<ProdFingerprint, ImageError> {
    for _ in 0..5 {
        let before = ProdFingerprint::of(prod);
        remove_all(partial).map_err(|source| ImageError::Write { path: partial.to_owned(), source })?;
        let is_consistent = match way(prod)? {
            Way::Alone => {
                copy(prod, partial)?;
                ProdFingerprint::of(prod) == before
            }
            Way::Locked => match copy_locked(prod, partial) {
                Err(ImageError::Sqlite { source, .. }) if is_hot_journal(&source) => {
                    copy_and_recover(prod, partial, "-journal")?;
                    ProdFingerprint::of(prod) == before
                }
                other => other.map(|()| true)?,
            },
            Way::LiveLog => backup(prod, partial).map(|()| true)?,
            Way::LeftBehind(suffix) => {
                copy_and_recover(prod, partial, suffix)?;
                ProdFingerprint::of(prod) == before
            }
        };
        if is_consistent {
            return Ok(before);
        }
    }
    Err(ImageError::Busy { path: prod.to_owned() })
}

fn check_header(prod: &Path) -> Result<(), ImageError> {
    let mut header = Vec::new();
    let read = File::open(prod).and_then(|file| file.take(16).read_to_end(&mut header));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ImageError::Missing { path: prod.to_owned() }),
        Err(source) => Err(ImageError::Read { path: prod.to_owned(), source }),
        Ok(0) => Ok(()),
        Ok(_) if header == b"SQLite format 3\0" => Ok(()),
        Ok(_) => Err(ImageError::NotADatabase { path: prod.to_owned() }),
    }
}

fn way(prod: &Path) -> Result<Way, ImageError> {
    let mut header = [0u8; 20];
    let read_error = |source| ImageError::Read { path: prod.to_owned(), source };
    let is_log_mode = match File::open(prod).and_then(|mut file| file.read_exact(&mut header)) {
        Ok(()) => header[18] == 2,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
        Err(error) => return Err(read_error(error)),
    };
    let log_len = fs::metadata(beside(prod, "-wal")).map_or(0, |metadata| metadata.len());
    Ok(if !is_log_mode {
        Way::Locked
    } else if beside(prod, "-shm").exists() {
        Way::LiveLog
    } else if log_len > 0 {
        Way::LeftBehind("-wal")
    } else {
        Way::Alone
    })
}

fn copy(from: &Path, to: &Path) -> Result<(), ImageError> {
    // `fs::copy` shares the blocks where the file system can.
    match fs::copy(from, to) {
        Ok(_) => make_writable(to),
        Err(source) if fs::metadata(from).is_err() => Err(ImageError::Read { path: from.to_owned(), source }),
        Err(source) => Err(ImageError::Write { path: to.to_owned(), source }),
    }
}

/// A copy of a read-only file is read-only as well; ours is recovered in place.
fn make_writable(path: &Path) -> Result<(), ImageError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .map_err(|source| ImageError::Write { path: path.to_owned(), source })
}

fn open_read_only(prod: &Path, parameters: &str) -> Result<Connection, ImageError> {
    let mut name = String::from("file:");
    for byte in prod.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => name.push(char::from(*byte)),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    name.push_str("?mode=ro");
    name.push_str(parameters);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(name, flags).map_err(|source| ImageError::Sqlite { path: prod.to_owned(), source })?;
    connection
        .busy_timeout(Duration::from_secs(10))
        .map_err(|source| ImageError::Sqlite { path: prod.to_owned(), source })?;
    Ok(connection)
}

/// Copies under SQLite's SHARED lock, which keeps every writer from changing the file.
fn copy_locked(prod: &Path, to: &Path) -> Result<(), ImageError> {
    let connection = open_read_only(prod, "")?;
    let sqlite = |source| ImageError::Sqlite { path: prod.to_owned(), source };
    connection.execute_batch("BEGIN; SELECT 1 FROM sqlite_schema;").map_err(sqlite)?;
    copy(prod, to)
    // Closing any descriptor of a file drops this process's locks on it: the copy comes last, and nothing is read afterwards.
}

fn is_hot_journal(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| matches!(error.code, ErrorCode::ReadOnly | ErrorCode::CannotOpen))
}

/// Copies page by page inside one read transaction. The wal-index is not written if that can be avoided.
fn backup(prod: &Path, to: &Path) -> Result<(), ImageError> {
    let sqlite = |source| ImageError::Sqlite { path: prod.to_owned(), source };
    let run = |parameters: &str| -> Result<(), ImageError> {
        let source = open_read_only(prod, parameters)?;
        let mut target = Connection::open(to).map_err(sqlite)?;
        let backup = Backup::new(&source, &mut target).map_err(sqlite)?;
        backup.run_to_completion(i32::MAX, Duration::from_millis(20), None).map_err(sqlite)
    };
    if run("&readonly_shm=1").is_err() {
        remove_all(to).map_err(|source| ImageError::Write { path: to.to_owned(), source })?;
        run("")?;
    }
    settle(prod, to)
}

/// Copies the file with the log or journal that a dead process left, and lets SQLite recover the copy.
fn copy_and_recover(prod: &Path, to: &Path, suffix: &str) -> Result<(), ImageError> {
    copy(prod, to)?;
    copy(&beside(prod, suffix), &beside(to, suffix))?;
    settle(prod, to)
}

/// Opens the copy once, so that a log is folded in, a journal rolled back, and neither is left beside it.
fn settle(prod: &Path, copy: &Path) -> Result<(), ImageError> {
    let sqlite = |source| ImageError::Sqlite { path: prod.to_owned(), source };
    let connection = Connection::open(copy).map_err(sqlite)?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(sqlite)?;
    connection.close().map_err(|(_, source)| sqlite(source))?;
    for suffix in ["-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(beside(copy, suffix));
    }
    Ok(())
}

fn remove_all(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(beside(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}
