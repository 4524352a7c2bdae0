//! What the commands print, as functions of what they are given.

use super::delta::render_lane;
use super::doctor::{Check, Verdict};
use super::log::LogReader;
use super::*;
use crate::output::Paint;
use crate::settings::{CommandLine, Profiles, resolve};
use mori_broker::kept::KeptInfo;
use mori_control::{InspectReport, StatusReport, TableCounts};
use mori_model::{AddedColumn, ChangeKind, Key, LaneDelta, Row, RowChange, SequenceInfo, TableDelta, TableDivergence, Value};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

fn row(columns: &[(&str, Value)]) -> Option<Row> {
    Some(Row {
        columns: columns.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
    })
}

fn orders() -> TableDelta {
    let change = |key: i64, kind, old, new| RowChange {
        key: Key::from(key),
        kind,
        old,
        new,
    };
    TableDelta {
        rows: vec![
            change(
                17,
                ChangeKind::Updated,
                row(&[("status", "paid".into()), ("n", 1.into())]),
                row(&[("status", "it's".into()), ("n", 1.into())]),
            ),
            change(18, ChangeKind::Deleted, row(&[("status", "new".into())]), None),
            change(19, ChangeKind::Inserted, None, row(&[("status", Value::Null)])),
        ],
    }
}

fn divergence() -> TableDivergence {
    TableDivergence {
        added: vec![AddedColumn {
            name: "note".to_owned(),
            declared_type: "TEXT".to_owned(),
            default: Some("''".to_owned()),
        }],
        dropped: vec!["old".to_owned()],
        renamed: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
        ..TableDivergence::default()
    }
}

fn sequence() -> SequenceInfo {
    SequenceInfo {
        column: "id".to_owned(),
        kind: "integer".to_owned(),
        prod_max: 100,
        shadow_start: 101,
    }
}

