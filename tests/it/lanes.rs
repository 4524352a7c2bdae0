//! What a test leaves, and what the next one meets.

use mori_control::{Request, Response};
use mori_tests::{Control, Random, RunningBroker, checksum};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

const SETUP: &str = "
    CREATE TABLE items (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, price INTEGER NOT NULL);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO items (name, price) SELECT 'item ' || i, i FROM n;
    CREATE TABLE notes (body TEXT);";

const SUMS: &str = "SELECT count(*), coalesce(sum(id), 0), coalesce(sum(price), 0), coalesce(max(id), 0) FROM items";

fn prod(journal_mode: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = rusqlite::Connection::open(folder.path().join("prod.db")).expect("a database");
    connection
        .execute_batch(&format!("PRAGMA journal_mode = {journal_mode}; {SETUP}"))
        .expect("valid SQL");
    connection.close().expect("prod closes");
    folder
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

fn connect(runtime: &Runtime, url: &str) -> Client {
    connect_and_watch(runtime, url).0
}

/// The client, and a task that ends when its connection has been closed.
fn connect_and_watch(runtime: &Runtime, url: &str) -> (Client, JoinHandle<()>) {
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the lane accepts");
        let closed = tokio::spawn(async {
            // An error is an end as well.
            let _ = connection.await;
        });
        (client, closed)
    })
}

fn sums(runtime: &Runtime, client: &Client) -> [i64; 4] {
    let row = runtime.block_on(client.query_one(SUMS, &[])).expect("a row");
    [row.get(0), row.get(1), row.get(2), row.get(3)]
}

/// Clients come, write and vanish at any moment around the end of their test; the next test meets prod, all of it and nothing else.
fn nothing_passes_from_test_to_test(journal_mode: &str) {
    let seed = 20_261_120;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let folder = prod(journal_mode);
    let before = checksum(&folder.path().join("prod.db"));
    let broker = RunningBroker::start(folder.path());
    let mut control = Control::connect(&broker.socket);
    let runtime = runtime();
    for round in 0..100 {
        let grant = control.acquire(folder.path());
        let (client, closed) = connect_and_watch(&runtime, &grant.url);
        assert_eq!(sums(&runtime, &client), [20_000, 200_010_000, 200_010_000, 20_000], "round {round}");
        let change = *random.pick(&[
            "UPDATE items SET price = price + 1, name = name || ' changed'",
            "DELETE FROM items WHERE id > 500",
            "INSERT INTO items (name, price) VALUES ('new', 1)",
            "BEGIN; UPDATE items SET price = 0",
            "CREATE TABLE extra (id INTEGER PRIMARY KEY); INSERT INTO extra VALUES (1); DROP TABLE notes",
            "BEGIN; DELETE FROM items; COMMIT; VACUUM",
            "SELECT 1",
        ]);
        runtime.block_on(client.batch_execute(change)).expect("a valid change");
        match random.below(3) {
            0 => {
                // Its connection is being closed on the other side while the test ends.
                drop(client);
                runtime.block_on(closed).expect("the connection ends");
            }
            1 => {
                // Still writing when the test ends.
                let late = "UPDATE items SET price = price + 1";
                runtime.spawn(async move {
                    for _ in 0..20 {
                        if client.batch_execute(late).await.is_err() {
                            break;
                        }
                    }
                });
            }
            _ => drop(client),
        }
        control.finish(&grant);
    }
    control.ask(&Request::Shutdown);
    broker.join();
    assert_eq!(checksum(&folder.path().join("prod.db")), before);
}

#[test]
fn nothing_passes_from_test_to_test_in_log_mode() {
    nothing_passes_from_test_to_test("WAL");
}

#[test]
fn nothing_passes_from_test_to_test_in_journal_mode() {
    nothing_passes_from_test_to_test("DELETE");
}

#[test]
fn generated_ids_are_the_same_in_every_test() {
    let folder = prod("WAL");
    let broker = RunningBroker::start(folder.path());
    let mut control = Control::connect(&broker.socket);
    let runtime = runtime();
    for _ in 0..3 {
        let grant = control.acquire(folder.path());
        let client = connect(&runtime, &grant.url);
        let insert = "INSERT INTO items (name, price) VALUES ('new', 1) RETURNING id";
        let id: i64 = runtime.block_on(client.query_one(insert, &[])).expect("a row").get(0);
        assert_eq!(id, 20_001);
        runtime
            .block_on(client.execute("DELETE FROM items WHERE id = $1", &[&id]))
            .expect("a delete");
        let id: i64 = runtime.block_on(client.query_one(insert, &[])).expect("a row").get(0);
        assert_eq!(id, 20_002, "AUTOINCREMENT does not hand out an id twice");
        control.finish(&grant);
    }
    control.ask(&Request::Shutdown);
    broker.join();
}

