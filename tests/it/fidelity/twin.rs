//! The same statements on a private full copy of prod and through Mori, compared answer by answer.

use mori_tests::Served;
use mori_tests::raw::{Message, Raw, query};
use rusqlite::types::Value;
use std::path::PathBuf;

/// Two connections that must be told the same: one to a private copy, one to the lane.
pub struct Twin {
    pub copy: rusqlite::Connection,
    pub lane: Raw,
}

/// A prod with its proxy and one private copy, to which any number of twins connect.
pub struct Twins {
    pub served: Served,
    copy: PathBuf,
}

/// What both sides answered to a statement.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// Column names and rows, as text; the number in the command tag for a write.
    Rows {
        columns: Vec<String>,
        rows: Vec<Vec<Option<String>>>,
        changed: Option<u64>,
    },
    Error {
        sqlstate: String,
        message: String,
    },
}

impl Twins {
    pub fn with(setup: &str) -> Twins {
        let served = Served::with(setup);
        let path = served.private_copy().path().map(PathBuf::from).expect("the copy is a file");
        Twins { served, copy: path }
    }

    pub fn connect(&self) -> Twin {
        let copy = rusqlite::Connection::open(&self.copy).expect("the copy opens");
        copy.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF")
            .expect("settings");
        Twin {
            copy,
            lane: Raw::connect(self.served.port),
        }
    }
}

/// Runs every statement on a prod made by `setup`, and compares. Gives the last answer.
#[track_caller]
pub fn check(setup: &str, statements: &[&str]) -> Answer {
    let twins = Twins::with(setup);
    let mut twin = twins.connect();
    twin.run_all(statements)
}

impl Twin {
    #[track_caller]
    pub fn run_all(&mut self, statements: &[&str]) -> Answer {
        let mut last = Answer::Rows {
            columns: Vec::new(),
            rows: Vec::new(),
            changed: None,
        };
        for sql in statements {
            last = self.run(sql);
        }
        last
    }

    /// Runs one statement on both sides. Columns, rows, row counts, errors and whether a transaction is open must be the same.
    #[track_caller]
    pub fn run(&mut self, sql: &str) -> Answer {
        self.lane.send(&query(sql));
        let messages = self.lane.until_ready();
        let expected = ask_copy(&self.copy, sql, &types(&messages));
        let answer = told(&messages);
        assert_eq!(
            without_code(&answer),
            without_code(&expected),
            "{sql}\n(left: through Mori, right: the private copy)"
        );
        let status = messages.last().map(Message::told);
        let is_idle = self.copy.is_autocommit();
        assert_eq!(
            status.as_deref(),
            Some(if is_idle { "Z I" } else { "Z T" }),
            "transaction status after {sql}"
        );
        answer
    }
}

impl Answer {
    /// The rows, values joined by `|`.
    #[track_caller]
    pub fn rows(&self) -> Vec<String> {
        match self {
            Answer::Rows { rows, .. } => {
                let cell = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
                rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join("|")).collect()
            }
            Answer::Error { sqlstate, message } => panic!("{sqlstate} {message}"),
        }
    }

    #[track_caller]
    pub fn error(&self) -> String {
        match self {
            Answer::Error { sqlstate, message } => format!("{sqlstate} {message}"),
            rows => panic!("no error: {rows:?}"),
        }
    }

    #[track_caller]
    pub fn sqlstate(&self) -> &str {
        match self {
            Answer::Error { sqlstate, .. } => sqlstate,
            rows => panic!("no error: {rows:?}"),
        }
    }
}

/// A private copy knows no SQLSTATE.
fn without_code(answer: &Answer) -> Answer {
    match answer {
        Answer::Error { message, .. } => Answer::Error {
            sqlstate: String::new(),
            message: message.clone(),
        },
        Answer::Rows { columns, rows, changed } => Answer::Rows {
            columns: columns.clone(),
            rows: rows.clone(),
            changed: *changed,
        },
    }
}

