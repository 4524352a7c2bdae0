//! `#[mori::test]` from end to end.

#![allow(unnameable_test_items, reason = "the tests under test are called by their children, not collected")]

use crate::child::{is_child, run};
use crate::fake::{FakeBroker, Script, delta, inserted, row, updated};
use mori_control::{Counters, Isolation, Keep, LaneId, Outcome, Request};
use mori_model::{Engine, LaneDelta, Operation, RouteRecord, Strategy};

fn refund() -> LaneDelta {
    let order = |status: &str| row(&[("status", status.into())]);
    delta(vec![
        ("orders", updated(17, order("paid"), order("refunded"))),
        ("refunds", inserted(9001, row(&[]))),
        ("refunds", inserted(9002, row(&[]))),
    ])
}

fn select() -> RouteRecord {
    RouteRecord {
        ordinal: 1,
        session: 1,
        operation: Operation::Read,
        verb: "SELECT".into(),
        tables: ["orders".to_owned()].into(),
        strategy: Strategy::ProdDirect,
        reason: "no local changes".into(),
        error: None,
        rows: 1,
    }
}

fn broker() -> FakeBroker {
    let counters = Counters {
        statements: 3,
        committed: 1,
        ..Counters::default()
    };
    FakeBroker::start(Script {
        deltas: vec![refund()],
        routing: vec![select()],
        counters,
        ..Script::default()
    })
}

/// A pair: the child that runs the test under test, if it is one.
macro_rules! child {
    ($name:ident, $test:expr) => {
        #[test]
        fn $name() {
            if is_child() {
                $test
            }
        }
    };
}

child!(all_assertions_hold_child, {
    #[mori::test(
        isolation = "clone",
        max_connections = 2,
        timeout = "30s",
        requires(engine = "sqlite"),
        keep = "never"
    )]
    async fn all_assertions_hold(db: mori::Sqlite, #[mori(db = "cache")] cache: mori::Redis, again: mori::Db) {
        tokio_is_here().await;
        assert_eq!((db.name(), again.url(), cache.name()), ("shop", db.url(), "cache"));
        mori::assert_delta!(db, orders: { updated: 1 }, refunds: [9002, 9001]);
        mori::assert_delta!(again, "orders": [17], refunds: { inserted: 2, updated: 0, deleted: 0 },);
        mori::assert_no_tombstones!(db);
        mori::assert_tombstones!(db, orders: []);
        mori::assert_statements!(db, <= 3);
        mori::assert_statements!(db, == 3);
        mori::assert_transactions!(db, committed: 1, rolled_back: 0);
        db.delta().table("orders").row(17).changed(["status"]);
        mori::assert_routing_snapshot!(db, @"#1 c1 SELECT orders  PROD_DIRECT  no local changes");
        mori::assert_routing_snapshot!(db.routing().sorted(), @"SELECT orders  PROD_DIRECT  no local changes");
        mori::assert_delta_snapshot!(db, @r"
        orders   ~1  pk 17    status 'paid' -> 'refunded'
        refunds  +2  pk 9001
                     pk 9002
        ");
        let snapshot = db.snapshot().await.expect("taken");
        db.restore(&snapshot).await.expect("restored");
        assert_eq!(db.path().expect("exported"), std::path::Path::new("exported.db"));
    }

    async fn tokio_is_here() {
        tokio::time::sleep(std::time::Duration::ZERO).await;
    }

    all_assertions_hold()
});

#[test]
fn all_assertions_hold() {
    let broker = broker();
    run("attribute::all_assertions_hold_child", &broker).passed().lacks("FAIL");
    let finished = |lane| (LaneId(lane), Outcome::Passed, Keep::Never);
    assert_eq!(broker.finishes(), [finished(1), finished(2)]);
    let acquired: Vec<_> = broker
        .requests()
        .into_iter()
        .filter_map(|request| match request {
            Request::Acquire(spec) => Some((spec.connection, spec.engine, spec.isolation, spec.max_connections, spec.test)),
            _ => None,
        })
        .collect();
    let test = || "it::attribute::all_assertions_hold".to_owned();
    assert_eq!(
        acquired,
        [
            (None, Some(Engine::Sqlite), Isolation::Clone, Some(2), test()),
            (Some("cache".to_owned()), Some(Engine::Redis), Isolation::Clone, Some(2), test()),
        ]
    );
}

