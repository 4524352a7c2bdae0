//! Mori's answer against SQLite's.

use super::client::{self, Field};
use super::program::{Step, Via};
use super::reference::{self, Failed};
use super::values::{hex, literal};
use super::wire;
use rusqlite::types::Value;
use std::cell::RefCell;

/// How an answer differs from SQLite's, in words.
#[derive(Clone, Debug)]
pub struct Difference(pub String);

fn differ<T>(text: impl Into<String>) -> Result<T, Difference> {
    Err(Difference(text.into()))
}

/// Compares the answers to one step: columns, rows in their order, command tags, errors, transaction status.
pub fn step(step: &Step, expected: &[reference::Answer], actual: &client::Answers) -> Result<(), Difference> {
    let mut offset = 0;
    for (index, expected) in expected.iter().enumerate() {
        let Some(actual) = actual.statements.get(index) else {
            return differ(format!("statement {index} has no answer"));
        };
        if is_refused_format(step, expected, actual) {
            return Ok(());
        }
        answer(step, expected, actual, offset)?;
        offset += step.statements[index].sql.len() + 2;
    }
    if actual.statements.len() != expected.len() {
        return differ(format!("{} answers instead of {}", actual.statements.len(), expected.len()));
    }
    let status = if expected.last().is_some_and(|answer| answer.in_transaction) {
        b'T'
    } else {
        b'I'
    };
    if actual.status != status {
        return differ(format!(
            "transaction status {:?} instead of {:?}",
            char::from(actual.status),
            char::from(status)
        ));
    }
    Ok(())
}

/// In binary format a value that is not of its column's type cannot be sent: that is refused, and right only if there is such a value.
fn is_refused_format(step: &Step, expected: &reference::Answer, actual: &client::Answer) -> bool {
    let Some(error) = &actual.error else { return false };
    let (Via::Prepared { binary: true }, true) = (step.via, error.get(&'M').is_some_and(|message| message.starts_with("column \""))) else {
        return false;
    };
    let fields = actual.fields.clone().unwrap_or_default();
    expected.rows.iter().any(|row| {
        row.iter()
            .zip(&fields)
            .any(|(value, field)| *value != Value::Null && binary(value, field.oid).is_none())
    })
}

fn answer(step: &Step, expected: &reference::Answer, actual: &client::Answer, offset: usize) -> Result<(), Difference> {
    match (&expected.end, &actual.error) {
        (Err(failed), Some(error)) => self::error(step, failed, error, offset)?,
        (Err(failed), None) => return differ(format!("success instead of error {}: {}", failed.code, failed.message)),
        (Ok(done), Some(error)) => return differ(format!("error {error:?} instead of {}", done.tag)),
        (Ok(_), None) => {}
    }
    let names = |fields: &[Field]| fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
    match &actual.fields {
        Some(fields) if names(fields) != expected.columns && expected.end.is_ok() => {
            return differ(format!("columns {:?} instead of {:?}", names(fields), expected.columns));
        }
        // A statement that fails may fail before its columns are known, or after.
        None if !expected.columns.is_empty() && expected.end.is_ok() => return differ("no row description"),
        _ => {}
    }
    let is_read = step.statements.iter().all(|statement| statement.verb == "SELECT");
    // What a write that failed had returned before is taken back with it, so that it may be sent or not.
    if expected.end.is_ok() || is_read {
        rows(expected, actual)?;
    }
    if let Ok(done) = &expected.end {
        // In portions, the tag counts the rows of the last one: that is a test of the protocol.
        let is_portion = matches!(step.via, Via::Unnamed { rows_max } if rows_max > 0) && done.tag.starts_with("SELECT ");
        if actual.tag.as_ref() != Some(&done.tag) && !is_portion {
            return differ(format!("command tag {:?} instead of {:?}", actual.tag, done.tag));
        }
    }
    Ok(())
}

fn error(step: &Step, expected: &Failed, actual: &std::collections::BTreeMap<char, String>, offset: usize) -> Result<(), Difference> {
    let field = |letter: char| actual.get(&letter).map(String::as_str);
    let detail = format!("SQLite result code {}", expected.code);
    if field('D') != Some(&detail) || field('M') != Some(&expected.message) {
        return differ(format!("error {actual:?} instead of {}: {}", expected.code, expected.message));
    }
    if let Some(at) = expected.offset
        && step.via == Via::Simple
    {
        let text = step.text();
        let position = text.get(..offset + at).map(|before| (before.chars().count() + 1).to_string());
        if position.as_deref() != field('P') {
            return differ(format!(
                "error at position {:?} instead of {position:?}: {}",
                field('P'),
                expected.message
            ));
        }
    }
    Ok(())
}

