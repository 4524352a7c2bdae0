//! A connection as everything else works with it: checked, and with absolute paths.

use super::ConfigError;
use super::checked::{CheckedConnection, CheckedProd};
use super::url::redact;
use mori_model::Engine;
use std::fmt;
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
    /// What clients of `mori start` are shown under TLS; made for the process where it is not said.
    pub certificate: Option<Certificate>,
    /// How the clients of `mori start` log in; anybody is let in where it is not said. A test's clients have its lease's URL.
    pub login: Option<ClientLogin>,
    /// The container image of the shadow, for engines that have one.
    pub image: Option<String>,
}

/// Files in PEM: a certificate with those it is signed by, and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// What a client must know.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientLogin {
    /// How a client of PostgreSQL's protocol shows that it knows the password.
    pub auth: ClientAuth,
    pub password: String,
}

impl fmt::Debug for ClientLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientLogin").field("auth", &self.auth).finish_non_exhaustive()
    }
}

/// PostgreSQL's methods, by their names in pg_hba.conf (<https://www.postgresql.org/docs/current/auth-password.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    #[default]
    ScramSha256,
    Md5,
    Password,
}

impl ClientAuth {
    pub const NAMES: [&str; 3] = ["scram-sha-256", "md5", "password"];

    pub fn parse(name: &str) -> Option<ClientAuth> {
        match name {
            "scram-sha-256" => Some(ClientAuth::ScramSha256),
            "md5" => Some(ClientAuth::Md5),
            "password" => Some(ClientAuth::Password),
            _ => None,
        }
    }
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
            certificate: checked.certificate.map(|certificate| Certificate {
                cert: folder.join(certificate.cert),
                key: folder.join(certificate.key),
            }),
            login: checked.login,
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
