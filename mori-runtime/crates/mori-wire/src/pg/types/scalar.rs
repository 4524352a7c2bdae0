//! A value in one of SQLite's five storage classes.

use std::borrow::Cow;
use std::fmt;

/// A value to send. Text is valid UTF-8; SQLite may hold text that is not, which is to be passed as `Blob`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ScalarRef<'a> {
    Null,
    Int(i64),
    /// Never NaN: SQLite has none.
    Real(f64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl ScalarRef<'_> {
    pub fn class(self) -> Class {
        match self {
            ScalarRef::Null => Class::Null,
            ScalarRef::Int(_) => Class::Integer,
            ScalarRef::Real(_) => Class::Real,
            ScalarRef::Text(_) => Class::Text,
            ScalarRef::Blob(_) => Class::Blob,
        }
    }
}

/// A value received. It borrows from the message where the message holds it as it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    Null,
    Int(i64),
    Real(f64),
    Text(Cow<'a, str>),
    Blob(Cow<'a, [u8]>),
}

impl Scalar<'_> {
    pub fn as_ref(&self) -> ScalarRef<'_> {
        match self {
            Scalar::Null => ScalarRef::Null,
            Scalar::Int(value) => ScalarRef::Int(*value),
            Scalar::Real(value) => ScalarRef::Real(*value),
            Scalar::Text(text) => ScalarRef::Text(text),
            Scalar::Blob(bytes) => ScalarRef::Blob(bytes),
        }
    }
}

/// A storage class, by the name `typeof()` gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Null,
    Integer,
    Real,
    Text,
    Blob,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Class::Null => "null",
            Class::Integer => "integer",
            Class::Real => "real",
            Class::Text => "text",
            Class::Blob => "blob",
        })
    }
}
