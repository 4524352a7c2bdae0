//! Fixture databases: built once from SQL files, found again by their content.

use super::connection::{Connection, OpenOptions};
use super::lane_file::LaneFile;
use super::layer::Layer;
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
        let text = fs::read(path).map_err(|source| FixtureError::Read {
            path: path.clone(),
            source,
        })?;
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(&text);
    }
    Ok(digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// Builds a database file from SQL files; `target` appears when it is whole. In write-ahead-log mode, as an application with
/// several connections would set it.
///
/// The SQL runs on a lane over nothing: like any client's it reaches no other file.
pub fn build_fixture(files: &[PathBuf], target: &Path) -> Result<(), FixtureError> {
    let write = |message: String| FixtureError::Write {
        path: target.to_owned(),
        message,
    };
    let work = target.with_extension(format!("{}.partial", std::process::id()));
    // Left by a build that was killed.
    let _ = fs::remove_dir_all(&work);
    fs::create_dir(&work).map_err(|error| write(error.to_string()))?;
    let whole = work.join("fixture.db");
    let built = build_in(&work, files, &whole, &write).and_then(|()| fs::rename(&whole, target).map_err(|error| write(error.to_string())));
    // What is left of it does no harm, and the first error is the one to tell.
    let _ = fs::remove_dir_all(&work);
    built
}

fn build_in(work: &Path, files: &[PathBuf], whole: &Path, write: &impl Fn(String) -> FixtureError) -> Result<(), FixtureError> {
    let lane = LaneFile::volatile(work, Arc::new(Layer::Empty)).map_err(|error| write(error.to_string()))?;
    let connection = Connection::open(&lane, &OpenOptions::default()).map_err(|error| write(error.message))?;
    let run = |sql: &str| connection.execute(sql).map_err(|error| write(error.message));
    // The lane is there for nobody else: neither a journal nor a wait for the disk is of use.
    run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;")?;
    for path in files {
        run_sql_file(path, |sql| connection.execute(sql).map_err(|error| error.message))?;
    }
    run("PRAGMA optimize; PRAGMA journal_mode = WAL;")?;
    connection.copy_to(whole).map_err(|error| write(error.message))
}

/// Runs the statements of a SQL file one by one; an error names the line its statement starts at.
pub fn run_sql_file(path: &Path, mut run: impl FnMut(&str) -> Result<(), String>) -> Result<(), FixtureError> {
    let text = fs::read_to_string(path).map_err(|source| FixtureError::Read {
        path: path.to_owned(),
        source,
    })?;
    for span in mori_query::sqlite::split(&text) {
        run(&text[span.clone()]).map_err(|message| {
            let line = text[..span.start].matches('\n').count() + 1;
            FixtureError::Sql {
                path: path.to_owned(),
                line,
                message,
            }
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(folder: &Path, sql: &str) -> Result<PathBuf, FixtureError> {
        let (file, target) = (folder.join("a.sql"), folder.join("built.db"));
        fs::write(&file, sql).unwrap();
        build_fixture(&[file], &target).map(|()| target)
    }

    #[test]
    fn it_is_in_wal_mode_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let built = build(folder.path(), "CREATE TABLE t(v); INSERT INTO t VALUES (1), (2);").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the SQL and the database");
        assert_eq!(fs::read(&built).unwrap()[18..20], [2, 2]);
        let connection = rusqlite::Connection::open(built).unwrap();
        assert_eq!(connection.query_row("SELECT sum(v) FROM t", [], |row| row.get(0)), Ok(3));
        assert_eq!(
            connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)),
            Ok("ok".to_owned())
        );
    }

    #[test]
    fn its_sql_reaches_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let prod = folder.path().join("prod.db");
        rusqlite::Connection::open(&prod)
            .unwrap()
            .execute_batch("CREATE TABLE t(v)")
            .unwrap();
        let before = fs::read(&prod).unwrap();
        for sql in ["ATTACH '{}' AS p; DELETE FROM p.t;", "CREATE TABLE t(v); VACUUM INTO '{}.copy';"] {
            let error = build(folder.path(), &sql.replace("{}", &prod.display().to_string())).unwrap_err();
            assert!(matches!(error, FixtureError::Sql { line: 1, .. }), "{error}");
        }
        assert_eq!(fs::read(&prod).unwrap(), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "prod and the SQL");
    }
}
