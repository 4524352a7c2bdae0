//! Finding the server's programs on this machine.

use super::error::{PostgresError, Result};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder that holds `postgres` and `initdb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    bindir: PathBuf,
    version: String,
    major: u32,
}

impl Binaries {
    /// The server's programs of the `wanted` major version, or of the newest there is.
    ///
    /// If `MORI_POSTGRES_BIN` is set, only that folder is looked at. Otherwise, in this order: `pg_config --bindir`, `PATH`, and the folders in
    /// which Debian, Red Hat, Homebrew and Postgres.app install. Errors: `NoBinaries`, with all that was found.
    pub fn find(wanted: Option<u32>) -> Result<Binaries> {
        let all = Binaries::all();
        let fitting = all.iter().filter(|binaries| wanted.is_none_or(|major| binaries.major == major));
        // Of two with the same version the one found first is taken, because it is the one the user's shell would find.
        let newest = fitting.rev().max_by_key(|binaries| binaries.major);
        newest.cloned().ok_or_else(|| PostgresError::NoBinaries {
            wanted,
            found: describe(&all),
        })
    }

    /// The programs in one folder, if they are there and run.
    pub fn at(bindir: &Path) -> Option<Binaries> {
        if !bindir.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(bindir.join("postgres")).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.strip_prefix("postgres (PostgreSQL) ")?.trim().to_owned();
        let digits = version.split(|character: char| !character.is_ascii_digit()).next()?;
        Some(Binaries {
            bindir: bindir.to_owned(),
            major: digits.parse().ok()?,
            version,
        })
    }

    pub(super) fn all() -> Vec<Binaries> {
        let mut found: Vec<Binaries> = Vec::new();
        for folder in candidates() {
            let Ok(folder) = folder.canonicalize() else { continue };
            if found.iter().all(|binaries| binaries.bindir != folder) {
                found.extend(Binaries::at(&folder));
            }
        }
        found
    }

    /// For example 15.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// As the server prints it, for example `15.14 (Debian 15.14-0+deb12u1)`.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn bindir(&self) -> &Path {
        &self.bindir
    }

    /// The path of one of the programs. Errors: `NoTool` if it is not there; a server can be installed without pg_dump and pg_restore.
    pub fn tool(&self, tool: &'static str) -> Result<PathBuf> {
        let path = self.bindir.join(tool);
        if path.is_file() {
            Ok(path)
        } else {
            Err(PostgresError::NoTool {
                tool,
                bindir: self.bindir.clone(),
            })
        }
    }
}

/// What was found, for an error's text.
pub(super) fn describe(all: &[Binaries]) -> Vec<String> {
    all.iter()
        .map(|binaries| format!("{} in {}", binaries.version, binaries.bindir.display()))
        .collect()
}

fn candidates() -> Vec<PathBuf> {
    if let Some(folder) = env::var_os("MORI_POSTGRES_BIN") {
        return vec![PathBuf::from(folder)];
    }
    let mut folders = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    for folder in env::split_paths(&env::var_os("PATH").unwrap_or_default()) {
        // The program may be a link into the folder where the others are.
        if let Ok(program) = folder.join("initdb").canonicalize() {
            folders.extend(program.parent().map(Path::to_owned));
        }
    }
    for (parent, prefix, bin) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/usr/local", "pgsql", "bin"),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ] {
        let mut names: Vec<_> = fs::read_dir(parent)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        names.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix)));
        names.sort();
        folders.extend(names.into_iter().map(|path| path.join(bin)));
    }
    folders
}
