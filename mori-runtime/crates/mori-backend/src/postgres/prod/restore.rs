//! Running pg_dump on prod and pg_restore on a layer.

use super::facts::Facts;
use super::url::ProdUrl;
use super::{Phase, Progress};
use crate::postgres::error::{PostgresError, Result};
use crate::postgres::server::{Server, clear_environment};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// A migration that holds a table is waited for no longer than this.
const LOCK_WAIT: &str = "--lock-wait-timeout=60s";
const JOBS_MAX: usize = 4;
/// Of an error's text.
const LINES_MAX: usize = 12;

/// Writes prod's database into the file `dump`.
pub(super) fn dump(program: &Path, url: &ProdUrl, facts: &Facts, dump: &Path, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    let mut command = Command::new(program);
    command.args([
        "--format=custom",
        "--compress=1",
        "--blobs",
        "--verbose",
        "--no-password",
        LOCK_WAIT,
    ]);
    command
        .args(["--no-publications", "--no-subscriptions", "--no-security-labels"])
        .arg("--file")
        .arg(dump);
    clear_environment(&mut command);
    url.give_to(&mut command)?;
    // pg_dump keeps the mode of a file that is there: nobody else may read prod's rows in it.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(dump)
        .map_err(PostgresError::io("create", dump))?;
    let mut count = Count::new(Phase::Reading, &facts.tables);
    let said = run(command, &mut |line| {
        if let Some(table) = quoted_after(line, "dumping contents of table ") {
            progress(count.next(table));
        }
    })?;
    let Err(message) = said else { return Ok(()) };
    Err(if message.contains("No space left on device") {
        PostgresError::DiskFull { path: dump.to_owned() }
    } else if message.contains("permission denied") || message.contains("row-level security") {
        PostgresError::ProdPrivilege {
            user: facts.user.clone(),
            reason: message,
        }
    } else {
        PostgresError::Dump { message }
    })
}

/// A part of a dump, in the order in which they are restored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// The database itself, and all definitions that rows need.
    Schema,
    Rows,
    /// Indexes, constraints, triggers, and what materialized views hold.
    Rest,
}

/// Makes one part of the database in the layer's server.
pub(super) fn restore(
    program: &Path,
    server: &Server,
    facts: &Facts,
    database: &str,
    dump: &Path,
    section: Section,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let mut command = Command::new(program);
    command.args(["--verbose", "--no-password", "--no-tablespaces"]);
    if section != Section::Rest {
        command.arg("--exit-on-error");
    }
    command.args(["--no-publications", "--no-subscriptions", "--no-security-labels"]);
    clear_environment(&mut command);
    let jobs = std::thread::available_parallelism()
        .map_or(1, |count| count.get().min(JOBS_MAX))
        .to_string();
    match section {
        // With --create it connects to any database, and from there makes its own.
        Section::Schema => command.args(["--section=pre-data", "--create", "--dbname=template1"]),
        Section::Rows => command
            .args(["--section=data", "--jobs", &jobs])
            .arg("--dbname")
            .arg(conninfo(database)),
        Section::Rest => command
            .args(["--section=post-data", "--jobs", &jobs])
            .arg("--dbname")
            .arg(conninfo(database)),
    };
    command.arg(dump);
    command
        .env("PGHOST", server.socket_dir())
        .env("PGPORT", server.port().to_string())
        .env("PGUSER", server.superuser())
        .env("PGAPPNAME", "mori")
        .env("PGOPTIONS", server.own_options());
    let mut count = Count::new(Phase::Restoring, &facts.tables);
    let mut failures = Failures::default();
    let said = run(command, &mut |line| {
        if let Some(table) = quoted_after(line, "processing data for table ") {
            progress(count.next(table));
        }
        failures.see(line);
    })?;
    match said {
        Err(_) if section == Section::Rest && failures.are_unfilled_views() => Ok(()),
        said => said.map_err(|message| explain(message, server, facts)),
    }
}

/// Which entries of a dump could not be restored.
///
/// A materialized view over a foreign table cannot be filled, because a layer reaches no other database. It stays as `WITH NO DATA` leaves it, and
/// whoever reads it is told so.
#[derive(Default)]
struct Failures {
    views: usize,
    others: usize,
    went_to_the_end: bool,
}

