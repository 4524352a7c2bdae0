//! The file as it is written: every key optional, nothing interpreted.

use super::{ConfigError, nearest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FILE_KEYS: [&str; 2] = ["version", "connections"];
const CONNECTION_KEYS: [&str; 19] = [
    "engine",
    "prod",
    "url",
    "path",
    "host",
    "port",
    "user",
    "password",
    "database",
    "ssl_mode",
    "image",
    "foreign_keys",
    "max_copy",
    "tls",
    "tls_cert",
    "tls_key",
    "client_password",
    "client_auth",
    "pin",
];
const PROD_KEYS: [&str; 2] = ["url", "fixture"];
const FIXTURE_KEYS: [&str; 2] = ["sql", "commands"];

/// The one version of the format. A file without a version is read as this one.
pub(super) const VERSION: u64 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RawFile {
    #[serde(default = "version")]
    pub version: u64,
    #[serde(default)]
    pub connections: Option<BTreeMap<String, RawConnection>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RawConnection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prod: Option<RawProd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign_keys: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_copy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RawProd {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixture: Option<RawFixture>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RawFixture {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sql: Vec<PathBuf>,
    /// Redis: files of commands, as typed into redis-cli, and dumps (`.rdb`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<PathBuf>,
}

fn version() -> u64 {
    VERSION
}

/// Parses `text`. `path` is for the errors only. An empty file has no connections.
pub(super) fn parse(path: &Path, text: &str) -> Result<RawFile, ConfigError> {
    let syntax = |error: serde_saphyr::Error| {
        let error = error.without_snippet();
        let location = error.location();
        ConfigError::Syntax {
            path: path.to_owned(),
            line: location.map_or(1, |location| location.line()),
            column: location.map_or(1, |location| location.column()),
            message: message_of(error),
        }
    };
    // The untyped pass comes first, so that a mistyped key is reported as such and not as the absence of the right one.
    let value: Value = serde_saphyr::from_str(text).map_err(syntax)?;
    if value.is_null() {
        return Ok(RawFile {
            version: VERSION,
            connections: None,
        });
    }
    check_keys(path, &value)?;
    let file: RawFile = serde_saphyr::from_str(text).map_err(syntax)?;
    if file.version != VERSION {
        return Err(ConfigError::UnknownVersion {
            path: path.to_owned(),
            found: file.version,
        });
    }
    Ok(file)
}

/// The error's text without its position, which our own message leads with.
fn message_of(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    match line.split_once(": ") {
        Some((position, message)) if position.starts_with("line ") => message.to_owned(),
        _ => line.rsplit_once(" at line ").map_or(line, |(message, _)| message).to_owned(),
    }
}

fn check_keys(path: &Path, file: &Value) -> Result<(), ConfigError> {
    check_level(path, "", file, &FILE_KEYS)?;
    let Some(Value::Object(connections)) = file.get("connections") else {
        return Ok(());
    };
    for (name, connection) in connections {
        let at = format!("connections.{name}");
        check_level(path, &at, connection, &CONNECTION_KEYS)?;
        if let Some(prod) = connection.get("prod") {
            check_level(path, &format!("{at}.prod"), prod, &PROD_KEYS)?;
            if let Some(fixture) = prod.get("fixture") {
                check_level(path, &format!("{at}.prod.fixture"), fixture, &FIXTURE_KEYS)?;
            }
        }
    }
    Ok(())
}

/// Checks the keys of one mapping. What is no mapping is left to the typed pass, which knows the position.
fn check_level(path: &Path, at: &str, value: &Value, known: &[&'static str]) -> Result<(), ConfigError> {
    let Value::Object(entries) = value else {
        return Ok(());
    };
    for key in entries.keys() {
        if !known.contains(&key.as_str()) {
            return Err(ConfigError::UnknownKey {
                path: path.to_owned(),
                key: if at.is_empty() { key.clone() } else { format!("{at}.{key}") },
                nearest: nearest(key, known.iter().copied()).map(str::to_owned),
            });
        }
    }
    Ok(())
}
