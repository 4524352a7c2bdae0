//! A type for each engine: the argument's type says which connection the test means.

use crate::{Db, FromLane, HarnessError};
use mori_model::Engine;
use std::ops::Deref;
use std::path::PathBuf;

macro_rules! engines {
    ($($(#[$doc:meta])* $name:ident => $engine:ident),* $(,)?) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug)]
            pub struct $name(Db);

            impl Deref for $name {
                type Target = Db;

                fn deref(&self) -> &Db {
                    &self.0
                }
            }

            impl FromLane for $name {
                const ENGINE: Option<Engine> = Some(Engine::$engine);

                async fn from_lane(db: Db) -> Result<$name, HarnessError> {
                    checked(db, Engine::$engine).map($name)
                }
            }
        )*
    };
}

engines! {
    /// A lane of a PostgreSQL connection.
    Postgres => Postgres,
    /// A lane of a CockroachDB connection.
    Cockroach => CockroachDb,
    /// A lane of a MySQL connection.
    MySql => MySql,
    /// A lane of a MariaDB connection.
    MariaDb => MariaDb,
    /// A lane of a Microsoft SQL Server connection.
    MsSql => MsSql,
    /// A lane of a Redis connection.
    Redis => Redis,
    /// A lane of a Firestore project.
    Firestore => Firestore,
    /// A lane of an SQLite database.
    Sqlite => Sqlite,
    /// A lane of a DuckDB database.
    DuckDb => DuckDb,
}

impl Sqlite {
    /// A private copy of the lane as it is now, as a plain database file for a native driver. Changes to the file do not show in the
    /// lane. Errors: `Refused` while a transaction is open.
    pub fn path(&self) -> Result<PathBuf, HarnessError> {
        self.export()
    }
}

impl DuckDb {
    /// A private copy of the lane as it is now, as a plain database file for a native driver. Changes to the file do not show in the
    /// lane. Errors: `Refused` while a transaction is open.
    pub fn path(&self) -> Result<PathBuf, HarnessError> {
        self.export()
    }
}

fn checked(db: Db, wanted: Engine) -> Result<Db, HarnessError> {
    if db.engine() == wanted {
        return Ok(db);
    }
    Err(HarnessError::WrongEngine {
        wanted,
        granted: db.engine(),
        connection: db.name().to_owned(),
    })
}
