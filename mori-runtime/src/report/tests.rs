//! The report as users read it.

use super::{LaneReport, Report, text};
use crate::assertions::{Broken, StatedCounts, StatedTable};
use crate::broker::fake::{deleted, delta, inserted, row, updated};
use crate::routing::tests::{record, refund};
use mori_control::KeptState;
use mori_model::{Key, LaneDelta, Operation, Strategy};
use std::time::Duration;

const HEADLINE: &str = "assertion failed: delta differs from what the test states";

fn lane() -> LaneReport {
    LaneReport {
        slot: 3,
        engine: "sqlite".to_owned(),
        connection: "shop".to_owned(),
        prod: "fixture:shop".to_owned(),
        layers: vec!["fixtures users, orders".to_owned()],
        ..LaneReport::default()
    }
}

fn refunded() -> LaneDelta {
    let order = |status: &str| row(&[("id", 17.into()), ("status", status.into())]);
    let refund = |id: i32| inserted(id, row(&[("id", id.into())]));
    delta(vec![
        ("orders", updated(17, order("paid"), order("refunded"))),
        ("refunds", refund(9001)),
        ("refunds", refund(9002)),
        ("carts", deleted(4, row(&[]))),
    ])
}

fn stated<const N: usize>(tables: [(&str, StatedTable); N]) -> Option<Broken> {
    Some(Broken::Delta(
        tables.into_iter().map(|(table, stated)| (table.to_owned(), stated)).collect(),
    ))
}

fn printed(failure: &str, location: Option<&str>, lanes: &[LaneReport]) -> String {
    text(&Report {
        elapsed: Duration::from_millis(214),
        binary_id: "shop::orders",
        test: "refund_twice",
        failure,
        location,
        lanes,
        run_connection: None,
    })
}

fn kept() -> Option<KeptState> {
    Some(KeptState {
        test: "orders::refund_twice".to_owned(),
        dir: "target/mori/kept/refund_twice".into(),
    })
}

