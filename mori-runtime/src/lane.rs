//! A lane without the attribute: for tests written by another macro, for benchmarks, for set-up code.

use crate::blocking::unblock;
use crate::broker;
use crate::harness::{Settings, fixture_path, source_folder, test_name_of_thread};
use crate::{Db, HarnessError};
use mori_control::{AcquireSpec, Isolation, Request, Response};
use mori_model::Engine;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The way to a lane: `mori::Lane::builder().db("x").fixtures(["users"]).acquire().await?`.
pub struct Lane;

impl Lane {
    /// The calling file is where fixtures are looked for.
    #[track_caller]
    pub fn builder() -> LaneBuilder {
        LaneBuilder {
            source_file: Location::caller().file(),
            manifest_dir: std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from),
            package: std::env::var("CARGO_PKG_NAME").ok(),
            connection: None,
            engine: None,
            migrations: None,
            fixtures: Vec::new(),
            isolation: Isolation::default(),
            test: test_name_of_thread(),
            max_connections: None,
        }
    }
}

/// What the lane shall be. The lane goes back when the last clone of its handle is dropped, or the process ends.
#[must_use = "a builder does nothing until `acquire`"]
#[derive(Clone, Debug)]
pub struct LaneBuilder {
    source_file: &'static str,
    manifest_dir: Option<PathBuf>,
    package: Option<String>,
    connection: Option<String>,
    engine: Option<Engine>,
    migrations: Option<PathBuf>,
    fixtures: Vec<String>,
    isolation: Isolation,
    test: String,
    max_connections: Option<u32>,
}

impl LaneBuilder {
    /// A connection of `mori.yaml` by name.
    pub fn db(self, connection: impl Into<String>) -> LaneBuilder {
        LaneBuilder {
            connection: Some(connection.into()),
            ..self
        }
    }

    pub fn engine(self, engine: Engine) -> LaneBuilder {
        LaneBuilder {
            engine: Some(engine),
            ..self
        }
    }

    /// A folder of SQL files, relative to the package.
    pub fn migrations(self, folder: impl Into<PathBuf>) -> LaneBuilder {
        LaneBuilder {
            migrations: Some(folder.into()),
            ..self
        }
    }

    /// As in the attribute: a bare name stands for `fixtures/<name>.sql`; all are relative to the calling file.
    pub fn fixtures<F: Into<String>>(self, fixtures: impl IntoIterator<Item = F>) -> LaneBuilder {
        LaneBuilder {
            fixtures: fixtures.into_iter().map(Into::into).collect(),
            ..self
        }
    }

    pub fn isolation(self, isolation: Isolation) -> LaneBuilder {
        LaneBuilder { isolation, ..self }
    }

    /// The name in reports; without it, the thread's, which is the test's under libtest.
    pub fn test(self, name: impl Into<String>) -> LaneBuilder {
        LaneBuilder { test: name.into(), ..self }
    }

    pub fn max_connections(self, max: u32) -> LaneBuilder {
        LaneBuilder {
            max_connections: Some(max),
            ..self
        }
    }

    /// Where `mori.yaml` is searched; without it, the package Cargo runs the test of.
    pub fn manifest_dir(self, folder: impl Into<PathBuf>) -> LaneBuilder {
        LaneBuilder {
            manifest_dir: Some(folder.into()),
            ..self
        }
    }

    /// Waits until a lane is free. Works under any executor.
    pub async fn acquire(self) -> Result<Db, HarnessError> {
        let settings = Settings::from_env()?;
        unblock(move || self.acquire_with(&settings)).await
    }

    fn acquire_with(self, settings: &Settings) -> Result<Db, HarnessError> {
        let manifest_dir = self.manifest_dir.clone().ok_or(HarnessError::NoManifestDir)?;
        let spec = AcquireSpec {
            run_connection: settings.connection.clone(),
            ..self.spec(&manifest_dir)?
        };
        let client = Arc::new(broker::connect(settings, &manifest_dir)?);
        acquire(&client, spec)
    }

    fn spec(self, manifest_dir: &Path) -> Result<AcquireSpec, HarnessError> {
        let mut fixtures = Vec::new();
        if !self.fixtures.is_empty() {
            let folder = source_folder(self.source_file, manifest_dir)?;
            for fixture in &self.fixtures {
                let relative = if fixture.contains('/') {
                    fixture.clone()
                } else {
                    format!("fixtures/{}.sql", fixture.trim_end_matches(".sql"))
                };
                fixtures.push(fixture_path(&folder, &relative)?);
            }
        }
        Ok(AcquireSpec {
            manifest_dir: manifest_dir.to_owned(),
            connection: self.connection,
            engine: self.engine,
            run_connection: None,
            package: self.package,
            migrations: self.migrations.map(|folder| manifest_dir.join(folder)),
            fixtures,
            isolation: self.isolation,
            test: self.test,
            max_connections: self.max_connections,
        })
    }
}

/// A lane on an open control connection. Waits until one is free.
pub(crate) fn acquire(client: &Arc<broker::Client>, spec: AcquireSpec) -> Result<Db, HarnessError> {
    match client.request(&Request::Acquire(Box::new(spec)))? {
        Response::Lane(grant) => Ok(Db::new(Arc::clone(client), *grant)),
        other => Err(broker::unexpected("Acquire", &other)),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::Lane;
    use crate::Engine;
    use crate::broker::fake::{FakeBroker, Script};
    use crate::harness::Settings;
    use mori_control::Request;
    use std::fs;

    #[test]
    fn the_builder_asks_for_what_it_was_told() {
        let package = tempfile::tempdir().expect("a folder");
        // `file!()` of this file, as seen from the package's folder.
        let sources = package.path().join(file!());
        let fixtures = sources.parent().expect("a file has a folder").join("fixtures");
        fs::create_dir_all(&fixtures).expect("created");
        fs::write(&sources, "").expect("written");
        fs::write(fixtures.join("users.sql"), "").expect("written");

        let broker = FakeBroker::start(Script::default());
        let settings = Settings {
            socket: Some(broker.socket().to_owned()),
            connection: Some("shop_pg".to_owned()),
            ..Settings::default()
        };
        let builder = Lane::builder()
            .manifest_dir(package.path())
            .db("billing")
            .engine(Engine::Sqlite)
            .fixtures(["users"])
            .test("by_hand");
        let db = builder.acquire_with(&settings).expect("acquired");
        assert_eq!((db.name(), db.engine()), ("billing", Engine::Sqlite));
        let Some(Request::Acquire(spec)) = broker.requests().into_iter().next() else {
            panic!("an Acquire")
        };
        assert_eq!(spec.fixtures, [fixtures.join("users.sql")]);
        assert_eq!((spec.test.as_str(), spec.migrations), ("by_hand", None));
        assert_eq!(
            (spec.connection.as_deref(), spec.run_connection.as_deref()),
            (Some("billing"), Some("shop_pg"))
        );
    }

    #[test]
    fn a_fixture_that_is_not_there_is_named() {
        let package = tempfile::tempdir().expect("a folder");
        let source = package.path().join(file!());
        fs::create_dir_all(source.parent().expect("a file has a folder")).expect("created");
        fs::write(&source, "").expect("written");
        let error = Lane::builder()
            .fixtures(["nobody"])
            .spec(package.path())
            .expect_err("refused")
            .to_string();
        assert!(error.contains("fixtures/nobody.sql does not exist"), "{error}");
    }
}
