//! Whole tests against a broker that answers from a script: acquire, body, checks, end of the lease.

use super::{Ended, run, within};
use crate::broker::fake::{FakeBroker, Script, delta, inserted, row};
use crate::harness::spec::tests::REFUND;
use crate::harness::watch::watch;
use crate::harness::{Access, Argument, Ending, Flavor, Lanes, Settings, Source, Spec, TestReturn};
use crate::{Db, HarnessError, Key, assert_delta, assert_no_delta, assert_no_tombstones};
use mori_control::{Counters, Keep, LaneId, Outcome, Request};
use mori_model::LaneDelta;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

const ONE: &[Argument] = &[Argument::unnamed(None)];
const SOURCE: Source = Source {
    manifest_dir: env!("CARGO_MANIFEST_DIR"),
    ..REFUND
};
const SPEC: Spec = Spec::new(SOURCE, ONE);

fn one_refund() -> LaneDelta {
    delta(vec![("refunds", inserted(9001, row(&[("id", 9001.into())])))])
}

/// Runs `body` as a blocking test, and gives its value or the text it failed with.
fn trial<R: TestReturn>(broker: &FakeBroker, spec: Spec, body: impl FnOnce(Db) -> R) -> Result<R, String> {
    let settings = Settings {
        socket: Some(broker.socket().to_owned()),
        ..Settings::default()
    };
    let spec: &'static Spec = Box::leak(Box::new(spec));
    let prepare = async |lanes: Lanes| Ok::<Db, HarnessError>(lanes.db(0));
    let run = || {
        run(Ok(settings), spec, Flavor::CurrentThread, prepare, |_, db| {
            watch(None, || Some(body(db)))
        })
    };
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| *payload.downcast::<String>().expect("a text"))
}

#[test]
fn a_test_that_passes_ends_its_lease() {
    let broker = FakeBroker::start(Script {
        deltas: vec![one_refund()],
        ..Script::default()
    });
    let passed = trial(&broker, SPEC, |db| {
        assert_delta!(db, refunds: { inserted: 1 });
        assert_no_tombstones!(db);
        assert_eq!(db.delta().table("refunds").row(9001).new("id"), 9001.into());
    });
    assert_eq!(passed, Ok(()));
    assert_eq!(broker.finishes(), [(LaneId(1), Outcome::Passed, Keep::OnFailure)]);
    let Some(Request::Acquire(spec)) = broker.requests().into_iter().next() else {
        panic!("an Acquire comes first")
    };
    assert_eq!(spec.test, "orders::refunds::refund_twice");
    assert_eq!((spec.connection.as_deref(), spec.package.as_deref()), (None, Some("shop")));
}

#[test]
fn an_assertion_that_fails_is_the_outcome() {
    let broker = FakeBroker::start(Script {
        deltas: vec![one_refund()],
        ..Script::default()
    });
    let failed = trial(&broker, SPEC, |db| assert_no_delta!(db)).expect_err("fails");
    assert_eq!(
        failed,
        "assertion failed: delta differs from what the test states\n  + refunds  +1  pk 9001\n  (- stated, + found)"
    );
    let message = "assertion failed: delta differs from what the test states".to_owned();
    assert_eq!(broker.finishes(), [(LaneId(1), Outcome::Failed { message }, Keep::OnFailure)]);
}

#[test]
fn a_returned_error_fails_the_lease_and_is_returned() {
    let broker = FakeBroker::start(Script::default());
    assert_eq!(trial(&broker, SPEC, |_| Err::<(), _>("no stock")), Ok(Err("no stock")));
    assert_eq!(
        broker.finishes(),
        [(
            LaneId(1),
            Outcome::Failed {
                message: "Error: \"no stock\"".to_owned()
            },
            Keep::OnFailure
        )]
    );
}

#[test]
fn a_read_only_test_must_leave_nothing() {
    let spec = Spec {
        access: Access::ReadOnly,
        ..SPEC
    };
    let clean = FakeBroker::start(Script::default());
    assert_eq!(trial(&clean, spec, |_| ()), Ok(()));
    let dirty = FakeBroker::start(Script {
        deltas: vec![one_refund()],
        ..Script::default()
    });
    let failed = trial(&dirty, spec, |_| ()).expect_err("fails");
    assert_eq!(failed, "the test is read_only and left changes in shop: refunds +1");
    assert_eq!(
        dirty.finishes(),
        [(LaneId(1), Outcome::Failed { message: failed }, Keep::OnFailure)]
    );
}

#[test]
fn statements_have_a_limit() {
    let counters = Counters {
        statements: 52,
        ..Counters::default()
    };
    let broker = FakeBroker::start(Script {
        counters,
        ..Script::default()
    });
    assert_eq!(
        trial(
            &broker,
            Spec {
                max_statements: Some(52),
                ..SPEC
            },
            |_| ()
        ),
        Ok(())
    );
    let failed = trial(
        &broker,
        Spec {
            max_statements: Some(40),
            ..SPEC
        },
        |_| (),
    )
    .expect_err("fails");
    assert_eq!(failed, "the test ran 52 statements, its limit is 40");
}

#[test]
fn a_lost_broker_fails_at_the_tests_line_with_the_remedy() {
    let broker = FakeBroker::start(Script {
        dies_on_delta: true,
        ..Script::default()
    });
    let failed = trial(&broker, SPEC, |db| assert_no_delta!(db)).expect_err("fails");
    assert!(failed.starts_with("lost the broker at "), "{failed}");
    assert!(failed.contains("\n  remedy: "), "{failed}");
}

