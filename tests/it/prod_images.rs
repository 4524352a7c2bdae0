//! Images of prod: taken while others write, through links, by several clients at once; and what holds when one is gone.

use mori_broker::config::{Connection, Prod};
use mori_broker::offline;
use mori_control::Request;
use mori_model::Engine;
use mori_tests::raw::{Raw, startup};
use mori_tests::{Control, RunningBroker, Served};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

fn names(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
}

/// A folder with prod alone, made by `setup`. The connection stays open.
fn prod(setup: &str) -> (tempfile::TempDir, PathBuf, rusqlite::Connection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prod.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(setup).unwrap();
    (folder, path, connection)
}

fn served(prod: &Path) -> Served {
    Served::start(tempfile::tempdir().unwrap(), prod.to_owned())
}

/// Every transaction moves between two tables, whose sum stays. Pages are few in memory, so that they are written before the commit too.
#[test]
fn images_taken_while_prod_is_written_are_of_one_moment() {
    for (mode, pause) in [
        // Long enough for a copy between two transactions, also where other tests keep the machine busy.
        ("WAL", Duration::from_millis(20)),
        ("DELETE", Duration::from_millis(100)),
        ("PERSIST", Duration::from_millis(100)),
    ] {
        let (folder, path, writer) = prod(&format!(
            "PRAGMA journal_mode = {mode}; PRAGMA cache_size = 5; PRAGMA synchronous = OFF;
             CREATE TABLE a(v, pad); CREATE TABLE b(v, pad);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
             INSERT INTO a SELECT 100, zeroblob(2000) FROM n;
             INSERT INTO b SELECT * FROM a;"
        ));
        writer.busy_timeout(Duration::ZERO).unwrap();
        let mut served = served(&path);
        let stop = Arc::new(AtomicBool::new(false));
        let writing = {
            let stop = stop.clone();
            std::thread::spawn(move || {
                let mut transactions = 0u32;
                while !stop.load(Ordering::Acquire) {
                    let moved = writer.execute_batch(
                        "BEGIN; UPDATE a SET v = v - 1, pad = randomblob(2000); UPDATE b SET v = v + 1, pad = randomblob(2000); COMMIT;",
                    );
                    moved.expect("a writer never waits for an image");
                    transactions += 1;
                    std::thread::park_timeout(pause);
                }
                (writer, transactions)
            })
        };
        let mut control = served.control();
        let mut seen = std::collections::BTreeSet::new();
        // Four rounds, and on a busy machine as many more as the writer needs to come to its turn.
        for round in 0..40 {
            if round >= 4 && seen.len() > 1 {
                break;
            }
            control.ask(&Request::ResetProxy { hard: true });
            let mut raw = Raw::connect(served.port);
            assert_eq!(raw.query("PRAGMA integrity_check")[1], "D ok", "{mode}");
            assert_eq!(
                raw.query("SELECT (SELECT sum(v) FROM a) + (SELECT sum(v) FROM b)")[1],
                "D 10000",
                "{mode}"
            );
            seen.insert(raw.query("SELECT sum(v) FROM a")[1].clone());
        }
        stop.store(true, Ordering::Release);
        let (writer, transactions) = writing.join().unwrap();
        assert!(transactions > 0 && seen.len() > 1, "{mode}: prod was not written meanwhile");
        drop(writer);
        served.prod_has_changed();
        let own: Vec<_> = names(folder.path())
            .into_iter()
            .filter(|name| !name.to_string_lossy().ends_with("-journal"))
            .collect();
        assert_eq!(own, [path], "{mode}");
    }
}

#[test]
fn a_prod_that_its_owner_holds_for_himself_is_read() {
    for setup in [
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; CREATE TABLE t(v); INSERT INTO t VALUES ('a');",
        "PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE t(v); INSERT INTO t VALUES ('a');",
        "CREATE TABLE t(v); INSERT INTO t VALUES ('a'); BEGIN EXCLUSIVE; INSERT INTO t VALUES ('not committed');",
    ] {
        let (folder, path, owner) = prod(setup);
        let before = names(folder.path());
        let served = served(&path);
        assert_eq!(
            Raw::connect(served.port).query("SELECT group_concat(v) FROM t")[1],
            "D a",
            "{setup}"
        );
        assert_eq!(names(folder.path()), before, "{setup}");
        drop(served);
        drop(owner);
    }
}

