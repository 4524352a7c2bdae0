//! Prod as it is met: with a log, with a journal of a writer that died, in use, read-only, changing. What is committed is seen,
//! and nothing of it or beside it is written.

use mori_control::Request;
use mori_tests::raw::Raw;
use mori_tests::{Served, checksum};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::SystemTime;

/// Names the database that a child process shall open.
const WRITER: &str = "MORI_IT_WRITER";
const ANSWER: &str = "writer: ";

/// Another process that has prod open, as an application would. It is this executable, run for the test `writer`.
struct Writer {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

#[test]
fn writer() {
    let Ok(path) = std::env::var(WRITER) else { return };
    let connection = rusqlite::Connection::open(path).expect("prod opens");
    for line in std::io::stdin().lines() {
        connection.execute_batch(&line.expect("a line")).expect("valid SQL");
        println!("\n{ANSWER}done");
    }
}

impl Writer {
    fn open(prod: &Path) -> Writer {
        let test = format!("{}::writer", module_path!().split_once("::").expect("a module of the binary").1);
        let mut child = Command::new(std::env::current_exe().expect("we run"))
            .args(["--exact", &test, "--nocapture"])
            .env(WRITER, prod)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the executable runs");
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().expect("it is piped")));
        Writer { child, input, output }
    }

    fn run(&mut self, sql: &str) {
        writeln!(self.input.as_mut().expect("it is piped"), "{sql}").expect("the writer reads");
        let answered = self
            .output
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .any(|line| line.starts_with(ANSWER));
        assert!(answered, "the writer could not run {sql}");
    }

    /// Ends it as a crash does.
    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    fn close(mut self) {
        drop(self.input.take());
        self.child.wait().expect("it ends");
    }
}

/// A folder for prod alone, so that all that happens in it can be seen, and one for the project.
struct Home {
    prod: PathBuf,
    _folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Home {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Home {
            prod: folder.path().join("prod.db"),
            _folder: folder,
        }
    }

    fn serve(&self) -> Served {
        Served::start(tempfile::tempdir().expect("a temporary folder"), self.prod.clone())
    }

    /// Every file beside prod: its content, and when it was last written.
    fn look(&self) -> BTreeMap<PathBuf, (String, SystemTime)> {
        let folder = self.prod.parent().expect("a folder");
        let stamp = |path: PathBuf| {
            let modified = path.metadata().and_then(|metadata| metadata.modified()).expect("a file");
            (path.clone(), (checksum(&path), modified))
        };
        std::fs::read_dir(folder)
            .expect("the folder")
            .map(|entry| stamp(entry.expect("an entry").path()))
            .collect()
    }

    /// Serves prod, reads and writes the lane, and checks that prod's folder is what it was. Gives the rows of `t`.
    #[track_caller]
    fn read(&self) -> String {
        let before = self.look();
        let served = self.serve();
        let mut raw = Raw::connect(served.port);
        let rows = raw.query("SELECT group_concat(v, ' ') FROM (SELECT v FROM t ORDER BY rowid)")[1].clone();
        assert_eq!(raw.query("INSERT INTO t VALUES ('of the lane')")[0], "C INSERT 0 1");
        assert_eq!(raw.query("PRAGMA integrity_check")[1], "D ok");
        drop(served);
        assert_eq!(self.look(), before, "prod's folder has changed");
        rows
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.prod.display()))
    }
}

const LOG: &str = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t(v); INSERT INTO t VALUES ('a');";

#[test]
fn a_log_that_a_killed_writer_left_is_read() {
    let home = Home::new();
    let mut writer = Writer::open(&home.prod);
    writer.run(LOG);
    writer.run("BEGIN; INSERT INTO t VALUES ('b'); COMMIT; BEGIN; INSERT INTO t VALUES ('not committed');");
    writer.kill();
    assert!(home.beside("-wal").metadata().unwrap().len() > 0);
    assert!(home.beside("-shm").exists());
    assert_eq!(home.read(), "D a b");
}

#[test]
fn a_log_without_its_index_is_read() {
    let home = Home::new();
    let mut writer = Writer::open(&home.prod);
    writer.run(LOG);
    writer.kill();
    std::fs::remove_file(home.beside("-shm")).unwrap();
    assert_eq!(home.read(), "D a");
}

