//! A server as prod: it is never written, whatever happens to the lane and to those who serve it; and what the lane has acknowledged stays.

use super::programs::{Via, program};
use super::scripts;
use mori_backend::postgres::Layer;
use mori_broker::config::{Connection, Prod};
use mori_broker::{Proxy, ProxyOptions, offline};
use mori_control::{InspectReport, Request, Response};
use mori_model::{Engine, Value};
use mori_tests::postgres::{Copy, DATABASE, passable_folder};
use mori_tests::raw::{self, Raw};
use mori_tests::{Control, Random};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A child's folder and prod: the test that finds them serves.
const CHILD_FOLDER: &str = "MORI_TEST_CHILD_FOLDER";
const CHILD_PROD: &str = "MORI_TEST_CHILD_PROD";
const SEED: u64 = 20_261_205;

/// A server of our own as prod, and a project's folder.
struct Place {
    prod: Copy,
    image: Layer,
    folder: TempDir,
    dump: String,
}

impl Place {
    fn new(test: &str) -> Option<Place> {
        let stage = scripts::stage(test)?;
        let (prod, image) = (Copy::of(&stage.image), stage.image.clone());
        let mut place = Place {
            prod,
            image,
            folder: passable_folder(),
            dump: String::new(),
        };
        place.dump = place.dump_prod();
        Some(place)
    }

    fn url(&self) -> String {
        let server = &self.prod.server;
        format!(
            "postgres:///{DATABASE}?host={}&port={}&user={}",
            server.socket_dir().display(),
            server.port(),
            self.image.user()
        )
    }