#[track_caller]
fn is_told_whose_it_was(error: &tokio_postgres::Error) {
    let error = error.as_db_error().expect("an error of the lane");
    assert_eq!(error.code().code(), "57P01");
    assert!(error.message().contains("it::a_test"), "{error}");
}

#[test]
fn a_late_statement_is_refused_by_the_name_of_its_test() {
    let folder = prod("WAL");
    let broker = RunningBroker::start(folder.path());
    let mut control = Control::connect(&broker.socket);
    let runtime = runtime();
    let grant = control.acquire(folder.path());
    let client = connect(&runtime, &grant.url);
    runtime.block_on(client.batch_execute("SELECT 1")).expect("the lane answers");
    control.finish(&grant);
    let error = runtime
        .block_on(client.batch_execute("DELETE FROM items"))
        .expect_err("the test is over");
    is_told_whose_it_was(&error);
    assert_eq!(control.late_writes(), ["it::a_test: DELETE after the test had ended"]);
    control.ask(&Request::Shutdown);
    broker.join();
}

#[test]
fn a_write_that_the_end_of_its_test_stops_is_late_as_well() {
    let folder = prod("WAL");
    let broker = RunningBroker::start(folder.path());
    let mut control = Control::connect(&broker.socket);
    let runtime = runtime();
    let grant = control.acquire(folder.path());
    let client = connect(&runtime, &grant.url);
    let other = connect(&runtime, &grant.url);
    runtime.block_on(other.batch_execute("PRAGMA busy_timeout = 0")).expect("a setting");
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) DELETE FROM items WHERE id IN (SELECT i + 1 FROM n WHERE i < 0)";
    let stopped = runtime.spawn(async move { client.batch_execute(endless).await });
    // It runs once it keeps the others from writing.
    while runtime.block_on(other.batch_execute("BEGIN IMMEDIATE")).is_ok() {
        runtime.block_on(other.batch_execute("ROLLBACK")).expect("a transaction to end");
    }
    control.finish(&grant);
    let error = runtime.block_on(stopped).expect("the task ends").expect_err("the test is over");
    is_told_whose_it_was(&error);
    assert_eq!(control.late_writes(), ["it::a_test: DELETE after the test had ended"]);
    control.ask(&Request::Shutdown);
    broker.join();
}

#[test]
fn a_snapshot_can_be_gone_back_to_more_than_once() {
    let folder = prod("WAL");
    let broker = RunningBroker::start(folder.path());
    let mut control = Control::connect(&broker.socket);
    let runtime = runtime();
    let grant = control.acquire(folder.path());
    let client = connect(&runtime, &grant.url);
    let run = |sql: &str| runtime.block_on(client.batch_execute(sql)).expect("valid SQL");
    run("DELETE FROM items WHERE id <= 10");
    let Response::Snapshot { snapshot } = control.ask(&Request::Snapshot { lane: grant.lane }) else {
        panic!("a snapshot")
    };
    let at_snapshot = sums(&runtime, &client);
    for change in [
        "DELETE FROM items",
        "DROP TABLE items; CREATE TABLE items (other TEXT)",
        "VACUUM",
        "UPDATE items SET name = name || '!'",
    ] {
        run(change);
        control.ask(&Request::Restore {
            lane: grant.lane,
            snapshot,
        });
        assert_eq!(sums(&runtime, &client), at_snapshot, "{change}");
        let Response::Delta(delta) = control.ask(&Request::Delta { lane: grant.lane }) else {
            panic!("a delta")
        };
        assert_eq!((delta.delta_rows(), delta.tombstones()), (0, 10), "{change}");
    }
    run("BEGIN; DELETE FROM notes");
    let refused = control.try_ask(&Request::Restore {
        lane: grant.lane,
        snapshot,
    });
    assert!(
        matches!(&refused, Response::Error(error) if error.message.contains("transaction is open")),
        "{refused:?}"
    );
    control.finish(&grant);
    control.ask(&Request::Shutdown);
    broker.join();
}