#[test]
fn a_log_whose_last_transaction_is_torn_is_read_to_the_one_before() {
    let home = Home::new();
    let mut writer = Writer::open(&home.prod);
    writer.run(LOG);
    writer.run("INSERT INTO t VALUES ('torn');");
    writer.kill();
    std::fs::remove_file(home.beside("-shm")).unwrap();
    let log = std::fs::OpenOptions::new().write(true).open(home.beside("-wal")).unwrap();
    log.set_len(log.metadata().unwrap().len() - 100).unwrap();
    assert_eq!(home.read(), "D a");
}

#[test]
fn a_log_in_use_is_read() {
    let home = Home::new();
    let mut writer = Writer::open(&home.prod);
    writer.run(LOG);
    writer.run("INSERT INTO t VALUES ('b'); BEGIN; INSERT INTO t VALUES ('not committed');");
    assert_eq!(home.read(), "D a b");
    writer.run("COMMIT");
    assert_eq!(home.read(), "D a b not committed");
    writer.close();
    assert_eq!(home.read(), "D a b not committed");
}

#[test]
fn a_prod_in_use_with_a_journal_is_read() {
    let home = Home::new();
    let mut writer = Writer::open(&home.prod);
    writer.run("CREATE TABLE t(v); INSERT INTO t VALUES ('a'); BEGIN IMMEDIATE; INSERT INTO t VALUES ('not committed');");
    assert!(home.beside("-journal").exists());
    assert_eq!(home.read(), "D a");
    writer.run("COMMIT");
    assert_eq!(home.read(), "D a not committed");
    writer.close();
}

/// The writer died after it had begun to change the file: only the journal knows what it was.
#[test]
fn a_hot_journal_is_rolled_back_in_the_image_only() {
    let home = Home::new();
    let mut writer = Writer::open(&home.prod);
    writer.run("CREATE TABLE t(v); INSERT INTO t VALUES ('a'), ('b'); CREATE TABLE pad(x); INSERT INTO pad VALUES (zeroblob(200000));");
    let committed = checksum(&home.prod);
    writer.run("PRAGMA cache_size = 1; BEGIN; UPDATE t SET v = 'not committed'; UPDATE pad SET x = randomblob(200000);");
    writer.kill();
    assert_ne!(checksum(&home.prod), committed, "the writer had written into the file");
    assert_eq!(home.read(), "D a b");
}

#[test]
fn a_journal_that_is_not_hot_is_left_alone() {
    let home = Home::new();
    let mut writer = Writer::open(&home.prod);
    writer.run("PRAGMA journal_mode = PERSIST; CREATE TABLE t(v); INSERT INTO t VALUES ('a');");
    writer.close();
    assert!(home.beside("-journal").exists());
    assert_eq!(home.read(), "D a");
}

#[test]
fn a_read_only_file_in_a_read_only_folder() {
    use std::os::unix::fs::PermissionsExt;
    for mode in ["DELETE", "WAL"] {
        let home = Home::new();
        let mut writer = Writer::open(&home.prod);
        writer.run(&format!(
            "PRAGMA journal_mode = {mode}; CREATE TABLE t(v); INSERT INTO t VALUES ('a');"
        ));
        writer.close();
        let folder = home.prod.parent().unwrap().to_owned();
        let allow = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        allow(&home.prod, 0o444);
        allow(&folder, 0o555);
        let rows = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| home.read()));
        // Or the folder could not be removed.
        allow(&folder, 0o755);
        assert_eq!(rows.expect("it is read"), "D a", "{mode}");
    }
}

#[test]
fn an_empty_file_is_an_empty_database() {
    let home = Home::new();
    std::fs::write(&home.prod, b"").unwrap();
    let served = home.serve();
    let mut raw = Raw::connect(served.port);
    assert_eq!(raw.query("CREATE TABLE t(a); INSERT INTO t VALUES (1); SELECT * FROM t")[3], "D 1");
}

