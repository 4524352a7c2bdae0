//! An image of prod: a consistent copy of a database file that others may be writing, made without writing anything beside it and
//! without keeping anybody from writing.
//!
//! The file is copied together with its log or journal, as a crash at one moment would have left them, and SQLite recovers the
//! *copy*. Whether it was one moment is told by what was seen of the files before and after: <https://www.sqlite.org/fileformat2.html>,
//! sections 3 (journal) and 4 (write-ahead log).

use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

const TRIES_MAX: u32 = 50;
/// No try is begun later than this after the first.
const PATIENCE: Duration = Duration::from_secs(10);
/// File times advance in steps of the kernel's clock. Of a file that was last written longer ago than this, every further write shows.
const CLOCK_STEP: Duration = Duration::from_millis(20);
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// Magic, page size, checkpoint sequence, salts and checksum of a write-ahead log: another one whenever the log is begun anew.
const LOG_HEADER_BYTES: u64 = 32;

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
            ImageError::Write { .. } => {
                "free some disk space, or give the project a folder you may write to: the image is as large as prod"
            }
            ImageError::Busy { .. } => "try again when fewer writers are at work on it",
        }
    }
}

/// What tells that a prod file has changed, without reading it: lengths and times of the file, of its write-ahead log and of its journal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct ProdFingerprint {
    files: Vec<Option<(u64, u64)>>,
}

impl ProdFingerprint {
    pub fn of(prod: &Path) -> ProdFingerprint {
        // A log lies beside the file itself, not beside a link to it.
        let prod = prod.canonicalize().unwrap_or_else(|_| prod.to_owned());
        let stamp = |path: PathBuf| {
            let metadata = fs::metadata(path).ok()?;
            let since = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            Some((metadata.len(), u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))
        };
        // An empty log or journal says the same as none.
        let [log, journal] = ["-wal", "-journal"].map(|suffix| stamp(beside(&prod, suffix)).filter(|(len, _)| *len > 0));
        ProdFingerprint {
            files: vec![stamp(prod), log, journal],
        }
    }
}

/// A file as the file system describes it.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            inode: metadata.ino(),
        }
    }

    /// Whether a write from now on shows in the time. A time in the future is replaced by the next write, too.
    fn is_settled(&self) -> bool {
        self.modified
            .is_none_or(|modified| modified.elapsed().map_or(true, |age| age > CLOCK_STEP))
    }
}

/// What must be the same before and after a copy.
#[derive(Debug, PartialEq, Eq)]
struct Look {
    database: Stamp,
    /// The header of a write-ahead log that is not empty. What is appended to the log meanwhile does no harm: any prefix of it
    /// that is recovered is a committed state, and what has been checkpointed from it into the file was in it before.
    log: Option<Vec<u8>>,
    /// The journal of a transaction, if it is not empty: pages of the file as they were before the transaction.
    journal: Option<Stamp>,
}

impl Look {
    fn at(prod: &Path) -> Result<Look, ImageError> {
        let database = fs::metadata(prod).map_err(read_error(prod))?;
        let log = match open_if_there(&beside(prod, "-wal"))? {
            Some(file) => {
                let mut header = Vec::new();
                file.take(LOG_HEADER_BYTES).read_to_end(&mut header).map_err(read_error(prod))?;
                Some(header).filter(|header| !header.is_empty())
            }
            None => None,
        };
        let journal = match fs::metadata(beside(prod, "-journal")) {
            Ok(metadata) => Some(Stamp::of(&metadata)).filter(|stamp| stamp.len > 0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(read_error(prod)(error)),
        };
        Ok(Look {
            database: Stamp::of(&database),
            log,
            journal,
        })
    }

    fn is_settled(&self) -> bool {
        self.database.is_settled() && self.journal.as_ref().is_none_or(Stamp::is_settled)
    }
}

/// Copies the database at `prod` to `image`, as it is at one moment, committed content of its write-ahead log included.
///
/// Neither the file nor its log, journal or folder is written. `image` is replaced as a whole or not at all.
///
/// Errors: `Busy` if prod is written so incessantly that no copy was of one moment.
pub fn take_image(prod: &Path, image: &Path) -> Result<ProdFingerprint, ImageError> {
    let prod = &prod.canonicalize().map_err(read_error(prod))?;
    check_header(prod)?;
    let partial = beside(image, ".partial");
    let taken = copy_until_consistent(prod, &partial).and_then(|fingerprint| {
        let written = File::open(&partial)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&partial, image));
        written.map_err(write_error(image))?;
        Ok(fingerprint)
    });
    if taken.is_err() {
        // The first error is the one to tell. What did not fit must not go on filling the disk.
        let _ = remove_all(&partial);
    }
    taken
}

fn copy_until_consistent(prod: &Path, partial: &Path) -> Result<ProdFingerprint, ImageError> {
    let begun = Instant::now();
    for attempt in 0..TRIES_MAX {
        if attempt > 0 {
            if begun.elapsed() > PATIENCE {
                break;
            }
            std::thread::sleep(CLOCK_STEP + Duration::from_millis(6) * attempt);
        }
        let fingerprint = ProdFingerprint::of(prod);
        let before = Look::at(prod)?;
        if before.is_settled() && copy_all(prod, partial, &before)? && Look::at(prod)? == before {
            if before.log.is_some() || before.journal.is_some() {
                settle(prod, partial)?;
            }
            return Ok(fingerprint);
        }
    }
    copy_locked(prod, partial)
}

