//! One prod, served by Mori, on which programs run one after the other with a reset between them.

use super::catalog::Catalog;
use super::client::Client;
use super::compare::{self, Difference};
use super::control::Control;
use super::generate::{end_transactions, full_read, generate, next_ids, session_count};
use super::prod::Prod;
use super::program::{Program, Step};
use super::reference::{Answer, Reference};
use super::{delta, reference};
use mori_tests::Served;
use rusqlite::Connection;
use std::time::Duration;

pub struct Stage {
    pub prod: Prod,
    served: Served,
    control: Control,
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
}

impl Stage {
    pub fn new(prod: Prod) -> Stage {
        let served = prod.serve();
        let control = Control::connect(&served);
        Stage { prod, served, control, copies: 0 }
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
            return self.reset(false).map_err(|difference| Mismatch { program: program.clone(), text: difference.0 });
        }
        compared
    }

    /// Whether SQLite does the same with a program twice.
    fn is_determined(&mut self, program: &Program) -> bool {
        let mut traces = (0..2).map(|_| {
            let mut reference = self.reference(program.sessions());
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
        let mut program = program.clone();
        let mut answers = reference.run(&program);
        if check == Check::Answers {
            end_transactions(&mut program, &mut answers, &mut reference);
        }
        self.compare(program, &answers, reference, check)
    }

    fn reference(&mut self, sessions: usize) -> Reference {
        self.copies += 1;
        let path = self.served.folder.path().join(format!("copy-{}.db", self.copies));
        Reference::copy(&self.served.prod, &path, sessions)
    }

    fn compare(&mut self, program: Program, answers: &[Vec<Answer>], mut reference: Reference, check: Check) -> Result<(), Mismatch> {
        let mut clients: Vec<Client> = (0..program.sessions()).map(|_| Client::connect(self.served.port)).collect();
        for (number, (step, expected)) in program.steps.iter().zip(answers).enumerate() {
            let actual = clients[step.session].step(step);
            if let Err(difference) = compare::step(step, expected, &actual) {
                let text = format!("step {}: {step}\n  {}", number + 1, difference.0);
                return Err(Mismatch { program, text });
            }
        }
        let checked = match check {
            Check::Answers => self.check_content(&mut reference),
            Check::Reset => {
                drop(reference);
                self.check_reset(&program, &mut clients)
            }
        };
        checked.map_err(|difference| Mismatch { program, text: difference.0 })
    }

    /// All content and the delta; then a reset, for the next program.
    fn check_content(&mut self, reference: &mut Reference) -> Result<(), Difference> {
        let mut client = Client::connect(self.served.port);
        let session = reference.add_session();
        read_all(reference, session, &mut client, "at the end")?;
        let prod = self.reference(1);
        delta::check(prod.session(0), reference.session(session), &mut self.control)?;
        self.reset(false)
    }

    /// Resets under the program's clients, whose transactions may be open, and lets the first of them look at what is there.
    fn check_reset(&mut self, program: &Program, clients: &mut [Client]) -> Result<(), Difference> {
        self.reset(program.seed.is_multiple_of(8))?;
        let client = &mut clients[0];
        let mut fresh = self.reference(1);
        read_all(&mut fresh, 0, client, "after the reset")?;
        let status = self.control.status().map_err(|error| Difference(format!("status after the reset: {error}")))?;
        if !status.tables.is_empty() || !status.schema.is_empty() {
            return Err(Difference(format!("after the reset the lane differs from prod: {status:?}")));
        }
        let catalog = fresh.catalog(0).unwrap_or_default();
        run_all(&mut fresh, next_ids(0, program.seed, &catalog), client, "after the reset")?;
        self.reset(false)
    }

    fn reset(&mut self, hard: bool) -> Result<(), Difference> {
        let start = std::time::Instant::now();
        self.control.reset(hard).map_err(|error| Difference(format!("reset: {error}")))?;
        if start.elapsed() > RESET_TIME_MAX {
            return Err(Difference(format!("a reset took {:?}", start.elapsed())));
        }
        Ok(())
    }
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

fn run_all(reference: &mut reference::Reference, steps: Vec<Step>, client: &mut Client, when: &str) -> Result<(), Difference> {
    for step in steps {
        let expected = reference.step(&step);
        compare::step(&step, &expected, &client.step(&step)).map_err(|difference| Difference(format!("{when}: {step}\n  {}", difference.0)))?;
    }
    Ok(())
}

/// Every table by name, SQLite's own and those of virtual tables among them, with a name of its row id if it has one.
fn all_tables(connection: &Connection, catalog: &Catalog) -> Vec<(String, Option<&'static str>)> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid";
    let mut statement = connection.prepare(sql).expect("the schema");
    let names: Vec<String> = statement.query_map([], |row| row.get(0)).expect("the schema").collect::<rusqlite::Result<_>>().expect("the schema");
    let rowid = |name: &str| catalog.tables.iter().find(|table| table.name == name).and_then(|table| table.rowid_name());
    names.into_iter().map(|name| (name.clone(), rowid(&name))).collect()
}