#[test]
fn unusual_page_sizes_encodings_and_vacuum_modes() {
    for setup in [
        "PRAGMA page_size = 512",
        "PRAGMA page_size = 65536",
        "PRAGMA encoding = 'UTF-16le'",
        "PRAGMA encoding = 'UTF-16be'",
        "PRAGMA auto_vacuum = FULL",
        "PRAGMA auto_vacuum = INCREMENTAL",
        "PRAGMA secure_delete = ON",
    ] {
        let twins = super::twin::Twins::with(&format!(
            "{setup}; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t(v) VALUES ('żółw'), ('b');"
        ));
        let mut twin = twins.connect();
        twin.run_all(&[
            "SELECT * FROM t",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t(v) SELECT hex(zeroblob(i)) FROM n",
            "DELETE FROM t WHERE id % 3 = 0",
            "PRAGMA incremental_vacuum",
            "UPDATE t SET v = 'ż' || v",
            "SELECT count(*), sum(length(v)), min(id), max(id) FROM t",
            "PRAGMA page_size",
            "PRAGMA encoding",
            "PRAGMA page_count",
            "PRAGMA freelist_count",
            "PRAGMA integrity_check",
        ]);
    }
}

#[test]
fn a_clean_lane_follows_prod_with_the_next_connection() {
    let home = Home::new();
    let mut writer = Writer::open(&home.prod);
    writer.run("CREATE TABLE t(v); INSERT INTO t VALUES ('a');");
    let mut served = home.serve();
    let look = |served: &Served| Raw::connect(served.port).query("SELECT group_concat(v) FROM t")[1].clone();
    assert_eq!(look(&served), "D a");
    writer.run("INSERT INTO t VALUES ('b'); CREATE TABLE new(x);");
    // Prod is looked at again when a client comes and no other is there: the one before may not have left yet.
    assert!((0..2000).any(|_| look(&served) == "D a,b"), "{}", look(&served));
    assert_eq!(Raw::connect(served.port).query("SELECT count(*) FROM new")[1], "D 0");
    served.prod_has_changed();
    writer.close();
}

#[test]
fn a_clean_lane_follows_a_log_too() {
    let home = Home::new();
    let mut writer = Writer::open(&home.prod);
    writer.run(LOG);
    let served = home.serve();
    let look = |served: &Served| Raw::connect(served.port).query("SELECT group_concat(v) FROM t")[1].clone();
    assert_eq!(look(&served), "D a");
    writer.run("INSERT INTO t VALUES ('b');");
    // Prod is looked at again when a client comes and no other is there: the one before may not have left yet.
    assert!((0..2000).any(|_| look(&served) == "D a,b"), "{}", look(&served));
    writer.kill();
}

#[test]
fn a_lane_with_changes_stands_on_the_prod_it_was_changed_against_until_it_is_reset() {
    let home = Home::new();
    let mut writer = Writer::open(&home.prod);
    writer.run("CREATE TABLE t(v); INSERT INTO t VALUES ('a');");
    let mut served = home.serve();
    let mut client = Raw::connect(served.port);
    let mut look = || client.query("SELECT group_concat(v) FROM t")[1].clone();
    Raw::connect(served.port).query("INSERT INTO t VALUES ('lane')");
    writer.run("DELETE FROM t; INSERT INTO t VALUES ('b');");
    served.prod_has_changed();
    assert_eq!(look(), "D a,lane");
    assert_eq!(Raw::connect(served.port).query("SELECT group_concat(v) FROM t")[1], "D a,lane");
    served.control().ask(&Request::ResetProxy { hard: false });
    assert_eq!(look(), "D b", "a connection that was open before the reset");
    assert_eq!(Raw::connect(served.port).query("SELECT group_concat(v) FROM t")[1], "D b");
    writer.close();
}

#[test]
fn a_transaction_that_is_open_at_a_reset_is_gone() {
    let served = Served::with("CREATE TABLE t(v); INSERT INTO t VALUES ('a');");
    let mut client = Raw::connect(served.port);
    client.query("BEGIN; DELETE FROM t");
    served.control().ask(&Request::ResetProxy { hard: false });
    assert_eq!(client.query("SELECT v FROM t"), ["T v:25", "D a", "C SELECT 1", "Z I"]);
    assert_eq!(client.query("COMMIT")[0], "E 25P01 cannot commit - no transaction is active");
}