#[test]
fn a_delta_that_differs() {
    let broken = stated([
        ("orders", StatedCounts::default().updated(1).into()),
        ("refunds", StatedCounts::default().inserted(1).into()),
        ("users", StatedTable::Keys(vec![Key::from(1)])),
    ]);
    let lane = LaneReport {
        delta: refunded(),
        routing: refund(),
        broken,
        kept: kept(),
        ..lane()
    };
    let failure = format!("{HEADLINE}\n  - refunds  +1\n  + refunds  +2");
    insta::assert_snapshot!(printed(&failure, Some("tests/orders.rs:48"), &[lane]), @r"
    FAIL [0.214s] shop::orders refund_twice   lane 3 · sqlite · prod fixture:shop · fixtures users, orders
      assertion failed: delta differs from what the test states   tests/orders.rs:48
      delta      orders   ~1     pk 17   status 'paid' -> 'refunded'   expected ~1
                 refunds  +2     pk 9001, 9002                         expected +1     <-- 9002 not expected
                 users    none                                         expected pk 1   <-- missing
      tombstones carts  -1   pk 4
      routing    #8  c1 BEGIN                 TRANSACTION
                 #9  c1 SELECT orders, users  JOIN_PATCH         delta(orders)
                 #10 c2 INSERT refunds        SHADOW_WRITE       autocommit, error 23505   <-- outside the transaction opened in #8
                 #11 c1 COMMIT                TRANSACTION
                 #12 c2 UPDATE orders         HYDRATE_AND_WRITE  autocommit
      state kept: cargo mori shell refund_twice   target/mori/kept/refund_twice   until dropped or 5 newer ones
      again:      cargo mori test -E 'test(=refund_twice)' --lanes 1
    ");
}

#[test]
fn a_plain_panic_with_nothing_stated() {
    let lane = LaneReport {
        delta: delta(vec![("carts", deleted(4, row(&[])))]),
        ..lane()
    };
    insta::assert_snapshot!(printed("assertion `left == right` failed\n  left: 1\n right: 2", Some("tests/orders.rs:12"), &[lane]), @r"
    FAIL [0.214s] shop::orders refund_twice   lane 3 · sqlite · prod fixture:shop · fixtures users, orders
      assertion `left == right` failed   tests/orders.rs:12
        left: 1
       right: 2
      tombstones carts  -1   pk 4
      again:      cargo mori test -E 'test(=refund_twice)' --lanes 1
    ");
}

#[test]
fn keys_that_are_missing_and_keys_too_many() {
    let orders = StatedTable::Keys(vec![Key::from(17), Key::from(18)]);
    let refunds = StatedTable::Keys(vec![Key::from(9001)]);
    let carts = StatedCounts::default().deleted(3).into();
    let broken = stated([("orders", orders), ("refunds", refunds), ("carts", carts)]);
    let lane = LaneReport {
        delta: refunded(),
        broken,
        ..lane()
    };
    insta::assert_snapshot!(printed(HEADLINE, None, &[lane]), @r"
    FAIL [0.214s] shop::orders refund_twice   lane 3 · sqlite · prod fixture:shop · fixtures users, orders
      assertion failed: delta differs from what the test states
      delta      orders   ~1   pk 17   status 'paid' -> 'refunded'   expected pk 17, 18   <-- 18 missing
                 refunds  +2   pk 9001, 9002                         expected pk 9001     <-- 9002 not expected
      tombstones carts  -1   pk 4   expected -3   <-- 2 missing
      again:      cargo mori test -E 'test(=refund_twice)' --lanes 1
    ");
}

#[test]
fn a_kind_that_is_missing_in_a_changed_table() {
    let broken = stated([
        ("orders", StatedCounts::default().inserted(1).updated(1).into()),
        ("refunds", StatedCounts::default().inserted(3).into()),
    ]);
    let lane = LaneReport {
        delta: refunded(),
        broken,
        ..lane()
    };
    insta::assert_snapshot!(printed(HEADLINE, None, &[lane]), @r"
    FAIL [0.214s] shop::orders refund_twice   lane 3 · sqlite · prod fixture:shop · fixtures users, orders
      assertion failed: delta differs from what the test states
      delta      orders   +0                                         expected +1   <-- 1 missing
                 orders   ~1   pk 17   status 'paid' -> 'refunded'   expected ~1
                 refunds  +2   pk 9001, 9002                         expected +3   <-- 1 missing
      tombstones carts  -1   pk 4
      again:      cargo mori test -E 'test(=refund_twice)' --lanes 1
    ");
}

#[test]
fn tombstones_that_differ() {
    let stated = [("carts".to_owned(), vec![Key::from(5)]), ("users".to_owned(), vec![Key::from("a")])];
    let broken = Some(Broken::Tombstones(stated.into()));
    let lane = LaneReport {
        delta: refunded(),
        broken,
        ..lane()
    };
    let headline = "assertion failed: tombstones differ from what the test states";
    insta::assert_snapshot!(printed(headline, None, &[lane]), @r"
    FAIL [0.214s] shop::orders refund_twice   lane 3 · sqlite · prod fixture:shop · fixtures users, orders
      assertion failed: tombstones differ from what the test states
      delta      orders   ~1   pk 17   status 'paid' -> 'refunded'
                 refunds  +2   pk 9001, 9002
      tombstones carts  -1     pk 4   expected pk 5     <-- 4 not expected, 5 missing
                 users  none          expected pk 'a'   <-- missing
      again:      cargo mori test -E 'test(=refund_twice)' --lanes 1
    ");
}

#[test]
fn an_assertion_of_the_past_is_not_shown() {
    let broken = stated([("users", StatedTable::Keys(vec![Key::from(1)]))]);
    let lane = LaneReport {
        delta: refunded(),
        broken,
        ..lane()
    };
    insta::assert_snapshot!(printed("boom", None, &[lane]), @r"
    FAIL [0.214s] shop::orders refund_twice   lane 3 · sqlite · prod fixture:shop · fixtures users, orders
      boom
      delta      orders   ~1   pk 17   status 'paid' -> 'refunded'
                 refunds  +2   pk 9001, 9002
      tombstones carts  -1   pk 4
      again:      cargo mori test -E 'test(=refund_twice)' --lanes 1
    ");
}

#[test]
fn two_databases_and_many_statements() {
    let read = |ordinal| {
        record(
            ordinal,
            1,
            Operation::Read,
            "SELECT",
            &["orders"],
            Strategy::ProdDirect,
            "no local changes",
        )
    };
    let billing = LaneReport {
        routing: (1..=14).map(read).collect(),
        ..lane()
    };
    let cache = LaneReport {
        slot: 4,
        engine: "redis".to_owned(),
        connection: "cache".to_owned(),
        layers: Vec::new(),
        ..lane()
    };
    let cache = LaneReport {
        trouble: Some("lost the broker at /run/mori.sock: the other side closed the connection".to_owned()),
        ..cache
    };
    insta::assert_snapshot!(printed("Error: Timeout", None, &[billing, cache]), @r"
    FAIL [0.214s] shop::orders refund_twice
      Error: Timeout
      shop: lane 3 · sqlite · prod fixture:shop · fixtures users, orders
      routing    … 2 statements before
                 #3  c1 SELECT orders  PROD_DIRECT  no local changes
                 #4  c1 SELECT orders  PROD_DIRECT  no local changes
                 #5  c1 SELECT orders  PROD_DIRECT  no local changes
                 #6  c1 SELECT orders  PROD_DIRECT  no local changes
                 #7  c1 SELECT orders  PROD_DIRECT  no local changes
                 #8  c1 SELECT orders  PROD_DIRECT  no local changes
                 #9  c1 SELECT orders  PROD_DIRECT  no local changes
                 #10 c1 SELECT orders  PROD_DIRECT  no local changes
                 #11 c1 SELECT orders  PROD_DIRECT  no local changes
                 #12 c1 SELECT orders  PROD_DIRECT  no local changes
                 #13 c1 SELECT orders  PROD_DIRECT  no local changes
                 #14 c1 SELECT orders  PROD_DIRECT  no local changes
      cache: lane 4 · redis · prod fixture:shop
      lane       lost the broker at /run/mori.sock: the other side closed the connection
      again:      cargo mori test -E 'test(=refund_twice)' --lanes 1
    ");
}

#[test]
fn several_updated_rows_have_a_line_each() {
    let status = |status: &str| row(&[("status", status.into())]);
    let changes = (1..=3)
        .map(|key: i32| ("orders", updated(key, status("paid"), status("refunded"))))
        .collect();
    let lane = LaneReport {
        delta: delta(changes),
        ..lane()
    };
    insta::assert_snapshot!(printed("boom", Some("tests/orders.rs:9"), &[lane]), @r"
    FAIL [0.214s] shop::orders refund_twice   lane 3 · sqlite · prod fixture:shop · fixtures users, orders
      boom   tests/orders.rs:9
      delta      orders  ~3   pk 1, 2, 3
                              pk 1   status 'paid' -> 'refunded'
                              pk 2   status 'paid' -> 'refunded'
                              pk 3   status 'paid' -> 'refunded'
      again:      cargo mori test -E 'test(=refund_twice)' --lanes 1
    ");
}

#[test]
fn a_run_on_a_connection_is_repeated_on_it() {
    let report = Report {
        elapsed: Duration::from_millis(214),
        binary_id: "shop::orders",
        test: "refund_twice",
        failure: "no stock",
        location: None,
        lanes: &[lane()],
        run_connection: Some("shop_pg"),
    };
    insta::assert_snapshot!(text(&report), @r"
    FAIL [0.214s] shop::orders refund_twice   lane 3 · sqlite · prod fixture:shop · fixtures users, orders
      no stock
      again:      cargo mori test -E 'test(=refund_twice)' --lanes 1 --connection shop_pg
    ");
}
