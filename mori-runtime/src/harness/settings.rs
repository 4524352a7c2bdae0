//! What the environment says; read once a test, in one place.

use crate::HarnessError;
use mori_control::{ENV_CONNECTION, ENV_KEEP, ENV_KEEP_DEFAULT, ENV_RUN_ID, ENV_SOCKET, Keep};
use std::path::PathBuf;

/// The variables `cargo mori test` sets. Under plain `cargo test` they are what the user has set, if anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub socket: Option<PathBuf>,
    pub run_id: Option<String>,
    /// Holds where the test names no connection.
    pub connection: Option<String>,
    /// Wins over the attribute.
    pub keep: Option<Keep>,
    /// Holds where the attribute says nothing.
    pub keep_default: Option<Keep>,
}

impl Settings {
    pub fn from_env() -> Result<Settings, HarnessError> {
        // An empty variable counts as unset, as `VAR= cargo test` means it.
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Ok(Settings {
            socket: set(ENV_SOCKET).map(PathBuf::from),
            run_id: set(ENV_RUN_ID).map(|id| id.to_string_lossy().into_owned()),
            connection: set(ENV_CONNECTION).map(|name| name.to_string_lossy().into_owned()),
            keep: set(ENV_KEEP).map(|value| keep(&value.to_string_lossy())).transpose()?,
            keep_default: set(ENV_KEEP_DEFAULT).map(|value| keep(&value.to_string_lossy())).transpose()?,
        })
    }
}

fn keep(value: &str) -> Result<Keep, HarnessError> {
    match value {
        "on-failure" => Ok(Keep::OnFailure),
        "always" => Ok(Keep::Always),
        "never" => Ok(Keep::Never),
        other => Err(HarnessError::KeepVariable { value: other.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::keep;
    use mori_control::Keep;

    #[test]
    fn the_words_are_those_of_the_attribute() {
        let known = [("on-failure", Keep::OnFailure), ("always", Keep::Always), ("never", Keep::Never)];
        for (word, meaning) in known {
            assert_eq!(keep(word).expect("known"), meaning);
        }
        let error = keep("yes").expect_err("unknown").to_string();
        assert_eq!(error, "MORI_KEEP is `yes`\n  remedy: set it to on-failure, always or never");
    }
}
