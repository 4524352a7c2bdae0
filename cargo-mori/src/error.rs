//! What ends a command early. Each failure has one exit code, one text, and a remedy where there is one.

use crate::build::{BuildError, WorkspaceError};
use crate::control::ControlFailure;
use crate::exit_code;
use crate::runner::{BrokerStartError, RunnerError};
use crate::settings::SettingsError;
use crate::suite::{FiltersetError, ListError};
use mori_broker::BrokerError;
use mori_broker::config::ConfigError;
use mori_control::ErrorCode;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The arguments do not fit, beyond what the parser of arguments sees.
    #[error("{message}")]
    Usage { message: String, remedy: String },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Filterset(#[from] FiltersetError),
    #[error("no tests to run")]
    NoTests,
    #[error(transparent)]
    BrokerStart(#[from] BrokerStartError),
    #[error(transparent)]
    Runner(#[from] RunnerError),
    #[error("{0}")]
    Broker(BrokerError),
    #[error(transparent)]
    Control(#[from] ControlFailure),
    /// The request does not fit the state: a proxy that runs already, a port in use, a kept state that is not there.
    #[error("{message}")]
    State { message: String, remedy: Option<String> },
    #[error("{action} {}: {source}", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("write to the terminal: {0}")]
    Output(io::Error),
    /// Another process of ours failed. `said` is its own report, error and remedy, and is shown as it is.
    #[error("{said}")]
    Child { said: String, code: u8 },
}

impl CliError {
    pub fn file(action: &'static str, path: &Path, source: io::Error) -> CliError {
        CliError::File {
            action,
            path: path.to_owned(),
            source,
        }
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            CliError::Usage { .. } | CliError::Config(_) | CliError::Settings(_) => exit_code::SETUP_ERROR,
            CliError::Workspace(_) => exit_code::CARGO_METADATA_FAILED,
            CliError::Build(_) => exit_code::BUILD_FAILED,
            CliError::List(_) => exit_code::TEST_LIST_CREATION_FAILED,
            CliError::Filterset(_) => exit_code::INVALID_FILTERSET,
            CliError::NoTests => exit_code::NO_TESTS_RUN,
            CliError::BrokerStart(error) => error.exit_code(),
            CliError::Broker(error) => of_error_code(error.code()),
            CliError::Control(ControlFailure::Refused(error)) => of_error_code(error.code),
            CliError::Child { code, .. } => *code,
            CliError::Control(_) | CliError::Runner(_) | CliError::State { .. } | CliError::File { .. } | CliError::Output(_) => {
                exit_code::FAILED
            }
        }
    }

    pub fn remedy(&self) -> Option<String> {
        match self {
            CliError::Usage { remedy, .. } => Some(remedy.clone()),
            CliError::Config(error) => Some(error.remedy()),
            CliError::Settings(error) => Some(error.remedy()),
            CliError::Workspace(error) => error.remedy(),
            CliError::NoTests => Some("`cargo mori list` without filters shows every test".to_owned()),
            CliError::BrokerStart(error) => error.remedy(),
            CliError::Broker(error) => error.remedy(),
            CliError::Control(error) => error.remedy(),
            CliError::State { remedy, .. } => remedy.clone(),
            _ => None,
        }
    }
}

/// The exit code of an error that came over the control connection.
pub fn of_error_code(code: ErrorCode) -> u8 {
    match code {
        ErrorCode::Config | ErrorCode::Unsupported | ErrorCode::Version => exit_code::SETUP_ERROR,
        ErrorCode::Setup => exit_code::ENVIRONMENT_FAILED,
        ErrorCode::Guard => exit_code::SAFETY_STOP,
        ErrorCode::State | ErrorCode::Io => exit_code::FAILED,
    }
}

impl From<BrokerError> for CliError {
    fn from(error: BrokerError) -> CliError {
        CliError::Broker(error)
    }
}

#[cfg(test)]
mod tests;
