//! Why a value could not be translated.

use super::Class;
use crate::pg::{LimitError, Oid, SqlState};

/// A column's value that has no form as the type described for the column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    #[error("a value of class {class} cannot be sent as type {oid} in binary format: {misfit}")]
    Value { oid: Oid, class: Class, misfit: Misfit },
    #[error(transparent)]
    Limit(#[from] LimitError),
}

impl EncodeError {
    pub fn sqlstate(&self) -> SqlState {
        match self {
            EncodeError::Value { oid, misfit, .. } => misfit.sqlstate(*oid),
            EncodeError::Limit(error) => error.sqlstate(),
        }
    }
}

/// In what way a value and a type do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    #[error("it does not have the type's form")]
    Form,
    #[error("it is outside the type's range, or would lose digits")]
    Range,
    #[error("the type has no binary form here")]
    NoBinaryForm,
    /// NULL is a length of −1 in its row and has no bytes of its own.
    #[error("it is NULL")]
    Null,
}

impl Misfit {
    fn sqlstate(self, oid: Oid) -> SqlState {
        match self {
            Misfit::Form => SqlState::INVALID_TEXT_REPRESENTATION,
            Misfit::Range => out_of_range(oid),
            Misfit::NoBinaryForm => SqlState::FEATURE_NOT_SUPPORTED,
            Misfit::Null => SqlState::INTERNAL_ERROR,
        }
    }
}

/// A parameter whose bytes are not a value of its declared type. The texts are PostgreSQL's where it has the same error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    #[error("invalid byte sequence for encoding \"UTF8\": 0x{byte:02x}")]
    NotUtf8 { byte: u8 },
    #[error("invalid input syntax for type {oid}: \"{excerpt}\"")]
    Syntax { oid: Oid, excerpt: String },
    #[error("value \"{excerpt}\" is out of range for type {oid}")]
    Range { oid: Oid, excerpt: String },
    /// `len_bytes`: the length of the value.
    #[error("incorrect binary data format for a parameter of type {oid} ({len_bytes} bytes)")]
    Binary { oid: Oid, len_bytes: usize },
    #[error("no binary input for type {oid}")]
    NoBinaryForm { oid: Oid },
    /// SQLite would store NULL in its place.
    #[error("NaN cannot be stored as a number")]
    NotANumber { oid: Oid },
    /// SQLite's dates are text of years 0000 to 9999.
    #[error("{oid} is infinite or outside the years 0000 to 9999")]
    DateRange { oid: Oid },
}

impl ParamError {
    pub fn sqlstate(&self) -> SqlState {
        match self {
            ParamError::NotUtf8 { .. } => SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            ParamError::Syntax { .. } => SqlState::INVALID_TEXT_REPRESENTATION,
            ParamError::Range { oid, .. } | ParamError::NotANumber { oid } | ParamError::DateRange { oid } => out_of_range(*oid),
            ParamError::Binary { .. } => SqlState::INVALID_BINARY_REPRESENTATION,
            ParamError::NoBinaryForm { .. } => SqlState::FEATURE_NOT_SUPPORTED,
        }
    }
}

fn out_of_range(oid: Oid) -> SqlState {
    match oid {
        Oid::DATE | Oid::TIME | Oid::TIMESTAMP | Oid::TIMESTAMPTZ => SqlState::DATETIME_FIELD_OVERFLOW,
        _ => SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
    }
}
