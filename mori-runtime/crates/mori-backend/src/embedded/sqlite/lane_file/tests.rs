//! What a kill leaves of a lane that is there again later.

use super::*;
use crate::embedded::sqlite::{Connection, OpenOptions};
use mori_model::Value;

fn open(file: &Arc<LaneFile>) -> Connection {
    Connection::open(file, &OpenOptions::default()).expect("opens")
}

fn image(dir: &Path) -> Arc<Layer> {
    let path = dir.join("prod.db");
    let prod = rusqlite::Connection::open(&path).expect("opens");
    prod.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (a); INSERT INTO t VALUES (1)")
        .expect("valid SQL");
    drop(prod);
    Arc::new(Layer::open_image(&path).expect("opens"))
}

/// The files of a lane, as they are on disk while its connections are open: what a kill leaves.
fn killed(lane: &Path, to: &Path) {
    std::fs::create_dir(to).expect("makes");
    for name in ["shadow.pages", "shadow.map", "shadow.pages-wal"] {
        std::fs::copy(lane.join(name), to.join(name)).expect("copies");
    }
}

fn sum(dir: &Path, below: &Arc<Layer>) -> Option<Value> {
    let file = LaneFile::durable(dir, below.clone()).expect("opens");
    open(&file).query_value("SELECT sum(a) FROM t", &[]).expect("reads")
}

#[test]
fn a_clearing_that_was_cut_short_is_finished_at_the_next_open() {
    let dir = tempfile::tempdir().expect("a folder");
    let below = image(dir.path());
    let lane = dir.path().join("lane");
    std::fs::create_dir(&lane).expect("makes");
    let file = LaneFile::durable(&lane, below.clone()).expect("opens");
    let connection = open(&file);
    // Part of what is committed is in the pages, part in the log alone.
    connection
        .execute("INSERT INTO t VALUES (10); PRAGMA wal_checkpoint; INSERT INTO t VALUES (100)")
        .expect("writes");
    assert!(file.has_journal());

    let untouched = dir.path().join("untouched");
    killed(&lane, &untouched);
    assert_eq!(sum(&untouched, &below), Some(Value::Int(111)), "a kill alone loses nothing");

    // Before and after the journals were removed.
    for name in ["with log", "without log"] {
        let cut_short = dir.path().join(name);
        killed(&lane, &cut_short);
        let map = cut_short.join("shadow.map");
        let mut pages = PageStore::durable(&cut_short.join("shadow.pages"), &map, &below).expect("opens");
        pages.begin_clearing(&below).expect("writes");
        drop(pages);
        if name == "without log" {
            std::fs::remove_file(cut_short.join("shadow.pages-wal")).expect("removes");
        }
        let file = LaneFile::durable(&cut_short, below.clone()).expect("opens");
        assert!(file.is_clean() && !file.has_journal(), "{name}");
        drop(file);
        assert_eq!(sum(&cut_short, &below), Some(Value::Int(1)), "{name}");
    }
}

#[test]
fn a_cleared_lane_and_a_lane_put_back_are_there_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let below = image(dir.path());
    let file = LaneFile::durable(dir.path(), below.clone()).expect("opens");
    open(&file).execute("INSERT INTO t VALUES (10)").expect("writes");
    let kept = file.capture().expect("reads");
    open(&file).execute("INSERT INTO t VALUES (100)").expect("writes");
    file.put_back(&kept).expect("writes");
    drop(file);
    assert_eq!(sum(dir.path(), &below), Some(Value::Int(11)));
    let file = LaneFile::durable(dir.path(), below.clone()).expect("opens");
    file.clear().expect("clears");
    assert!(file.is_clean());
    drop(file);
    assert_eq!(sum(dir.path(), &below), Some(Value::Int(1)));
}