fn check_header(prod: &Path) -> Result<(), ImageError> {
    // Anything else, a pipe for one, could keep us waiting.
    if !fs::metadata(prod).map_err(read_error(prod))?.is_file() {
        return Err(ImageError::NotADatabase { path: prod.to_owned() });
    }
    match header(prod)? {
        header if header.is_empty() || header.starts_with(b"SQLite format 3\0") => Ok(()),
        _ => Err(ImageError::NotADatabase { path: prod.to_owned() }),
    }
}

/// The first 20 bytes, or as many as there are.
fn header(prod: &Path) -> Result<Vec<u8>, ImageError> {
    let mut header = Vec::new();
    let read = File::open(prod).and_then(|file| file.take(20).read_to_end(&mut header));
    read.map(|_| header).map_err(read_error(prod))
}

/// Copies the file, then what belongs to it. False if that is no longer there.
fn copy_all(prod: &Path, partial: &Path, seen: &Look) -> Result<bool, ImageError> {
    remove_all(partial).map_err(write_error(partial))?;
    if !copy(prod, partial)? {
        return Ok(false);
    }
    for (suffix, is_there) in [("-wal", seen.log.is_some()), ("-journal", seen.journal.is_some())] {
        if is_there && !copy(&beside(prod, suffix), &beside(partial, suffix))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// False if there is no such file. The copy is for its owner only, as prod may be.
fn copy(from: &Path, to: &Path) -> Result<bool, ImageError> {
    let Some(mut source) = open_if_there(from)? else { return Ok(false) };
    let target = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(to);
    // Between two files the kernel copies, and shares the blocks where the file system can.
    target
        .and_then(|mut target| io::copy(&mut source, &mut target))
        .map_err(write_error(to))?;
    Ok(true)
}

fn open_if_there(path: &Path) -> Result<Option<File>, ImageError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(read_error(path)(error)),
    }
}

/// The last resort for a file with a journal that is written all the time: copies under SQLite's SHARED lock, which writers wait for.
/// A file with a write-ahead log is not opened: that would make an index beside it.
fn copy_locked(prod: &Path, partial: &Path) -> Result<ProdFingerprint, ImageError> {
    let busy = || ImageError::Busy { path: prod.to_owned() };
    // https://www.sqlite.org/fileformat2.html#file_format_version_numbers: 1 for a journal, 2 for a log.
    if header(prod)?.get(18) != Some(&1) {
        return Err(busy());
    }
    remove_all(partial).map_err(write_error(partial))?;
    let connection = open_read_only(prod).map_err(|source| sqlite_error(prod, source))?;
    match connection.execute_batch("BEGIN; SELECT 1 FROM sqlite_schema;") {
        Ok(()) => {}
        // Somebody holds it for himself, or died while he wrote.
        Err(error)
            if matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseBusy | ErrorCode::ReadOnly | ErrorCode::CannotOpen)
            ) =>
        {
            return Err(busy());
        }
        Err(error) => return Err(sqlite_error(prod, error)),
    }
    let fingerprint = ProdFingerprint::of(prod);
    let before = Look::at(prod)?;
    // A journal that is there now belongs to a writer that has not written into the file yet.
    // Closing any descriptor of a file drops this process's locks on it: the copy comes last, and nothing is read afterwards.
    let is_copied = copy(prod, partial)?;
    if is_copied && Look::at(prod)?.database == before.database {
        Ok(fingerprint)
    } else {
        Err(busy())
    }
}

fn open_read_only(prod: &Path) -> rusqlite::Result<Connection> {
    let mut name = String::from("file:");
    for byte in prod.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => name.push(char::from(*byte)),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    name.push_str("?mode=ro&readonly_shm=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(name, flags)?;
    connection.busy_timeout(LOCK_WAIT)?;
    Ok(connection)
}

/// Opens the copy once, so that a log is folded in, a journal rolled back, and neither is left beside it.
fn settle(prod: &Path, copy: &Path) -> Result<(), ImageError> {
    let settled = Connection::open(copy).and_then(|connection| {
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        // Closing would do the same, and not tell if the disk is full.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        connection.close().map_err(|(_, error)| error)
    });
    settled.map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => write_error(copy)(io::ErrorKind::StorageFull.into()),
        _ => sqlite_error(prod, error),
    })?;
    for suffix in ["-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(beside(copy, suffix));
    }
    Ok(())
}

fn read_error(path: &Path) -> impl Fn(io::Error) -> ImageError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::NotFound => ImageError::Missing { path: path.clone() },
        _ => ImageError::Read {
            path: path.clone(),
            source,
        },
    }
}

fn write_error(path: &Path) -> impl Fn(io::Error) -> ImageError {
    let path = path.to_owned();
    move |source| ImageError::Write {
        path: path.clone(),
        source,
    }
}

fn sqlite_error(prod: &Path, source: rusqlite::Error) -> ImageError {
    ImageError::Sqlite {
        path: prod.to_owned(),
        source,
    }
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
