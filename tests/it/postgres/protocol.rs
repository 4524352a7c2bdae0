//! Messages in every order, whole and broken.

use super::scripts::{check_simple, pair};
use mori_tests::postgres::{DATABASE, PROTOCOL_3_0, Until};
use mori_tests::raw::{self, bind, bind_as, close, describe, execute, flush, message, parse, query, startup, sync};

/// Each exchange on one connection: what it is, the bytes, how far the answer goes.
#[track_caller]
fn exchange(test: &str, steps: &[(&str, Vec<u8>, Until)]) {
    let Some(pair) = pair(test) else { return };
    let mut twin = pair.connect();
    for (what, bytes, until) in steps {
        twin.exchange(what, bytes, *until);
    }
}

/// COPY's rows from the client, cut into messages.
fn rows(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().flat_map(|part| message(b'd', part)).collect()
}

#[test]
fn pipelines_and_portals() {
    let ids = "SELECT id FROM users WHERE id < $1 ORDER BY id";
    let one = Until::Ready(1);
    exchange(
        "protocol::pipelines_and_portals",
        &[
            (
                "a named statement",
                [parse("s", ids, &[23]), describe(b'S', "s"), sync()].concat(),
                one,
            ),
            (
                "text and binary",
                [
                    bind("s", &[Some("4")]),
                    execute("", 0),
                    bind_as("", "s", &[1], &[Some(&[0, 0, 0, 3])], &[1]),
                    execute("", 0),
                    sync(),
                ]
                .concat(),
                one,
            ),
            (
                "rows in portions",
                [
                    query("BEGIN"),
                    bind_as("p", "s", &[], &[Some(b"9")], &[]),
                    execute("p", 3),
                    execute("p", 3),
                    sync(),
                ]
                .concat(),
                Until::Ready(2),
            ),
            (
                "the rest of the portal",
                [
                    describe(b'P', "p"),
                    execute("p", 0),
                    execute("p", 1),
                    close(b'P', "p"),
                    execute("p", 1),
                    sync(),
                ]
                .concat(),
                one,
            ),
            ("the end", query("ROLLBACK"), one),
            (
                "a portal outlives no transaction",
                [
                    bind_as("q", "s", &[], &[Some(b"9")], &[]),
                    execute("q", 1),
                    sync(),
                    execute("q", 1),
                    sync(),
                ]
                .concat(),
                Until::Ready(2),
            ),
            ("two in one", [parse("", "SELECT 1; SELECT 2", &[]), sync()].concat(), one),
            (
                "an empty text",
                [parse("", "", &[]), bind("", &[]), describe(b'P', ""), execute("", 0), sync()].concat(),
                one,
            ),
            (
                "many writes before a Sync",
                [parse("w", "INSERT INTO notes VALUES ($1, NULL) RETURNING body", &[])]
                    .into_iter()
                    .chain((0..50).flat_map(|n| [bind("w", &[Some(&n.to_string())]), execute("", 0)]))
                    .chain([sync()])
                    .collect::<Vec<_>>()
                    .concat(),
                one,
            ),
            (
                "an error until Sync",
                [
                    bind("w", &[Some("gone")]),
                    execute("", 0),
                    parse("", "SELECT 1/0", &[]),
                    bind("", &[]),
                    execute("", 0),
                    query("SELECT 'skipped'"),
                    bind("w", &[None]),
                    execute("", 0),
                    sync(),
                    query("SELECT count(*) FROM notes"),
                ]
                .concat(),
                Until::Ready(2),
            ),
            (
                "the same name",
                [
                    parse("s", "SELECT 1", &[]),
                    sync(),
                    close(b'S', "s"),
                    parse("s", "SELECT 1", &[]),
                    sync(),
                ]
                .concat(),
                Until::Ready(2),
            ),
            (
                "no such statement",
                [
                    bind("absent", &[]),
                    sync(),
                    describe(b'S', "absent"),
                    sync(),
                    close(b'S', "absent"),
                    sync(),
                    execute("absent", 0),
                    sync(),
                ]
                .concat(),
                Until::Ready(4),
            ),
            (
                "parameters missing",
                [
                    parse("", "SELECT $1::int + $2", &[]),
                    describe(b'S', ""),
                    bind("", &[Some("1")]),
                    sync(),
                ]
                .concat(),
                one,
            ),
            (
                "a format too many",
                [
                    parse("", "SELECT $1::int", &[]),
                    bind_as("", "", &[0, 1], &[Some(b"1")], &[]),
                    sync(),
                ]
                .concat(),
                one,
            ),
            (
                "formats of results",
                [parse("", "SELECT 1, 2", &[]), bind_as("", "", &[], &[], &[1, 0, 1]), sync()].concat(),
                one,
            ),
            (
                "types left open",
                [
                    parse("", "SELECT $1, $2 + 1, $3::text", &[0, 20]),
                    describe(b'S', ""),
                    sync(),
                    parse("", "SELECT $1 = $2", &[]),
                    sync(),
                ]
                .concat(),
                Until::Ready(2),
            ),
            (
                "a write in portions",
                [
                    query("BEGIN"),
                    parse("", "UPDATE users SET score = 1 RETURNING id", &[]),
                    bind("", &[]),
                    execute("", 2),
                    execute("", 0),
                    sync(),
                    query("COMMIT"),
                ]
                .concat(),
                Until::Ready(3),
            ),
            (
                "Flush",
                [parse("", "SELECT 7", &[]), bind("", &[]), flush()].concat(),
                Until::Tag(b'2'),
            ),
            ("and on", [execute("", 0), flush()].concat(), Until::Tag(b'C')),
            ("and Sync", sync(), one),
            (
                "transaction control",
                [
                    parse("b", "BEGIN", &[]),
                    bind("b", &[]),
                    execute("", 0),
                    parse("", "SAVEPOINT a", &[]),
                    bind("", &[]),
                    execute("", 0),
                    sync(),
                    query("ROLLBACK"),
                ]
                .concat(),
                Until::Ready(2),
            ),
            (
                "several at once",
                query("SELECT 1; INSERT INTO notes VALUES ('z') RETURNING *; SELECT 1/0; SELECT 2"),
                one,
            ),
        ],
    );
}

