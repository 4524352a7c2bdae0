//! Standard output and standard error: a closed pipe is no panic.

use crate::error::CliError;
use serde::Serialize;
use std::io::{self, Write};

/// Prints text as it is.
pub fn print(text: &str) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(CliError::Output)
}

/// Prints one document, indented.
pub fn print_json(value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| CliError::Output(error.into()))?;
    print(&format!("{text}\n"))
}

/// Prints one document of a stream, on one line.
pub fn print_json_line(value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string(value).map_err(|error| CliError::Output(error.into()))?;
    print(&format!("{text}\n"))
}

/// Prints text for people to standard error. If nobody can read it, there is nobody to tell.
pub fn note(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
