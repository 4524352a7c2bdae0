//! The clients people use: what an application does with one of them reads the same on a lane as on a private copy.
//!
//! Each client is a program that gets a URL and prints a transcript of what it was told. It runs against a plain server with prod's keys, and against a
//! lane of prod; the two transcripts have to be equal, and the keys that are there at the end.

mod node;
mod redis_cli;
mod redis_py;
mod redis_rs;

use super::lane::Lane;
use crate::drivers::available::skip;
use mori_tests::redis::{RedisServer, copy_all, differences, dump_all};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{io::Read, time::Instant};

/// Prod has a user with a password, as those in the cloud have.
const USER: [&str; 7] = ["--user", "app", "on", ">sesame", "~*", "&*", "+@all"];
/// A program that takes longer waits for something that does not come.
const CLIENT_MAX: Duration = Duration::from_secs(60);
/// What every transcript ends with: a program that stopped before has not been compared.
const END: &str = "the end";

/// A server with prod's keys, and a lane of prod.
struct Pair {
    copy: RedisServer,
    lane: Lane,
    // The lane is a lane of it.
    _prod: RedisServer,
}

impl Pair {
    /// None where Redis is not installed.
    fn start(test: &str) -> Option<Pair> {
        let (Some(prod), Some(copy)) = (RedisServer::start(&USER), RedisServer::start(&USER)) else {
            skip(&format!("redis::drivers::{test}"), "Redis is not installed");
            return None;
        };
        let mut client = prod.connect();
        for line in [
            "SET greeting hello",
            "SET counter 41",
            "HSET user:1 name Ann age 30",
            "RPUSH queue a b c",
            "SADD tags red green blue",
            "ZADD scores 1 ann 2 bob 3.5 cy",
            "XADD events 1-1 kind start",
            "SET soon x EX 10000",
            "SELECT 5",
            "SET elsewhere five",
        ] {
            let reply = client.ask(&line.split(' ').collect::<Vec<_>>());
            assert!(!reply.is_error(), "{line}: {}", reply.text());
        }
        copy_all(&prod.address(), &copy.address()).expect("prod can be copied");
        let lane = Lane::start(&format!("redis://app:sesame@127.0.0.1:{}", prod.port));
        Some(Pair { copy, lane, _prod: prod })
    }

    /// Runs `client` with the URL of either server, side by side, and compares what it says.
    #[track_caller]
    fn compare(&self, client: impl Fn(&str) -> String + Sync) {
        let client = &client;
        let [plain, lane] = std::thread::scope(|scope| {
            [self.copy.port, self.lane.port()]
                .map(|port| scope.spawn(move || client(&format!("redis://app:sesame@127.0.0.1:{port}"))))
                .map(|thread| thread.join().expect("the client runs to its end"))
        });
        assert!(plain.ends_with(END), "the client stopped before its end:\n{plain}");
        let (mut expected, mut found) = (plain.lines(), lane.lines());
        let mut before = "";
        loop {
            match (expected.next(), found.next()) {
                (None, None) => break,
                (expected, found) => {
                    assert_eq!(expected, found, "after {before:?}, plain server and lane");
                    before = expected.unwrap_or_default();
                }
            }
        }
        let contents = [self.copy.connect(), self.lane.connect()].map(|mut client| dump_all(&mut client).expect("the keys"));
        let differing = differences(&contents[0], &contents[1]);
        assert!(differing.is_empty(), "{}", differing.join("\n"));
    }
}

fn client_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("it/redis/drivers/clients")
        .join(name)
}

/// What a client's program prints. It is killed when it does not end, and has to end well.
fn transcript(command: &mut Command) -> String {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the client's program runs");
    let (mut out, mut err) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
    let read = |from: &mut dyn Read| {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("what the client prints");
        String::from_utf8_lossy(&bytes).trim_end().to_owned()
    };
    let (text, errors, status) = std::thread::scope(|scope| {
        let (text, errors) = (scope.spawn(|| read(&mut out)), scope.spawn(|| read(&mut err)));
        let deadline = Instant::now() + CLIENT_MAX;
        let status = loop {
            match child.try_wait().expect("our own child") {
                Some(status) => break Some(status),
                None if Instant::now() > deadline => {
                    child.kill().expect("our own child");
                    child.wait().expect("our own child");
                    break None;
                }
                None => std::thread::park_timeout(Duration::from_millis(5)),
            }
        };
        (text.join().expect("read"), errors.join().expect("read"), status)
    });
    assert!(
        status.is_some_and(|status| status.success()),
        "{command:?} ended with {status:?}:\n{text}\n{errors}"
    );
    text
}
