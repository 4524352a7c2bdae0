//! What is on disk after something went wrong.

use super::*;
use std::path::PathBuf;

const BLOCK: usize = 4096;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    fn map(&self) -> PathBuf {
        self.0.path().join("shadow.map")
    }

    /// Opens the store as a process that starts does.
    fn open(&self, below: &Layer) -> PageStore {
        PageStore::durable(&self.0.path().join("shadow.pages"), &self.map(), below).expect("opens")
    }
}

fn first_byte_of(store: &PageStore, block: u64) -> u8 {
    let mut byte = [0];
    store.read_at(&Layer::Empty, block * BLOCK as u64, &mut byte).expect("reads");
    byte[0]
}

#[test]
fn a_write_whose_map_could_not_be_written_is_not_counted_on() {
    let folder = Folder::new();
    let mut store = folder.open(&Layer::Empty);
    // As a full disk would: the data can be written, the map cannot.
    let writable = store.map.replace(File::open(folder.map()).expect("opens"));
    store.write_at(&Layer::Empty, 0, &[7; BLOCK]).expect_err("the map is read-only");
    store.map = writable;
    // The writer tries again, and is told that it is done.
    store.write_at(&Layer::Empty, 0, &[8; BLOCK]).expect("now it can");
    drop(store);
    let store = folder.open(&Layer::Empty);
    assert_eq!((store.len_bytes(), store.has(0), first_byte_of(&store, 0)), (BLOCK as u64, true, 8));
}

#[test]
fn a_length_that_could_not_be_written_is_not_counted_on() {
    let folder = Folder::new();
    let mut store = folder.open(&Layer::Empty);
    store.write_at(&Layer::Empty, 0, &[1; 2 * BLOCK]).expect("writes");
    let writable = store.map.replace(File::open(folder.map()).expect("opens"));
    store.truncate(BLOCK as u64 / 2).expect_err("the map is read-only");
    store.map = writable;
    assert_eq!(store.len_bytes(), 2 * BLOCK as u64);
}

#[test]
fn a_store_whose_clearing_was_cut_short_is_clear() {
    let folder = Folder::new();
    let mut store = folder.open(&Layer::Empty);
    store.write_at(&Layer::Empty, 0, &[1; 3 * BLOCK]).expect("writes");
    store.begin_clearing(&Layer::Empty).expect("writes");
    drop(store);
    let mut store = folder.open(&Layer::Empty);
    assert!(store.is_clearing());
    store.clear(&Layer::Empty).expect("writes");
    assert!(store.is_clean(&Layer::Empty) && !store.is_clearing());
    drop(store);
    let mut store = folder.open(&Layer::Empty);
    assert!(store.is_clean(&Layer::Empty) && !store.is_clearing());
    // And what is written from now on stays.
    store.write_at(&Layer::Empty, BLOCK as u64, &[5; BLOCK]).expect("writes");
    drop(store);
    let store = folder.open(&Layer::Empty);
    assert_eq!(
        (store.len_bytes(), first_byte_of(&store, 0), first_byte_of(&store, 1)),
        (2 * BLOCK as u64, 0, 5)
    );
}

#[test]
fn a_clear_store_fits_a_layer_of_another_page_size() {
    let folder = Folder::new();
    drop(folder.open(&Layer::Empty));
    let image = folder.0.path().join("prod.db");
    let prod = rusqlite::Connection::open(&image).expect("opens");
    prod.execute_batch("PRAGMA page_size = 8192; CREATE TABLE t (id INTEGER)")
        .expect("valid SQL");
    drop(prod);
    let below = Layer::open_image(&image).expect("opens");
    let mut store = folder.open(&below);
    assert_eq!((store.block_bytes(), store.is_clean(&below)), (8192, true));
    store.write_at(&below, 0, &[1; 8192]).expect("writes");
    drop(store);
    let error = PageStore::durable(&folder.0.path().join("shadow.pages"), &folder.map(), &Layer::Empty).expect_err("pages of another size");
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}
