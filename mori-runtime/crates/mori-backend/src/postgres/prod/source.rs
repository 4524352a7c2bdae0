//! Taking an image of prod, from the first connection to the last check.

use super::facts::{self, Facts};
use super::restore::{self, Section};
use super::url::ProdUrl;
use super::{foreign, roles};
use crate::postgres::account::hex;
use crate::postgres::binaries::{self, Binaries};
use crate::postgres::cluster::{self, ClusterOptions};
use crate::postgres::error::{PostgresError, Result};
use crate::postgres::server::Server;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// How an image is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProdOptions {
    /// The key of the layer.
    pub key: String,
    /// A larger database, by `pg_database_size`, is refused before anything is copied.
    pub bytes_max: u64,
}

/// Which prod an image was made from, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProdFingerprint {
    /// Digest of host, port, database and user.
    pub url: String,
    pub server_version: String,
    pub database_oid: u32,
    /// `pg_database_size` at that time.
    pub bytes: u64,
    /// Seconds since 1970 when the image was begun.
    pub taken_at: u64,
    /// Whether prod's server offers TLS.
    #[serde(default)]
    pub offers_tls: bool,
}

/// What is going on while an image is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Prod has answered.
    Connected {
        version: String,
        tables: usize,
        bytes: u64,
    },
    /// Definitions are restored.
    Schema,
    /// The rows of a table are on their way. Sizes are those of prod's statistics.
    Table {
        phase: Phase,
        table: String,
        /// Tables done before this one.
        done: usize,
        total: usize,
        bytes_done: u64,
        bytes_total: u64,
    },
    /// Indexes, constraints and triggers are made.
    Indexes,
    /// The planner's statistics are collected.
    Statistics,
    Done {
        elapsed: Duration,
    },
}

/// Every table is handled twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// From prod into a file.
    Reading,
    /// From the file into the layer.
    Restoring,
}

/// The major version of prod's server, for example 15; it decides which binaries are needed.
pub fn prod_major(url: &str) -> Result<u32> {
    let mut client = ProdUrl::parse(url)?.connect()?;
    let (major, _) = facts::version(&mut client)?;
    Ok(major)
}

/// A prod that can be copied.
pub(in crate::postgres) struct Source {
    url: ProdUrl,
    facts: Facts,
    pg_dump: PathBuf,
    pg_restore: PathBuf,
    begun: Instant,
    taken_at: u64,
}

impl Source {
    /// Connects, and finds out all that decides whether an image can be taken, but for privileges.
    pub(in crate::postgres) fn connect(
        binaries: &Binaries,
        url: &str,
        options: &ProdOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Source> {
        let begun = Instant::now();
        let taken_at = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let url = ProdUrl::parse(url)?;
        let mut client = url.connect()?;
        let (major, _) = facts::version(&mut client)?;
        if major != binaries.major() {
            return Err(PostgresError::MajorMismatch {
                prod: major,
                local: binaries.major(),
                found: binaries::describe(&Binaries::all()),
            });
        }
        let facts = Facts::read(&mut client)?;
        if facts.bytes > options.bytes_max {
            return Err(PostgresError::ProdTooLarge {
                database: url.database.clone(),
                bytes: facts.bytes,
                max_bytes: options.bytes_max,
            });
        }
        progress(Progress::Connected {
            version: facts.version.clone(),
            tables: facts.tables.len(),
            bytes: facts.bytes,
        });
        Ok(Source {
            pg_dump: binaries.tool("pg_dump")?,
            pg_restore: binaries.tool("pg_restore")?,
            url,
            facts,
            begun,
            taken_at,
        })
    }

    pub(in crate::postgres) fn cluster(&self) -> ClusterOptions {
        ClusterOptions {
            superuser: self.facts.superuser.clone(),
            encoding: self.facts.encoding.clone(),
            locale: self.facts.locale.clone(),
        }
    }

    pub(in crate::postgres) fn database(&self) -> &str {
        &self.url.database
    }

    pub(in crate::postgres) fn user(&self) -> &str {
        &self.facts.user
    }

    pub(in crate::postgres) fn fingerprint(&self) -> ProdFingerprint {
        ProdFingerprint {
            url: hex(&Sha256::digest(self.url.identity_text()), 16),
            server_version: self.facts.version.clone(),
            database_oid: self.facts.database_oid,
            bytes: self.facts.bytes,
            taken_at: self.taken_at,
            offers_tls: self.facts.offers_tls,
        }
    }

    /// Fills a new cluster's server with what prod has. `work` is a folder for the dump.
    pub(in crate::postgres) fn restore(&self, server: &Server, work: &Path, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        self.prepare(server)?;
        let dump = work.join("prod.dump");
        restore::dump(&self.pg_dump, &self.url, &self.facts, &dump, progress)?;
        progress(Progress::Schema);
        self.section(server, &dump, Section::Schema, progress)?;
        let mut client = server.connect(self.database())?;
        if !self.facts.has_public_schema {
            client.batch_execute("DROP SCHEMA public")?;
        }
        foreign::cut_off(&mut client)?;
        self.section(server, &dump, Section::Rows, progress)?;
        progress(Progress::Indexes);
        self.section(server, &dump, Section::Rest, progress)?;
        fs::remove_file(&dump).map_err(PostgresError::io("remove", &dump))?;
        progress(Progress::Statistics);
        // Reading rows for the first time would write to their pages otherwise, in every lane anew.
        client.batch_execute("VACUUM (ANALYZE)")?;
        client.close()?;
        progress(Progress::Done {
            elapsed: self.begun.elapsed(),
        });
        Ok(())
    }

    fn section(&self, server: &Server, dump: &Path, section: Section, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        restore::restore(&self.pg_restore, server, &self.facts, self.database(), dump, section, progress)
    }

    /// Everything of the server that the database needs, before prod is read at length.
    fn prepare(&self, server: &Server) -> Result<()> {
        let mut client = server.connect("template1")?;
        let missing = client.query(
            "SELECT name FROM unnest($1::text[]) name WHERE name NOT IN (SELECT name FROM pg_available_extensions)",
            &[&self.facts.extensions],
        )?;
        if !missing.is_empty() {
            return Err(PostgresError::MissingExtension {
                names: missing.iter().map(|row| row.try_get(0)).collect::<std::result::Result<_, _>>()?,
                major: self.facts.major,
            });
        }
        roles::create(&mut client, &self.facts)?;
        roles::drop_preloads(&mut client)?;
        // Every cluster has one of this name; prod's own takes its place.
        if self.database() == "postgres" {
            client.batch_execute("DROP DATABASE postgres")?;
        }
        Ok(client.close()?)
    }

    /// Lets the layer's server say what prod's says, from its next start on. The database's own settings came with the dump.
    pub(in crate::postgres) fn configure(&self, server: &Server) -> Result<()> {
        let mut client = server.connect("template1")?;
        roles::drop_preloads(&mut client)?;
        let settings = roles::known_settings(&mut client, &self.facts)?;
        client.close()?;
        cluster::configure(server.data(), &settings)
    }
}
