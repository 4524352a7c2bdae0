//! Values: SQLite's storage classes on our side, PostgreSQL's types in text and binary format on the wire.
//!
//! [`encode`] writes a column's value as the type that was described for it; [`decode`] reads a parameter as the type it was
//! declared with. Binary layouts are those of the `*send` and `*recv` functions of PostgreSQL.

mod bytea;
mod datetime;
mod datetime_text;
mod decode;
mod encode;
mod error;
mod integer;
mod numeric;
mod real;
mod real_scale;
mod scalar;
mod text_input;
mod uuid;

pub use decode::decode;
pub use encode::encode;
pub use error::{EncodeError, Misfit, ParamError};
pub use scalar::{Class, Scalar, ScalarRef};

use std::fmt;

/// Appends formatted text.
fn put(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    std::io::Write::write_fmt(out, text).expect("a byte vector takes every write");
}

/// The first characters of a value, for a message: a value may be a gigabyte long.
fn excerpt(text: &str) -> String {
    const EXCERPT_LEN_BYTES_MAX: usize = 200;
    match text.floor_char_boundary(EXCERPT_LEN_BYTES_MAX) {
        end if end < text.len() => format!("{}…", &text[..end]),
        _ => text.to_owned(),
    }
}
