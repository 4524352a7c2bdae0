//! What a lane refuses, because it would reach another file or shut out the lane's own bookkeeping.

use mori_tests::Served;
use mori_tests::raw::Raw;

const T: &str = "CREATE TABLE t(a); INSERT INTO t VALUES (1);";

#[track_caller]
fn refused(sql: &str) {
    let served = Served::with(T);
    let before = names(&served);
    let mut raw = Raw::connect(served.port);
    let sql = sql.replace("FOLDER", served.folder.path().to_str().expect("a path in UTF-8"));
    let answer = raw.query(&sql);
    assert!(answer[0].starts_with("E 0A000 "), "{sql}: {answer:?}");
    assert_eq!(names(&served), before, "{sql} made a file");
    assert_eq!(raw.query("SELECT a FROM t")[1], "D 1");
}

fn names(served: &Served) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> = std::fs::read_dir(served.folder.path())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    names
}

#[test]
fn attach_reaches_no_file() {
    refused("ATTACH 'FOLDER/prod.db' AS p");
    refused("ATTACH DATABASE 'FOLDER/new.db' AS p");
    refused("ATTACH 'file:FOLDER/prod.db?mode=rwc' AS p");
    refused("ATTACH 'FOLDER' || '/prod.db' AS p");
}

#[test]
fn attach_by_a_parameter_reaches_no_file_either() {
    use mori_tests::raw::{bind, execute, parse, sync};
    let served = Served::with(T);
    let mut raw = Raw::connect(served.port);
    let path = served.prod.display().to_string();
    let answer = raw.say(&[parse("", "ATTACH $1 AS p", &[]), bind("", &[Some(&path)]), execute("", 0), sync()]);
    assert!(answer[0].starts_with("E 0A000 "), "{answer:?}");
}

#[test]
fn vacuum_into_writes_no_file() {
    refused("VACUUM INTO 'FOLDER/copy.db'");
    refused("VACUUM main INTO 'FOLDER/copy.db'");
}

#[test]
fn exclusive_locking_is_refused() {
    refused("PRAGMA locking_mode = EXCLUSIVE");
    refused("PRAGMA main.locking_mode(exclusive)");
}

#[test]
fn folders_outside_the_lane_are_refused() {
    refused("PRAGMA temp_store_directory = 'FOLDER'");
}

#[test]
fn extensions_are_not_loaded() {
    let served = Served::with(T);
    let answer = Raw::connect(served.port).query("SELECT load_extension('/tmp/x.so')");
    assert!(answer.iter().any(|line| line.starts_with("E ")), "{answer:?}");
}

#[test]
fn files_are_not_read_or_written_by_functions() {
    let served = Served::with(T);
    let mut raw = Raw::connect(served.port);
    for sql in [
        "SELECT readfile('/etc/hostname')",
        "SELECT writefile('/tmp/x', 'y')",
        "SELECT edit('x')",
    ] {
        assert!(raw.query(sql)[0].starts_with("E 42883 no such function"), "{sql}");
    }
}

#[test]
fn copy_and_cursors_are_no_statements_of_sqlite() {
    let served = Served::with(T);
    let mut raw = Raw::connect(served.port);
    for sql in [
        "COPY t FROM STDIN",
        "COPY t TO STDOUT",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "DECLARE c CURSOR FOR SELECT 1",
        "FETCH 1 FROM c",
    ] {
        let answer = raw.query(sql);
        assert!(answer[0].starts_with("E 0A000 "), "{answer:?}");
        assert_eq!(answer.len(), 2);
    }
    assert_eq!(raw.query("SELECT a FROM t")[1], "D 1");
}

#[test]
fn notifications_are_refused_and_nothing_to_unlisten_is_fine() {
    let served = Served::with(T);
    let mut raw = Raw::connect(served.port);
    assert!(raw.query("LISTEN news")[0].starts_with("E 0A000"));
    assert!(raw.query("NOTIFY news, 'x'")[0].starts_with("E 0A000"));
    assert_eq!(raw.query("UNLISTEN *"), ["C UNLISTEN", "Z I"]);
}
