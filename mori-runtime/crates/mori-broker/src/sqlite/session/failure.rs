//! What can go wrong with a client's message, and how the client is told.

use mori_backend::embedded::sqlite::SqliteError;
use mori_cow::guard::GuardError;
use mori_wire::pg::types::{EncodeError, ParamError};
use mori_wire::pg::{DecodeError, ErrorFields, LimitError, Severity, SqlState, backend};
use std::io;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// `position`: of the error in the text the client sent, in characters from 1.
    #[error("{error}")]
    Sqlite {
        error: SqliteError,
        position: Option<u32>,
        hint: Option<&'static str>,
    },
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Limit(#[from] LimitError),
    #[error("parameter ${number}: {error}")]
    Parameter { number: usize, error: ParamError },
    #[error("column \"{column}\": {error}")]
    Column { column: String, error: EncodeError },
    #[error(transparent)]
    Guard(#[from] GuardError),
    #[error("{message}")]
    Refused {
        sqlstate: SqlState,
        message: String,
        hint: Option<&'static str>,
    },
    /// The lane went on to another test.
    #[error("this connection belongs to the test {test}, which has ended: the statement was not executed")]
    Ended { test: String },
    #[error("{0}")]
    Setup(String),
    /// The client is gone.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<SqliteError> for Failure {
    fn from(error: SqliteError) -> Failure {
        Failure::Sqlite {
            error,
            position: None,
            hint: None,
        }
    }
}

impl Failure {
    pub fn refused(sqlstate: SqlState, message: impl Into<String>) -> Failure {
        Failure::Refused {
            sqlstate,
            message: message.into(),
            hint: None,
        }
    }

    /// The connection ends with this error.
    pub fn is_fatal(&self) -> bool {
        match self {
            Failure::Ended { .. } | Failure::Setup(_) | Failure::Io(_) => true,
            // What comes next cannot be told apart any more, or is not our protocol.
            Failure::Decode(error) => matches!(error, DecodeError::FrameLength { .. } | DecodeError::UnknownMessage { .. }),
            _ => false,
        }
    }

    /// The statement was stopped from outside.
    pub fn is_interrupt(&self) -> bool {
        matches!(self, Failure::Sqlite { error, .. } if error.is_interrupt())
    }

    pub fn sqlstate(&self) -> SqlState {
        match self {
            Failure::Sqlite { error, .. } => error.sqlstate(),
            Failure::Decode(error) => error.sqlstate(),
            Failure::Limit(error) => error.sqlstate(),
            Failure::Parameter { error, .. } => error.sqlstate(),
            Failure::Column { error, .. } => error.sqlstate(),
            Failure::Guard(_) => SqlState::READ_ONLY_SQL_TRANSACTION,
            Failure::Refused { sqlstate, .. } => *sqlstate,
            Failure::Ended { .. } => SqlState::ADMIN_SHUTDOWN,
            Failure::Setup(_) | Failure::Io(_) => SqlState::INTERNAL_ERROR,
        }
    }

    /// Appends the `ErrorResponse`.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.write_as(if self.is_fatal() { Severity::Fatal } else { Severity::Error }, out);
    }

    /// As `write`, where the connection ends whatever the error is: before a client was greeted.
    pub fn write_fatal(&self, out: &mut Vec<u8>) {
        self.write_as(Severity::Fatal, out);
    }

    fn write_as(&self, severity: Severity, out: &mut Vec<u8>) {
        let message = self.to_string();
        let mut fields = ErrorFields::new(severity, self.sqlstate(), &message);
        let detail;
        match self {
            Failure::Sqlite { error, position, hint } => {
                fields.position = *position;
                fields.hint = *hint;
                detail = format!("SQLite result code {}", error.code);
                fields.detail = Some(&detail);
                if let Some((table, column)) = error.constraint_column() {
                    fields.table = Some(table);
                    fields.column = Some(column);
                }
                if error.is_busy() {
                    fields.hint = Some("another connection of the lane has an open transaction that writes");
                }
            }
            Failure::Refused { hint, .. } => fields.hint = *hint,
            Failure::Column { .. } => {
                fields.hint = Some("CAST the column, or ask for text format: SQLite does not hold a column to its declared type")
            }
            Failure::Ended { .. } => fields.hint = Some("the test left a task running: await it, or abort it, before the test returns"),
            _ => {}
        }
        backend::error_response(out, &fields);
    }
}
