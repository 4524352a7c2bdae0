//! `requires(…)`: what must be there for the test to mean anything. A missing requirement fails the test and says what to do.

use super::spec::Requirement;
use crate::{Db, HarnessError};
use mori_model::Engine;
use std::path::PathBuf;

/// What can be told before a lane is acquired.
pub(super) fn check_machine(requires: &[Requirement]) -> Result<(), HarnessError> {
    for requirement in requires {
        match requirement {
            Requirement::Env(name) if std::env::var_os(name).is_none_or(|value| value.is_empty()) => {
                return Err(missing(format!("the variable {name}"), format!("set {name}")));
            }
            Requirement::Docker if !docker_answers() => {
                return Err(missing("Docker".to_owned(), "start Docker, or set DOCKER_HOST".to_owned()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What the lanes tell.
pub(super) fn check_lanes(requires: &[Requirement], lanes: &[Db]) -> Result<(), HarnessError> {
    let engines: Vec<Engine> = lanes.iter().map(Db::engine).collect();
    requires.iter().try_for_each(|requirement| match requirement {
        Requirement::Engine(name) => check_engine(name, &engines),
        _ => Ok(()),
    })
}

fn check_engine(name: &str, engines: &[Engine]) -> Result<(), HarnessError> {
    let wanted: Engine = name
        .parse()
        .map_err(|error: mori_model::UnknownEngine| missing(format!("engine `{name}`"), error.to_string()))?;
    if engines.contains(&wanted) {
        return Ok(());
    }
    let found = engines.iter().map(|engine| engine.name()).collect::<Vec<_>>().join(", ");
    Err(missing(
        format!("engine {wanted}, and its lanes are {found}"),
        format!("name a connection of {wanted} with `db = \"…\"`"),
    ))
}

fn missing(what: String, remedy: String) -> HarnessError {
    HarnessError::Requirement { what, remedy }
}

/// A remote daemon is taken at its word; a local one must accept a connection.
fn docker_answers() -> bool {
    if std::env::var_os("DOCKER_HOST").is_some_and(|host| !host.is_empty()) {
        return true;
    }
    let rootless = std::env::var_os("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("docker.sock"));
    let sockets = [Some(PathBuf::from("/var/run/docker.sock")), rootless];
    sockets.into_iter().flatten().any(|socket| accepts(&socket))
}

#[cfg(unix)]
fn accepts(socket: &std::path::Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

#[cfg(not(unix))]
fn accepts(socket: &std::path::Path) -> bool {
    socket.exists()
}

#[cfg(test)]
mod tests {
    use super::{check_engine, check_machine};
    use crate::harness::Requirement;
    use mori_model::Engine;

    #[test]
    fn a_missing_variable_fails_with_the_remedy() {
        let error = check_machine(&[Requirement::Env("MORI_TEST_NEVER_SET")])
            .expect_err("missing")
            .to_string();
        assert_eq!(
            error,
            "the test requires the variable MORI_TEST_NEVER_SET\n  remedy: set MORI_TEST_NEVER_SET"
        );
        check_machine(&[Requirement::Env("PATH")]).expect("every test has a PATH");
    }

    #[test]
    fn an_engine_is_one_of_the_lanes() {
        check_engine("sqlite", &[Engine::Postgres, Engine::Sqlite]).expect("there");
        let error = check_engine("redis", &[Engine::Sqlite]).expect_err("missing").to_string();
        assert!(
            error.starts_with("the test requires engine redis, and its lanes are sqlite\n  remedy: "),
            "{error}"
        );
        let error = check_engine("postgress", &[Engine::Sqlite]).expect_err("unknown").to_string();
        assert!(error.contains("unknown engine `postgress`; known are postgres, "), "{error}");
    }
}