child!(a_failure_is_reported_child, {
    #[mori::test]
    async fn a_failure_is_reported(db: mori::Sqlite) {
        mori::assert_delta!(db, orders: { updated: 1 }, refunds: { inserted: 1 });
    }

    a_failure_is_reported()
});

#[test]
fn a_failure_is_reported() {
    let broker = broker();
    run("attribute::a_failure_is_reported_child", &broker)
        .failed()
        .says("mori-runtime::it attribute::a_failure_is_reported   lane 3 · sqlite · prod fixture:shop\n")
        .says("\n  assertion failed: delta differs from what the test states   mori-runtime/tests/it/attribute.rs:")
        .says("\n             refunds  +2   pk 9001, 9002                         expected +1   <-- 9002 not expected\n")
        .says("\n  routing    #1 c1 SELECT orders  PROD_DIRECT  no local changes\n")
        .says("\n  state kept: cargo mori shell attribute::a_failure_is_reported   target/mori/kept/refund_twice   ")
        .says("\n  again:      cargo mori test -E 'test(=attribute::a_failure_is_reported)' --lanes 1\n");
}

child!(a_returned_error_is_reported_child, {
    #[mori::test]
    fn a_returned_error_is_reported(_db: mori::Db) -> Result<(), &'static str> {
        Err("out of stock")
    }

    assert_eq!(a_returned_error_is_reported(), Err("out of stock"));
    panic!("the value came through");
});

#[test]
fn a_returned_error_is_reported() {
    run("attribute::a_returned_error_is_reported_child", &broker())
        .failed()
        .says("\n  Error: \"out of stock\"\n")
        .says("the value came through");
}

child!(a_limit_ends_the_test_child, {
    #[mori::test(timeout = "10ms")]
    async fn a_limit_ends_the_test(_db: mori::Db) {
        std::future::pending::<()>().await;
    }

    a_limit_ends_the_test()
});

#[test]
fn a_limit_ends_the_test() {
    let broker = broker();
    run("attribute::a_limit_ends_the_test_child", &broker)
        .failed()
        .says("\n  the test ran longer than its limit of 10ms\n");
    assert!(matches!(
        broker.finishes().as_slice(),
        [(LaneId(1), Outcome::Failed { .. }, Keep::OnFailure)]
    ));
}

child!(a_missing_requirement_is_named_child, {
    #[mori::test(requires(env = "MORI_IT_NEVER_SET"))]
    async fn a_missing_requirement_is_named(_db: mori::Db) {
        panic!("the body must not run");
    }

    a_missing_requirement_is_named()
});

#[test]
fn a_missing_requirement_is_named() {
    let broker = broker();
    run("attribute::a_missing_requirement_is_named_child", &broker)
        .failed()
        .says("set-up failed: the test requires the variable MORI_IT_NEVER_SET\n  remedy: set MORI_IT_NEVER_SET\n")
        .lacks("FAIL [")
        .lacks("the body must not run");
    assert!(broker.requests().is_empty());
}

child!(a_seed_is_no_part_of_the_delta_child, {
    async fn month_end(db: &mori::Db) -> Result<(), String> {
        assert!(!db.url().is_empty());
        Ok(())
    }

    #[mori::test(seed = month_end, read_only, tokio(flavor = "multi_thread", worker_threads = 2))]
    async fn a_seed_is_no_part_of_the_delta(db: mori::Sqlite) -> Result<(), mori::HarnessError> {
        tokio::spawn(async move { mori::assert_no_delta!(db) })
            .await
            .expect("the task passes");
        Ok(())
    }

    a_seed_is_no_part_of_the_delta().expect("passes")
});

#[test]
fn a_seed_is_no_part_of_the_delta() {
    run("attribute::a_seed_is_no_part_of_the_delta_child", &broker()).passed();
}

child!(a_blocking_test_has_a_limit_child, {
    #[mori::test(timeout = "30s")]
    fn a_blocking_test_has_a_limit(db: mori::Sqlite) -> Result<(), Box<dyn std::error::Error>> {
        mori::assert_delta!(db, orders: [17], refunds: [9001, 9002]);
        Ok(())
    }

    a_blocking_test_has_a_limit().expect("passes")
});

#[test]
fn a_blocking_test_has_a_limit() {
    run("attribute::a_blocking_test_has_a_limit_child", &broker()).passed();
}
