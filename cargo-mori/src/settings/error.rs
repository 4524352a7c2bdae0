//! What can be wrong with the settings. All of it is the user's to mend: exit code 96.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{origin}:{line}: {message}")]
    Syntax { origin: String, line: usize, message: String },
    #[error("both {} and [workspace.metadata.mori] are there", path.display())]
    BothPlaces { path: PathBuf },
    #[error("{origin}: unknown key `{key}`")]
    UnknownKey {
        origin: String,
        key: String,
        nearest: Option<String>,
    },
    #[error("{origin}: `{key}` is {found}")]
    InvalidValue {
        /// The file, or the variable's name.
        origin: String,
        key: String,
        found: String,
        expected: &'static str,
    },
    #[error("no profile `{name}`")]
    UnknownProfile { name: String, known: Vec<String> },
    #[error("no setting `{key}`")]
    UnknownSetting { key: String, known: Vec<&'static str> },
}

impl SettingsError {
    pub fn remedy(&self) -> String {
        match self {
            SettingsError::Read { path, .. } => format!("make {} readable, or remove it", path.display()),
            SettingsError::Syntax { origin, line, .. } => format!("correct line {line} of {origin}"),
            SettingsError::BothPlaces { .. } => "keep one of them".to_owned(),
            SettingsError::UnknownKey {
                nearest: Some(nearest), ..
            } => format!("did you mean `{nearest}`?"),
            SettingsError::UnknownKey { .. } => "remove the key".to_owned(),
            SettingsError::InvalidValue { expected, .. } => format!("write {expected}"),
            SettingsError::UnknownProfile { name, known } => match mori_broker::config::nearest(name, known.iter().map(String::as_str)) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("add [profile.{name}] to .config/mori.toml; known are {}", known.join(", ")),
            },
            SettingsError::UnknownSetting { known, .. } => format!("known are {}", known.join(", ")),
        }
    }
}