fn rows(expected: &reference::Answer, actual: &client::Answer) -> Result<(), Difference> {
    let no_fields = Vec::new();
    let fields = actual.fields.as_ref().unwrap_or(&no_fields);
    for (number, (expected, actual)) in expected.rows.iter().zip(&actual.rows).enumerate() {
        if expected.len() != actual.len() || actual.len() != fields.len() {
            return differ(format!("row {number} has {} values instead of {}", actual.len(), expected.len()));
        }
        for ((expected, actual), field) in expected.iter().zip(actual).zip(fields) {
            let bytes = match (expected, field.is_binary) {
                (Value::Null, _) => None,
                (value, false) => Some(shown(value, field.oid)),
                (value, true) => match binary(value, field.oid) {
                    Some(bytes) => Some(bytes),
                    // Converted to its column's type: that is the codec's own test.
                    None => continue,
                },
            };
            if bytes != *actual {
                return differ(format!(
                    "row {number}, column {:?} of type {}: {} instead of {}, SQLite's {}",
                    field.name,
                    field.oid,
                    bytes_shown(actual.as_deref()),
                    bytes_shown(bytes.as_deref()),
                    literal(expected),
                ));
            }
        }
    }
    if expected.rows.len() != actual.rows.len() {
        return differ(format!("{} rows instead of {}", actual.rows.len(), expected.rows.len()));
    }
    Ok(())
}

fn bytes_shown(bytes: Option<&[u8]>) -> String {
    match bytes {
        None => "NULL".to_owned(),
        Some(bytes) => std::str::from_utf8(bytes).map_or_else(|_| format!("x'{}'", hex(bytes)), |text| format!("{text:?}")),
    }
}

/// A value in text format, as a column of type `oid` shows it.
fn shown(value: &Value, oid: u32) -> Vec<u8> {
    match (oid, value) {
        (wire::BYTEA, Value::Blob(bytes)) => format!("\\x{}", hex(bytes)).into_bytes(),
        (wire::BYTEA, Value::Text(text)) => format!("\\x{}", hex(text.as_bytes())).into_bytes(),
        (wire::BOOL, Value::Integer(0)) => b"f".to_vec(),
        (wire::BOOL, Value::Integer(1)) => b"t".to_vec(),
        (wire::BOOL, Value::Text(text)) => boolean(text).map_or_else(
            || text.clone().into_bytes(),
            |value| if value { b"t".to_vec() } else { b"f".to_vec() },
        ),
        (wire::UUID, Value::Blob(bytes)) if bytes.len() == 16 => {
            let hex = hex(bytes);
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]]
                .join("-")
                .into_bytes()
        }
        (_, value) => plain(value),
    }
}

fn plain(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::Integer(value) => value.to_string().into_bytes(),
        Value::Real(value) => real_text(*value).into_bytes(),
        Value::Text(text) => text.clone().into_bytes(),
        Value::Blob(bytes) if std::str::from_utf8(bytes).is_ok() => bytes.clone(),
        Value::Blob(bytes) => format!("\\x{}", hex(bytes)).into_bytes(),
    }
}

/// PostgreSQL's words for truth, and their beginnings.
fn boolean(text: &str) -> Option<bool> {
    let word = text.trim().to_ascii_lowercase();
    let begins = |whole: &str, least: usize| word.len() >= least && whole.starts_with(&word);
    if begins("true", 1) || begins("yes", 1) || begins("on", 2) || word == "1" {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" {
        Some(false)
    } else {
        None
    }
}

/// A real as SQLite itself prints it.
fn real_text(value: f64) -> String {
    thread_local! {
        static PRINTER: RefCell<rusqlite::Connection> = RefCell::new(rusqlite::Connection::open_in_memory().expect("a connection"));
    }
    PRINTER.with_borrow(|printer| {
        let mut statement = printer.prepare_cached("SELECT CAST(?1 AS TEXT)").expect("a statement");
        statement.query_row([value], |row| row.get(0)).expect("a text")
    })
}

/// A value in binary format, if it is of the column's type.
fn binary(value: &Value, oid: u32) -> Option<Vec<u8>> {
    match (oid, value) {
        (wire::TEXT | wire::JSON, value) => Some(plain(value)),
        (wire::BYTEA, Value::Blob(bytes)) => Some(bytes.clone()),
        (wire::INT8, Value::Integer(value)) => Some(value.to_be_bytes().to_vec()),
        (wire::FLOAT8, Value::Real(value)) => Some(value.to_be_bytes().to_vec()),
        (wire::BOOL, Value::Integer(value @ (0 | 1))) => Some(vec![u8::from(*value == 1)]),
        _ => None,
    }
}
