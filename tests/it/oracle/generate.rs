//! Makes up a program while it runs on a copy, so that each statement fits what the ones before it left behind. The answers are taken from
//! another copy: looking at the catalog leaves traces in a connection, such as open virtual tables.

use super::catalog::{Catalog, Kind};
use super::generator::Generator;
use super::program::{Program, Statement, Step, Via};
use super::reference::{Answer, Reference};
use mori_tests::Random;

/// The generator's view of one client.
struct Session {
    catalog: Catalog,
    in_transaction: bool,
}

struct Author<'a> {
    random: Random,
    reference: &'a mut Reference,
    sessions: Vec<Session>,
    program: Program,
}

/// How many clients a program has: a reference must be opened with as many connections.
pub fn session_count(seed: u64) -> usize {
    if Random::new(seed ^ 0x5e55).chance(25) { 2 } else { 1 }
}

/// The program of a seed for the database of `reference`, which has run it afterwards. Transactions that are open at the end stay open.
pub fn generate(seed: u64, reference: &mut Reference) -> Program {
    let count = session_count(seed);
    let mut author = Author {
        random: Random::new(seed),
        reference,
        sessions: Vec::new(),
        program: Program { seed, steps: Vec::new() },
    };
    for step in settings(seed, count) {
        author.reference.step(&step);
    }
    for session in 0..count {
        let catalog = author.reference.catalog(session).unwrap_or_default();
        author.sessions.push(Session {
            catalog,
            in_transaction: false,
        });
    }
    for _ in 0..20 + author.random.below(41) {
        author.next_step();
    }
    author.program
}

/// Ends the transactions that a program left open.
pub fn end_transactions(program: &mut Program, answers: &mut Vec<Vec<Answer>>, reference: &mut Reference) {
    for session in 0..program.sessions() {
        let commits = Random::new(program.seed ^ 0xe4d).chance(70);
        for verb in if commits {
            ["COMMIT", "ROLLBACK"]
        } else {
            ["ROLLBACK", "ROLLBACK"]
        } {
            if !reference.session(session).is_autocommit() {
                let step = Step::simple(session, Statement::new(verb, verb));
                answers.push(reference.step(&step));
                program.steps.push(step);
            }
        }
    }
}

/// What every client begins with: it waits neither for the disk nor for the other, and has loaded the schema, as both sides load it when
/// they first need it.
pub fn settings(seed: u64, sessions: usize) -> Vec<Step> {
    let timeout = if Random::new(seed ^ 0x71e).chance(70) { 0 } else { 2 };
    let texts = [
        "PRAGMA synchronous = OFF".to_owned(),
        format!("PRAGMA busy_timeout = {timeout}"),
        "SELECT count(*) FROM sqlite_schema".to_owned(),
    ];
    let of = |session| texts.iter().map(move |sql| Step::simple(session, read(sql)));
    (0..sessions).flat_map(of).collect()
}

/// A PRAGMA or a SELECT.
fn read(sql: &str) -> Statement {
    Statement::new(if sql.starts_with("PRAGMA") { "PRAGMA" } else { "SELECT" }, sql)
}

impl Author<'_> {
    fn run(&mut self, step: Step) -> Vec<Answer> {
        let answers = self.reference.step(&step);
        self.program.steps.push(step);
        answers
    }

    fn next_step(&mut self) {
        let index = usize::try_from(self.random.below(self.sessions.len() as u64)).expect("an index");
        let via = match self.random.below(20) {
            0..=12 => Via::Simple,
            13 | 14 => Via::Prepared { binary: true },
            15 | 16 => Via::Prepared { binary: false },
            17 | 18 => Via::Unnamed { rows_max: 0 },
            _ => Via::Unnamed { rows_max: 3 },
        };
        let count = if via == Via::Simple && self.random.chance(7) {
            2 + self.random.below(2)
        } else {
            1
        };
        let statements: Vec<Statement> = (0..count).map(|_| self.statement(index, via)).collect();
        let via = match via {
            // What a write returns is fetched as text: a value that binary format cannot carry would make an error of it.
            Via::Prepared { .. } if statements[0].verb != "SELECT" => Via::Prepared { binary: false },
            via => via,
        };
        let answers = self.run(Step {
            session: index,
            via,
            statements,
        });
        self.observe(index, &answers);
    }

    fn statement(&mut self, index: usize, via: Via) -> Statement {
        let session = &self.sessions[index];
        let mut generator = Generator::new(&mut self.random, &session.catalog);
        let kind = generator.number(100);
        if via != Via::Simple && kind < 78 {
            generator.allow_params();
        }
        match kind {
            0..=39 => generator.read(),
            40..=77 => generator.write(),
            78..=85 => generator.define(),
            86..=95 => generator.transaction(session.in_transaction),
            _ => generator.pragma(),
        }
    }

    /// Looks at what the last step left behind.
    fn observe(&mut self, index: usize, answers: &[Answer]) {
        let Some(step) = self.program.steps.last() else { return };
        let in_transaction = answers.last().is_some_and(|answer| answer.in_transaction);
        let mut done = step.statements.iter().zip(answers).filter(|(_, answer)| answer.end.is_ok());
        let has_changed = done.any(|(statement, _)| changes_schema(statement.verb) || statement.verb == "ROLLBACK");
        self.sessions[index].in_transaction = in_transaction;
        // A look at the catalog takes no lock that the transaction does not hold: the other client would fail for it.
        if (has_changed || self.random.chance(5))
            && (!in_transaction || self.reference.holds_snapshot(index))
            && let Some(catalog) = self.reference.catalog(index)
        {
            self.sessions[index].catalog = catalog;
        }
    }
}

fn changes_schema(verb: &str) -> bool {
    verb.starts_with("CREATE") || verb.starts_with("DROP") || verb.starts_with("ALTER")
}

/// Reads everything there is in a database: each table with its row ids, the schema, and SQLite's own checks.
pub fn full_read(session: usize, catalog: &Catalog, tables: &[(String, Option<&'static str>)]) -> Vec<Step> {
    let mut queries = vec![
        "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY rowid".to_owned(),
        "PRAGMA integrity_check".to_owned(),
        "PRAGMA foreign_key_check".to_owned(),
        "PRAGMA page_count".to_owned(),
        "PRAGMA freelist_count".to_owned(),
        "PRAGMA page_size".to_owned(),
        "PRAGMA schema_version".to_owned(),
        "PRAGMA user_version".to_owned(),
        "PRAGMA journal_mode".to_owned(),
    ];
    for (name, rowid) in tables {
        let rowid = rowid.map(|rowid| format!("{rowid}, ")).unwrap_or_default();
        queries.push(format!("SELECT {rowid}* FROM {}", super::generator::quote(name)));
    }
    for view in catalog.of_kind(Kind::View) {
        queries.push(format!("SELECT * FROM {} LIMIT 50", super::generator::quote(&view.name)));
    }
    queries.iter().map(|sql| Step::simple(session, read(sql))).collect()
}

/// Inserts a row without a key into every table, and asks which key it got.
pub fn next_ids(session: usize, seed: u64, catalog: &Catalog) -> Vec<Step> {
    let mut random = Random::new(seed);
    let mut steps = Vec::new();
    for table in catalog.of_kind(Kind::Table).into_iter().filter(|table| table.has_rowid()) {
        for _ in 0..3 {
            let statement = Generator::new(&mut random, catalog).insert_without_key(table);
            steps.push(Step::simple(session, statement));
            steps.push(Step::simple(
                session,
                Statement::new("SELECT", "SELECT last_insert_rowid(), changes()"),
            ));
        }
    }
    steps
}
