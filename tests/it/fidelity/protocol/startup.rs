//! The first packets of a connection.

use mori_tests::Served;
use mori_tests::raw::{Message, Raw, startup, untagged};

const V3_0: u32 = 0x0003_0000;
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;

fn served() -> Served {
    Served::with("CREATE TABLE t(a)")
}

fn greeted(raw: &mut Raw, version: u32, parameters: &[(&str, &str)]) -> Vec<Message> {
    raw.send(&startup(version, parameters));
    raw.until_ready()
}

#[test]
fn encryption_is_declined_and_the_client_may_go_on_in_the_clear() {
    let served = served();
    let mut raw = Raw::open(served.port);
    for code in [GSSENC_REQUEST, SSL_REQUEST] {
        raw.send(&untagged(&code.to_be_bytes()));
        assert_eq!(raw.bytes(1), b"N");
    }
    let answer = greeted(&mut raw, V3_0, &[("user", "ann")]);
    assert_eq!(answer.last().map(Message::told).as_deref(), Some("Z I"));
}

/// What is sent before the answer to SSLRequest could come from somebody in between (CVE-2021-23222).
#[test]
fn nothing_may_follow_an_ssl_request_before_its_answer() {
    let served = served();
    let mut raw = Raw::open(served.port);
    raw.send(&[untagged(&SSL_REQUEST.to_be_bytes()), startup(V3_0, &[("user", "ann")])].concat());
    assert_eq!(raw.hear(), None);
}

#[test]
fn a_greeting_has_everything_a_driver_waits_for() {
    let served = served();
    let mut raw = Raw::open(served.port);
    let answer = greeted(&mut raw, V3_0, &[("user", "ann"), ("database", "db"), ("application_name", "shop")]);
    assert_eq!(answer[0].told(), "R 00000000");
    let told: Vec<String> = answer.iter().map(Message::told).collect();
    for expected in [
        "S server_version=15.0",
        "S server_encoding=UTF8",
        "S client_encoding=UTF8",
        "S application_name=shop",
        "S session_authorization=ann",
        "S is_superuser=off",
        "S DateStyle=ISO, MDY",
        "S IntervalStyle=postgres",
        "S TimeZone=UTC",
        "S integer_datetimes=on",
        "S standard_conforming_strings=on",
        "S default_transaction_read_only=off",
        "S in_hot_standby=off",
    ] {
        assert!(told.iter().any(|line| line == expected), "{expected} is missing: {told:?}");
    }
    let [.., key, ready] = &answer[..] else { panic!("{told:?}") };
    assert_eq!((key.tag, key.body.len(), ready.told().as_str()), (b'K', 8, "Z I"));
}

#[test]
fn settings_of_the_first_packet_are_what_reset_goes_back_to() {
    let served = served();
    let mut raw = Raw::open(served.port);
    greeted(
        &mut raw,
        V3_0,
        &[
            ("user", "ann"),
            ("TimeZone", "Europe/Vienna"),
            ("options", r"-c search_path=a\ b --lock-timeout=5"),
        ],
    );
    let show = |raw: &mut Raw, name: &str| raw.query(&format!("SHOW {name}"))[1].clone();
    assert_eq!(show(&mut raw, "timezone"), "D Europe/Vienna");
    assert_eq!(show(&mut raw, "search_path"), "D a b");
    assert_eq!(show(&mut raw, "lock_timeout"), "D 5");
    assert_eq!(raw.query("SET TIME ZONE 'UTC'"), ["S TimeZone=UTC", "C SET", "Z I"]);
    assert_eq!(raw.query("RESET ALL"), ["S TimeZone=Europe/Vienna", "C RESET", "Z I"]);
}

#[test]
fn a_higher_minor_version_is_negotiated_down() {
    let served = served();
    let mut raw = Raw::open(served.port);
    let answer = greeted(&mut raw, 0x0003_0003, &[("user", "ann")]);
    // The newest minor version, as a whole version number or as PostgreSQL sends it, and no options.
    assert_eq!(answer[0].told(), "v 0003000200000000");
    assert_eq!(answer.last().map(Message::told).as_deref(), Some("Z I"));
}

#[test]
fn unknown_protocol_options_are_named() {
    let served = served();
    let mut raw = Raw::open(served.port);
    let answer = greeted(&mut raw, V3_0, &[("user", "ann"), ("_pq_.command_ids", "on")]);
    assert_eq!(answer[0].tag, b'v');
    assert!(answer[0].body.ends_with(b"\0\0\0\x01_pq_.command_ids\0"), "{:?}", answer[0]);
    assert_eq!(answer.last().map(Message::told).as_deref(), Some("Z I"));
}

#[test]
fn version_3_2_needs_no_negotiation() {
    let served = served();
    let mut raw = Raw::open(served.port);
    let answer = greeted(&mut raw, 0x0003_0002, &[("user", "ann")]);
    assert_eq!(answer[0].told(), "R 00000000");
    assert_eq!(raw.query("SELECT 1")[1], "D 1");
}

#[test]
fn another_major_version_is_refused() {
    let served = served();
    let mut raw = Raw::open(served.port);
    let answer = greeted(&mut raw, 0x0002_0000, &[("user", "ann")]);
    assert_eq!(answer.len(), 1);
    assert_eq!(
        (answer[0].field('S').as_deref(), answer[0].field('C').as_deref()),
        (Some("FATAL"), Some("0A000"))
    );
}

#[test]
fn another_protocol_is_told_so_and_left() {
    let served = served();
    let mut raw = Raw::open(served.port);
    raw.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = raw.until_ready();
    assert_eq!(answer[0].field('C').as_deref(), Some("08P01"));
    assert_eq!(answer.len(), 1);
}

#[test]
fn a_first_packet_that_is_too_long_is_refused() {
    let served = served();
    let mut raw = Raw::open(served.port);
    raw.send(&startup(V3_0, &[("user", &"a".repeat(20_000))])[..100]);
    let answer = raw.until_ready();
    assert_eq!((answer.len(), answer[0].field('C').as_deref()), (1, Some("08P01")));
}

#[test]
fn a_client_that_leaves_at_once_harms_nobody() {
    let served = served();
    for bytes in [&b""[..], b"\0", b"\0\0\0\x08", &startup(V3_0, &[("user", "ann")])[..12]] {
        let mut raw = Raw::open(served.port);
        raw.send(bytes);
        raw.hang_up();
        assert_eq!(raw.hear(), None);
    }
    assert_eq!(Raw::connect(served.port).query("SELECT 1")[1], "D 1");
}
