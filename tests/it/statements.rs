//! What statements leave when they fail half-way, when the schema changes under them, and when sessions differ in their settings.

use mori_control::{Request, Response};
use mori_tests::{Control, RunningBroker, Served};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

fn connect(runtime: &Runtime, url: &str) -> Client {
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the lane accepts");
        tokio::spawn(connection);
        client
    })
}

fn count(runtime: &Runtime, client: &Client, table: &str) -> i64 {
    runtime
        .block_on(client.query_one(&format!("SELECT count(*) FROM {table}"), &[]))
        .expect("a row")
        .get(0)
}

/// A lane of a test run over a prod made by `setup`.
fn leased(setup: &str) -> (TempDir, RunningBroker, Control) {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = rusqlite::Connection::open(folder.path().join("prod.db")).expect("a database");
    connection.execute_batch(setup).expect("valid SQL");
    connection.close().expect("prod closes");
    let broker = RunningBroker::start(folder.path());
    let control = Control::connect(&broker.socket);
    (folder, broker, control)
}

#[test]
fn a_write_whose_row_cannot_be_sent_is_taken_back() {
    let served = Served::with("CREATE TABLE n (i INTEGER); INSERT INTO n VALUES (1);");
    let (runtime, url) = (runtime(), served.url.clone());
    let client = connect(&runtime, &url);
    // The text is stored, for SQLite holds no column to its type; as an int8 in binary format it cannot be sent.
    let error = runtime
        .block_on(client.query("INSERT INTO n VALUES ('abc') RETURNING i", &[]))
        .expect_err("it cannot be sent");
    assert_eq!(error.code().expect("a code").code(), "22P02");
    assert_eq!(count(&runtime, &client, "n"), 1);
    runtime
        .block_on(client.batch_execute("BEGIN; INSERT INTO n VALUES (2)"))
        .expect("a transaction");
    runtime
        .block_on(client.query("INSERT INTO n VALUES ('abc') RETURNING i", &[]))
        .expect_err("it cannot be sent");
    runtime
        .block_on(client.batch_execute("COMMIT"))
        .expect("the transaction is open still");
    assert_eq!(count(&runtime, &client, "n"), 2);
}

#[test]
fn a_returning_write_that_a_deferred_key_refuses_leaves_no_transaction_open() {
    let served = Served::with(
        "CREATE TABLE p (id INTEGER PRIMARY KEY);
         CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED);",
    );
    let runtime = runtime();
    let client = connect(&runtime, &served.url);
    let error = runtime
        .block_on(client.query("INSERT INTO c (p) VALUES (7) RETURNING id", &[]))
        .expect_err("no such parent");
    assert_eq!(error.code().expect("a code").code(), "23503");
    assert_eq!(count(&runtime, &client, "c"), 0);
    runtime
        .block_on(client.batch_execute("BEGIN; ROLLBACK"))
        .expect("no transaction was left open");
}

#[test]
fn a_prepared_statement_whose_columns_changed_is_refused() {
    let served = Served::with("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT); INSERT INTO t VALUES (1, 'a', 'b');");
    let runtime = runtime();
    let (client, other) = (connect(&runtime, &served.url), connect(&runtime, &served.url));
    let statement = runtime.block_on(client.prepare("SELECT * FROM t")).expect("a statement");
    let by_name = runtime.block_on(client.prepare("SELECT id FROM t")).expect("a statement");
    runtime
        .block_on(other.batch_execute("ALTER TABLE t DROP COLUMN a; ALTER TABLE t ADD COLUMN c INTEGER"))
        .expect("DDL");
    let error = runtime
        .block_on(client.query(&statement, &[]))
        .expect_err("three columns, but others");
    assert_eq!(
        error.as_db_error().expect("of the lane").message(),
        "cached plan must not change result type"
    );
    assert_eq!(
        runtime
            .block_on(client.query(&by_name, &[]))
            .expect("its column is there still")
            .len(),
        1
    );
}

