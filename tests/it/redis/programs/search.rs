//! Many programs, one after the other.

use super::generate::{Profile, program};
use super::minimize;
use super::run::{Arena, Prod};
use mori_tests::redis::Address;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const SEED_DEFAULT: u64 = 20_261_130;
/// Programs that run on one prod: copying a prod anew is the slowest of what a lane does.
pub const PROGRAMS_PER_PROD: u64 = 16;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}"))
    })
}

/// The seeds that are to be run, for several workers, and what they found.
pub struct Search {
    next: AtomicU64,
    first: u64,
    end: u64,
    found: Mutex<Option<String>>,
}

impl Search {
    /// This many programs, if the environment does not say otherwise.
    pub fn new(programs_default: u64) -> Search {
        let first = setting("MORI_REDIS_SEED", SEED_DEFAULT);
        Search {
            next: AtomicU64::new(first),
            first,
            end: first + setting("MORI_REDIS_PROGRAMS", programs_default),
            found: Mutex::default(),
        }
    }

    /// Runs programs on an arena until there are no more, or one of the workers has found a mismatch.
    pub fn work<G>(&self, arena: &mut Arena, profile: &Profile, make_lane: &mut dyn FnMut(&Prod) -> (Address, G)) {
        while let Some(seed) = self.next_seed() {
            // All up to the next multiple have the same prod.
            let seeds = seed..(seed + PROGRAMS_PER_PROD - seed % PROGRAMS_PER_PROD).min(self.end);
            for seed in seeds {
                if self.found.lock().unwrap().is_some() {
                    return;
                }
                let program = program(seed, profile);
                if let Err(mismatch) = arena.run(&program, make_lane) {
                    let report = minimize::report(arena, &program, mismatch, make_lane);
                    self.found.lock().unwrap().get_or_insert(report.to_string());
                    return;
                }
            }
        }
    }

    fn next_seed(&self) -> Option<u64> {
        let next = |seed: u64| (seed < self.end).then(|| seed + PROGRAMS_PER_PROD - seed % PROGRAMS_PER_PROD);
        self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()
    }

    pub fn seeds(&self) -> std::ops::Range<u64> {
        self.first..self.end
    }

    /// The report of the mismatch that was found.
    pub fn into_found(self) -> Option<String> {
        self.found.into_inner().unwrap()
    }
}
