//! Bytes that are no messages: the client is told, if it still can be, and nobody else notices.

use mori_tests::Random;
use mori_tests::Served;
use mori_tests::raw::{Raw, bind, execute, message, parse, query, sync, untagged};

fn served() -> Served {
    Served::with("CREATE TABLE t(a); INSERT INTO t VALUES (1);")
}

#[track_caller]
fn still_serves(served: &Served) {
    assert_eq!(Raw::connect(served.port).query("SELECT a FROM t")[1], "D 1");
}

#[test]
fn a_message_with_a_wrong_body_is_an_error_and_the_connection_goes_on() {
    let served = served();
    let mut raw = Raw::connect(served.port);
    for (tag, body) in [
        (b'P', &b"no end"[..]),
        (b'P', b"\0SELECT 1\0\0\x05"),
        (b'B', b"\0\0\0\x01"),
        (b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xf0\0\0"),
        (b'D', b"Xname\0"),
        (b'E', b"\0\0\0"),
        (b'C', b""),
        (b'E', b"\0\0\0\0\0more"),
    ] {
        let answer = raw.say(&[message(tag, body), sync()]);
        assert!(answer[0].starts_with("E 08P01 "), "{}: {answer:?}", char::from(tag));
        assert_eq!(answer.last().map(String::as_str), Some("Z I"));
    }
    assert_eq!(raw.query("SELECT a FROM t")[1], "D 1");
}

#[test]
fn a_query_with_a_wrong_body_is_answered_at_once() {
    let served = served();
    let mut raw = Raw::connect(served.port);
    assert!(raw.say(&[message(b'Q', b"SELECT 1")])[0].starts_with("E 08P01 "));
    assert!(raw.say(&[message(b'Q', b"SELECT '\xff'\0")])[0].starts_with("E 22021 invalid byte sequence"));
    assert_eq!(raw.query("SELECT a FROM t")[1], "D 1");
}

#[test]
fn a_letter_that_is_no_message_ends_the_connection() {
    let served = served();
    let mut raw = Raw::connect(served.port);
    raw.send(&message(b'z', b""));
    let answer = raw.until_ready();
    assert_eq!(
        (answer.len(), answer[0].field('C').as_deref(), answer[0].field('S').as_deref()),
        (1, Some("08P01"), Some("FATAL"))
    );
    still_serves(&served);
}

#[test]
fn a_length_that_cannot_be_ends_the_connection() {
    let served = served();
    for word in [0u32, 3, u32::MAX, 0x7fff_ffff] {
        let mut raw = Raw::connect(served.port);
        raw.send(&[&b"Q"[..], &word.to_be_bytes()].concat());
        let answer = raw.until_ready();
        assert_eq!((answer.len(), answer[0].field('C').as_deref()), (1, Some("08P01")), "length {word}");
    }
    still_serves(&served);
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_message() {
    let served = served();
    let whole = [parse("", "SELECT a FROM t", &[]), bind("", &[]), execute("", 0), sync()].concat();
    for end in 1..whole.len() {
        let mut raw = Raw::connect(served.port);
        raw.send(&whole[..end]);
        raw.hang_up();
        while raw.hear().is_some() {}
    }
    still_serves(&served);
}

#[test]
fn messages_with_a_byte_changed() {
    let served = served();
    let whole = [
        parse("s", "SELECT a + $1 FROM t", &[20]),
        bind("s", &[Some("1")]),
        execute("", 0),
        query("INSERT INTO t SELECT 5 WHERE 0"),
        sync(),
    ]
    .concat();
    let mut random = Random::new(17);
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(3) {
            let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
            bytes[at] = u8::try_from(random.below(256)).unwrap();
        }
        let mut raw = Raw::connect(served.port);
        raw.send(&bytes);
        raw.hang_up();
        while raw.hear().is_some() {}
    }
    still_serves(&served);
}

#[test]
fn bytes_of_chance_as_a_first_packet() {
    let served = served();
    let mut random = Random::new(29);
    for _ in 0..300 {
        let len = usize::try_from(random.below(60)).unwrap();
        let bytes: Vec<u8> = (0..len).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
        let packet = if random.chance(70) {
            untagged(&[&0x0003_0000u32.to_be_bytes()[..], &bytes].concat())
        } else {
            bytes
        };
        let mut raw = Raw::open(served.port);
        raw.send(&packet);
        raw.hang_up();
        while raw.hear().is_some() {}
    }
    still_serves(&served);
}

#[test]
fn texts_that_nest_deeply() {
    let served = served();
    let mut raw = Raw::connect(served.port);
    for (open, close) in [
        ("(", ")"),
        ("-", ""),
        ("NOT ", ""),
        ("(SELECT ", ")"),
        ("CASE WHEN 1 THEN ", " END"),
        ("abs(", ")"),
        ("x'", "'"),
        ("/*", "*/"),
    ] {
        for depth in [500, 20_000] {
            let answer = raw.query(&format!("SELECT {}1{}", open.repeat(depth), close.repeat(depth)));
            assert!(answer.last().is_some_and(|line| line == "Z I"), "{open} {depth}: {answer:?}");
        }
    }
    still_serves(&served);
}

#[test]
fn a_client_that_sends_and_never_reads() {
    let served = served();
    let mut deaf = Raw::connect(served.port);
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000) SELECT i, 'a row of some length' FROM n";
    deaf.send(&query(rows));
    still_serves(&served);
    assert_eq!(Raw::connect(served.port).query("INSERT INTO t VALUES (2)")[0], "C INSERT 0 1");
}