#[test]
fn copies() {
    let one = Until::Ready(1);
    let done = message(b'c', b"");
    exchange(
        "protocol::copies",
        &[
            (
                "text",
                [
                    query("COPY notes FROM STDIN"),
                    rows(&[b"a\t2026-01", b"-01\nb\t\\N\n", b"\\N\t\\N\n\\.\n"]),
                    done.clone(),
                ]
                .concat(),
                one,
            ),
            (
                "csv",
                [
                    query("COPY notes (body) FROM STDIN (FORMAT csv, HEADER, NULL 'null')"),
                    rows(&[b"body\n\"a \"\"b\"\"\"\nnull\n"]),
                    done.clone(),
                ]
                .concat(),
                one,
            ),
            ("out as text", query("COPY users TO STDOUT"), one),
            (
                "out as csv",
                query("COPY (SELECT * FROM users ORDER BY id DESC) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *)"),
                one,
            ),
            ("out in binary", query("COPY orders TO STDOUT (FORMAT binary)"), one),
            ("a view", query("COPY happy_users TO STDOUT"), one),
            (
                "in binary",
                [
                    query("COPY notes (body) FROM STDIN (FORMAT binary)"),
                    rows(&[
                        b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0",
                        b"\0\x01\0\0\0\x02hi\0\x01\xff\xff\xff\xff",
                        b"\xff\xff",
                    ]),
                    done.clone(),
                ]
                .concat(),
                one,
            ),
            (
                "a bad row",
                [
                    query("COPY items FROM STDIN"),
                    rows(&[b"1\t9\tsku\t1\n1\tx\tsku\t1\n"]),
                    done.clone(),
                ]
                .concat(),
                one,
            ),
            (
                "a key that is there",
                [
                    query("COPY items FROM STDIN"),
                    rows(&[b"1\t8\tsku\t1\n1\t8\tsku\t1\n"]),
                    done.clone(),
                ]
                .concat(),
                one,
            ),
            (
                "too few columns",
                [query("COPY items FROM STDIN"), rows(&[b"1\n"]), done.clone()].concat(),
                one,
            ),
            (
                "CopyFail",
                [
                    query("COPY notes FROM STDIN"),
                    rows(&[b"x\t\\N\n"]),
                    message(b'f', b"the client gives up\0"),
                ]
                .concat(),
                one,
            ),
            (
                "filtered",
                [
                    query("COPY items FROM STDIN WHERE qty > 1"),
                    rows(&[b"1\t20\tsku\t1\n1\t21\tsku\t2\n"]),
                    done.clone(),
                ]
                .concat(),
                one,
            ),
            (
                "with triggers",
                [
                    query("COPY orders (user_id, total) FROM STDIN"),
                    rows(&[b"1\t5\n2\t6\n"]),
                    done.clone(),
                ]
                .concat(),
                one,
            ),
            (
                "partitioned",
                [
                    query("COPY events (happened, what) FROM STDIN"),
                    rows(&[b"2025-02-02\ta\n2026-02-02\tb\n"]),
                    done.clone(),
                ]
                .concat(),
                one,
            ),
            (
                "extended",
                [
                    parse("", "COPY notes FROM STDIN", &[]),
                    bind("", &[]),
                    execute("", 0),
                    rows(&[b"e\t\\N\n"]),
                    done.clone(),
                    sync(),
                ]
                .concat(),
                one,
            ),
            (
                "extended out",
                [
                    parse("", "COPY notes TO STDOUT", &[]),
                    bind("", &[]),
                    describe(b'P', ""),
                    execute("", 0),
                    sync(),
                ]
                .concat(),
                one,
            ),
            ("a file", query("COPY notes TO '/absent/folder/file'"), one),
            ("a program", query("COPY notes FROM PROGRAM 'echo from a program'"), one),
            (
                "something else during a copy",
                [query("COPY notes FROM STDIN"), query("SELECT 1"), query("SELECT 2")].concat(),
                Until::Ready(2),
            ),
            (
                "several",
                [
                    query("COPY notes FROM STDIN; SELECT count(*) FROM notes; COPY notes TO STDOUT"),
                    rows(&[b"s\t\\N\n"]),
                    done.clone(),
                ]
                .concat(),
                one,
            ),
            (
                "many rows",
                [
                    query("COPY notes FROM STDIN"),
                    rows(
                        &(0..2000)
                            .map(|_| &b"one of many rows that are all the same\t2026-01-01\n"[..])
                            .collect::<Vec<_>>(),
                    ),
                    done,
                ]
                .concat(),
                one,
            ),
            (
                "what is there",
                query("SELECT body, at, count(*) FROM notes GROUP BY 1, 2 ORDER BY 1, 2"),
                one,
            ),
            ("what is there", query("SELECT * FROM audit"), one),
            ("what is there", query("SELECT * FROM items ORDER BY 1, 2"), one),
        ],
    );
}

