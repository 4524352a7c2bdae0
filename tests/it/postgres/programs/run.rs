//! Running programs.

use super::delta::{self, Content, TABLES};
use super::generate::{Step, program};
use crate::postgres::scripts;
use mori_tests::postgres::{DATABASE, PROTOCOL_3_0, Pair, Twin, Until};
use mori_tests::raw::{Raw, query};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const SEED_DEFAULT: u64 = 20_261_204;
/// As many as take less than half a minute on two cores.
const PROGRAMS_DEFAULT: u64 = 24;

const SEQUENCES: [&str; 4] = ["users_id_seq", "orders_id_seq", "events_id_seq", "tickets"];

#[derive(Default)]
struct Counts {
    statements: AtomicU64,
    errors: AtomicU64,
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}"))
    })
}

fn run(test: &str, programs: u64, with_ddl: bool) {
    let Some(stage) = scripts::stage(test) else { return };
    let base = setting("MORI_POSTGRES_SEED", SEED_DEFAULT);
    let counts = Counts::default();
    let next = AtomicU64::new(base);
    let found: Mutex<Option<String>> = Mutex::new(None);
    let work = || {
        let mut pair = stage.pair();
        pair.keep_copy();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= base + programs || found.lock().unwrap().is_some() {
                return;
            }
            let steps = program(seed, with_ddl);
            if let Err((at, difference)) = check(&mut pair, &steps, with_ddl, &counts) {
                let script: String = steps[..at].iter().map(|step| format!("{step}\n")).collect();
                found.lock().unwrap().get_or_insert(format!("seed {seed}\n{script}\n{difference}"));
                return;
            }
            renew(&mut pair);
        }
    };
    std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        for worker in workers {
            worker.join().unwrap();
        }
    });
    if let Some(report) = found.into_inner().unwrap() {
        panic!("the lane does not answer as a private copy does.\n{report}");
    }
    println!(
        "{programs} programs from seed {base}: {} statements, {} with an error",
        counts.statements.into_inner(),
        counts.errors.into_inner()
    );
}

/// The lane as prod is down to the places of the rows, which undoing does not bring back. The copy is new already.
fn renew(pair: &mut Pair) {
    let mut lane = Raw::open(pair.port());
    lane.greet(PROTOCOL_3_0, &[("user", pair.lane_user()), ("database", DATABASE)]);
    lane.query("CREATE TABLE spoilt ()");
    drop(lane);
    pair.reset_lane();
}

/// The number of statements up to a difference, and the difference.
fn check(pair: &mut Pair, steps: &[Step], with_ddl: bool, counts: &Counts) -> Result<(), (usize, String)> {
    let before = copy_content(pair);
    let mut clients = [pair.connect(), pair.connect()];
    for client in &mut clients {
        // A client that waits for the other one would wait forever: they speak in turn.
        client.query("SET lock_timeout = '25ms'");
    }
    for (index, step) in steps.iter().enumerate() {
        let client = &mut clients[step.client];
        let answer = client.exchange(&step.to_string(), &step.bytes(), Until::Ready(1));
        counts.statements.fetch_add(1, Ordering::Relaxed);
        counts
            .errors
            .fetch_add(u64::from(answer.iter().any(|message| message.tag == b'E')), Ordering::Relaxed);
        first(client.take_differences()).map_err(|difference| (index + 1, difference))?;
    }
    let mut look = pair.connect();
    // What was committed, to the last value of each sequence.
    compare(&mut look, with_ddl).map_err(|difference| (steps.len(), format!("at the end: {difference}")))?;
    let failed = |difference| (steps.len(), difference);
    if !with_ddl {
        delta::check(&before, &copy_content(pair), &pair.delta()).map_err(failed)?;
    }
    drop((clients, look));
    pair.reset_lane();
    if !pair.delta().is_empty() {
        return Err(failed("after the reset the lane has a delta".to_owned()));
    }
    pair.renew_copy();
    let mut look = pair.connect();
    compare(&mut look, false).map_err(|difference| failed(format!("after the reset: {difference}")))
}

/// The content of all tables and sequences.
fn compare(twin: &mut Twin, with_ddl: bool) -> Result<(), String> {
    for (table, _) in TABLES {
        twin.query(&format!("SELECT t::text FROM {table} t ORDER BY 1"));
    }
    for sequence in SEQUENCES {
        twin.query(&format!("SELECT last_value, is_called FROM {sequence}"));
    }
    if with_ddl {
        twin.query("SELECT table_name, column_name, data_type, column_default FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2");
    }
    first(twin.take_differences())
}

fn first(differences: Vec<String>) -> Result<(), String> {
    differences.into_iter().next().map_or(Ok(()), Err)
}

fn copy_content(pair: &Pair) -> Content {
    let mut copy = Raw::open_unix(&pair.copy.server.socket_path());
    copy.greet(PROTOCOL_3_0, &[("user", pair.stage.image.user()), ("database", DATABASE)]);
    copy.send(&query("SET TIME ZONE 'UTC'"));
    copy.until_ready();
    delta::content(&mut copy)
}

#[test]
fn programs_answer_as_on_a_private_copy() {
    let programs = setting("MORI_POSTGRES_PROGRAMS", PROGRAMS_DEFAULT);
    run("programs::programs_answer_as_on_a_private_copy", programs, false);
}

#[test]
fn programs_with_ddl_answer_as_on_a_private_copy() {
    let programs = setting("MORI_POSTGRES_PROGRAMS", PROGRAMS_DEFAULT / 3);
    run("programs::programs_with_ddl_answer_as_on_a_private_copy", programs, true);
}
