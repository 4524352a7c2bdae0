//! The tests: many programs, on two threads.

use super::PROGRAMS_PER_PROD;
use super::minimize::report;
use super::prod::Prod;
use super::stage::{Check, Stage};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const SEED_DEFAULT: u64 = 20_261_120;
/// As many as take about a minute in a debug build on one core.
const PROGRAMS_DEFAULT: u64 = 640;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}"))
    })
}

/// Runs `programs` programs from the base seed on, and fails with the first that mismatches.
fn run(check: Check, programs: u64) {
    let base = setting("MORI_ORACLE_SEED", SEED_DEFAULT);
    let prods = programs.div_ceil(PROGRAMS_PER_PROD);
    let (next, statements) = (AtomicU64::new(0), AtomicU64::new(0));
    let found: Mutex<Option<String>> = Mutex::new(None);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= prods || found.lock().unwrap().is_some() {
                return;
            }
            let mut stage = Stage::new(Prod::generate(base + index), check);
            for number in 0..PROGRAMS_PER_PROD {
                let seed = (base + index) * PROGRAMS_PER_PROD + number;
                match stage.check(seed, check) {
                    Ok(count) => drop(statements.fetch_add(count as u64, Ordering::Relaxed)),
                    Err(mismatch) => {
                        let mut found = found.lock().unwrap();
                        if found.is_none() {
                            *found = Some(report(&stage.prod, &mismatch, check));
                        }
                        return;
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        for worker in workers {
            worker.join().unwrap();
        }
    });
    if let Some(report) = found.into_inner().unwrap() {
        panic!("Mori does not answer as SQLite does.\n{report}");
    }
    println!(
        "{} programs, {} statements from seed {base}",
        prods * PROGRAMS_PER_PROD,
        statements.into_inner()
    );
}

#[test]
fn programs_answer_as_on_a_private_copy() {
    run(Check::Answers, setting("MORI_ORACLE_PROGRAMS", PROGRAMS_DEFAULT));
}

#[test]
fn a_reset_leaves_prod_as_it_was() {
    run(Check::Reset, setting("MORI_ORACLE_PROGRAMS", PROGRAMS_DEFAULT / 4));
}

#[test]
fn a_restore_leaves_what_the_snapshot_saw() {
    run(Check::Restore, setting("MORI_ORACLE_PROGRAMS", PROGRAMS_DEFAULT / 8));
}