/// FunctionCall: of int4pl (177), with values in text and in binary; of no function; of lo_creat.
#[test]
fn function_calls() {
    let call = |oid: u32, formats: &[i16], values: &[&[u8]], result: i16| {
        let mut body = oid.to_be_bytes().to_vec();
        body.extend(u16::try_from(formats.len()).unwrap().to_be_bytes());
        body.extend(formats.iter().flat_map(|format| format.to_be_bytes()));
        body.extend(u16::try_from(values.len()).unwrap().to_be_bytes());
        for value in values {
            body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
            body.extend_from_slice(value);
        }
        body.extend(result.to_be_bytes());
        message(b'F', &body)
    };
    exchange(
        "protocol::function_calls",
        &[
            ("text", call(177, &[], &[b"2", b"40"], 0), Until::Ready(1)),
            ("binary", call(177, &[1], &[&[0, 0, 0, 2], &[0, 0, 0, 40]], 1), Until::Ready(1)),
            ("an overflow", call(177, &[0], &[b"2147483647", b"1"], 0), Until::Ready(1)),
            ("no function", call(1, &[], &[], 0), Until::Ready(1)),
            ("too few values", call(177, &[], &[b"1"], 0), Until::Ready(1)),
            (
                "in a transaction",
                [query("BEGIN"), call(177, &[], &[b"x", b"1"], 0), query("COMMIT")].concat(),
                Until::Ready(3),
            ),
        ],
    );
}

#[test]
fn startups() {
    let Some(pair) = pair("protocol::startups") else { return };
    for version in [PROTOCOL_3_0, 0x0003_0002, 0x0003_0007] {
        drop(pair.connect_with(version, &[]));
        drop(pair.connect_with(version, &[("_pq_.absent", "1"), ("application_name", "a twin")]));
    }
    let parameters: [&[(&str, &str)]; 7] = [
        &[("client_encoding", "LATIN1"), ("DateStyle", "German")],
        &[("options", "-c search_path=pg_catalog -c TimeZone=Asia/Tokyo")],
        &[("options", "-c geqo=off"), ("replication", "false")],
        &[("search_path", "public"), ("extra_float_digits", "3"), ("statement_timeout", "5s")],
        &[("absent_setting", "1")],
        &[("options", "-c absent=1")],
        &[("client_encoding", "absent")],
    ];
    for with in parameters {
        let mut twin = pair.connect_with(PROTOCOL_3_0, with);
        if twin.lane.process_id != 0 {
            twin.query("SELECT current_setting('search_path'), current_setting('TimeZone'), current_setting('geqo'), joined FROM public.users WHERE id = 1");
        }
    }
    for database in ["absent", "template0"] {
        let mut twin = pair.open();
        let with = |user| startup(PROTOCOL_3_0, &[("user", user), ("database", database)]);
        twin.lane.send(&with(pair.lane_user()));
        twin.copy.send(&with(pair.stage.image.user()));
        twin.answer(database, Until::End);
    }
    let mut twin = pair.open();
    // An SSLRequest is declined; the session goes on in the clear.
    twin.send(&raw::untagged(&80_877_103_u32.to_be_bytes()));
    assert_eq!((twin.lane.bytes(1), twin.copy.bytes(1)), (b"N".to_vec(), b"N".to_vec()));
    let greeting = |user| startup(PROTOCOL_3_0, &[("user", user), ("database", DATABASE)]);
    twin.lane.send(&greeting(pair.lane_user()));
    twin.copy.send(&greeting(pair.stage.image.user()));
    twin.answer("the greeting", Until::Ready(1));
}

