//! Lanes whose clients are asked for a password, and the drivers that give it.

use crate::drivers::available::skip;
use mori_broker::config::{Certificate, ClientAuth, ClientLogin, Connection, Prod};
use mori_broker::{Proxy, ProxyOptions};
use mori_model::Engine;
use mori_tests::postgres::passable_folder;
use mori_tests::redis::{Address, Resp, server_binary};
use std::path::Path;
use std::process::Command;
use tokio_postgres::{Config, NoTls};

const PASSWORD: &str = "pässword with 'quotes' %";

fn connection(engine: Engine, auth: ClientAuth) -> Connection {
    Connection {
        name: "shop".to_owned(),
        engine,
        prod: Prod::Empty,
        foreign_keys: true,
        max_copy: u64::MAX,
        tls: Some(true),
        certificate: None,
        login: Some(ClientLogin {
            auth,
            password: PASSWORD.to_owned(),
        }),
        image: None,
    }
}

fn start(folder: &Path, connection: Connection) -> Proxy {
    let options = ProxyOptions {
        project_dir: folder.to_owned(),
        connection,
        port: 0,
        verbose: false,
    };
    Proxy::start(options).unwrap_or_else(|error| panic!("{error}"))
}

/// The user, without a password, and the port in a lane's URL.
fn place(url: &str) -> (&str, u16) {
    let rest = url.split_once("://").expect("a scheme").1;
    let (user, rest) = rest.split_once('@').expect("a user");
    assert!(!user.contains(':'), "the URL shows no password: {url}");
    let port = rest.split([':', '/']).nth(1).and_then(|port| port.parse().ok());
    (user, port.expect("a port"))
}

/// What a client of PostgreSQL's protocol is told.
async fn ask(url: &str, user: Option<&str>, password: Option<&str>) -> Result<i32, String> {
    let (own_user, port) = place(url);
    let mut config = Config::new();
    config
        .host("127.0.0.1")
        .port(port)
        .user(user.unwrap_or(own_user))
        .dbname("shop")
        .ssl_mode(tokio_postgres::config::SslMode::Disable);
    if let Some(password) = password {
        config.password(password);
    }
    let (client, connection) = config.connect(NoTls).await.map_err(|error| match error.as_db_error() {
        Some(error) => format!("{} {}", error.code().code(), error.message()),
        None => error.to_string(),
    })?;
    tokio::spawn(connection);
    let rows = client.query("SELECT 40 + 2", &[]).await.map_err(|error| error.to_string())?;
    Ok(rows[0].try_get::<_, i64>(0).map_or_else(|_| rows[0].get(0), |wide| wide as i32))
}

fn check(engine: Engine) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ask = |url: &str, user: Option<&str>, password: Option<&str>| runtime.block_on(ask(url, user, password));
    for auth in [ClientAuth::ScramSha256, ClientAuth::Md5, ClientAuth::Password] {
        let folder = passable_folder();
        let proxy = start(folder.path(), connection(engine, auth));
        let url = proxy.url();
        assert_eq!(ask(&url, None, Some(PASSWORD)), Ok(42), "{auth:?}");
        assert_eq!(ask(&url, Some("somebody"), Some(PASSWORD)), Ok(42), "{auth:?}");
        let refused = "28P01 password authentication failed for user \"somebody\"";
        for wrong in ["", "wrong", "pässword with 'quotes'"] {
            assert_eq!(
                ask(&url, Some("somebody"), Some(wrong)),
                Err(refused.to_owned()),
                "{auth:?} {wrong:?}"
            );
        }
        assert!(ask(&url, None, None).is_err(), "{auth:?}");
    }
}

#[test]
fn a_sqlite_lane_asks_by_every_method() {
    check(Engine::Sqlite);
}

#[test]
fn a_postgres_lane_asks_by_every_method() {
    if mori_tests::postgres::binaries().is_none() {
        return skip("passwords::a_postgres_lane_asks_by_every_method", "PostgreSQL is not installed");
    }
    check(Engine::Postgres);
}

/// libpq insists on what it is told to insist on.
#[test]
fn psql_logs_in_over_tls() {
    let test = "passwords::psql_logs_in_over_tls";
    if mori_tests::postgres::binaries().is_none() {
        return skip(test, "PostgreSQL is not installed");
    }
    let folder = passable_folder();
    let proxy = start(folder.path(), connection(Engine::Postgres, ClientAuth::ScramSha256));
    let url = proxy.url();
    let (user, port) = place(&url);
    let psql = |options: &str, password: &str| {
        let place = format!("host=127.0.0.1 port={port} user={user} dbname=shop {options}");
        let ran = Command::new("psql")
            .args([&place, "-XAtwc", "SELECT 40 + 2, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"])
            .env("PGPASSWORD", password)
            .env("LC_ALL", "C")
            .output();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        ran.map(|output| (text(&output.stdout), text(&output.stderr)))
    };
    let Ok((told, _)) = psql("sslmode=require channel_binding=prefer", PASSWORD) else {
        return skip(test, "psql is not installed");
    };
    assert!(told.starts_with("42|"), "{told}");
    assert!(psql("sslmode=disable", PASSWORD).unwrap().0.starts_with("42|"));
    let (_, refused) = psql("sslmode=require", "wrong").unwrap();
    assert!(refused.contains("password authentication failed for user"), "{refused}");
    let (_, refused) = psql("sslmode=require channel_binding=require", PASSWORD).unwrap();
    assert!(refused.contains("channel binding"), "{refused}");
}

