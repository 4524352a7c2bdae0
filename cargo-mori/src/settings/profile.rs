//! From the file's document to checked profiles.

use super::SettingsError;
use super::value::{KeepArg, Lanes, RunConnection};
use crate::output::parse_duration;
use mori_broker::config::nearest;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// The profile that others inherit from, and that is used where none is named.
pub const DEFAULT_PROFILE: &str = "default";

const TOP_KEYS: [&str; 1] = ["profile"];
const PROFILE_KEYS: [&str; 6] = ["connection", "lanes", "retries", "fail-fast", "keep", "slow-timeout"];

/// What one profile says. Absent values are inherited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    pub connection: Option<RunConnection>,
    pub lanes: Option<Lanes>,
    pub retries: Option<u32>,
    pub fail_fast: Option<bool>,
    pub keep: Option<KeepArg>,
    pub slow_timeout: Option<Duration>,
}

/// All profiles of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profiles {
    /// Names the file in messages: `.config/mori.toml` or `[workspace.metadata.mori]`.
    pub origin: String,
    pub profiles: BTreeMap<String, Profile>,
}

impl Profiles {
    /// Checks a document: every key known, every value of its kind.
    pub fn check(origin: &str, document: &Value) -> Result<Profiles, SettingsError> {
        let top = table(origin, "", document)?;
        check_keys(origin, "", top, &TOP_KEYS)?;
        let mut profiles = BTreeMap::new();
        if let Some(by_name) = top.get("profile") {
            for (name, profile) in table(origin, "profile", by_name)? {
                profiles.insert(name.clone(), check_profile(origin, name, profile)?);
            }
        }
        Ok(Profiles {
            origin: origin.to_owned(),
            profiles,
        })
    }

    /// The profile called `name`. `default` is there even if no file says so.
    pub fn get(&self, name: &str) -> Result<Profile, SettingsError> {
        match self.profiles.get(name) {
            Some(profile) => Ok(profile.clone()),
            None if name == DEFAULT_PROFILE => Ok(Profile::default()),
            None => {
                let mut known: Vec<String> = self.profiles.keys().cloned().collect();
                if !known.iter().any(|name| name == DEFAULT_PROFILE) {
                    known.insert(0, DEFAULT_PROFILE.to_owned());
                }
                Err(SettingsError::UnknownProfile {
                    name: name.to_owned(),
                    known,
                })
            }
        }
    }
}

fn check_profile(origin: &str, name: &str, document: &Value) -> Result<Profile, SettingsError> {
    let at = format!("profile.{name}");
    let entries = table(origin, &at, document)?;
    check_keys(origin, &at, entries, &PROFILE_KEYS)?;
    let reader = Reader { origin, at: &at, entries };
    Ok(Profile {
        connection: reader.read("connection", RunConnection::EXPECTED, |value| value.as_str()?.parse().ok())?,
        lanes: reader.read("lanes", Lanes::EXPECTED, |value| match value {
            Value::Number(number) => number.to_string().parse().ok(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        })?,
        retries: reader.read("retries", "a number from 0", |value| value.as_u64()?.try_into().ok())?,
        fail_fast: reader.read("fail-fast", "`true` or `false`", Value::as_bool)?,
        keep: reader.read("keep", KeepArg::EXPECTED, |value| value.as_str()?.parse().ok())?,
        slow_timeout: reader.read("slow-timeout", "a duration such as `\"60s\"`", |value| {
            parse_duration(value.as_str()?)
        })?,
    })
}

struct Reader<'a> {
    origin: &'a str,
    at: &'a str,
    entries: &'a Map<String, Value>,
}

impl Reader<'_> {
    fn read<T>(&self, key: &str, expected: &'static str, parse: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, SettingsError> {
        let Some(value) = self.entries.get(key) else {
            return Ok(None);
        };
        match parse(value) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(SettingsError::InvalidValue {
                origin: self.origin.to_owned(),
                key: format!("{}.{key}", self.at),
                found: value.to_string(),
                expected,
            }),
        }
    }
}

fn table<'a>(origin: &str, at: &str, value: &'a Value) -> Result<&'a Map<String, Value>, SettingsError> {
    value.as_object().ok_or_else(|| SettingsError::InvalidValue {
        origin: origin.to_owned(),
        key: at.to_owned(),
        found: value.to_string(),
        expected: "a table",
    })
}

fn check_keys(origin: &str, at: &str, entries: &Map<String, Value>, known: &[&'static str]) -> Result<(), SettingsError> {
    match entries.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(SettingsError::UnknownKey {
            origin: origin.to_owned(),
            key: if at.is_empty() { key.clone() } else { format!("{at}.{key}") },
            nearest: nearest(key, known.iter().copied()).map(str::to_owned),
        }),
    }
}
