//! Makes a program that mismatches as short as it goes, and prints it.

use super::prod::Prod;
use super::program::Program;
use super::stage::{Check, Mismatch, Stage};
use std::time::{Duration, Instant};

/// Shortening stops after this time: what is left then is printed.
const TIME_MAX: Duration = Duration::from_secs(60);

struct Case {
    prod: Prod,
    mismatch: Mismatch,
    check: Check,
    deadline: Instant,
}

/// The report of a mismatch that was found on `prod`.
pub fn report(prod: &Prod, mismatch: &Mismatch, check: Check) -> String {
    let seeds = format!(
        "prod seed {}, program seed {}; run again with MORI_ORACLE_SEED={} MORI_ORACLE_PROGRAMS={}",
        prod.seed,
        mismatch.program.seed,
        prod.seed,
        super::PROGRAMS_PER_PROD
    );
    let mut case = Case {
        prod: prod.clone(),
        mismatch: mismatch.clone(),
        check,
        deadline: Instant::now() + TIME_MAX,
    };
    let Some(again) = case.run(prod, &mismatch.program) else {
        return format!(
            "{seeds}\nIt did not happen again on a new lane: what ran before it, or its timing, matters.\n\n{}\n{}\n{}",
            prod.script(),
            mismatch.program.script(),
            mismatch.text
        );
    };
    case.mismatch = again;
    case.shorten_program();
    case.shorten_prod();
    case.shorten_program();
    format!(
        "{seeds}\n\n{}\n{}\n{}",
        case.prod.script(),
        case.mismatch.program.script(),
        case.mismatch.text
    )
}

impl Case {
    /// Runs a program on a new lane.
    fn run(&self, prod: &Prod, program: &Program) -> Option<Mismatch> {
        let mut stage = Stage::new(prod.clone(), self.check);
        stage.replay(program, self.check).err()
    }

    /// Drops steps, the last ones first, in chunks that get smaller, as long as something still mismatches.
    fn shorten_program(&mut self) {
        let mut chunk = (self.mismatch.program.steps.len() / 2).max(1);
        loop {
            let mut end = self.mismatch.program.steps.len();
            let mut has_shrunk = false;
            while end > 0 && Instant::now() < self.deadline {
                let start = end.saturating_sub(chunk);
                let mut program = self.mismatch.program.clone();
                program.steps.drain(start..end);
                if !program.steps.is_empty()
                    && let Some(mismatch) = self.run(&self.prod, &program)
                {
                    // What ran includes the end of transactions, which the next run adds anew.
                    self.mismatch = Mismatch { program, ..mismatch };
                    has_shrunk = true;
                }
                end = start;
            }
            if Instant::now() >= self.deadline || (chunk == 1 && !has_shrunk) {
                return;
            }
            chunk = (chunk / 2).max(1);
        }
    }

    fn shorten_prod(&mut self) {
        let mut chunk = (self.prod.statements.len() / 2).max(1);
        loop {
            let mut end = self.prod.statements.len();
            while end > 0 && Instant::now() < self.deadline {
                let start = end.saturating_sub(chunk);
                let mut prod = self.prod.clone();
                prod.statements.drain(start..end);
                if let Some(mismatch) = self.run(&prod, &self.mismatch.program) {
                    self.prod = prod;
                    self.mismatch = Mismatch {
                        program: self.mismatch.program.clone(),
                        ..mismatch
                    };
                }
                end = start;
            }
            if Instant::now() >= self.deadline || chunk == 1 {
                return;
            }
            chunk /= 2;
        }
    }
}
