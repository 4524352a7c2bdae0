//! Lanes of a test run on Redis, as tests hold them.

use crate::drivers::available::skip;
use mori_control::{AcquireSpec, Isolation, Keep, LaneGrant, LaneId, Outcome, Request, Response};
use mori_model::{ChangeKind, LaneDelta, RouteRecord};
use mori_tests::redis::{Address, Resp, server_binary};
use mori_tests::{Control, RunningBroker};
use std::path::{Path, PathBuf};

const YAML: &str = "version: 1\nconnections:\n  cache:\n    engine: redis\n    prod: {fixture: {commands: [prod.redis]}}\n";
const PROD: &str =
    "# A shop's cache\nSET greeting \"hello world\"\nHSET cart:17 apples 2 pears 1\nRPUSH queue a b c\nSELECT 3\nSADD tags x y\n";

struct Run {
    folder: tempfile::TempDir,
    broker: RunningBroker,
}

impl Run {
    fn start(test: &str) -> Option<Run> {
        if server_binary().is_none() {
            skip(&format!("redis::leases::{test}"), "Redis is not installed");
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("prod.redis"), PROD).expect("a file");
        let broker = RunningBroker::start_with(folder.path(), YAML);
        Some(Run { folder, broker })
    }

    fn test(&self) -> Control {
        Control::connect(&self.broker.socket)
    }

    fn end(self, mut control: Control) {
        control.ask(&Request::Shutdown);
        self.broker.join();
    }
}

fn acquire(control: &mut Control, folder: &Path, test: &str, fixtures: Vec<PathBuf>) -> LaneGrant {
    let spec = AcquireSpec {
        manifest_dir: folder.to_owned(),
        connection: Some("cache".to_owned()),
        engine: None,
        run_connection: None,
        package: None,
        migrations: None,
        fixtures,
        isolation: Isolation::Cow,
        test: test.to_owned(),
        max_connections: None,
    };
    match control.ask(&Request::Acquire(Box::new(spec))) {
        Response::Lane(grant) => *grant,
        other => panic!("{other:?}"),
    }
}

/// A client by a lane's URL: `redis://user:password@host:port/0`.
fn connect(url: &str) -> Resp {
    let rest = url.strip_prefix("redis://").expect("the scheme");
    let (login, place) = rest.split_once('@').expect("a login");
    let (user, password) = login.split_once(':').expect("a password");
    let port = place.split_once(':').and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
    let address = Address {
        login: Some((user.to_owned(), password.to_owned())),
        ..Address::tcp("127.0.0.1", port.expect("a port"))
    };
    Resp::connect(&address).expect("the lane accepts")
}

fn delta(control: &mut Control, lane: LaneId) -> LaneDelta {
    match control.ask(&Request::Delta { lane }) {
        Response::Delta(delta) => delta,
        other => panic!("{other:?}"),
    }
}

fn routing(control: &mut Control, lane: LaneId) -> Vec<RouteRecord> {
    match control.ask(&Request::Routing { lane }) {
        Response::Routing(records) => records,
        other => panic!("{other:?}"),
    }
}

fn finish(control: &mut Control, lane: LaneId) {
    control.ask(&Request::Finish {
        lane,
        outcome: Outcome::Passed,
        keep: Keep::Never,
    });
}

fn texts(delta: &LaneDelta) -> Vec<String> {
    let rows = delta
        .tables
        .iter()
        .flat_map(|(table, changes)| changes.rows.iter().map(move |row| (table, row)));
    rows.map(|(table, row)| {
        let sign = match row.kind {
            ChangeKind::Inserted => '+',
            ChangeKind::Updated => '~',
            ChangeKind::Deleted => '-',
        };
        let changed: Vec<&str> = row.changed().iter().map(|(column, ..)| *column).collect();
        match row.kind {
            ChangeKind::Updated => format!("{sign} {table} {} {}", row.key, changed.join(",")),
            _ => format!("{sign} {table} {}", row.key),
        }
    })
    .collect()
}