#[test]
fn the_log_of_a_linked_prod_is_found() {
    let (_folder, path, writer) = prod("PRAGMA journal_mode = WAL; CREATE TABLE t(v); INSERT INTO t VALUES ('only in the log');");
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link.db");
    symlink(&path, &link).unwrap();
    let served = served(&link);
    assert_eq!(Raw::connect(served.port).query("SELECT v FROM t")[1], "D only in the log");
    writer.execute_batch("DELETE FROM t; INSERT INTO t VALUES ('later')").unwrap();
    served.control().ask(&Request::ResetProxy { hard: false });
    assert_eq!(
        Raw::connect(served.port).query("SELECT v FROM t")[1],
        "D later",
        "a change of the log alone"
    );
}

#[test]
fn images_are_for_their_owner_only() {
    let served = Served::with("CREATE TABLE t(v)");
    let mode = |path: &str| {
        served
            .folder
            .path()
            .join(".mori/db")
            .join(path)
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("shadow/prod.db"), 0o600);
    assert_eq!([mode(""), mode("shadow"), mode("state"), mode("log")], [0o700; 4]);
}

/// The image is taken anew by the first; nothing of what the others have committed may go with the old one.
#[test]
fn clients_that_come_together_after_prod_has_changed_keep_what_they_commit() {
    const CLIENTS: usize = 8;
    let (_folder, path, writer) = prod("CREATE TABLE t(v); CREATE TABLE pad(x); INSERT INTO pad VALUES (zeroblob(2000000));");
    let mut served = served(&path);
    for round in 1..=5 {
        writer.execute_batch("INSERT INTO t VALUES ('prod')").unwrap();
        served.prod_has_changed();
        let together = Arc::new(Barrier::new(CLIENTS));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (together, port) = (together.clone(), served.port);
                std::thread::spawn(move || {
                    together.wait();
                    let mut raw = Raw::connect(port);
                    assert_eq!(raw.query("INSERT INTO t VALUES ('lane')")[0], "C INSERT 0 1");
                })
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
        let rows = Raw::connect(served.port).query("SELECT v, count(*) FROM t GROUP BY v ORDER BY v");
        assert_eq!(rows[1..3], [format!("D lane|{CLIENTS}"), format!("D prod|{round}")]);
        served.control().ask(&Request::ResetProxy { hard: false });
    }
}

#[test]
fn changes_whose_image_is_gone_are_not_laid_over_another() {
    for lost in ["prod.json", "prod.db"] {
        let (folder, path, _writer) = prod("CREATE TABLE t(v); INSERT INTO t VALUES ('a');");
        let connection = Connection {
            name: "db".to_owned(),
            engine: Engine::Sqlite,
            prod: Prod::SqliteFile(path.clone()),
            foreign_keys: true,
            max_copy: u64::MAX,
            tls: None,
            certificate: None,
            login: None,
            image: None,
        };
        let served = Served::start(tempfile::tempdir().unwrap(), path.clone());
        assert_eq!(Raw::connect(served.port).query("INSERT INTO t VALUES ('lane')")[0], "C INSERT 0 1");
        // As a process that was killed leaves it.
        let shadow = folder.path().join(".mori/db/shadow");
        std::fs::create_dir_all(&shadow).unwrap();
        for name in names(&served.folder.path().join(".mori/db/shadow"))
            .into_iter()
            .filter(|name| name.is_file())
        {
            std::fs::copy(&name, shadow.join(name.file_name().unwrap())).unwrap();
        }
        assert!(offline::status(folder.path(), &connection).unwrap().tables.contains_key("t"));
        std::fs::remove_file(shadow.join(lost)).unwrap();
        let refused = [
            offline::status(folder.path(), &connection).unwrap_err(),
            offline::reset(folder.path(), &connection, false).unwrap_err(),
        ];
        for error in refused {
            assert!(error.remedy().is_some_and(|remedy| remedy.contains("--hard")), "{lost}: {error}");
        }
        offline::reset(folder.path(), &connection, true).unwrap();
        assert!(offline::status(folder.path(), &connection).unwrap().tables.is_empty());
    }
}

#[test]
fn a_test_run_sees_one_prod() {
    let (folder, _path, writer) = prod("CREATE TABLE t(v); INSERT INTO t VALUES ('a');");
    let broker = RunningBroker::start(folder.path());
    let mut control = Control::connect(&broker.socket);
    for _ in 0..3 {
        let grant = control.acquire(folder.path());
        let (user, rest) = grant.url.strip_prefix("postgres://").and_then(|url| url.split_once('@')).unwrap();
        let port = rest.split([':', '/']).nth(1).unwrap().parse().unwrap();
        let mut raw = Raw::open(port);
        raw.send(&startup(3 << 16, &[("user", user), ("database", &grant.connection)]));
        raw.until_ready();
        assert_eq!(raw.query("SELECT group_concat(v) FROM t")[1], "D a");
        control.finish(&grant);
        writer.execute_batch("INSERT INTO t VALUES ('b')").unwrap();
    }
    control.ask(&Request::Shutdown);
    broker.join();
}
