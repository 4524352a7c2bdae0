//! One lane's database file: its pages over the layer below, and its locks. Registered under a path, so that the VFS finds it.

use super::layer::Layer;
use super::locks::Locks;
use super::page_store::{PageImage, PageStore};
use super::vfs;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// SQLite's names for the files beside a database, <https://www.sqlite.org/tempfiles.html>.
const LOG: &str = "-wal";
const JOURNAL: &str = "-journal";

/// A lane's file. Connections reach it by its path through the VFS, for as long as this value lives.
#[derive(Debug)]
pub struct LaneFile {
    path: PathBuf,
    pub(super) locks: Locks,
    inner: RwLock<Inner>,
    kind: Kind,
}

/// What a lane's file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Ends with the process.
    Volatile,
    /// Is there again when the process is started again: a commit waits for the disk.
    Durable,
    /// Shows the layer below, and nothing can be written.
    Sealed,
}

#[derive(Debug)]
struct Inner {
    below: Arc<Layer>,
    pages: PageStore,
}

/// A copy of a lane's pages, to go back to.
#[derive(Debug, Clone)]
pub struct LanePages(PageImage);

impl LaneFile {
    /// A lane in `dir` that ends with the process.
    pub fn volatile(dir: &Path, below: Arc<Layer>) -> io::Result<Arc<LaneFile>> {
        let path = dir.join("shadow.pages");
        let pages = PageStore::volatile(&path, &below)?;
        LaneFile::register(path, below, pages, Kind::Volatile)
    }

    /// A file in `dir` that shows the layer below and refuses every write, whatever a connection to it is told.
    pub fn sealed(dir: &Path, below: Arc<Layer>) -> io::Result<Arc<LaneFile>> {
        let path = dir.join("shadow.pages");
        let pages = PageStore::volatile(&path, &below)?;
        LaneFile::register(path, below, pages, Kind::Sealed)
    }

    /// A lane in `dir` that is there again when the process is started again.
    pub fn durable(dir: &Path, below: Arc<Layer>) -> io::Result<Arc<LaneFile>> {
        let path = dir.join("shadow.pages");
        let mut pages = PageStore::durable(&path, &dir.join("shadow.map"), &below)?;
        if pages.is_clearing() {
            remove_journals_of(&path, Kind::Durable)?;
            pages.clear(&below)?;
        }
        LaneFile::register(path, below, pages, Kind::Durable)
    }

    /// Removes the files of a lane in `dir` unread, whatever is in them. The lane must not be open. A process that dies meanwhile leaves
    /// the lane as it was, or one that `durable` opens without changes.
    pub fn discard(dir: &Path) -> io::Result<()> {
        let (path, map, next) = (dir.join("shadow.pages"), dir.join("shadow.map"), dir.join("shadow.map.next"));
        let mut file = File::create(&next)?;
        file.write_all(&PageStore::map_of_a_clearing())?;
        file.sync_all()?;
        std::fs::rename(&next, &map)?;
        File::open(dir)?.sync_all()?;
        remove_journals_of(&path, Kind::Durable)?;
        for path in [path, map] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn register(path: PathBuf, below: Arc<Layer>, pages: PageStore, kind: Kind) -> io::Result<Arc<LaneFile>> {
        // SQLite resolves links in the names it is given, so that the registered name has to be resolved as well.
        let path = path.canonicalize()?;
        let file = Arc::new(LaneFile {
            path: path.clone(),
            locks: Locks::default(),
            inner: RwLock::new(Inner { below, pages }),
            kind,
        });
        vfs::register_lane(path, &file)?;
        Ok(file)
    }

    /// The name under which a connection opens it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn is_durable(&self) -> bool {
        self.kind == Kind::Durable
    }

    pub fn is_sealed(&self) -> bool {
        self.kind == Kind::Sealed
    }

    pub fn below(&self) -> Arc<Layer> {
        self.read().below.clone()
    }

    /// True if the lane has written nothing that is still there. Looks at pages only: a write-ahead log is not looked into.
    pub fn is_clean(&self) -> bool {
        let inner = self.read();
        inner.pages.is_clean(&inner.below) && !self.has_journal()
    }

    /// Whether a write-ahead log or a rollback journal lies beside the pages. With no connection open, a close that was cut short left it
    /// there, and the pages alone do not say what is committed, until a connection has read and closed the file.
    pub fn has_journal(&self) -> bool {
        self.wal_path().exists() || self.beside(JOURNAL).exists()
    }

    pub fn len_bytes(&self) -> u64 {
        self.read().pages.len_bytes()
    }

