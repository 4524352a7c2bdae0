//! A server starts, answers, and never outlives its owner.

use super::{Place, binaries, lane, options, wait_until};
use crate::postgres::pid_file::{self, PidFile};
use crate::postgres::{Binaries, Layer, PostgresError, Purpose, Server, StopMode, reap};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const OWNER_DATA: &str = "MORI_TEST_OWNER_DATA";

fn empty(binaries: &Binaries, place: &Place) -> Layer {
    Layer::empty(binaries, &place.at("layer"), &options()).unwrap()
}

#[test]
fn a_lane_answers_and_is_gone_when_it_is_dropped() {
    let Some(binaries) = binaries() else { return };
    let place = Place::new();
    let server = lane(&empty(&binaries, &place), &place.at("lane"));
    assert!(server.is_alive());
    let mut client = server.connect("app").unwrap();
    let row = client
        .query_one(
            "SELECT current_user::text, current_database()::text, current_setting('application_name')",
            &[],
        )
        .unwrap();
    assert_eq!((row.get(0), row.get(1), row.get(2)), ("postgres", "app", "mori"));
    let (data, socket) = (server.data().to_owned(), server.socket_path());
    assert!(socket.exists());
    drop(server);
    assert!(PidFile::live(&data).is_none());
    assert!(client.query_one("SELECT 1", &[]).is_err());
}

#[test]
fn what_is_committed_survives_both_ways_to_stop() {
    let Some(binaries) = binaries() else { return };
    let place = Place::new();
    let data = empty(&binaries, &place).lane(&place.at("data")).unwrap();
    for (count, mode) in [StopMode::Fast, StopMode::Immediate, StopMode::Fast].into_iter().enumerate() {
        let server = Server::start(&binaries, &data, &place.at("run"), Purpose::Durable).unwrap();
        let mut client = server.connect("app").unwrap();
        client
            .batch_execute("CREATE TABLE IF NOT EXISTS t (n int); INSERT INTO t VALUES (1)")
            .unwrap();
        let found: i64 = client.query_one("SELECT count(*) FROM t", &[]).unwrap().get(0);
        assert_eq!(usize::try_from(found).unwrap(), count + 1);
        // A session that is still open does not keep it from stopping.
        server.stop(mode).unwrap();
        assert!(!PidFile::path(&data).exists() || mode == StopMode::Immediate);
    }
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let Some(binaries) = binaries() else { return };
    let place = Place::new();
    let server = lane(&empty(&binaries, &place), &place.at("lane"));
    let refused = Server::start(&binaries, server.data(), &place.at("other"), Purpose::Throwaway).unwrap_err();
    assert!(matches!(refused, PostgresError::InUse { .. }), "{refused}");
    assert!(server.is_alive());
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let Some(binaries) = binaries() else { return };
    let place = Place::new();
    let data = empty(&binaries, &place).lane(&place.at("data")).unwrap();
    let conf = data.join("postgresql.conf");
    let text = fs::read_to_string(&conf).unwrap();
    fs::write(&conf, format!("{text}no_such_setting = 1\n")).unwrap();
    let error = Server::start(&binaries, &data, &place.at("run"), Purpose::Throwaway).unwrap_err();
    assert!(error.to_string().contains("no_such_setting"), "{error}");
    fs::write(&conf, format!("{text}lc_time = 'xx_XX.UTF-8'\n")).unwrap();
    let error = Server::start(&binaries, &data, &place.at("run"), Purpose::Throwaway).unwrap_err();
    assert!(
        matches!(&error, PostgresError::MissingLocale { locale } if locale == "xx_XX.UTF-8"),
        "{error}"
    );
}

#[test]
fn a_long_path_gets_its_socket_elsewhere_and_it_is_removed() {
    let Some(binaries) = binaries() else { return };
    let place = Place::new();
    let server = lane(&empty(&binaries, &place), &place.at(&"long".repeat(30)));
    let folder = server.socket_dir().to_owned();
    assert!(server.socket_path().as_os_str().len() <= 100);
    server.connect("app").unwrap();
    drop(server);
    assert!(!folder.exists());
}

#[test]
fn its_owner_is_killed() {
    let Some(binaries) = binaries() else { return };
    for purpose in ["throwaway", "durable"] {
        let place = Place::new();
        let data = empty(&binaries, &place).lane(&place.at("data")).unwrap();
        let mut owner = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "postgres::tests::servers::the_owner_that_is_killed", "--nocapture"])
            .env(OWNER_DATA, &data)
            .env("MORI_TEST_OWNER_PURPOSE", purpose)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("the server is ready", || PidFile::read(&data).is_some_and(|file| file.is_ready));
        let pid = PidFile::read(&data).unwrap().pid;
        owner.kill().unwrap();
        owner.wait().unwrap();
        wait_until("the server ends by itself", || {
            !pid_file::is_alive(pid) || PidFile::live(&data).is_none()
        });
        if purpose == "durable" {
            wait_until("it removes its file", || !PidFile::path(&data).exists());
        }
        reap(&data).unwrap();
        assert!(!PidFile::path(&data).exists());
        Server::start(&binaries, &data, &place.at("again"), Purpose::Durable).unwrap();
    }
}

/// No test of its own: the process that the one above kills.
#[test]
fn the_owner_that_is_killed() {
    let Some(data) = std::env::var_os(OWNER_DATA) else { return };
    let data = Path::new(&data);
    let purpose = match std::env::var("MORI_TEST_OWNER_PURPOSE").as_deref() {
        Ok("durable") => Purpose::Durable,
        _ => Purpose::Throwaway,
    };
    let _server = Server::start(&Binaries::find(None).unwrap(), data, &data.with_extension("run"), purpose).unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn a_server_whose_supervisor_was_killed_is_reaped() {
    let Some(binaries) = binaries() else { return };
    let place = Place::new();
    let data = empty(&binaries, &place).lane(&place.at("data")).unwrap();
    let server = Server::start(&binaries, &data, &place.at("run"), Purpose::Throwaway).unwrap();
    let pid = PidFile::live(&data).unwrap().pid;
    reap(&data).unwrap();
    assert!(PidFile::live(&data).is_none());
    wait_until("it is noticed", || !server.is_alive());
    assert!(!pid_file::is_alive(pid));
}
