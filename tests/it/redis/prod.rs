//! A server as prod: it is never written, whatever is sent to the lane; and what the lane has acknowledged stays.

use super::lane::Lane;
use crate::drivers::available::skip;
use mori_tests::redis::{RedisServer, dump_all};

/// Prod with some keys. None where Redis is not installed.
fn prod(test: &str) -> Option<RedisServer> {
    let server = RedisServer::start(&["--enable-debug-command", "yes"]);
    let Some(server) = server else {
        skip(&format!("redis::prod::{test}"), "Redis is not installed");
        return None;
    };
    let mut client = server.connect();
    client.ask(&["MSET", "a", "1", "b", "2"]);
    client.ask(&["HSET", "h", "f", "1"]);
    client.ask(&["SET", "soon", "x", "EX", "10000"]);
    Some(server)
}

/// What of prod may change by being read: nothing but counters of reads.
fn state(prod: &RedisServer) -> (String, String, String) {
    let mut client = prod.connect();
    let config = client.ask(&["CONFIG", "GET", "*"]);
    let stats = client.ask(&["INFO", "commandstats"]).text();
    let writes = [
        "set",
        "del",
        "migrate",
        "replicaof",
        "flushall",
        "config|set",
        "script|load",
        "function|load",
        "eval",
        "restore",
    ];
    let written: Vec<&str> = stats
        .lines()
        .filter(|line| writes.iter().any(|name| line.starts_with(&format!("cmdstat_{name}:"))))
        .collect();
    (client.ask(&["DEBUG", "DIGEST"]).text(), config.text(), written.join("\n"))
}

/// What would reach another server, or change a server's state, by every way a command can be sent.
const ATTACKS: [&[u8]; 14] = [
    b"CONFIG SET maxmemory 100mb\r\n",
    b"SCRIPT LOAD \"return 1\"\r\n",
    b"FUNCTION LOAD \"#!lua name=l\\nredis.register_function('f', function() return 1 end)\"\r\n",
    b"DEBUG SET-ACTIVE-EXPIRE 0\r\n",
    b"NOSUCH.MODULE a b\r\n",
    b"CLUSTER MEET 127.0.0.1 1\r\n",
    b"*1\r\n$8\r\nFLUSHALL\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n9\r\n",
    b"MULTI\r\nSET a 9\r\nEXEC\r\n",
    b"EVAL \"return redis.call('SET', 'a', '9')\" 0\r\n",
    b"GETDEL a\r\n",
    b"GETEX b PERSIST\r\n",
    b"\r\n\r\n*0\r\nDEL a b h\r\n",
    b"SPOP nothing\r\n",
    b"COPY a z\r\n",
];

#[test]
fn prod_is_never_written() {
    let Some(server) = prod("prod_is_never_written") else { return };
    let lane = Lane::start(&format!("redis://127.0.0.1:{}", server.port));
    let before = (state(&server), dump_all(&mut server.connect()).unwrap());
    for attack in ATTACKS {
        let mut client = lane.connect();
        client.send_bytes(attack).unwrap();
        client.send_bytes(b"PING\r\n").unwrap();
        while client.read().unwrap().text() != "PONG" {}
    }
    let mut client = lane.connect();
    for other_server in [
        format!("MIGRATE 127.0.0.1 {} a 0 1000 COPY", server.port),
        format!("REPLICAOF 127.0.0.1 {}", server.port),
        format!("slaveof 127.0.0.1 {}", server.port),
    ] {
        let words: Vec<&str> = other_server.split(' ').collect();
        assert!(client.ask(&words).text().starts_with("MORIREFUSED"), "{other_server}");
        let script = format!(
            "return redis.call({})",
            words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ")
        );
        assert!(client.ask(&["EVAL", &script, "0"]).is_error(), "{script}");
    }
    lane.reset(true);
    assert_eq!((state(&server), dump_all(&mut server.connect()).unwrap()), before);
}

#[test]
fn a_lane_goes_on_where_it_stopped() {
    let Some(server) = prod("a_lane_goes_on_where_it_stopped") else {
        return;
    };
    let lane = Lane::start(&format!("redis://127.0.0.1:{}", server.port));
    let mut client = lane.connect();
    client.ask(&["SET", "kept", "1"]);
    client.ask(&["DEL", "a"]);
    let delta = lane.delta("db0");
    // The lane's server dies, as by a kill; a client that comes then finds it again with all that was acknowledged.
    let _ = client.send(&["SHUTDOWN", "NOSAVE"]);
    assert!(client.read().is_err(), "the connection has ended");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let mut client = loop {
        let mut client = lane.connect();
        match client.try_ask(&["PING"]) {
            Ok(reply) if reply.text() == "PONG" => break client,
            // It has not ended yet when its socket is closed.
            other => assert!(std::time::Instant::now() < deadline, "{other:?}"),
        }
    };
    assert_eq!(client.ask(&["GET", "kept"]).text(), "1");
    assert_eq!(lane.delta("db0"), delta);
    lane.reset(false);
    // A server that was told to end is replaced by a new one.
    let mut client = lane.connect();
    assert_eq!(client.ask(&["EXISTS", "a", "kept"]).integer(), Some(1));
}

/// The append-only file says nothing of it.
#[test]
fn a_consumer_that_has_got_nothing_is_taken_back() {
    let Some(server) = prod("a_consumer_that_has_got_nothing_is_taken_back") else {
        return;
    };
    server.connect().ask(&["XGROUP", "CREATE", "events", "workers", "$", "MKSTREAM"]);
    let lane = Lane::start(&format!("redis://127.0.0.1:{}", server.port));
    let mut client = lane.connect();
    assert!(client.ask(&["SELECT", "99"]).is_error());
    for command in [
        "XREADGROUP GROUP workers one STREAMS events >",
        "XREADGROUP GROUP workers one BLOCK 1 STREAMS events >",
        "XREADGROUP GROUP workers one STREAMS events 0",
        "XCLAIM events workers one 0 1-1",
        "XAUTOCLAIM events workers one 0 0",
    ] {
        let reply = client.ask(&command.split(' ').collect::<Vec<_>>());
        assert!(!reply.is_error(), "{command}: {}", reply.text());
        lane.reset(false);
        let consumers = client.ask(&["XINFO", "CONSUMERS", "events", "workers"]);
        assert!(consumers.items().is_empty(), "{command}: {}", consumers.text());
    }
}