/// A client that knows the certificate's issuer insists on the name in it.
#[test]
fn psql_verifies_a_certificate_of_ones_own() {
    let test = "passwords::psql_verifies_a_certificate_of_ones_own";
    if mori_tests::postgres::binaries().is_none() {
        return skip(test, "PostgreSQL is not installed");
    }
    let folder = passable_folder();
    let made = rcgen::generate_simple_self_signed(["lane.test".to_owned()]).expect("a certificate");
    let (cert, key) = (folder.path().join("lane.crt"), folder.path().join("lane.key"));
    std::fs::write(&cert, made.cert.pem()).expect("a file");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    let with = |cert: &Path, key: &Path| Connection {
        login: None,
        certificate: Some(Certificate {
            cert: cert.to_owned(),
            key: key.to_owned(),
        }),
        ..connection(Engine::Postgres, ClientAuth::default())
    };
    let options = |connection| ProxyOptions {
        project_dir: folder.path().to_owned(),
        connection,
        port: 0,
        verbose: false,
    };
    for (cert, key, named) in [
        (&key, &key, "lane.key"),
        (&cert, &cert, "lane.crt"),
        (&cert, &folder.path().join("absent"), "absent"),
    ] {
        let error = Proxy::start(options(with(cert, key)))
            .err()
            .expect("no such certificate")
            .to_string();
        assert!(error.contains(named) && error.contains("no certificate or key"), "{error}");
    }
    let proxy = start(folder.path(), with(&cert, &key));
    let url = proxy.url();
    let (user, port) = place(&url);
    let psql = |host: &str| {
        let root = cert.display();
        let place = format!("host={host} hostaddr=127.0.0.1 port={port} user={user} dbname=shop sslmode=verify-full sslrootcert={root}");
        Command::new("psql")
            .args([&place, "-XAtwc", "SELECT 40 + 2"])
            .env("LC_ALL", "C")
            .output()
    };
    let Ok(told) = psql("lane.test") else {
        return skip(test, "psql is not installed");
    };
    assert_eq!(
        String::from_utf8_lossy(&told.stdout),
        "42\n",
        "{}",
        String::from_utf8_lossy(&told.stderr)
    );
    let refused = String::from_utf8_lossy(&psql("other.test").unwrap().stderr).into_owned();
    assert!(refused.contains("does not match host name"), "{refused}");
}

#[test]
fn a_redis_lane_asks_as_redis_does() {
    let test = "passwords::a_redis_lane_asks_as_redis_does";
    if server_binary().is_none() {
        return skip(test, "Redis is not installed");
    }
    let folder = passable_folder();
    let proxy = start(folder.path(), connection(Engine::Redis, ClientAuth::default()));
    let url = proxy.url();
    let port = url.rsplit([':', '/']).nth(1).and_then(|port| port.parse().ok()).expect("a port");
    let connect = || Resp::connect(&Address::tcp("127.0.0.1", port)).expect("the lane accepts");
    let mut client = connect();
    assert_eq!(client.ask(&["GET", "a"]).text(), "NOAUTH Authentication required.");
    assert!(client.ask(&["AUTH", "wrong"]).text().starts_with("WRONGPASS"));
    assert!(client.ask(&["AUTH", "somebody", "wrong"]).text().starts_with("WRONGPASS"));
    assert!(client.ask(&["CONFIG", "GET", "port"]).text().starts_with("NOAUTH"));
    assert_eq!(client.ask(&["AUTH", PASSWORD]).text(), "OK");
    assert_eq!(client.ask(&["SET", "a", "1"]).text(), "OK");
    assert_eq!(client.ask(&["ACL", "WHOAMI"]).text(), "default");
    let mut other = connect();
    assert_eq!(other.ask(&["AUTH", "somebody", PASSWORD]).text(), "OK");
    assert_eq!(other.ask(&["GET", "a"]).text(), "1");
    let mut third = connect();
    let hello = third.ask(&["HELLO", "3"]).text();
    assert!(
        hello.starts_with("NOAUTH HELLO must be called with the client already authenticated"),
        "{hello}"
    );
    third.ask(&["HELLO", "3", "AUTH", "default", PASSWORD]);
    assert_eq!(third.ask(&["GET", "a"]).text(), "1");
    drop(third);
    // A number of the connection is not asked for as somebody else than the client is.
    let killed = other.ask(&["CLIENT", "KILL", "USER", "default", "SKIPME", "yes"]).integer();
    assert!(
        matches!(killed, Some(1 | 2)),
        "the first one, and the third if it is still there: {killed:?}"
    );
}
