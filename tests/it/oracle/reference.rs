//! The program on a private copy of prod, by SQLite itself: what Mori has to answer.

use super::catalog::Catalog;
use super::prod::log;
use super::program::{Program, Statement, Step};
use rusqlite::types::Value;
use rusqlite::{Connection, Error, TransactionState};
use std::path::{Path, PathBuf};

/// What SQLite said of one statement.
#[derive(Clone, Debug)]
pub struct Answer {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
    pub end: Result<Done, Failed>,
    pub in_transaction: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The command tag that says what SQLite counted.
    pub tag: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Extended result code.
    pub code: i32,
    pub message: String,
    /// Byte offset in the statement, where SQLite knows one.
    pub offset: Option<usize>,
}

/// A private copy with a connection for each client.
pub struct Reference {
    path: PathBuf,
    sessions: Vec<Connection>,
}

impl Reference {
    /// Copies the prod file and its log to `path`.
    pub fn copy(prod: &Path, path: &Path, sessions: usize) -> Reference {
        std::fs::copy(prod, path).expect("prod can be copied");
        if log(prod).exists() {
            std::fs::copy(log(prod), log(path)).expect("prod's log can be copied");
            // The last connection that closes folds the log in: a private copy is one file.
            open(path)
                .execute_batch("SELECT count(*) FROM sqlite_schema")
                .expect("the log is read");
        }
        let sessions = (0..sessions).map(|_| open(path)).collect();
        Reference {
            path: path.to_owned(),
            sessions,
        }
    }

    /// A copy of this copy, with one connection. No transaction is open.
    pub fn copy_to(&self, path: &Path) -> Reference {
        // A snapshot folds the log in as well.
        let folded = self.sessions[0].query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        folded.expect("nobody reads");
        Reference::copy(&self.path, path, 1)
    }

    /// Another connection; its number.
    pub fn add_session(&mut self) -> usize {
        self.sessions.push(open(&self.path));
        self.sessions.len() - 1
    }

    pub fn session(&self, session: usize) -> &Connection {
        &self.sessions[session]
    }

    pub fn run(&mut self, program: &Program) -> Vec<Vec<Answer>> {
        program.steps.iter().map(|step| self.step(step)).collect()
    }

    /// The answers to a step's statements, up to the first that fails.
    pub fn step(&mut self, step: &Step) -> Vec<Answer> {
        let connection = &self.sessions[step.session];
        let mut answers = Vec::new();
        for statement in &step.statements {
            let answer = execute(connection, statement);
            let has_failed = answer.end.is_err();
            answers.push(answer);
            if has_failed {
                break;
            }
        }
        answers
    }

    /// Whether a session has read or written in its open transaction.
    pub fn holds_snapshot(&self, session: usize) -> bool {
        !matches!(self.sessions[session].transaction_state(Some("main")), Ok(TransactionState::None))
    }

    pub fn catalog(&self, session: usize) -> Option<Catalog> {
        Catalog::read(&self.sessions[session]).ok()
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        self.sessions.clear();
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", self.path.display()));
        }
    }
}

fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("the copy opens");
    connection.execute_batch("PRAGMA foreign_keys = ON").expect("a setting");
    connection
}

fn execute(connection: &Connection, statement: &Statement) -> Answer {
    let mut answer = Answer {
        columns: Vec::new(),
        rows: Vec::new(),
        end: Ok(Done { tag: String::new() }),
        in_transaction: false,
    };
    answer.end = match step_all(connection, statement, &mut answer) {
        Ok(()) => Ok(Done {
            tag: tag(connection, statement, &answer),
        }),
        Err(error) => Err(failed(error)),
    };
    answer.in_transaction = !connection.is_autocommit();
    answer
}

fn step_all(connection: &Connection, statement: &Statement, answer: &mut Answer) -> rusqlite::Result<()> {
    // A connection may remember an old schema: of before another client's DDL, or of a failed ALTER. What it then says of a statement
    // depends on what it happened to look at before. A name that is not found makes SQLite look again, without keeping a lock.
    let _ = connection.prepare("SELECT 1 FROM \"no such table\"");
    let mut prepared = connection.prepare(&statement.sql)?;
    for (index, value) in statement.params.iter().enumerate() {
        if let Some(position) = prepared.parameter_index(&format!("${}", index + 1))? {
            prepared.raw_bind_parameter(position, value)?;
        }
    }
    let mut rows = prepared.raw_query();
    let ended = loop {
        match rows.next() {
            Ok(Some(row)) => {
                let count = row.as_ref().column_count();
                let values: rusqlite::Result<Vec<Value>> = (0..count).map(|index| Ok(owned(row.get_ref(index)?))).collect();
                answer.rows.push(values?);
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    drop(rows);
    // Before its first step a statement has the columns of the schema that its connection remembers, which may be an old one.
    answer.columns = prepared.column_names().map(str::to_owned).collect();
    ended
}

/// Text that is not UTF-8 comes as a blob, for `Value` cannot hold it.
pub fn owned(value: rusqlite::types::ValueRef<'_>) -> Value {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(bytes) => {
            std::str::from_utf8(bytes).map_or_else(|_| Value::Blob(bytes.to_vec()), |text| Value::Text(text.to_owned()))
        }
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

fn failed(error: Error) -> Failed {
    match error {
        Error::SqliteFailure(error, message) => Failed {
            code: error.extended_code,
            message: message.unwrap_or_default(),
            offset: None,
        },
        Error::SqlInputError { error, msg, offset, .. } => Failed {
            code: error.extended_code,
            message: msg,
            offset: usize::try_from(offset).ok(),
        },
        other => panic!("not an error of SQLite: {other}"),
    }
}

fn tag(connection: &Connection, statement: &Statement, answer: &Answer) -> String {
    match statement.verb {
        "INSERT" | "REPLACE" => format!("INSERT 0 {}", connection.changes()),
        verb @ ("UPDATE" | "DELETE") => format!("{verb} {}", connection.changes()),
        "EXPLAIN" => "EXPLAIN".to_owned(),
        _ if !answer.columns.is_empty() => format!("SELECT {}", answer.rows.len()),
        verb => verb.to_owned(),
    }
}
