//! Running SQL files on a layer that is being made.

use super::split::{Piece, split};
use crate::postgres::account::hex;
use crate::postgres::error::{PostgresError, Result, describe, server_message};
use crate::postgres::server::Server;
use postgres::Client;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Raised when files are applied in another way, so that their result differs.
const RECIPE_VERSION: &[u8] = b"1";

/// Runs files in order, each in a session of its own, as psql would with ON_ERROR_STOP: every statement is a transaction unless the file begins one.
pub(in crate::postgres) fn apply(server: &Server, user: &str, database: &str, files: &[PathBuf]) -> Result<()> {
    for path in files {
        let text = read(path)?;
        // What a file sets, as the empty search_path of pg_dump, must not hold for the next one.
        let mut client = server.connect_as(user, database)?;
        File { path, is_head: true }.run(&mut client, &text)?;
        client.close()?;
    }
    Ok(())
}

/// A name for what becomes of `parent` when these files are applied to it: a digest of both.
pub(in crate::postgres) fn digest(parent: &str, files: &[PathBuf]) -> Result<String> {
    let mut digest = Sha256::new();
    digest.update(RECIPE_VERSION);
    digest.update((parent.len() as u64).to_le_bytes());
    digest.update(parent);
    for path in files {
        let text = fs::read(path).map_err(PostgresError::io("read", path))?;
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(&text);
    }
    Ok(hex(&digest.finalize(), 16))
}

fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(PostgresError::io("read", path))?;
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        PostgresError::Script {
            path: path.to_owned(),
            line,
            sqlstate: None,
            message: "the file is not in UTF-8".to_owned(),
        }
    })
}

struct File<'a> {
    path: &'a Path,
    /// Up to here the file has done nothing but to prepare a database, if at all.
    is_head: bool,
}

impl File<'_> {
    fn run(&mut self, client: &mut Client, text: &str) -> Result<()> {
        for piece in split(text) {
            match piece {
                Piece::Command { line, text } => self.command(line, text)?,
                Piece::Statement { words, .. } if self.is_skipped(&words) => {}
                Piece::Statement { line, text, .. } => client.batch_execute(text).map_err(|error| self.error(line, &error))?,
                Piece::Copy { line, text, rows } => {
                    self.is_head = false;
                    copy(client, text, rows).map_err(|error| self.error(line, &error))?;
                }
            }
        }
        Ok(())
    }

    /// A file may begin by making its database and going there; here it is there already. Settings before that do no harm.
    fn is_skipped(&mut self, words: &[String]) -> bool {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let is_about_database = matches!(words.as_slice(), ["create" | "drop" | "alter", "database", ..]);
        self.is_head &= is_about_database || matches!(words.as_slice(), ["set", ..] | ["select", "pg_catalog", "set_config", ..]);
        self.is_head && is_about_database
    }

    fn command(&self, line: usize, text: &str) -> Result<()> {
        let words: Vec<&str> = text.trim_end_matches(';').split_whitespace().collect();
        match words.as_slice() {
            ["\\c" | "\\connect" | "\\restrict" | "\\unrestrict", ..] | ["\\set", "ON_ERROR_STOP", ..] => Ok(()),
            _ => Err(PostgresError::Script {
                path: self.path.to_owned(),
                line,
                sqlstate: None,
                message: format!("`{text}` is a command of psql and no SQL"),
            }),
        }
    }

    fn error(&self, line: usize, error: &postgres::Error) -> PostgresError {
        let (sqlstate, message) = match error.as_db_error() {
            Some(server) => (Some(server.code().code().to_owned()), server_message(server)),
            None => (None, describe(error)),
        };
        PostgresError::Script {
            path: self.path.to_owned(),
            line,
            sqlstate,
            message,
        }
    }
}

fn copy(client: &mut Client, statement: &str, rows: &str) -> std::result::Result<(), postgres::Error> {
    let mut writer = client.copy_in(statement)?;
    // The server's own answer, which `finish` has, says more than an error of the pipe.
    let _ = writer.write_all(rows.as_bytes());
    writer.finish().map(|_| ())
}