#[test]
fn deltas_with_old_and_new_values() {
    let delta = LaneDelta {
        tables: BTreeMap::from([("orders".to_owned(), orders())]),
    };
    insta::assert_snapshot!(render_lane(&delta), @"
    orders
      ~ 17  status 'paid' -> 'it''s'
      - 18
      + 19  status NULL
    ");
    assert_eq!(render_lane(&LaneDelta::default()), "no changes\n");
}

#[test]
fn a_status_with_changes() {
    let status = StatusReport {
        connection: "shop".to_owned(),
        engine: "sqlite".to_owned(),
        prod: "fixture:shop".to_owned(),
        running: true,
        pid: Some(7),
        url: Some("postgres://127.0.0.1:9002/shop".to_owned()),
        tables: BTreeMap::from([("orders".to_owned(), TableCounts { delta: 2, tombstones: 1 })]),
        schema: BTreeMap::from([("orders".to_owned(), divergence())]),
        sequences: BTreeMap::from([("orders".to_owned(), sequence())]),
    };
    insta::assert_snapshot!(status::render(&status), @"
    connection  shop (sqlite)
    prod        fixture:shop
    proxy       running, process 7, postgres://127.0.0.1:9002/shop

    TABLE   DELTA  TOMBSTONES
    orders      2           1

    schema
      orders: +note TEXT default '', -old, a -> b

    SEQUENCE   PROD MAX  STARTS AT
    orders.id       100        101
    ");
}

#[test]
fn a_status_without_changes() {
    let status = StatusReport {
        connection: "shop".to_owned(),
        engine: "sqlite".to_owned(),
        prod: "empty".to_owned(),
        ..StatusReport::default()
    };
    insta::assert_snapshot!(status::render(&status), @"
    connection  shop (sqlite)
    prod        empty
    proxy       not running

    no local changes
    ");
}

#[test]
fn an_inspected_table() {
    let report = InspectReport {
        table: "orders".to_owned(),
        pk_columns: vec!["id".to_owned()],
        delta: orders(),
        divergence: Some(divergence()),
        sequence: Some(sequence()),
    };
    insta::assert_snapshot!(inspect::render(&report), @"
    table       orders
    primary key id
    delta       2
    tombstones  1
    schema      +note TEXT default '', -old, a -> b
    sequence    id: prod max 100, starts at 101

      ~ 17  status 'paid' -> 'it''s'
      - 18
      + 19  status NULL
    ");
}

#[test]
fn a_log_entry_is_one_line() {
    let entry = r#"{"ts":"12:00","conn":"c1","event":"statement","sql":"SELECT *\nFROM orders","op":"read","sub":"SELECT",
        "tables":["orders"],"strategy":"MERGED_READ","reason":"delta(orders)","duration_us":1500,"rows":3,"error":null}"#;
    assert_eq!(
        log::render(entry),
        "12:00  c1  MERGED_READ        delta(orders)  1.5 ms  3 rows  SELECT * FROM orders\n"
    );
    assert_eq!(log::render(r#"{"ts":"12:00","event":"reset"}"#), "12:00  reset\n");
    assert_eq!(log::render("not json"), "not json\n");
}

#[test]
fn the_log_is_read_on_from_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mori.jsonl");
    let mut log = LogReader {
        path: path.clone(),
        position: 0,
    };
    assert!(log.new_lines().unwrap().is_empty(), "no file yet");
    fs::write(&path, "one\ntwo\nhal").unwrap();
    assert_eq!(log.new_lines().unwrap(), ["one", "two"]);
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"f\n").unwrap();
    assert_eq!(log.new_lines().unwrap(), ["half"]);
    fs::write(&path, "new\n").unwrap();
    assert_eq!(log.new_lines().unwrap(), ["new"], "a shorter file is a new one");
}

#[test]
fn names_from_urls() {
    let names = [
        "sqlite:data/app.db",
        "sqlite:///srv/a b.sqlite3",
        "postgres://u:p@h:1/shop?x=y",
        "redis://h",
        "firestore://project",
    ];
    assert_eq!(names.map(init::name_of), ["app", "a-b", "shop", "redis", "firestore"]);
}

fn state(test: &str, created_unix: u64) -> KeptInfo {
    let meta = json!({ "test": test, "connection": "shop", "foreign_keys": true, "created_unix": created_unix, "has_image": false });
    serde_json::from_value(meta).unwrap()
}

#[test]
fn a_kept_state_is_found_by_its_name_or_a_part_that_no_other_has() {
    let states = || {
        vec![
            state("orders::refund", 1),
            state("orders::refund_twice", 2),
            state("orders::refund", 3),
        ]
    };
    let found = |wanted: &str| {
        kept::find(states(), wanted)
            .map(|state| state.created_unix)
            .map_err(|error| error.to_string())
    };
    assert_eq!(found("orders::refund"), Ok(3));
    assert_eq!(found("refund"), Ok(3), "a whole last part goes before a part of another");
    assert_eq!(found("twice"), Ok(2));
    assert_eq!(found("ship"), Err("no kept state of `ship`".to_owned()));
    assert!(
        found("orders")
            .unwrap_err()
            .starts_with("`orders` is part of orders::refund, orders::refund_twice")
    );
}

#[test]
fn of_a_test_with_two_lanes_the_connection_says_which() {
    let states = || {
        ["shop", "cache"]
            .map(|connection| {
                let mut state = state("orders::refund", 1);
                state.connection = connection.to_owned();
                state
            })
            .to_vec()
    };
    let found = |wanted: &str| kept::find(states(), wanted).map(|state| state.connection);
    assert_eq!(found("refund@cache").ok().as_deref(), Some("cache"));
    assert_eq!(found("refund@shop").ok().as_deref(), Some("shop"));
    let error = found("refund").unwrap_err().to_string();
    assert!(error.starts_with("orders::refund left the states of cache and shop"), "{error}");
}

#[test]
fn kept_states_with_their_age() {
    let now = UNIX_EPOCH + Duration::from_secs(200);
    insta::assert_snapshot!(kept::render(&[state("orders::refund", 80)], now), @"
    TEST            CONNECTION  KEPT
    orders::refund  shop        2 min ago
    ");
    assert_eq!(kept::render(&[], now), "no kept states\n");
}

#[test]
fn why_a_setting_has_its_value() {
    let variable = |name: &str| (name == "MORI_LANES").then(|| "4".to_owned());
    let settings = resolve(&Profiles::default(), &CommandLine::default(), variable).unwrap();
    insta::assert_snapshot!(plan::render_why(&settings.row("lanes").unwrap()).replace(&format!("auto ({})", std::thread::available_parallelism().unwrap()), "auto"), @"
    lanes = 4
      command line (--lanes)                  -
      environment (MORI_LANES)                4  <-- taken
      [profile.default] in .config/mori.toml  -
      built in                                auto
    ");
}

#[test]
fn checks_with_their_remedies() {
    let check = |subject: &str, verdict, remedy: Option<&str>| Check {
        subject: subject.to_owned(),
        verdict,
        detail: "detail".to_owned(),
        remedy: remedy.map(str::to_owned),
    };
    let checks = [
        check("sqlite", Verdict::Works, None),
        check("psql", Verdict::Missing, Some("install it")),
        check("mori.yaml", Verdict::Broken, None),
    ];
    insta::assert_snapshot!(doctor::render(&checks, Paint::PLAIN), @"
    ok       sqlite     detail
    missing  psql       detail
                        remedy: install it
    broken   mori.yaml  detail
    ");
}
