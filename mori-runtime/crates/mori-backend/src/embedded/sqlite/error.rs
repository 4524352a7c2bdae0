//! SQLite's errors, with what a PostgreSQL client is told of them.

use libsqlite3_sys as ffi;
use mori_wire::pg::SqlState;
use std::ffi::{CStr, c_int};

/// An error of the engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqliteError {
    /// Extended result code, <https://www.sqlite.org/rescode.html>.
    pub code: c_int,
    /// SQLite's own text.
    pub message: String,
    /// Byte offset in the statement's text, where SQLite knows one.
    pub offset: Option<usize>,
}

pub type SqliteResult<T> = Result<T, SqliteError>;

impl SqliteError {
    /// The error last raised on a connection.
    ///
    /// # Safety
    /// `db` must be an open connection, used by this thread only.
    pub(super) unsafe fn last(db: *mut ffi::sqlite3) -> SqliteError {
        // SAFETY: the caller's promise.
        let code = unsafe { ffi::sqlite3_extended_errcode(db) };
        // SAFETY: the caller's promise.
        let offset = unsafe { ffi::sqlite3_error_offset(db) };
        // SAFETY: the caller's promise; the text is copied before the next call.
        let message = unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(db)) }.to_string_lossy().into_owned();
        SqliteError {
            code,
            message,
            offset: usize::try_from(offset).ok(),
        }
    }

    /// An error of which only the code is known.
    pub(super) fn of_code(code: c_int) -> SqliteError {
        // SAFETY: SQLite gives a static text for every code.
        let message = unsafe { CStr::from_ptr(ffi::sqlite3_errstr(code)) }.to_string_lossy().into_owned();
        SqliteError {
            code,
            message,
            offset: None,
        }
    }

    pub(super) fn misuse(message: &str) -> SqliteError {
        SqliteError {
            code: ffi::SQLITE_MISUSE,
            message: message.to_owned(),
            offset: None,
        }
    }

    /// The primary result code.
    pub fn primary(&self) -> c_int {
        self.code & 0xff
    }

    pub fn is_busy(&self) -> bool {
        matches!(self.primary(), ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED)
    }

    /// The statement was stopped by `Interrupt`.
    pub fn is_interrupt(&self) -> bool {
        self.primary() == ffi::SQLITE_INTERRUPT
    }

    /// The SQLSTATE of PostgreSQL that says the same; <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    pub fn sqlstate(&self) -> SqlState {
        match self.code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => SqlState::UNIQUE_VIOLATION,
            ffi::SQLITE_CONSTRAINT_NOTNULL => SqlState::NOT_NULL_VIOLATION,
            ffi::SQLITE_CONSTRAINT_CHECK => SqlState::CHECK_VIOLATION,
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY => SqlState::FOREIGN_KEY_VIOLATION,
            // ON DELETE RESTRICT raises as a trigger does, with the text of a foreign key.
            ffi::SQLITE_CONSTRAINT_TRIGGER if self.message == "FOREIGN KEY constraint failed" => SqlState::FOREIGN_KEY_VIOLATION,
            ffi::SQLITE_CONSTRAINT_TRIGGER => SqlState::RAISE_EXCEPTION,
            ffi::SQLITE_CONSTRAINT_DATATYPE => SqlState::DATATYPE_MISMATCH,
            ffi::SQLITE_BUSY_SNAPSHOT => SqlState::SERIALIZATION_FAILURE,
            _ => match self.primary() {
                ffi::SQLITE_CONSTRAINT => SqlState::INTEGRITY_CONSTRAINT_VIOLATION,
                ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => SqlState::LOCK_NOT_AVAILABLE,
                ffi::SQLITE_INTERRUPT => SqlState::QUERY_CANCELED,
                ffi::SQLITE_READONLY => SqlState::READ_ONLY_SQL_TRANSACTION,
                ffi::SQLITE_FULL => SqlState::DISK_FULL,
                ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN => SqlState::IO_ERROR,
                ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => SqlState::DATA_CORRUPTED,
                ffi::SQLITE_NOMEM => SqlState::OUT_OF_MEMORY,
                ffi::SQLITE_TOOBIG => SqlState::PROGRAM_LIMIT_EXCEEDED,
                ffi::SQLITE_AUTH => SqlState::FEATURE_NOT_SUPPORTED,
                ffi::SQLITE_MISMATCH => SqlState::DATATYPE_MISMATCH,
                ffi::SQLITE_ERROR => of_message(&self.message),
                _ => SqlState::INTERNAL_ERROR,
            },
        }
    }

    /// Table and first column that a constraint error names: `UNIQUE constraint failed: users.email`.
    pub fn constraint_column(&self) -> Option<(&str, &str)> {
        let (_, names) = self.message.split_once("constraint failed: ")?;
        names.split(", ").next()?.split_once('.')
    }
}