    /// The pages written, numbered from 1 as SQLite does. `page_bytes` must be the page size of the layer below.
    pub fn written_pages(&self) -> Vec<u32> {
        self.read().pages.blocks().iter().map(|block| block + 1).collect()
    }

    pub fn block_bytes(&self) -> u32 {
        self.read().pages.block_bytes()
    }

    /// Reads at `offset`; returns how many bytes lie inside the file, the rest is zero.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let inner = self.read();
        inner.pages.read_at(&inner.below, offset, buffer)
    }

    pub(super) fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.check_writable()?;
        let mut inner = self.write();
        let Inner { below, pages } = &mut *inner;
        pages.write_at(below, offset, bytes)
    }

    pub(super) fn truncate(&self, len_bytes: u64) -> io::Result<()> {
        self.check_writable()?;
        self.write().pages.truncate(len_bytes)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        if self.is_durable() { self.read().pages.sync() } else { Ok(()) }
    }

    pub fn wal_path(&self) -> PathBuf {
        self.beside(LOG)
    }

    fn check_writable(&self) -> io::Result<()> {
        if self.is_sealed() {
            Err(io::ErrorKind::ReadOnlyFilesystem.into())
        } else {
            Ok(())
        }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        beside(&self.path, suffix)
    }

    /// Back to the layer below. No connection may be open. A process that dies meanwhile leaves the lane as it was, or cleared: journals
    /// that a kill left behind belong to the pages, and neither counts without the other.
    pub fn clear(&self) -> io::Result<()> {
        let mut inner = self.write();
        self.drop_journals(&mut inner)?;
        let Inner { below, pages } = &mut *inner;
        pages.clear(below)
    }

    /// Removes the journals once the map says on disk that the pages they belong to do not count any more.
    fn drop_journals(&self, inner: &mut Inner) -> io::Result<()> {
        inner.pages.begin_clearing(&inner.below)?;
        remove_journals_of(&self.path, self.kind).inspect_err(|_| {
            // The first error is the one to tell.
            let _ = inner.pages.abort_clearing(&inner.below);
        })
    }

    /// Back to another layer below. No connection may be open.
    pub fn rebase(&self, below: Arc<Layer>) -> io::Result<()> {
        self.clear()?;
        let mut inner = self.write();
        inner.below = below;
        let Inner { below, pages } = &mut *inner;
        pages.follow(below)
    }

    /// A copy of what the lane has written. No transaction may be open and the write-ahead log must be empty.
    pub fn capture(&self) -> io::Result<LanePages> {
        Ok(LanePages(self.read().pages.capture()?))
    }

    /// Back to a copy. No connection may be open. A process that dies meanwhile leaves the lane as it was, as the copy, or cleared.
    pub fn put_back(&self, pages: &LanePages) -> io::Result<()> {
        let mut inner = self.write();
        self.drop_journals(&mut inner)?;
        let Inner { below, pages: store } = &mut *inner;
        store.put_back(below, &pages.0)
    }

    /// Writes the lane down in `dir`, as pages over the image at the bottom alone, so that `durable` opens it there. No connection
    /// may be open.
    pub fn flatten_into(&self, dir: &Path) -> io::Result<()> {
        let inner = self.read();
        let (bottom, mut blocks) = Layer::bottom(&inner.below);
        blocks.extend(inner.pages.blocks());
        blocks.sort_unstable();
        blocks.dedup();
        let mut flat = PageStore::durable(&dir.join("shadow.pages"), &dir.join("shadow.map"), &bottom)?;
        let mut block = vec![0; inner.pages.block_bytes() as usize];
        for number in blocks {
            let offset = u64::from(number) * block.len() as u64;
            if offset < inner.pages.len_bytes() {
                inner.pages.read_block(&inner.below, number, 0, &mut block)?;
                flat.write_at(&bottom, offset, &block)?;
            }
        }
        flat.truncate(inner.pages.len_bytes())
    }

    /// Closes the lane for writing for good, as a layer for others. No connection may be open.
    pub fn freeze(file: Arc<LaneFile>) -> io::Result<Layer> {
        vfs::forget_lane(&file.path);
        let file = Arc::into_inner(file).ok_or_else(|| io::Error::other("a connection to the layer is still open"))?;
        let Inner { below, pages } = file.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Layer::Frozen { below, pages })
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove_journals_of(path: &Path, kind: Kind) -> io::Result<()> {
    let mut has_removed = false;
    for path in [beside(path, LOG), beside(path, JOURNAL)] {
        match std::fs::remove_file(path) {
            Ok(()) => has_removed = true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    match path.parent() {
        // What comes next counts on it that they do not come back after a power cut.
        Some(dir) if has_removed && kind == Kind::Durable => File::open(dir)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
