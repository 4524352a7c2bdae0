//! One prod, served by Mori, on which programs run one after the other with a reset between them.

use super::catalog::Catalog;
use super::client::Client;
use super::compare::{self, Difference};
use super::delta;
use super::generate::{end_transactions, full_read, generate, next_ids, session_count, settings};
use super::host::{Host, Reset};
use super::prod::Prod;
use super::program::{Program, Step};
use super::reference::{Answer, Reference};
use rusqlite::Connection;
use std::time::{Duration, Instant};

pub struct Stage {
    pub prod: Prod,
    host: Host,
    copies: u64,
}

/// A reset waits for nobody. It takes milliseconds; this much is for busy machines.
const RESET_TIME_MAX: Duration = Duration::from_secs(2);

/// A program whose answers, or whose traces, are not those of SQLite.
#[derive(Clone, Debug)]
pub struct Mismatch {
    pub program: Program,
    /// What was compared, and how it differs.
    pub text: String,
}

/// What is done with a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Every answer, all content, and the delta.
    Answers,
    /// That a reset takes everything back, open transactions included.
    Reset,
    /// That a restore takes back what was done since the snapshot. The program runs once before it and once after it.
    Restore,
}

impl Stage {
    pub fn new(prod: Prod, check: Check) -> Stage {
        let host = match check {
            Check::Restore => Host::lane(&prod, false),
            _ => Host::serve(&prod),
        };
        Stage::on(host, prod)
    }

    /// `host`: serves `prod`.
    pub fn on(host: Host, prod: Prod) -> Stage {
        Stage { prod, host, copies: 0 }
    }

    /// Makes up the program of a seed and checks it. Gives the number of statements.
    pub fn check(&mut self, seed: u64, check: Check) -> Result<usize, Mismatch> {
        let program = generate(seed, &mut self.reference(session_count(seed)));
        let statements = program.steps.iter().map(|step| step.statements.len()).sum();
        self.replay(&program, check).map(|()| statements)
    }

    /// Checks a program that is there.
    pub fn replay(&mut self, program: &Program, check: Check) -> Result<(), Mismatch> {
        let compared = self.run(program, check);
        if compared.is_err() && !self.is_determined(program) {
            // SQLite does not even agree with itself: it draws row ids by lot once the largest one is taken.
            return self.reset(Reset::Keep).map_err(|difference| Mismatch {
                program: program.clone(),
                text: difference.0,
            });
        }
        compared
    }

    fn reference(&mut self, sessions: usize) -> Reference {
        let path = self.new_copy();
        Reference::copy(self.host.base(), &path, sessions)
    }

    fn new_copy(&mut self) -> std::path::PathBuf {
        self.copies += 1;
        self.host.folder().join(format!("copy-{}.db", self.copies))
    }

    /// Whether SQLite does the same with a program twice.
    fn is_determined(&mut self, program: &Program) -> bool {
        let mut traces = (0..2).map(|_| {
            let mut reference = self.reference(program.sessions());
            for step in settings(program.seed, program.sessions()) {
                reference.step(&step);
            }
            let mut answers = reference.run(program);
            end_transactions(&mut program.clone(), &mut answers, &mut reference);
            let session = reference.add_session();
            answers.extend(everything(&reference, session).iter().map(|step| reference.step(step)));
            format!("{answers:?}")
        });
        traces.next() == traces.next()
    }

    fn run(&mut self, program: &Program, check: Check) -> Result<(), Mismatch> {
        let mut reference = self.reference(program.sessions());
        let mut clients: Vec<Client> = (0..program.sessions()).map(|_| self.host.connect()).collect();
        let mut settled = Ok(());
        for step in settings(program.seed, program.sessions()) {
            let expected = reference.step(&step);
            settled = settled.and_then(|()| compare::step(&step, &expected, &clients[step.session].step(&step)));
        }
        let (program, answers) = play(program, &mut reference, check);
        let compared = settled.and_then(|()| compare_steps(&program, &answers, &mut clients));
        let compared = compared.and_then(|()| match check {
            Check::Answers => self.check_content(&program, &mut reference),
            Check::Reset => {
                drop(reference);
                self.check_reset(&program, &mut clients)
            }
            Check::Restore => self.check_restore(&program, reference, &mut clients),
        });
        compared.map_err(|difference| Mismatch {
            program,
            text: difference.0,
        })
    }

    /// All content and the delta; then a reset, for the next program.
    fn check_content(&mut self, program: &Program, reference: &mut Reference) -> Result<(), Difference> {
        let mut client = self.host.connect();
        let session = reference.add_session();
        read_all(reference, session, &mut client, "at the end")?;
        self.check_delta(reference, session)?;
        // A proxy need not read prod again for each program.
        let how = if matches!(self.host, Host::Lane(_)) && program.seed % 2 == 1 {
            Reset::Anew
        } else {
            Reset::Keep
        };
        self.reset(how)
    }