/// `SQLITE_ERROR` covers all that is wrong with a statement; only the text tells what.
fn of_message(message: &str) -> SqlState {
    let starts = |text: &str| message.starts_with(text);
    let has_wrong_count = message.contains("values were supplied")
        || message.contains(" values for ")
        || message.contains("must have the same number of terms")
        || message.contains("do not have the same number of result columns")
        || (starts("sub-select returns ") && message.contains(" columns"));
    if message.contains("syntax error") || starts("unrecognized token") || starts("incomplete input") || has_wrong_count {
        SqlState::SYNTAX_ERROR
    } else if starts("no such table") || starts("no such view") {
        SqlState::UNDEFINED_TABLE
    } else if starts("no such column") || message.contains("has no column named") {
        SqlState::UNDEFINED_COLUMN
    } else if starts("no such function") || starts("wrong number of arguments to function") {
        SqlState::UNDEFINED_FUNCTION
    } else if starts("no such savepoint") {
        SqlState::INVALID_SAVEPOINT
    } else if starts("no such") {
        SqlState::UNDEFINED_OBJECT
    } else if starts("ambiguous column name") {
        SqlState::AMBIGUOUS_COLUMN
    } else if message.contains("already exists") || starts("there is already") {
        SqlState::DUPLICATE_TABLE
    } else if starts("duplicate column name") {
        SqlState::DUPLICATE_COLUMN
    } else if starts("cannot start a transaction within") {
        SqlState::ACTIVE_SQL_TRANSACTION
    } else if message.contains("no transaction is active") {
        SqlState::NO_ACTIVE_SQL_TRANSACTION
    } else if starts("integer overflow") {
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE
    } else if starts("misuse of aggregate") || starts("misuse of window function") {
        SqlState::GROUPING_ERROR
    } else if starts("malformed JSON") || starts("bad JSON path") {
        SqlState::INVALID_TEXT_REPRESENTATION
    } else if starts("cannot modify")
        || starts("table") && message.ends_with("may not be modified")
        || message.ends_with("may not be indexed")
    {
        SqlState::WRONG_OBJECT_TYPE
    } else if message.contains("generated column") {
        SqlState::GENERATED_ALWAYS
    } else if starts("foreign key mismatch") {
        SqlState::INVALID_FOREIGN_KEY
    } else if starts("Expression tree is too large") || starts("Recursion limit") || starts("parser stack overflow") || starts("too many ")
    {
        SqlState::STATEMENT_TOO_COMPLEX
    } else {
        SqlState::SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_is_too_deep_is_too_complex() {
        let connection = rusqlite::Connection::open_in_memory().expect("opens");
        let deep = [
            format!("SELECT 1{}", "+1".repeat(3000)),
            format!("SELECT {}1{}", "(".repeat(3000), ")".repeat(3000)),
        ];
        for sql in deep {
            let message = connection.prepare(&sql).expect_err("too deep").to_string();
            let message = message.split(" in SELECT").next().unwrap_or_default().to_owned();
            let error = SqliteError {
                code: ffi::SQLITE_ERROR,
                message,
                offset: None,
            };
            assert_eq!(error.sqlstate(), SqlState::STATEMENT_TOO_COMPLEX, "{error}");
        }
    }
}