fn types(messages: &[Message]) -> Vec<u32> {
    messages
        .iter()
        .find(|message| message.tag == b'T')
        .map_or_else(Vec::new, |message| message.columns().into_iter().map(|column| column.1).collect())
}

fn told(messages: &[Message]) -> Answer {
    let (mut columns, mut rows, mut changed) = (Vec::new(), Vec::new(), None);
    for message in messages {
        match message.tag {
            b'E' => {
                let field = |letter| message.field(letter).unwrap_or_default();
                return Answer::Error {
                    sqlstate: field('C'),
                    message: format!("{} ({})", field('M'), field('D')),
                };
            }
            b'T' => columns = message.columns().into_iter().map(|column| column.0).collect(),
            b'D' => rows.push(
                message
                    .values()
                    .into_iter()
                    .map(|value| value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
                    .collect(),
            ),
            b'C' => {
                let tag = message.texts().next().unwrap_or_default();
                let is_write = ["INSERT", "UPDATE", "DELETE"].iter().any(|verb| tag.starts_with(verb));
                changed = is_write
                    .then(|| tag.rsplit(' ').next().and_then(|count| count.parse().ok()))
                    .flatten();
            }
            _ => {}
        }
    }
    Answer::Rows { columns, rows, changed }
}

/// `types`: those the lane told, by which a value's text differs from SQLite's own for booleans and blobs only.
fn ask_copy(copy: &rusqlite::Connection, sql: &str, types: &[u32]) -> Answer {
    let run = || -> rusqlite::Result<Answer> {
        let mut statement = copy.prepare(sql)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = Vec::new();
        let mut cursor = statement.query([])?;
        while let Some(row) = cursor.next()? {
            let values: Vec<Value> = (0..columns.len()).map(|index| row.get(index)).collect::<Result<_, _>>()?;
            let shown = values
                .into_iter()
                .enumerate()
                .map(|(index, value)| text(value, types.get(index).copied().unwrap_or_default()));
            rows.push(shown.collect());
        }
        drop(cursor);
        let verb = sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let main = if verb == "WITH" { sql.to_ascii_uppercase() } else { verb };
        let is_write = ["INSERT", "UPDATE", "DELETE", "REPLACE"].iter().any(|verb| main.contains(verb));
        Ok(Answer::Rows {
            columns,
            rows,
            changed: is_write.then(|| copy.changes()),
        })
    };
    run().unwrap_or_else(|error| {
        let (code, message) = match error {
            rusqlite::Error::SqliteFailure(code, message) => (code.extended_code, message.unwrap_or_default()),
            rusqlite::Error::SqlInputError { error, msg, .. } => (error.extended_code, msg),
            other => panic!("{sql}: {other}"),
        };
        Answer::Error {
            sqlstate: String::new(),
            message: format!("{message} (SQLite result code {code})"),
        }
    })
}

fn text(value: Value, oid: u32) -> Option<String> {
    const BOOL: u32 = 16;
    const BYTEA: u32 = 17;
    Some(match (value, oid) {
        (Value::Null, _) => return None,
        (Value::Integer(0), BOOL) => "f".to_owned(),
        (Value::Integer(1), BOOL) => "t".to_owned(),
        (Value::Integer(value), _) => value.to_string(),
        (Value::Real(value), _) => real(value),
        (Value::Text(text), _) if oid != BYTEA => text,
        (Value::Text(text), _) => hexadecimal(text.as_bytes()),
        (Value::Blob(bytes), _) => match String::from_utf8(bytes) {
            Ok(text) if oid != BYTEA => text,
            Ok(text) => hexadecimal(text.as_bytes()),
            Err(error) => hexadecimal(error.as_bytes()),
        },
    })
}

/// As SQLite prints a real, by another connection of it.
fn real(value: f64) -> String {
    let sqlite = rusqlite::Connection::open_in_memory().expect("memory");
    sqlite
        .query_row("SELECT CAST(?1 AS TEXT)", [value], |row| row.get(0))
        .expect("a real is printable")
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}
