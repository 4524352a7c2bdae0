//! Why a schema could not be read.

use postgres::error::SqlState;

#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The views' texts are made by PostgreSQL itself, which locks what they read.
    #[error("read {what}: another session holds an exclusive lock on a table; end its transaction, then read again")]
    Locked {
        what: &'static str,
        #[source]
        source: postgres::Error,
    },
    #[error("read {what}")]
    Query {
        what: &'static str,
        #[source]
        source: postgres::Error,
    },
    #[error("read {what}: the server's answer has another shape; PostgreSQL 12 to 18 are supported")]
    Answer {
        what: &'static str,
        #[source]
        source: serde_json::Error,
    },
    #[error("read {what}: the server gave {got} rows where {expected} were due")]
    Rows { what: &'static str, expected: usize, got: usize },
}

impl SchemaError {
    pub(super) fn of_query(what: &'static str, source: postgres::Error) -> SchemaError {
        if source.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
            SchemaError::Locked { what, source }
        } else {
            SchemaError::Query { what, source }
        }
    }
}
