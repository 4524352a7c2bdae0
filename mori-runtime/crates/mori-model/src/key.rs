//! The identity of a row: the typed values of all its primary-key columns.

use crate::Value;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A primary key. One value for a simple key, all of them in key order for a composite one; for a table without a
/// primary key, the engine's row id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(pub Vec<Value>);

impl fmt::Display for Key {
    /// A simple key prints as its value, a composite key as a JSON array of its values: the form of `delta.json`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [value] = self.0.as_slice() {
            return value.fmt(f);
        }
        let values: Vec<serde_json::Value> = self
            .0
            .iter()
            .map(|value| match value {
                Value::Null => serde_json::Value::Null,
                Value::Int(value) => (*value).into(),
                Value::Real(value) if value.is_finite() => (*value).into(),
                other => other.to_string().into(),
            })
            .collect();
        write!(f, "{}", serde_json::Value::Array(values))
    }
}

impl<T: Into<Value>> From<T> for Key {
    fn from(value: T) -> Key {
        Key(vec![value.into()])
    }
}

macro_rules! from_tuples {
    ($(($($name:ident),+)),*) => {
        $(impl<$($name: Into<Value>),+> From<($($name,)+)> for Key {
            #[allow(non_snake_case)]
            fn from(($($name,)+): ($($name,)+)) -> Key {
                Key(vec![$($name.into()),+])
            }
        })*
    };
}

from_tuples!((A, B), (A, B, C), (A, B, C, D));
