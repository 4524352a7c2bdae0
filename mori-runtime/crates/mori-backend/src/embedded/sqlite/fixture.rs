//! Fixture databases: built once from SQL files, found again by their content.

use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Raised when the way a fixture database is built changes its result.
const RECIPE_VERSION: &[u8] = b"1";

#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    #[error("read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path}:{line}: {message}")]
    Sql { path: PathBuf, line: usize, message: String },
    #[error("write fixture database {path}: {message}")]
    Write { path: PathBuf, message: String },
}

/// The name of a fixture database: a digest of the SQL it is built from, in order.
pub fn fixture_key(files: &[PathBuf]) -> Result<String, FixtureError> {
    let mut digest = Sha256::new();
    digest.update(RECIPE_VERSION);
    for path in files {
        let text = fs::read(path).map_err(|source| FixtureError::Read { path: path.clone(), source })?;
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(&text);
    }
    Ok(digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// Builds a database file from SQL files; `target` appears when it is whole. In write-ahead-log mode, as an application with
/// several connections would set it.
pub fn build_fixture(files: &[PathBuf], target: &Path) -> Result<(), FixtureError> {
    let partial = target.with_extension(format!("{}.partial", std::process::id()));
    let write = |message: String| FixtureError::Write { path: target.to_owned(), message };
    for suffix in ["", "-wal", "-journal"] {
        let _ = fs::remove_file(format!("{}{suffix}", partial.display()));
    }
    let connection = Connection::open(&partial).map_err(|error| write(error.to_string()))?;
    // The file is not there for anyone until it is renamed: neither a journal nor a wait for the disk is of use.
    connection
        .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;")
        .map_err(|error| write(error.to_string()))?;
    for path in files {
        run_sql_file(path, |sql| connection.execute_batch(sql).map_err(|error| error.to_string()))?;
    }
    connection.execute_batch("PRAGMA optimize; PRAGMA journal_mode = WAL;").map_err(|error| write(error.to_string()))?;
    connection.close().map_err(|(_, error)| write(error.to_string()))?;
    fs::rename(&partial, target).map_err(|error| write(error.to_string()))
}

/// Runs the statements of a SQL file one by one; an error names the line its statement starts at.
pub fn run_sql_file(path: &Path, mut run: impl FnMut(&str) -> Result<(), String>) -> Result<(), FixtureError> {
    let text = fs::read_to_string(path).map_err(|source| FixtureError::Read { path: path.to_owned(), source })?;
    for span in mori_query::sqlite::split(&text) {
        run(&text[span.clone()]).map_err(|message| {
            let line = text[..span.start].matches('\n').count() + 1;
            FixtureError::Sql { path: path.to_owned(), line, message }
        })?;
    }
    Ok(())
}
