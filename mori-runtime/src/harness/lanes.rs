//! The lanes of one test: which arguments share one, and acquiring them.

use super::spec::{Argument, Spec};
use super::{Settings, paths, requires};
use crate::{Db, HarnessError, broker, lane};
use mori_control::AcquireSpec;
use mori_model::Engine;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The lanes a test holds, all on one control connection.
#[derive(Clone, Debug)]
pub struct Lanes {
    /// In the order acquired: the first argument's lane first.
    all: Vec<Db>,
    of_argument: Vec<usize>,
}

impl Lanes {
    /// Migrations and SQL fixtures go to the first argument's lane that is not Redis, fixtures that end in `.redis` to the first that is.
    pub(super) fn acquire(settings: &Settings, spec: &Spec) -> Result<Lanes, HarnessError> {
        requires::check_machine(spec.requires)?;
        let plan = plan(spec.arguments)?;
        let manifest_dir = Path::new(spec.source.manifest_dir);
        let mut migrations = paths::migrations(spec);
        let mut fixtures = paths::fixtures(spec)?;
        let client = Arc::new(broker::connect(settings, manifest_dir)?);
        let mut all = Vec::new();
        for wanted in &plan.lanes {
            let is_redis = wanted.engine == Some(Engine::Redis);
            let (theirs, others): (Vec<PathBuf>, Vec<PathBuf>) =
                fixtures.into_iter().partition(|path| paths::is_for_redis(path) == is_redis);
            fixtures = others;
            let spec = AcquireSpec {
                manifest_dir: manifest_dir.to_owned(),
                connection: wanted.db.map(str::to_owned),
                engine: wanted.engine,
                run_connection: settings.connection.clone(),
                package: Some(spec.source.package.to_owned()),
                migrations: if is_redis { None } else { migrations.take() },
                fixtures: theirs,
                isolation: spec.isolation,
                test: spec.source.path(),
                max_connections: spec.max_connections,
            };
            all.push(lane::acquire(&client, spec)?);
        }
        requires::check_lanes(spec.requires, &all)?;
        Ok(Lanes {
            all,
            of_argument: plan.of_argument,
        })
    }

    /// The lane of the argument of that number, from 0.
    pub fn db(&self, argument: usize) -> Db {
        self.all[self.of_argument[argument]].clone()
    }

    pub(super) fn all(&self) -> &[Db] {
        &self.all
    }

    /// Runs a seed function on the first argument's lane; what it writes counts as a layer.
    pub async fn seed<E: Debug>(&self, seed: impl AsyncFnOnce(&Db) -> Result<(), E>) -> Result<(), HarnessError> {
        let db = self.db(0);
        seed(&db).await.map_err(|error| HarnessError::Seed {
            error: format!("{error:?}"),
        })?;
        db.mark_seeded()
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Plan {
    lanes: Vec<Argument>,
    of_argument: Vec<usize>,
}

/// Arguments of one name share a lane, unless they ask for different engines. One that asks for none joins the lane of its name.
fn plan(arguments: &[Argument]) -> Result<Plan, HarnessError> {
    let mut lanes: Vec<Argument> = Vec::new();
    let mut of_argument = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        let wanted = match argument.engine {
            Some(_) => *argument,
            None => Argument {
                engine: engine_of_name(arguments, argument.db, index)?,
                ..*argument
            },
        };
        let lane = lanes.iter().position(|lane| *lane == wanted).unwrap_or_else(|| {
            lanes.push(wanted);
            lanes.len() - 1
        });
        of_argument.push(lane);
    }
    Ok(Plan { lanes, of_argument })
}

/// The engine the other arguments of that name ask for, if any does.
fn engine_of_name(arguments: &[Argument], db: Option<&str>, index: usize) -> Result<Option<Engine>, HarnessError> {
    let mut engines: Vec<Engine> = arguments
        .iter()
        .filter(|other| other.db == db)
        .filter_map(|other| other.engine)
        .collect();
    engines.sort();
    engines.dedup();
    match engines.as_slice() {
        [] => Ok(None),
        [engine] => Ok(Some(*engine)),
        several => {
            let candidates = several.iter().map(|engine| engine.name()).collect::<Vec<_>>().join(", ");
            Err(HarnessError::AmbiguousArgument {
                number: index + 1,
                candidates,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, plan};
    use crate::harness::Argument;
    use mori_model::Engine;

    const ANY: Argument = Argument::unnamed(None);
    const SQLITE: Argument = Argument::unnamed(Some(Engine::Sqlite));
    const REDIS: Argument = Argument::unnamed(Some(Engine::Redis));
    const CACHE: Argument = Argument::named("cache", Some(Engine::Redis));

    #[track_caller]
    fn check(arguments: &[Argument], lanes: &[Argument], of_argument: &[usize]) {
        let expected = Plan {
            lanes: lanes.to_vec(),
            of_argument: of_argument.to_vec(),
        };
        assert_eq!(plan(arguments).expect("unambiguous"), expected);
    }

    #[test]
    fn a_driver_shares_the_handles_lane_in_either_order() {
        check(&[ANY, ANY], &[ANY], &[0, 0]);
        check(&[SQLITE, ANY], &[SQLITE], &[0, 0]);
        check(&[ANY, SQLITE], &[SQLITE], &[0, 0]);
    }

    #[test]
    fn names_and_engines_make_lanes() {
        check(&[SQLITE, CACHE, ANY], &[SQLITE, CACHE], &[0, 1, 0]);
        check(&[SQLITE, REDIS], &[SQLITE, REDIS], &[0, 1]);
        check(&[CACHE, CACHE], &[CACHE], &[0, 0]);
    }

    #[test]
    fn an_argument_that_could_be_either_is_refused() {
        let error = plan(&[SQLITE, REDIS, ANY]).expect_err("ambiguous").to_string();
        assert_eq!(
            error,
            "argument 3 could mean several databases: sqlite, redis\n  remedy: mark it `#[mori(db = \"name\")]`"
        );
    }
}