impl Failures {
    fn see(&mut self, line: &str) {
        if line.contains(" from TOC entry ") {
            let is_view = line.contains(" MATERIALIZED VIEW DATA ");
            *if is_view { &mut self.views } else { &mut self.others } += 1;
        }
        self.went_to_the_end |= line.contains("errors ignored on restore");
    }

    fn are_unfilled_views(&self) -> bool {
        self.went_to_the_end && self.views > 0 && self.others == 0
    }
}

/// A database's name, so that libpq does not take it for a URL or a list of parameters.
fn conninfo(database: &str) -> String {
    format!("dbname='{}'", database.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn explain(message: String, server: &Server, facts: &Facts) -> PostgresError {
    if message.contains("No space left on device") {
        return PostgresError::DiskFull {
            path: server.data().to_owned(),
        };
    }
    if let Some(name) = quoted_after(&message, "extension ").filter(|_| message.contains("is not available")) {
        return PostgresError::MissingExtension {
            names: vec![name.to_owned()],
            major: facts.major,
        };
    }
    let locale = quoted_after(&message, "invalid locale name: ").or_else(|| quoted_after(&message, "could not create locale "));
    let collation = quoted_after(&message, "collation ").filter(|_| message.contains("does not exist"));
    match locale.or(collation) {
        Some(locale) => PostgresError::MissingLocale { locale: locale.to_owned() },
        None => PostgresError::Restore { message },
    }
}

/// Runs a program of PostgreSQL's and shows each line it writes. Returns what it said of its failure, if it failed.
fn run(mut command: Command, on_line: &mut dyn FnMut(&str)) -> Result<std::result::Result<(), String>> {
    let program = Path::new(command.get_program()).to_owned();
    let failed = |source| PostgresError::Run {
        program: program.clone(),
        source,
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    let mut last = Vec::new();
    let mut has_error = false;
    for line in child
        .stderr
        .take()
        .into_iter()
        .flat_map(|stderr| BufReader::new(stderr).split(b'\n'))
    {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line).into_owned();
        on_line(&line);
        // From the first error on all is kept, and until then what may have led to it.
        has_error |= line.contains("error:") || line.contains("ERROR:");
        if !has_error && last.len() == LINES_MAX {
            last.remove(0);
        }
        if !has_error || last.len() < 2 * LINES_MAX {
            last.push(line);
        }
    }
    let status = child.wait().map_err(failed)?;
    if status.success() {
        return Ok(Ok(()));
    }
    if let Some(first) = last.iter().position(|line| line.contains("error:") || line.contains("ERROR:")) {
        last.drain(..first);
    }
    if last.is_empty() {
        last.push(status.to_string());
    }
    Ok(Err(last.join("\n").trim().to_owned()))
}

/// `name` of `… prefix"name"…`.
fn quoted_after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(prefix)?;
    let rest = rest.strip_prefix('"')?;
    Some(rest.split_once('"')?.0)
}

/// How far a phase has come.
struct Count<'a> {
    phase: Phase,
    tables: &'a BTreeMap<String, u64>,
    done: usize,
    bytes_done: u64,
    bytes: u64,
}

impl<'a> Count<'a> {
    fn new(phase: Phase, tables: &'a BTreeMap<String, u64>) -> Count<'a> {
        Count {
            phase,
            tables,
            done: 0,
            bytes_done: 0,
            bytes: tables.values().sum(),
        }
    }

    /// A table is begun, so those before it are done.
    fn next(&mut self, table: &str) -> Progress {
        let progress = Progress::Table {
            phase: self.phase,
            table: table.to_owned(),
            done: self.done,
            total: self.tables.len(),
            bytes_done: self.bytes_done,
            bytes_total: self.bytes,
        };
        self.done += 1;
        self.bytes_done += self.tables.get(table).copied().unwrap_or(0);
        progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_the_programs_texts() {
        let line = "pg_restore: processing data for table \"public.Mixed Case\"";
        assert_eq!(quoted_after(line, "processing data for table "), Some("public.Mixed Case"));
        assert_eq!(
            quoted_after("ERROR:  extension \"postgis\" is not available", "extension "),
            Some("postgis")
        );
        assert_eq!(quoted_after("nothing", "table "), None);
    }

    #[test]
    fn a_database_with_a_strange_name() {
        assert_eq!(conninfo(r"a=b'\"), r"dbname='a=b\'\\'");
    }
}