    fn check_delta(&mut self, reference: &Reference, session: usize) -> Result<(), Difference> {
        let delta = self.host.delta().map_err(|error| Difference(format!("delta: {error}")))?;
        let base = self.reference(1);
        delta::check(base.session(0), reference.session(session), delta)
    }

    /// Resets under the program's clients, whose transactions may be open, and lets the first of them look at what is there.
    fn check_reset(&mut self, program: &Program, clients: &mut [Client]) -> Result<(), Difference> {
        let reads_anew = matches!(self.host, Host::Proxy { .. }) && program.seed.is_multiple_of(8);
        self.reset(if reads_anew { Reset::Anew } else { Reset::Keep })?;
        let client = &mut clients[0];
        let mut fresh = self.reference(1);
        read_all(&mut fresh, 0, client, "after the reset")?;
        let delta = self
            .host
            .delta()
            .map_err(|error| Difference(format!("delta after the reset: {error}")))?;
        if !delta.is_empty() || self.host.has_own_schema() {
            return Err(Difference(format!("after the reset the lane differs from prod: {delta:?}")));
        }
        let catalog = fresh.catalog(0).unwrap_or_default();
        run_all(&mut fresh, next_ids(0, program.seed, &catalog), client, "after the reset")?;
        self.reset(Reset::Keep)
    }

    /// Runs the program again on top of a snapshot, and compares what a restore leaves with a copy of the moment of the snapshot.
    fn check_restore(&mut self, program: &Program, mut reference: Reference, clients: &mut [Client]) -> Result<(), Difference> {
        let snapshot = self.host.snapshot();
        let path = self.new_copy();
        let mut kept = reference.copy_to(&path);
        let (program, answers) = play(program, &mut reference, Check::Restore);
        compare_steps(&program, &answers, clients)?;
        self.host.restore(snapshot);
        let mut client = self.host.connect();
        read_all(&mut kept, 0, &mut client, "after the restore")?;
        self.check_delta(&kept, 0)?;
        // A client that was connected before goes on on what was restored.
        let catalog = kept.catalog(0).unwrap_or_default();
        run_all(&mut kept, next_ids(0, program.seed, &catalog), &mut clients[0], "after the restore")?;
        self.reset(Reset::Keep)
    }

    fn reset(&mut self, how: Reset) -> Result<(), Difference> {
        let start = Instant::now();
        self.host.reset(how).map_err(Difference)?;
        if start.elapsed() > RESET_TIME_MAX {
            return Err(Difference(format!("a reset took {:?}", start.elapsed())));
        }
        Ok(())
    }
}

/// SQLite's answers to a program, and to what ends the transactions it leaves open, unless these are part of the check.
fn play(program: &Program, reference: &mut Reference, check: Check) -> (Program, Vec<Vec<Answer>>) {
    let mut program = program.clone();
    let mut answers = reference.run(&program);
    if check != Check::Reset {
        end_transactions(&mut program, &mut answers, reference);
    }
    (program, answers)
}

fn compare_steps(program: &Program, answers: &[Vec<Answer>], clients: &mut [Client]) -> Result<(), Difference> {
    for (number, (step, expected)) in program.steps.iter().zip(answers).enumerate() {
        let actual = clients[step.session].step(step);
        compare::step(step, expected, &actual)
            .map_err(|difference| Difference(format!("step {}: {step}\n  {}", number + 1, difference.0)))?;
    }
    Ok(())
}

fn read_all(reference: &mut Reference, session: usize, client: &mut Client, when: &str) -> Result<(), Difference> {
    let steps = everything(reference, session);
    run_all(reference, steps, client, when)
}

fn everything(reference: &Reference, session: usize) -> Vec<Step> {
    let catalog = reference.catalog(session).unwrap_or_default();
    let tables = all_tables(reference.session(session), &catalog);
    full_read(session, &catalog, &tables)
}

fn run_all(reference: &mut Reference, steps: Vec<Step>, client: &mut Client, when: &str) -> Result<(), Difference> {
    for step in steps {
        let expected = reference.step(&step);
        compare::step(&step, &expected, &client.step(&step))
            .map_err(|difference| Difference(format!("{when}: {step}\n  {}", difference.0)))?;
    }
    Ok(())
}

/// Every table by name, SQLite's own and those of virtual tables among them, with a name of its row id if it has one.
fn all_tables(connection: &Connection, catalog: &Catalog) -> Vec<(String, Option<&'static str>)> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid";
    let mut statement = connection.prepare(sql).expect("the schema");
    let names: Vec<String> = statement
        .query_map([], |row| row.get(0))
        .expect("the schema")
        .collect::<rusqlite::Result<_>>()
        .expect("the schema");
    let rowid = |name: &str| {
        catalog
            .tables
            .iter()
            .find(|table| table.name == name)
            .and_then(|table| table.rowid_name())
    };
    names.into_iter().map(|name| (name.clone(), rowid(&name))).collect()
}