#[test]
fn an_expected_panic_passes_and_keeps_nothing() {
    let broker = FakeBroker::start(Script::default());
    let spec = Spec {
        ending: Ending::Panic,
        ..SPEC
    };
    let panicked = trial::<()>(&broker, spec, |_| panic!("{}", "twice")).expect_err("panics on");
    assert_eq!(panicked, "twice");
    assert_eq!(broker.finishes(), [(LaneId(1), Outcome::Passed, Keep::Never)]);
}

#[test]
fn an_expected_panic_does_not_hide_a_broken_promise() {
    let broker = FakeBroker::start(Script {
        deltas: vec![one_refund()],
        ..Script::default()
    });
    let spec = Spec {
        ending: Ending::Panic,
        access: Access::ReadOnly,
        keep: Some(Keep::Always),
        ..SPEC
    };
    // No panic reaches libtest, which fails a test that is meant to panic.
    assert_eq!(trial::<()>(&broker, spec, |_| panic!("{}", "twice")), Ok(()));
    let message = "the test is read_only and left changes in shop: refunds +1".to_owned();
    assert_eq!(broker.finishes(), [(LaneId(1), Outcome::Failed { message }, Keep::Always)]);
}

#[test]
fn without_a_broker_the_test_fails_with_the_remedy() {
    let settings = || Settings {
        socket: Some("/nowhere/mori.sock".into()),
        ..Settings::default()
    };
    let prepare = async |lanes: Lanes| Ok::<Db, HarnessError>(lanes.db(0));
    let attempt = |spec: &'static Spec| {
        let run = || {
            run::<(), _, _>(Ok(settings()), spec, Flavor::CurrentThread, prepare, |_, _| {
                panic!("the body must not run")
            })
        };
        catch_unwind(AssertUnwindSafe(run)).map_err(|payload| *payload.downcast::<String>().expect("a text"))
    };
    static PLAIN: Spec = SPEC;
    static PANICS: Spec = Spec {
        ending: Ending::Panic,
        ..SPEC
    };
    let failed = attempt(&PLAIN).expect_err("fails");
    assert!(
        failed.starts_with("orders::refunds::refund_twice: set-up failed: connect to the broker at /nowhere/mori.sock: "),
        "{failed}"
    );
    assert!(failed.ends_with("remedy: unset MORI_SOCKET, or run `cargo mori test`"), "{failed}");
    assert_eq!(attempt(&PANICS), Ok(()));
}

#[test]
fn what_a_seed_wrote_is_not_the_tests() {
    let mut after = one_refund();
    after.tables.extend(delta(vec![("users", inserted(7, row(&[])))]).tables);
    let broker = FakeBroker::start(Script {
        deltas: vec![one_refund(), after],
        ..Script::default()
    });
    let settings = Settings {
        socket: Some(broker.socket().to_owned()),
        ..Settings::default()
    };
    static SEEDED: Spec = SPEC;
    let prepare = async |lanes: Lanes| {
        lanes
            .seed(async |db: &Db| if db.url().is_empty() { Err("no lane") } else { Ok(()) })
            .await?;
        Ok::<Db, HarnessError>(lanes.db(0))
    };
    run(Ok(settings), &SEEDED, Flavor::CurrentThread, prepare, |_, db| {
        watch(None, || {
            assert_delta!(db, users: [7]);
            Some(())
        })
    });
}

#[test]
fn a_seed_that_fails_is_a_set_up_that_failed() {
    let broker = FakeBroker::start(Script::default());
    let settings = Settings {
        socket: Some(broker.socket().to_owned()),
        ..Settings::default()
    };
    static SEEDED: Spec = SPEC;
    let prepare = async |lanes: Lanes| lanes.seed(async |_: &Db| Err("no stock")).await;
    let run = || {
        run::<(), _, _>(Ok(settings), &SEEDED, Flavor::CurrentThread, prepare, |_, ()| {
            panic!("the body must not run")
        })
    };
    let failed = *catch_unwind(AssertUnwindSafe(run))
        .expect_err("fails")
        .downcast::<String>()
        .expect("a text");
    assert_eq!(
        failed,
        "orders::refunds::refund_twice: set-up failed: seed returned an error: \"no stock\""
    );
    assert!(matches!(
        broker.finishes().as_slice(),
        [(LaneId(1), Outcome::Failed { .. }, Keep::Never)]
    ));
}

#[test]
fn a_blocking_body_over_its_limit_is_left_behind() {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let limit = Duration::from_millis(20);
    let ended = within(limit, move || wait.recv());
    assert!(matches!(ended, Ended::TimedOut(found) if found == limit));
    drop(release);
    assert!(matches!(within(Duration::MAX, || Err::<(), _>(3)), Ended::Returned(value) if value.failure() == Some("Error: 3".to_owned())));
    let Ended::Panicked(panic) = within::<()>(Duration::MAX, || panic!("{}", "boom")) else {
        panic!("it panicked")
    };
    assert_eq!(panic.message, "boom");
}

#[test]
fn keys_of_every_kind_can_be_stated() {
    let keys: [Key; 4] = [Key::from(7), Key::from("a"), Key::from((1, "b")), Key::from(Some(3_i64))];
    let changes = keys
        .iter()
        .map(|key| ("main.Line items", inserted(key.clone(), row(&[]))))
        .collect();
    let broker = FakeBroker::start(Script {
        deltas: vec![delta(changes)],
        ..Script::default()
    });
    let passed = trial(
        &broker,
        SPEC,
        |db| assert_delta!(db, "main.Line items": [7, "a", (1, "b"), Some(3_i64)]),
    );
    assert_eq!(passed, Ok(()));
}