#[test]
fn each_test_starts_from_prod_and_says_what_it_changed() {
    let Some(run) = Run::start("each_test_starts_from_prod_and_says_what_it_changed") else {
        return;
    };
    let mut control = run.test();
    for round in 0..3 {
        let grant = acquire(&mut control, run.folder.path(), "changes", Vec::new());
        let mut client = connect(&grant.url);
        assert_eq!(client.ask(&["GET", "greeting"]).text(), "hello world", "round {round}");
        assert!(delta(&mut control, grant.lane).is_empty());
        client.ask(&["HINCRBY", "cart:17", "apples", "3"]);
        client.ask(&["DEL", "queue"]);
        client.ask(&["EVAL", "return redis.call('SET', 'made', 'by a script')", "0"]);
        client.ask(&["INCR", "greeting"]);
        client.ask(&["SET", "greeting", "hello world"]);
        client.ask(&["SELECT", "3"]);
        client.ask(&["SADD", "tags", "z"]);
        client.ask(&["GET", "nothing"]);
        let found = texts(&delta(&mut control, grant.lane));
        assert_eq!(found, ["~ db0 cart:17 apples", "+ db0 made", "- db0 queue", "~ db3 tags z"]);
        let words: Vec<String> = routing(&mut control, grant.lane)
            .iter()
            .map(|record| format!("{} {} {}", record.verb, record.tables.join(","), record.strategy))
            .collect();
        assert_eq!(
            words,
            [
                "AUTH  FORWARD_BOTH",
                "GET greeting PROD_DIRECT",
                "HINCRBY cart:* HYDRATE_AND_WRITE",
                "DEL queue SHADOW_DELETE",
                "EVAL  HYDRATE_AND_WRITE",
                "INCR greeting HYDRATE_AND_WRITE",
                "SET greeting SHADOW_WRITE",
                "SELECT  FORWARD_BOTH",
                "SADD tags HYDRATE_AND_WRITE",
                "GET nothing PROD_DIRECT"
            ]
        );
        // What lives in the server and not in its keys is put back, too.
        client.ask(&["SCRIPT", "LOAD", "return 1"]);
        client.ask(&["CONFIG", "SET", "hash-max-listpack-entries", "7"]);
        finish(&mut control, grant.lane);
    }
    run.end(control);
}

#[test]
fn fixtures_are_a_layer_and_snapshots_go_back() {
    let Some(run) = Run::start("fixtures_are_a_layer_and_snapshots_go_back") else {
        return;
    };
    let fixture = run.folder.path().join("vip.redis");
    std::fs::write(&fixture, "SET vip 1\nDEL queue\n").expect("a file");
    let mut control = run.test();
    let grant = acquire(&mut control, run.folder.path(), "snapshots", vec![fixture]);
    let mut client = connect(&grant.url);
    assert_eq!(client.ask(&["EXISTS", "vip", "queue"]).integer(), Some(1));
    client.ask(&["SET", "vip", "2"]);
    let Response::Snapshot { snapshot } = control.ask(&Request::Snapshot { lane: grant.lane }) else {
        panic!("a snapshot");
    };
    client.ask(&["FLUSHALL"]);
    client.ask(&["SET", "other", "1"]);
    control.ask(&Request::Restore {
        lane: grant.lane,
        snapshot,
    });
    assert_eq!(client.ask(&["GET", "vip"]).text(), "2");
    assert_eq!(client.ask(&["DBSIZE"]).integer(), Some(3));
    // The layer is for looking at.
    let mut below = connect(&grant.prod_url);
    assert_eq!(below.ask(&["GET", "vip"]).text(), "1");
    assert!(
        below.ask(&["SET", "vip", "3"]).text().starts_with("NOPERM"),
        "prod cannot be written"
    );
    finish(&mut control, grant.lane);
    run.end(control);
}

#[test]
fn a_connection_that_outlives_its_test_is_told_whose_it_was() {
    let Some(run) = Run::start("a_connection_that_outlives_its_test_is_told_whose_it_was") else {
        return;
    };
    let mut control = run.test();
    let grant = acquire(&mut control, run.folder.path(), "leaks", Vec::new());
    let mut client = connect(&grant.url);
    client.ask(&["SET", "a", "1"]);
    finish(&mut control, grant.lane);
    let told = client.ask(&["SET", "a", "2"]).text();
    assert_eq!(told, "MORILATE this connection belongs to the test leaks, which has ended");
    let next = acquire(&mut control, run.folder.path(), "next", Vec::new());
    assert_eq!(connect(&next.url).ask(&["EXISTS", "a"]).integer(), Some(0));
    finish(&mut control, next.lane);
    run.end(control);
}

#[test]
fn a_write_that_the_end_of_its_test_stops_is_late() {
    let Some(run) = Run::start("a_write_that_the_end_of_its_test_stops_is_late") else {
        return;
    };
    let mut control = run.test();
    let grant = acquire(&mut control, run.folder.path(), "leaks", Vec::new());
    let mut client = connect(&grant.url);
    client.send(&["BLPOP", "nothing", "0"]).expect("a command");
    let mut other = connect(&grant.url);
    let blocked = |reply: &str| reply.contains("blocked_clients:1");
    while !blocked(&other.ask(&["INFO", "clients"]).text()) {}
    finish(&mut control, grant.lane);
    let told = client.read().expect("an answer").text();
    assert_eq!(told, "MORILATE this connection belongs to the test leaks, which has ended");
    assert!(client.read().is_err(), "the connection ends");
    assert_eq!(control.late_writes(), ["leaks: BLPOP after the test had ended"]);
    run.end(control);
}