/// Each on a connection of its own, which may end.
#[test]
fn malformed_messages() {
    let Some(pair) = pair("protocol::malformed_messages") else { return };
    let after = query("SELECT 'still here'");
    let cases: [(&str, Vec<u8>); 14] = [
        ("no such letter", message(b'!', b"abc")),
        ("a query without its end", message(b'Q', b"SELECT 1")),
        ("more behind a query", message(b'Q', b"SELECT 1\0SELECT 2\0")),
        ("an empty query message", message(b'Q', b"")),
        ("a Parse that is cut", message(b'P', b"s\0SELECT 1\0")),
        ("a Bind that is cut", message(b'B', b"\0\0\0\x01")),
        ("a Bind with a negative count", message(b'B', b"\0\0\xff\xff")),
        ("an Execute without a count", message(b'E', b"\0")),
        ("a Describe of nothing", message(b'D', b"X\0")),
        ("a Close of nothing", message(b'C', b"X\0")),
        ("a Sync with a body", message(b'S', b"abc")),
        ("copy data out of place", [message(b'd', b"abc"), message(b'c', b"")].concat()),
        (
            "a text that is not UTF-8",
            query("SELECT 'x'")
                .iter()
                .map(|byte| if *byte == b'x' { 0xff } else { *byte })
                .collect(),
        ),
        ("a password out of place", message(b'p', b"secret\0")),
    ];
    for (what, bytes) in cases {
        let mut twin = pair.connect();
        // Sync first ends the state in which everything is skipped.
        twin.exchange(what, &[bytes, sync(), after.clone(), message(b'X', b"")].concat(), Until::End);
    }
    for (what, bytes) in [
        ("a length below four", vec![b'Q', 0, 0, 0, 3]),
        ("a negative length", vec![b'Q', 0xff, 0xff, 0xff, 0xff]),
    ] {
        pair.connect().exchange(what, &bytes, Until::End);
    }
}

#[test]
fn cancel_requests() {
    let Some(pair) = pair("protocol::cancel_requests") else { return };
    let mut twin = pair.connect();
    let cancel = |process_id: i32, key: &[u8]| raw::untagged(&[&80_877_102_u32.to_be_bytes()[..], &process_id.to_be_bytes(), key].concat());
    let mut observer = pair.connect();
    observer.query("BEGIN; LOCK TABLE users");
    let mut watcher = pair.connect();
    twin.query_that_waits("SELECT count(*) FROM users", &mut watcher);
    let (lane, copy) = (
        cancel(twin.lane.process_id, &twin.lane.secret_key),
        cancel(twin.copy.process_id, &twin.copy.secret_key),
    );
    // A wrong key does nothing.
    for is_right in [false, true] {
        let mut requests = pair.open();
        let wrong = |packet: &[u8]| {
            packet
                .iter()
                .enumerate()
                .map(|(at, byte)| if at == 13 { !byte } else { *byte })
                .collect::<Vec<u8>>()
        };
        let (lane, copy) = if is_right {
            (lane.clone(), copy.clone())
        } else {
            (wrong(&lane), wrong(&copy))
        };
        requests.lane.send(&lane);
        requests.copy.send(&copy);
        requests.answer("a cancel request", Until::End);
    }
    twin.answer("a query that was cancelled", Until::Ready(1));
    twin.query("SELECT 'still here'");
    observer.query("COMMIT");
    check_simple(
        "protocol::cancel_requests",
        &["SELECT pg_cancel_backend(0)", "SELECT pg_terminate_backend(1, 10)"],
    );
}

/// What is made of a text by whoever reads it on the way must not depend on how deep it is.
#[test]
fn a_text_that_prepares_what_prepares() {
    let Some(pair) = pair("protocol::a_text_that_prepares_what_prepares") else {
        return;
    };
    let mut twin = pair.connect();
    let deep = format!("{}SELECT 1", "PREPARE a AS ".repeat(20_000));
    let told = twin.query(&deep);
    assert!(told[0].told().contains("42601"), "{}", told[0].told());
    twin.query(&format!("SELECT 1; {deep}"));
    twin.query("PREPARE a AS INSERT INTO notes (body) VALUES ('held')");
    twin.query("EXECUTE a");
}
