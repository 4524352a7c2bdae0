//! A connection as everything else works with it: checked, and with absolute paths.

use super::ConfigError;
use super::checked::{CheckedConnection, CheckedProd};
use super::url::redact;
use mori_model::Engine;
use std::path::{Path, PathBuf};

/// The engines that this version can serve.
pub const SUPPORTED_ENGINES: [Engine; 3] = [Engine::Postgres, Engine::Sqlite, Engine::Redis];

/// Leads the name of a fixture database: `fixture:shop`.
pub const FIXTURE_PREFIX: &str = "fixture:";

/// One connection of `mori.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub name: String,
    pub engine: Engine,
    pub prod: Prod,
    /// Whether foreign keys are enforced on the lanes' connections. SQLite leaves it to the client; on unless the file says no.
    pub foreign_keys: bool,
    /// A larger prod, in bytes, is not copied. For engines whose prod is a server.
    pub max_copy: u64,
    /// Whether clients of a PostgreSQL lane are offered TLS; as prod does it where it is not said.
    pub tls: Option<bool>,
    /// The container image of the shadow, for engines that have one.
    pub image: Option<String>,
}

/// What reads fall through to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prod {
    /// A server. Holds the password; show [`Connection::redacted_url`] instead.
    Url(String),
    /// A SQLite database file, absolute. It need not exist yet.
    SqliteFile(PathBuf),
    /// A database that Mori builds from SQL files, applied in this order. The paths are absolute.
    Fixture { name: String, sql: Vec<PathBuf> },
    /// Nothing below the lane.
    Empty,
}

impl Connection {
    /// Resolves relative paths against `folder`, the folder of `mori.yaml`.
    pub(super) fn resolve(name: &str, checked: CheckedConnection, folder: &Path) -> Connection {
        let prod = match checked.prod {
            CheckedProd::Url(url) => Prod::Url(url),
            CheckedProd::SqliteFile(path) => Prod::SqliteFile(folder.join(path)),
            CheckedProd::Fixture(sql) => Prod::Fixture {
                name: format!("{FIXTURE_PREFIX}{name}"),
                sql: sql.into_iter().map(|path| folder.join(path)).collect(),
            },
            CheckedProd::Empty => Prod::Empty,
        };
        Connection {
            name: name.to_owned(),
            engine: checked.engine,
            prod,
            foreign_keys: checked.foreign_keys,
            max_copy: checked.max_copy,
            tls: checked.tls,
            image: checked.image,
        }
    }

    /// Prod as reports show it, without a password: `postgres://app:***@db/shop`, `sqlite:/data/app.db`, `fixture:shop`, `empty`.
    pub fn redacted_url(&self) -> String {
        match &self.prod {
            Prod::Url(url) => redact(url),
            Prod::SqliteFile(path) => format!("sqlite:{}", path.display()),
            Prod::Fixture { name, .. } => name.clone(),
            Prod::Empty => "empty".to_owned(),
        }
    }

    /// An error for an engine that this version cannot serve.
    pub fn require_supported(&self) -> Result<(), ConfigError> {
        if SUPPORTED_ENGINES.contains(&self.engine) {
            return Ok(());
        }
        Err(ConfigError::Unsupported {
            connection: self.name.clone(),
            engine: self.engine,
        })
    }
}
