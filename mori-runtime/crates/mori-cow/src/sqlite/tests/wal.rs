//! The log of a live connection, read frame by frame, gives the pages that a checkpoint writes.

use crate::sqlite::{WalError, WalIndex, frame_page_offset};
use rusqlite::Connection;
use std::path::Path;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("end of file")]
struct EndOfFile;

fn reader(log: &[u8]) -> impl FnMut(u64, &mut [u8]) -> Result<(), EndOfFile> {
    move |offset, buffer| {
        let bytes = log.get(offset as usize..).and_then(|log| log.get(..buffer.len()));
        buffer.copy_from_slice(bytes.ok_or(EndOfFile)?);
        Ok(())
    }
}

/// A database in WAL mode with several transactions in its log, and the log's path.
fn logged(dir: &Path, page_size: u32) -> (Connection, std::path::PathBuf) {
    let sql = Connection::open(dir.join("main.db")).unwrap();
    sql.execute_batch(&format!(
        "PRAGMA page_size = {page_size}; CREATE TABLE t (a); PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"
    ))
    .unwrap();
    for round in 0..5 {
        sql.execute_batch(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) INSERT INTO t SELECT hex(zeroblob(i)) || {round} FROM n;"
        ))
        .unwrap();
    }
    (sql, dir.join("main.db-wal"))
}

#[test]
fn the_newest_frames_are_what_a_checkpoint_writes() {
    for page_size in [512u32, 4096, 65536] {
        let dir = tempfile::tempdir().unwrap();
        let (sql, log_path) = logged(dir.path(), page_size);
        let log = std::fs::read(log_path).unwrap();
        let mut pages = std::fs::read(dir.path().join("main.db")).unwrap();
        let size = page_size as usize;
        let frames = ((log.len() - 32) / (24 + size)) as u32;
        let index = WalIndex::read(frames, page_size, reader(&log)).unwrap();
        pages.resize(index.page_count().unwrap() as usize * size, 0);
        for (page, frame) in index.iter() {
            let from = frame_page_offset(frame, page_size) as usize;
            let to = (page as usize - 1) * size;
            pages[to..to + size].copy_from_slice(&log[from..from + size]);
            assert_eq!(index.frame(page), Some(frame));
        }
        sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        assert!(std::fs::read(dir.path().join("main.db")).unwrap() == pages, "page size {page_size}");
    }
}

#[test]
fn only_frames_up_to_the_given_one_count() {
    let dir = tempfile::tempdir().unwrap();
    let (_sql, log_path) = logged(dir.path(), 512);
    let log = std::fs::read(log_path).unwrap();
    let empty = WalIndex::read(0, 512, reader(&[])).unwrap();
    assert_eq!((empty.page_count(), empty.frame(1)), (None, None));
    for mx_frame in 1..20 {
        let index = WalIndex::read(mx_frame, 512, reader(&log)).unwrap();
        assert!(index.iter().all(|(_, frame)| (1..=mx_frame).contains(&frame)));
    }
}

#[test]
fn a_log_that_is_not_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (_sql, log_path) = logged(dir.path(), 512);
    let log = std::fs::read(log_path).unwrap();
    let read = |log: &[u8], mx_frame, page_size| WalIndex::read(mx_frame, page_size, reader(log)).unwrap_err();
    let what = "page size is not the database's";
    assert_eq!(read(&log, 1, 1024), WalError::Header { what });
    assert_eq!(
        read(&log[..100], 1000, 512),
        WalError::Read {
            offset: 32 + 536,
            source: EndOfFile
        }
    );
    let mut damaged = log.clone();
    damaged[0] = 0;
    let what = "magic number is missing";
    assert_eq!(read(&damaged, 1, 512), WalError::Header { what });
    let mut damaged = log.clone();
    damaged[32 + 536 + 8] ^= 1;
    let what = "its salts are not the log's";
    assert_eq!(read(&damaged, 2, 512), WalError::Frame { frame: 2, what });
    let mut damaged = log;
    damaged[32..36].fill(0);
    let what = "it is of page 0";
    assert_eq!(read(&damaged, 1, 512), WalError::Frame { frame: 1, what });
}