#[test]
fn a_plan_is_not_shared_with_other_foreign_key_settings() {
    let (folder, broker, mut control) = leased(
        "CREATE TABLE p (id INTEGER PRIMARY KEY);
         CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id) ON DELETE CASCADE);
         INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (10, 1), (20, 2);",
    );
    let runtime = runtime();
    let grant = control.acquire(folder.path());
    let (off, on) = (connect(&runtime, &grant.url), connect(&runtime, &grant.url));
    runtime.block_on(off.batch_execute("PRAGMA foreign_keys = OFF")).expect("a setting");
    let delete = "DELETE FROM p WHERE id = $1";
    runtime
        .block_on(off.execute(delete, &[&1i64]))
        .expect("a delete without its cascade");
    runtime.block_on(on.execute(delete, &[&2i64])).expect("a delete with its cascade");
    let Response::Delta(delta) = control.ask(&Request::Delta { lane: grant.lane }) else {
        panic!("a delta")
    };
    let tombstones: Vec<(&str, usize)> = delta
        .tables
        .iter()
        .map(|(name, table)| (name.as_str(), table.tombstone_keys().count()))
        .collect();
    assert_eq!(tombstones, [("c", 1), ("p", 2)]);
    control.finish(&grant);
    control.ask(&Request::Shutdown);
    broker.join();
}

#[test]
fn a_lane_serves_the_current_lease_and_nobody_else() {
    let (folder, broker, mut control) = leased("CREATE TABLE t (id INTEGER PRIMARY KEY);");
    let runtime = runtime();
    let grant = control.acquire(folder.path());
    let lease = format!("lease-{}", grant.lane.0);
    for user in ["somebody", "lease-424242", "lease-x"] {
        let url = grant.url.replace(&lease, user);
        let refused = runtime.block_on(tokio_postgres::connect(&url, NoTls));
        let code = refused.err().and_then(|error| error.code().map(|code| code.code().to_owned()));
        assert_eq!(code.as_deref(), Some("57P01"), "{user}");
    }
    let client = connect(&runtime, &grant.url);
    runtime
        .block_on(client.batch_execute("INSERT INTO t VALUES (1)"))
        .expect("the lease's own connection");
    control.finish(&grant);
    runtime
        .block_on(client.batch_execute("INSERT INTO t VALUES (2)"))
        .expect_err("between two leases");
    let next = control.acquire(folder.path());
    let client = connect(&runtime, &next.url);
    assert_eq!(count(&runtime, &client, "t"), 0);
    control.finish(&next);
    control.ask(&Request::Shutdown);
    broker.join();
}

#[test]
fn a_kept_state_holds_what_was_in_the_log() {
    let (folder, broker, mut control) = leased("PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY);");
    let runtime = runtime();
    let grant = control.acquire(folder.path());
    let (writer, reader) = (connect(&runtime, &grant.url), connect(&runtime, &grant.url));
    runtime
        .block_on(writer.batch_execute("INSERT INTO t VALUES (1), (2)"))
        .expect("a write");
    // A statement that is interrupted when the test ends keeps its connection from closing the log in an orderly way.
    runtime.spawn(async move {
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n, t";
        // Ends with an error, with the test.
        let _ = reader.query_one(endless, &[]).await;
    });
    let finish = Request::Finish {
        lane: grant.lane,
        outcome: mori_control::Outcome::Failed {
            message: "on purpose".to_owned(),
        },
        keep: mori_control::Keep::OnFailure,
    };
    let Response::Finished(finished) = control.ask(&finish) else {
        panic!("an end")
    };
    let kept = finished.kept.expect("it failed");
    let proxy = mori_broker::kept::serve(&kept.dir).expect("it can be served");
    let client = connect(&runtime, &proxy.url());
    assert_eq!(count(&runtime, &client, "t"), 2);
    drop(client);
    let stop = proxy.stop_handle();
    stop.stop();
    proxy.wait().expect("it ends well");
    control.ask(&Request::Shutdown);
    broker.join();
}

#[test]
fn the_layers_below_a_lane_cannot_be_written() {
    for mode in ["WAL", "DELETE"] {
        let (folder, broker, mut control) = leased(&format!(
            "PRAGMA journal_mode = {mode}; CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);"
        ));
        let runtime = runtime();
        let grant = control.acquire(folder.path());
        let below = connect(&runtime, &grant.prod_url);
        for write in [
            "DELETE FROM t",
            "PRAGMA query_only = OFF; PRAGMA user_version = 77",
            "PRAGMA query_only = OFF; INSERT INTO t VALUES (2)",
            "VACUUM",
        ] {
            // Some are refused, some do nothing: what counts is what is read afterwards.
            let _ = runtime.block_on(below.batch_execute(write));
        }
        let again = connect(&runtime, &grant.prod_url);
        assert_eq!(count(&runtime, &again, "t"), 1, "{mode}");
        let version = runtime.block_on(again.simple_query("PRAGMA user_version")).expect("a version");
        let text = format!("{version:?}");
        assert!(!text.contains("77"), "{mode}: {text}");
        control.finish(&grant);
        control.ask(&Request::Shutdown);
        broker.join();
    }
}
