//! The pages of a lane and of the layer below it, as the comparison of B-trees reads them.

use super::connection::Connection;
use super::error::{SqliteError, SqliteResult};
use super::lane_file::LaneFile;
use super::layer::Layer;
use libsqlite3_sys as ffi;
use mori_cow::sqlite::{Changed, Pages, WalError, WalIndex, frame_page_offset};
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// How often a read transaction is begun anew because something was committed just then.
const SNAPSHOT_TRIES_MAX: u32 = 1000;

/// Why the lane's pages cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    #[error("read the lane's write-ahead log: {0}")]
    Open(#[from] io::Error),
    #[error(transparent)]
    Log(#[from] WalError<io::Error>),
}

/// Begins a read transaction, and returns how many frames of the write-ahead log belong to what it sees: 0 if all of that is in the file.
///
/// The transaction keeps file and log as they are: where frames remain to be copied into the file, its read mark keeps the log from being
/// started anew and later frames from being copied; where none remain, its lock keeps the file from being written at all.
pub fn begin_snapshot(file: &LaneFile, lane: &Connection) -> SqliteResult<u32> {
    // SQLite recovers whatever a killed process left when it reads first.
    let mut look = lane
        .prepare("SELECT count(*) FROM sqlite_schema")?
        .statement
        .ok_or_else(|| SqliteError::misuse("no statement"))?;
    for _ in 0..SNAPSHOT_TRIES_MAX {
        lane.execute("BEGIN")?;
        let before = file.locks.wal_state();
        if let Err(error) = look.step() {
            // The first error is the one to tell.
            let _ = lane.execute("ROLLBACK");
            return Err(error);
        }
        look.reset();
        // The wal-index names the newest commit. That is the one the transaction sees if nothing was committed while it began.
        match (before, file.locks.wal_state()) {
            (Ok(None), Ok(None)) => return Ok(0),
            (Ok(Some(before)), Ok(Some(after))) if before.is_same_commit(&after) => {
                return Ok(if after.backfilled >= after.frames { 0 } else { after.frames });
            }
            _ => lane.execute("COMMIT")?,
        }
        std::thread::yield_now();
    }
    Err(SqliteError::of_code(ffi::SQLITE_BUSY))
}

/// A lane's committed content: its pages, and the frames of its write-ahead log that are committed.
///
/// Whoever makes one has begun a snapshot of the lane, or no connection to it is open, so that neither changes in between.
pub struct LaneView {
    lane: Arc<LaneFile>,
    page_size: u32,
    page_count: u32,
    log: Option<(File, WalIndex)>,
}

impl LaneView {
    /// `page_size` and `page_count` are those of the lane's database inside the read transaction, `log_frames` is what `begin_snapshot`
    /// returned, or 0 without a log.
    pub fn new(lane: &Arc<LaneFile>, page_size: u32, page_count: u32, log_frames: u32) -> Result<LaneView, ViewError> {
        let log = if log_frames > 0 {
            let file = File::open(lane.wal_path())?;
            let index = WalIndex::read(log_frames, page_size, |offset, buffer| file.read_exact_at(buffer, offset))?;
            Some((file, index))
        } else {
            None
        };
        Ok(LaneView {
            lane: lane.clone(),
            page_size,
            page_count,
            log,
        })
    }

    /// The pages written, in the lane's file or in its log.
    pub fn changed(&self) -> ChangedPages {
        let below = self.lane.below();
        let mut pages: HashSet<u32> = HashSet::new();
        if self.lane.block_bytes() == self.page_size {
            pages.extend(self.lane.written_pages());
            if let Some((_, index)) = &self.log {
                pages.extend(index.iter().map(|(page, _)| page));
            }
        } else {
            // The lane has changed its page size: no page is the same.
            let below_pages = below.len_bytes() / u64::from(below.block_bytes());
            pages.extend(1..=self.page_count.max(u32::try_from(below_pages).unwrap_or(u32::MAX)));
        }
        ChangedPages(pages)
    }
}

impl Pages for LaneView {
    type Error = io::Error;

    fn page_size(&self) -> u32 {
        self.page_size
    }

    fn page_count(&self) -> u32 {
        self.page_count
    }

    fn read(&self, number: u32, buffer: &mut [u8]) -> io::Result<()> {
        if let Some((file, index)) = &self.log
            && let Some(frame) = index.frame(number)
        {
            return file.read_exact_at(buffer, frame_page_offset(frame, self.page_size));
        }
        let offset = u64::from(number.saturating_sub(1)) * u64::from(self.page_size);
        self.lane.read_at(offset, buffer).map(drop)
    }
}

/// The pages of the layer below.
pub struct LayerView(pub Arc<Layer>);

impl Pages for LayerView {
    type Error = io::Error;

    fn page_size(&self) -> u32 {
        self.0.block_bytes()
    }

    fn page_count(&self) -> u32 {
        u32::try_from(self.0.len_bytes() / u64::from(self.0.block_bytes())).unwrap_or(u32::MAX)
    }

    fn read(&self, number: u32, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_block(number.saturating_sub(1), 0, buffer)
    }
}

pub struct ChangedPages(HashSet<u32>);

impl Changed for ChangedPages {
    fn is_changed(&self, page: u32) -> bool {
        self.0.contains(&page)
    }

    fn changed_pages(&self) -> Vec<u32> {
        self.0.iter().copied().collect()
    }
}
