//! What can be wrong with `mori.yaml`, and what to do about it.

use super::connection::SUPPORTED_ENGINES;
use mori_model::Engine;
use std::io;
use std::path::PathBuf;

/// Every variant is the user's to mend: exit code 96. The text says what is wrong, [`ConfigError::remedy`] what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("no mori.yaml in {} or the folders above it", searched.first().map(|path| path.display().to_string()).unwrap_or_default())]
    NotFound { searched: Vec<PathBuf> },
    #[error("{}:{line}:{column}: {message}", path.display())]
    Syntax {
        path: PathBuf,
        line: u64,
        column: u64,
        message: String,
    },
    #[error("{}: version {found} of the file format is not known", path.display())]
    UnknownVersion { path: PathBuf, found: u64 },
    #[error("{}: unknown key `{key}`", path.display())]
    UnknownKey {
        path: PathBuf,
        /// From the root, with dots: `connections.shop.prd`.
        key: String,
        nearest: Option<String>,
    },
    #[error("connection `{connection}`: `{key}` is missing")]
    MissingKey { connection: String, key: &'static str },
    #[error("connection `{connection}`: {}", conflict(keys))]
    Conflict { connection: String, keys: Vec<&'static str> },
    #[error("connection `{connection}`: {engine} has no `{key}`")]
    KeyNotForEngine {
        connection: String,
        engine: Engine,
        key: &'static str,
    },
    #[error("connection `{connection}`: {problem}")]
    InvalidUrl { connection: String, problem: String },
    #[error("connection `{connection}`: unknown engine `{engine}`")]
    UnknownEngine {
        connection: String,
        engine: String,
        nearest: Option<&'static str>,
    },
    #[error("connection `{connection}`: engine is {engine}, but the URL's is {url_engine}")]
    EngineMismatch {
        connection: String,
        engine: Engine,
        url_engine: Engine,
    },
    #[error("connection `{connection}`: `{key}: {text}` is not a size")]
    InvalidSize {
        connection: String,
        key: &'static str,
        text: String,
    },
    #[error("connection `{connection}`: `{key}: {text}` is not known")]
    InvalidValue {
        connection: String,
        key: &'static str,
        text: String,
        known: &'static [&'static str],
    },
    #[error("`{name}` is not a name for a connection")]
    InvalidName { name: String },
    #[error("{} has no connection", path.display())]
    NoConnections { path: PathBuf },
    #[error("no connection `{name}` in mori.yaml")]
    UnknownConnection { name: String, known: Vec<String> },
    #[error("no connection of the engine {engine} in mori.yaml")]
    NoConnectionOfEngine { engine: Engine, known: Vec<String> },
    #[error("several connections could be meant: {}", names.join(", "))]
    Ambiguous { names: Vec<String> },
    #[error("connection `{name}` exists already")]
    Duplicate { name: String },
    #[error("connection `{connection}`: the engine {engine} is not served by this version")]
    Unsupported { connection: String, engine: Engine },
    #[error("{action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

impl ConfigError {
    /// What the user can do.
    pub fn remedy(&self) -> String {
        match self {
            ConfigError::NotFound { .. } => "`cargo mori init` writes one".to_owned(),
            ConfigError::Syntax { path, line, .. } => format!("correct line {line} of {}", path.display()),
            ConfigError::UnknownVersion { .. } => "write `version: 1`, or use the version of Mori that wrote the file".to_owned(),
            ConfigError::UnknownKey {
                nearest: Some(nearest), ..
            } => format!("did you mean `{nearest}`?"),
            ConfigError::UnknownKey { .. } => "remove the key".to_owned(),
            ConfigError::MissingKey { key: "engine", .. } => {
                format!("add `engine:` with one of {}", join(Engine::ALL.map(Engine::name)))
            }
            ConfigError::MissingKey { key, .. } => format!("add `{key}:`"),
            ConfigError::Conflict { keys, .. } => format!("keep one of {}", join(keys.iter().copied())),
            ConfigError::KeyNotForEngine { key, .. } => format!("remove `{key}`"),
            ConfigError::InvalidUrl { .. } => {
                "write it like `sqlite:data/app.db` or `postgres://user:password@host:5432/database`".to_owned()
            }
            ConfigError::UnknownEngine {
                nearest: Some(nearest), ..
            } => format!("did you mean `{nearest}`?"),
            ConfigError::UnknownEngine { .. } => format!("known are {}", join(Engine::ALL.map(Engine::name))),
            ConfigError::EngineMismatch { url_engine, .. } => format!("write `engine: {url_engine}`, or leave `engine` out"),
            ConfigError::InvalidSize { .. } => "write it like `500MB` or `20GB`".to_owned(),
            ConfigError::InvalidValue { key, known: [only], .. } => format!("write `{key}: {only}`, or remove the key"),
            ConfigError::InvalidValue { known, .. } => format!("known are {}", join(known.iter().copied())),
            ConfigError::InvalidName { .. } => {
                "use letters, digits, `-`, `_` and `.`, with a letter or a digit first: it names a folder under .mori".to_owned()
            }
            ConfigError::NoConnections { .. } => "`cargo mori init` adds one".to_owned(),
            ConfigError::UnknownConnection { name, known } => match super::nearest(name, known.iter().map(String::as_str)) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => known_or_init(known),
            },
            ConfigError::NoConnectionOfEngine { known, .. } => known_or_init(known),
            ConfigError::Ambiguous { .. } => {
                "name one: `cargo mori start NAME`, `cargo mori test --connection NAME`, `#[mori::test(db = \"NAME\")]`".to_owned()
            }
            ConfigError::Duplicate { name } => format!("take another --name, or remove the old one: `cargo mori rm {name}`"),
            ConfigError::Unsupported { .. } => format!("this version serves {}", join(SUPPORTED_ENGINES.map(Engine::name))),
            ConfigError::Io { path, .. } => format!("check that {} can be read and written", path.display()),
        }
    }
}

fn conflict(keys: &[&str]) -> String {
    format!("{} say the same thing twice", join(keys.iter().copied()))
}

fn known_or_init(known: &[String]) -> String {
    if known.is_empty() {
        return "`cargo mori init` adds one".to_owned();
    }
    format!("known are {}", join(known.iter().map(String::as_str)))
}

fn join<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
