//! The nine engines, by their names in configuration and URLs.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A database engine that Mori can stand in front of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    Postgres,
    CockroachDb,
    MySql,
    MariaDb,
    MsSql,
    Sqlite,
    DuckDb,
    Redis,
    Firestore,
}

impl Engine {
    pub const ALL: [Engine; 9] = [
        Engine::Postgres,
        Engine::CockroachDb,
        Engine::MySql,
        Engine::MariaDb,
        Engine::MsSql,
        Engine::Sqlite,
        Engine::DuckDb,
        Engine::Redis,
        Engine::Firestore,
    ];

    /// The name in `mori.yaml`, in reports and as URL scheme.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Postgres => "postgres",
            Engine::CockroachDb => "cockroachdb",
            Engine::MySql => "mysql",
            Engine::MariaDb => "mariadb",
            Engine::MsSql => "mssql",
            Engine::Sqlite => "sqlite",
            Engine::DuckDb => "duckdb",
            Engine::Redis => "redis",
            Engine::Firestore => "firestore",
        }
    }

    /// The engine of a URL's scheme; `postgresql` and `rediss` are accepted as the drivers accept them.
    pub fn from_scheme(scheme: &str) -> Option<Engine> {
        match scheme {
            "postgresql" => Some(Engine::Postgres),
            "cockroach" => Some(Engine::CockroachDb),
            "rediss" => Some(Engine::Redis),
            "sqlserver" => Some(Engine::MsSql),
            other => Engine::ALL.into_iter().find(|engine| engine.name() == other),
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is none of the nine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownEngine(pub String);

impl fmt::Display for UnknownEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown engine `{}`; known are ", self.0)?;
        for (index, engine) in Engine::ALL.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(engine.name())?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownEngine {}

impl std::str::FromStr for Engine {
    type Err = UnknownEngine;

    fn from_str(text: &str) -> Result<Engine, UnknownEngine> {
        Engine::from_scheme(text).ok_or_else(|| UnknownEngine(text.to_owned()))
    }
}
