//! Makes a program that mismatches as short as it goes, and prints it.

use super::program::{Entry, Program};
use super::run::{Arena, Mismatch, Prod};
use mori_tests::redis::Address;
use std::fmt;
use std::time::{Duration, Instant};

/// Shortening stops after this time: what is left then is printed.
const TIME_MAX: Duration = Duration::from_secs(60);

/// What is printed of a mismatch.
pub struct Report {
    pub program: Program,
    pub mismatch: Mismatch,
    happened_again: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seed = self.program.seed;
        writeln!(f, "seed {seed}; run again with MORI_REDIS_SEED={seed} MORI_REDIS_PROGRAMS=1")?;
        if !self.happened_again {
            writeln!(
                f,
                "It did not happen again on a new lane: what ran before it, or its timing, matters."
            )?;
        }
        let steps = self
            .mismatch
            .steps
            .map_or("at the end".to_owned(), |steps| format!("at step {steps}"));
        write!(f, "\n{}\n{steps}: {}", self.program.script(), self.mismatch.text)
    }
}

type MakeLane<'a, G> = &'a mut dyn FnMut(&Prod) -> (Address, G);

/// The report of a mismatch that was found.
pub fn report<G>(arena: &mut Arena, program: &Program, mismatch: Mismatch, make_lane: MakeLane<'_, G>) -> Report {
    let mut case = Case {
        deadline: Instant::now() + TIME_MAX,
        arena,
        report: Report {
            program: program.clone(),
            mismatch,
            happened_again: false,
        },
        make_lane,
    };
    if case.still_mismatches(program.clone()) {
        case.report.happened_again = true;
        case.shorten(|program| &mut program.steps);
        case.shorten(|program| &mut program.prod);
        case.shorten(|program| &mut program.local);
        case.shorten_entries(|program| &mut program.prod);
        case.shorten_entries(|program| &mut program.local);
        case.shorten(|program| &mut program.steps);
    }
    case.report
}

struct Case<'a, G> {
    arena: &'a mut Arena,
    report: Report,
    make_lane: MakeLane<'a, G>,
    deadline: Instant,
}

impl<G> Case<'_, G> {
    /// Runs a program, and keeps it if it mismatches.
    fn still_mismatches(&mut self, program: Program) -> bool {
        let Err(mismatch) = self.arena.run(&program, self.make_lane) else {
            return false;
        };
        self.report.program = program;
        // What comes after it was not needed.
        if let Some(steps) = mismatch.steps {
            self.report.program.steps.truncate(steps);
        }
        self.report.mismatch = mismatch;
        true
    }

    /// Drops parts of a list, the last ones first, in chunks that get smaller, as long as something still mismatches.
    fn shorten<T>(&mut self, list: impl Fn(&mut Program) -> &mut Vec<T>) {
        let mut chunk = (list(&mut self.report.program).len() / 2).max(1);
        loop {
            let mut has_shrunk = false;
            let mut end = list(&mut self.report.program).len();
            while end > 0 && Instant::now() < self.deadline {
                let start = end.saturating_sub(chunk);
                let mut program = self.report.program.clone();
                list(&mut program).drain(start..end);
                has_shrunk |= self.still_mismatches(program);
                end = start.min(list(&mut self.report.program).len());
            }
            if Instant::now() >= self.deadline || (chunk == 1 && !has_shrunk) {
                return;
            }
            chunk = (chunk / 2).max(1);
        }
    }

    /// Drops commands of what is left of the keys.
    fn shorten_entries(&mut self, entries: impl Fn(&mut Program) -> &mut Vec<Entry>) {
        for index in 0..entries(&mut self.report.program).len() {
            self.shorten(|program| &mut entries(program)[index].commands);
        }
    }
}