    fn pg_dump(&self, arguments: &[&str]) -> String {
        let program = self.image.binaries().tool("pg_dump").expect("pg_dump lies beside postgres");
        let output = Command::new(program).args(arguments).output().expect("pg_dump runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("the database is in UTF-8");
        // Newer releases write a random word into every dump.
        text.lines()
            .filter(|line| !line.contains("restrict "))
            .map(|line| format!("{line}\n"))
            .collect()
    }

    /// All of prod, with its sequences' values, as SQL.
    fn dump_prod(&self) -> String {
        self.pg_dump(&["--dbname", &self.url(), "--create"])
    }

    #[track_caller]
    fn assert_prod_is_untouched(&self) {
        assert!(self.dump_prod() == self.dump, "prod was written");
    }
}

fn connection(prod: &str) -> Connection {
    Connection {
        name: DATABASE.to_owned(),
        engine: Engine::Postgres,
        prod: Prod::Url(prod.to_owned()),
        foreign_keys: true,
        image: None,
        max_copy: 10 << 30,
        tls: None,
        certificate: None,
        login: None,
    }
}

fn start(folder: &Path, prod: &str) -> Proxy {
    let options = ProxyOptions {
        project_dir: folder.to_owned(),
        connection: connection(prod),
        port: 0,
        verbose: false,
    };
    Proxy::start(options).unwrap_or_else(|error| panic!("{error}"))
}

fn port(url: &str) -> u16 {
    let rest = url.rsplit_once(':').map_or("", |(_, rest)| rest);
    let digits = rest.split('/').next().and_then(|port| port.parse().ok());
    digits.expect("the URL has a port")
}

fn connect(port: u16) -> Raw {
    let mut raw = Raw::open(port);
    raw.greet(0x0003_0000, &[("user", "postgres"), ("database", DATABASE)]);
    raw
}

fn inspect(folder: &Path, prod: &str, table: &str) -> InspectReport {
    let mut control = Control::connect(&offline::control_socket(folder, &connection(prod)));
    match control.ask(&Request::Inspect { table: table.to_owned() }) {
        Response::Inspect(report) => *report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lane_is_prod_and_prod_is_never_written() {
    let Some(place) = Place::new("prod_server::a_lane_is_prod_and_prod_is_never_written") else {
        return;
    };
    let proxy = start(place.folder.path(), &place.url());
    let port = port(&proxy.url());
    let lane_dump = place.pg_dump(&["--dbname", &proxy.url(), "--create"]);
    assert!(lane_dump == place.dump, "pg_dump of the lane is pg_dump of prod:\n{lane_dump}");
    let mut client = connect(port);
    println!("seed {SEED}");
    for seed in SEED..SEED + 5 {
        for step in program(seed, true).into_iter().filter(|step| matches!(step.via, Via::Simple)) {
            client.query(&step.sql);
        }
    }
    for sql in [
        "ALTER SYSTEM SET work_mem = '1MB'",
        "CREATE ROLE somebody",
        "CREATE DATABASE another",
        "VACUUM FULL",
        "DROP SCHEMA public CASCADE",
    ] {
        client.query(sql);
    }
    place.assert_prod_is_untouched();
    let stop = proxy.stop_handle();
    drop(client);
    stop.stop();
    proxy.wait().expect("the proxy ends well");
    place.assert_prod_is_untouched();
}

/// A proxy in a process of its own.
struct ChildProxy {
    child: Child,
    port: u16,
}

impl ChildProxy {
    fn start(place: &Place) -> ChildProxy {
        let mut child = Command::new(std::env::current_exe().expect("our own program"))
            .args(["--exact", "postgres::prod_server::serves_where_a_parent_asks", "--nocapture"])
            .env(CHILD_FOLDER, place.folder.path())
            .env(CHILD_PROD, place.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("our own program runs");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let url = lines
            .map_while(Result::ok)
            .find_map(|line| line.split_once("serving ").map(|(_, url)| url.to_owned()));
        ChildProxy {
            port: port(&url.expect("the child serves")),
            child,
        }
    }

    fn kill(mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }
}

/// No test of its own: the process that is killed in the next one. It serves until its parent is gone.
#[test]
fn serves_where_a_parent_asks() {
    let (Some(folder), Ok(prod)) = (std::env::var_os(CHILD_FOLDER), std::env::var(CHILD_PROD)) else {
        return;
    };
    let proxy = start(Path::new(&folder), &prod);
    println!("serving {}", proxy.url());
    std::io::stdout().flush().expect("the parent reads");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("the parent lives or is gone");
    proxy.stop_handle().stop();
    proxy.wait().expect("the proxy ends well");
}

/// The proxy, or the lane's server, is killed while a client writes one row after the other.
#[test]
fn what_was_acknowledged_survives_kills() {
    let Some(place) = Place::new("prod_server::what_was_acknowledged_survives_kills") else {
        return;
    };
    println!("seed {SEED}");
    let mut random = Random::new(SEED);
    let mut acknowledged: Vec<i64> = Vec::new();
    for round in 0..4 {
        let proxy = ChildProxy::start(&place);
        check_acknowledged(&place, proxy.port, &acknowledged, &format!("at the start of round {round}"));
        let mut client = connect(proxy.port);
        for _ in 0..random.below(20) + 5 {
            let id = 1000 + i64::try_from(acknowledged.len()).expect("few");
            let answer = client.query(&format!("INSERT INTO users (id, email) VALUES ({id}, 'kept{id}@example.org')"));
            assert_eq!(answer[0], "C INSERT 0 1");
            acknowledged.push(id);
        }
        client.query("BEGIN");
        client.query(
            "INSERT INTO users (id, email) VALUES (1, 'lost@example.org') ON CONFLICT (id) DO UPDATE SET email = 'lost@example.org'",
        );
        if round % 2 == 0 {
            proxy.kill();
            continue;
        }
        let told = connect(proxy.port).query("SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)");
        let pid = told[1].trim_start_matches("D ").to_owned();
        assert!(Command::new("kill").args(["-9", &pid]).status().expect("kill runs").success());
        // Its sessions end with it, and then the next client meets the server that was started anew.
        while client.hear().is_some() {}
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let told = Raw::open(proxy.port).greet(0x0003_0000, &[("user", "postgres"), ("database", DATABASE)]);
            if told.last().is_some_and(|message| message.tag == b'Z') {
                break;
            }
            let told: Vec<String> = told.iter().map(raw::Message::told).collect();
            assert!(Instant::now() < deadline, "the lane's server does not come back: {told:?}");
        }
        check_acknowledged(
            &place,
            proxy.port,
            &acknowledged,
            &format!("after the kill of the server in round {round}"),
        );
        proxy.kill();
    }
    place.assert_prod_is_untouched();
}

fn check_acknowledged(place: &Place, port: u16, acknowledged: &[i64], when: &str) {
    let mut client = connect(port);
    let list = acknowledged.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    let told = client.query("SELECT string_agg(id::text, ',' ORDER BY id) FROM users WHERE id >= 1000");
    assert_eq!(told[1], format!("D {}", if list.is_empty() { "null" } else { &list }), "{when}");
    assert_eq!(
        client.query("SELECT email FROM users WHERE id = 1")[1],
        "D user1@example.org",
        "{when}"
    );
    let delta = inspect(place.folder.path(), &place.url(), "users").delta;
    let keys: Vec<Value> = delta.rows.iter().map(|row| row.key.0[0].clone()).collect();
    assert_eq!(
        keys,
        acknowledged.iter().copied().map(Value::Int).collect::<Vec<_>>(),
        "the delta {when}"
    );
}
