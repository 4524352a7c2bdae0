//! The frames of a write-ahead log: which frame holds the latest version of a page (section 4 of the format).

use super::file::be_u32;
use std::collections::HashMap;

const HEADER_LEN: u64 = 32;
const FRAME_HEADER_LEN: u64 = 24;

/// The magic number at the start of a log; its last bit says how checksums are computed.
const MAGIC: u32 = 0x377f_0682;

/// The only version of the format.
const VERSION: u32 = 3_007_000;

/// Where frame `frame`, counted from 1, starts in the log.
pub fn frame_offset(frame: u32, page_size: u32) -> u64 {
    HEADER_LEN + u64::from(frame).saturating_sub(1) * (FRAME_HEADER_LEN + u64::from(page_size))
}

/// Where the page image of frame `frame`, counted from 1, starts in the log; it is `page_size` bytes long.
pub fn frame_page_offset(frame: u32, page_size: u32) -> u64 {
    frame_offset(frame, page_size) + FRAME_HEADER_LEN
}

/// The newest frame of each page in a prefix of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WalIndex {
    frames: HashMap<u32, u32>,
    page_count: u32,
}

/// A log that cannot be read as far as asked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalError<E: std::error::Error + 'static> {
    #[error("write-ahead log header is malformed: {what}")]
    Header { what: &'static str },
    #[error("write-ahead log frame {frame} is malformed: {what}")]
    Frame { frame: u32, what: &'static str },
    #[error("read write-ahead log at byte {offset}")]
    Read { offset: u64, source: E },
}

impl WalIndex {
    /// Reads the headers of frames 1 to `mx_frame`, which is what the wal-index or a reader's snapshot says is committed. Checksums are not
    /// computed again: SQLite has verified them before a frame is counted in `mx_frame`; the salts are compared.
    ///
    /// `read` fills the buffer from a byte offset of the log. With `mx_frame` 0 nothing is read and the index is empty.
    pub fn read<E: std::error::Error + 'static>(
        mx_frame: u32,
        page_size: u32,
        mut read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<WalIndex, WalError<E>> {
        let mut index = WalIndex::default();
        if mx_frame == 0 {
            return Ok(index);
        }
        let mut header = [0; HEADER_LEN as usize];
        read(0, &mut header).map_err(|source| WalError::Read { offset: 0, source })?;
        check_header(&header, page_size).map_err(|what| WalError::Header { what })?;
        for frame in 1..=mx_frame {
            let offset = frame_offset(frame, page_size);
            let mut frame_header = [0; FRAME_HEADER_LEN as usize];
            read(offset, &mut frame_header).map_err(|source| WalError::Read { offset, source })?;
            if frame_header[8..16] != header[16..24] {
                let what = "its salts are not the log's";
                return Err(WalError::Frame { frame, what });
            }
            let page = be_u32(&frame_header, 0);
            if page == 0 {
                let what = "it is of page 0";
                return Err(WalError::Frame { frame, what });
            }
            index.frames.insert(page, frame);
            // Zero in all frames of a transaction but the last.
            let committed_page_count = be_u32(&frame_header, 4);
            if committed_page_count != 0 {
                index.page_count = committed_page_count;
            }
        }
        Ok(index)
    }

    /// The newest frame of a page; `None` if its latest version is in the database file.
    pub fn frame(&self, page: u32) -> Option<u32> {
        self.frames.get(&page).copied()
    }

    /// Pages in the database after the last commit in the prefix; `None` without one.
    pub fn page_count(&self) -> Option<u32> {
        (self.page_count != 0).then_some(self.page_count)
    }

    /// All pages in the log with their newest frames, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        self.frames.iter().map(|(page, frame)| (*page, *frame))
    }
}

fn check_header(header: &[u8], page_size: u32) -> Result<(), &'static str> {
    if be_u32(header, 0) & !1 != MAGIC {
        return Err("magic number is missing");
    }
    if be_u32(header, 4) != VERSION {
        return Err("version is unknown");
    }
    if be_u32(header, 8) != page_size {
        return Err("page size is not the database's");
    }
    Ok(())
}
