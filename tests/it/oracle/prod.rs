//! A random prod: a database file with a schema, rows and a past.

use super::catalog::{Catalog, Kind};
use super::generator::Generator;
use super::program::Statement;
use mori_tests::{Random, Served};
use rusqlite::Connection;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// How a prod file is made. Statements that fail are not among `statements`.
#[derive(Clone, Debug)]
pub struct Prod {
    pub seed: u64,
    pub statements: Vec<String>,
    /// The last commits stay in a write-ahead log beside the file, as after a crash of the application.
    pub leaves_log: bool,
}

impl Prod {
    /// Makes up a prod. Runs what it makes up on a scratch database, to know what is there.
    pub fn generate(seed: u64) -> Prod {
        let mut random = Random::new(seed);
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let connection = Connection::open(scratch.path().join("prod.db")).expect("a new database");
        connection.execute_batch("PRAGMA synchronous = OFF").expect("a setting");
        let mut prod = Prod {
            seed,
            statements: Vec::new(),
            leaves_log: false,
        };
        let page_size = random.pick(&["512", "512", "1024", "4096", "4096", "4096", "8192", "65536"]);
        prod.attempt(&connection, &format!("PRAGMA page_size = {page_size}"));
        prod.attempt(
            &connection,
            &format!("PRAGMA auto_vacuum = {}", random.pick(&["NONE", "NONE", "FULL", "INCREMENTAL"])),
        );
        if random.chance(10) {
            prod.attempt(&connection, "PRAGMA encoding = 'UTF-16le'");
        }
        let is_log_mode = random.chance(35);
        prod.attempt(
            &connection,
            if is_log_mode {
                "PRAGMA journal_mode = WAL"
            } else {
                "PRAGMA journal_mode = DELETE"
            },
        );
        prod.leaves_log = is_log_mode && random.chance(30);
        prod.attempt(
            &connection,
            if random.chance(85) {
                "PRAGMA foreign_keys = ON"
            } else {
                "PRAGMA foreign_keys = OFF"
            },
        );
        prod.make_schema(&connection, &mut random);
        prod.make_rows(&connection, &mut random);
        if random.chance(30) {
            prod.attempt(&connection, "ANALYZE");
        }
        if random.chance(15) {
            prod.attempt(&connection, "VACUUM");
        }
        prod
    }

    fn attempt(&mut self, connection: &Connection, sql: &str) {
        if connection.execute_batch(sql).is_ok() {
            self.statements.push(sql.to_owned());
        }
    }

    fn make_schema(&mut self, connection: &Connection, random: &mut Random) {
        for _ in 0..3 + random.below(4) {
            self.define(connection, random, |generator| Some(generator.create_table()));
        }
        for _ in 0..random.below(4) {
            self.define(connection, random, |generator| generator.create_index());
        }
        for _ in 0..random.below(3) {
            self.define(connection, random, |generator| Some(generator.create_view()));
        }
        if random.chance(35) {
            self.define(connection, random, |generator| generator.create_virtual());
        }
        for _ in 0..random.below(3) {
            self.define(connection, random, |generator| generator.create_trigger());
        }
    }

    fn define(&mut self, connection: &Connection, random: &mut Random, make: impl FnOnce(&mut Generator) -> Option<Statement>) {
        let catalog = Catalog::read(connection).expect("the catalog can be read");
        if let Some(statement) = make(&mut Generator::new(random, &catalog)) {
            self.attempt(connection, &statement.sql);
        }
    }

    fn make_rows(&mut self, connection: &Connection, random: &mut Random) {
        let catalog = Catalog::read(connection).expect("the catalog can be read");
        let mut tables = catalog.of_kind(Kind::Table);
        tables.extend(catalog.of_kind(Kind::Virtual));
        for table in tables {
            let inserts = if random.chance(15) { 40 } else { 3 + random.below(10) };
            for _ in 0..inserts {
                let mut generator = Generator::new(random, &catalog);
                let statement = if table.kind == Kind::Table {
                    generator.insert(table)
                } else {
                    generator.write_to(table)
                };
                self.attempt(connection, &statement.sql);
            }
        }
        // A past leaves free pages and gaps in the row ids.
        for _ in 0..random.below(6) {
            let mut generator = Generator::new(random, &catalog);
            let statement = generator.write();
            if !statement.sql.contains("OR ROLLBACK") {
                self.attempt(connection, &statement.sql);
            }
        }
    }

    /// Makes the file, and what lies beside it.
    pub fn write(&self, path: &Path) {
        if !self.leaves_log {
            self.run(path);
            return;
        }
        // A copy taken while the database is open has the log, and no index beside it.
        let open = tempfile::tempdir().expect("a temporary folder");
        let from = open.path().join("prod.db");
        let connection = self.run(&from);
        std::fs::copy(&from, path).expect("a copy");
        if log(&from).exists() {
            std::fs::copy(log(&from), log(path)).expect("a copy");
        }
        drop(connection);
    }

    /// Makes the file of the statements up to the middle, and gives the others as a script: one transaction, as a fixture is. Empty
    /// where the others cannot be one.
    pub fn write_in_part(&self, path: &Path) -> String {
        let (first, rest) = self.statements.split_at(self.statements.len() / 2);
        let is_plain = |sql: &String| !sql.starts_with("PRAGMA") && !sql.starts_with("VACUUM") && !sql.contains("OR ROLLBACK");
        if !self.statements.iter().any(|sql| sql == "PRAGMA foreign_keys = ON") || !rest.iter().all(is_plain) {
            return String::new();
        }
        let part = Prod {
            statements: first.to_vec(),
            leaves_log: false,
            ..self.clone()
        };
        part.run(path).close().expect("prod closes");
        rest.iter().map(|sql| format!("{sql};\n")).collect()
    }

    fn run(&self, path: &Path) -> Connection {
        let connection = Connection::open(path).expect("a new database");
        connection.execute_batch("PRAGMA synchronous = OFF").expect("a setting");
        if self.leaves_log {
            connection.execute_batch("PRAGMA wal_autocheckpoint = 20").expect("a setting");
        }
        for sql in &self.statements {
            // A minimized prod may have lost what a statement stands on.
            let _ = connection.execute_batch(sql);
        }
        connection
    }

    pub fn serve(&self) -> Served {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("prod.db");
        self.write(&path);
        Served::start(folder, path)
    }

    pub fn script(&self) -> String {
        let mut script = format!(
            "-- prod, from seed {}{}\n",
            self.seed,
            if self.leaves_log { ", its last commits in a log" } else { "" }
        );
        for sql in &self.statements {
            writeln!(script, "{sql};").expect("a string takes everything");
        }
        script
    }
}

/// The write-ahead log of a database.
pub fn log(database: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", database.display()))
}
