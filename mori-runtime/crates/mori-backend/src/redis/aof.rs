//! The append-only file: a lane's changes, as its server writes them down before it answers.
//!
//! From version 7 on it is a folder of files, of which a manifest tells the order; before that one file that begins with a dump
//! (<https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/>).

use super::binaries::Version;
use super::error::{RedisError, Result};
use mori_query::redis::{CommandTable, StreamReader, Touched};
use mori_wire::resp::{RequestScanner, Scan};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const FOLDER: &str = "appendonlydir";
const MANIFEST: &str = "appendonlydir/appendonly.aof.manifest";
const BASE: &str = "appendonly.aof.1.base.rdb";
const INCREMENT: &str = "appendonly.aof.1.incr.aof";
const SINGLE: &str = "appendonly.aof";

const READ_BYTES: usize = 256 << 10;

/// Since this version of either flavour there is a folder.
fn has_folder(version: Version) -> bool {
    version.major >= 7
}

/// Which part of the file has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamState {
    /// The file, by its name and number: a rewrite makes another.
    file: Option<(PathBuf, u64)>,
    position: u64,
    reader: StreamReader,
}

/// The append-only file of a lane.
#[derive(Clone, Debug)]
pub struct Aof {
    dir: PathBuf,
    version: Version,
    /// Of a single file, how long the dump in front of the changes is.
    dump_bytes: u64,
}

impl Aof {
    /// `layer`: the dump that the lane in `dir` stands on.
    pub fn new(dir: &Path, version: Version, layer: &Path) -> Aof {
        Aof {
            dir: dir.to_owned(),
            version,
            dump_bytes: fs::metadata(layer).map_or(0, |metadata| metadata.len()),
        }
    }

    /// Makes the files of a lane that has changed nothing yet. What was there is removed. The dump is linked where it can be, and is never written to.
    pub fn create(&self, layer: &Path) -> Result<()> {
        self.remove()?;
        let place = |to: &Path| match fs::hard_link(layer, to) {
            Ok(()) => Ok(()),
            Err(_) => fs::copy(layer, to).map(drop),
        };
        if !has_folder(self.version) {
            // The server adds to this very file.
            let path = self.dir.join(SINGLE);
            return fs::copy(layer, &path).map(drop).map_err(RedisError::io("copy the layer to", &path));
        }
        let folder = self.dir.join(FOLDER);
        fs::create_dir_all(&folder).map_err(RedisError::io("create", &folder))?;
        let manifest = format!("file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\n");
        place(&folder.join(BASE))
            .and_then(|()| File::create(folder.join(INCREMENT)).map(drop))
            // The manifest comes last: with it the folder is whole.
            .and_then(|()| fs::write(self.dir.join(MANIFEST), manifest))
            .map_err(RedisError::io("write the lane's files in", &folder))
    }

    /// Whether there are files of a lane.
    pub fn exists(&self) -> bool {
        self.dir.join(if has_folder(self.version) { MANIFEST } else { SINGLE }).exists()
    }

    fn remove(&self) -> Result<()> {
        let folder = self.dir.join(FOLDER);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(RedisError::io("remove", &folder)(error)),
            _ => {}
        }
        let single = self.dir.join(SINGLE);
        match fs::remove_file(&single) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(RedisError::io("remove", &single)(error)),
            _ => Ok(()),
        }
    }

    /// How many bytes of changes there are.
    pub fn bytes(&self) -> u64 {
        let file = self.current().and_then(fs::metadata);
        file.map_or(0, |metadata| metadata.len()).saturating_sub(self.start())
    }

    fn start(&self) -> u64 {
        if has_folder(self.version) { 0 } else { self.dump_bytes }
    }

    /// The file that is being added to.
    fn current(&self) -> io::Result<PathBuf> {
        if !has_folder(self.version) {
            return Ok(self.dir.join(SINGLE));
        }
        let manifest = fs::read_to_string(self.dir.join(MANIFEST))?;
        // file appendonly.aof.1.incr.aof seq 1 type i
        let increments = manifest.lines().filter(|line| line.ends_with(" type i"));
        let last = increments.filter_map(|line| line.split(' ').nth(1)).next_back();
        last.map(|name| self.dir.join(FOLDER).join(name))
            .ok_or_else(|| io::Error::other("the manifest names no changes"))
    }

    /// Adds what was changed since `state` was read last. Whatever a client has an answer to is in it.
    ///
    /// Where the server has rewritten the file, or it cannot be understood, everything may have been changed.
    pub fn read(&self, table: &CommandTable, state: &mut StreamState, touched: &mut Touched) -> Result<()> {
        let path = self.current().map_err(RedisError::io("read", &self.dir))?;
        let mut file = File::open(&path).map_err(RedisError::io("open", &path))?;
        let inode = file.metadata().map_err(RedisError::io("open", &path))?.ino();
        let identity = Some((path.clone(), inode));
        if state.file != identity {
            if state.file.is_some() || (has_folder(self.version) && !path.ends_with(INCREMENT)) {
                touched.everything = true;
            }
            *state = StreamState {
                file: identity,
                position: self.start(),
                reader: StreamReader::default(),
            };
        }
        let from = state.position;
        file.seek(SeekFrom::Start(from)).map_err(RedisError::io("read", &path))?;
        let (mut scanner, mut buffer, mut taken) = (RequestScanner::default(), Vec::new(), 0);
        loop {
            let start = buffer.len();
            buffer.resize(start + READ_BYTES, 0);
            let read = file.read(&mut buffer[start..]).map_err(RedisError::io("read", &path))?;
            buffer.truncate(start + read);
            if read == 0 {
                return Ok(());
            }
            loop {
                match scanner.scan(&buffer[taken..]) {
                    Ok(Scan::More) => break,
                    Ok(Scan::Nothing { len_bytes }) => taken += len_bytes,
                    Ok(Scan::Command { len_bytes }) => {
                        let rest = &buffer[taken..];
                        // `#TS:` lines tell the time.
                        if rest.first() == Some(&b'*') {
                            state.reader.read(table, &scanner.arguments(rest), touched);
                        }
                        taken += len_bytes;
                    }
                    Err(_) => {
                        // Such a file is not one of changes only.
                        touched.everything = true;
                        return Ok(());
                    }
                }
            }
            state.position += taken as u64;
            buffer.drain(..taken);
            taken = 0;
        }
    }
}
