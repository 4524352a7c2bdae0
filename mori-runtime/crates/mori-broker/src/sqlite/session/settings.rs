//! The session's settings. SQLite knows none of them: they are kept so that what a driver sets can be shown again. Only
//! `default_transaction_read_only` has an effect.

use mori_wire::pg::backend;
use std::collections::BTreeMap;

/// Settings that PostgreSQL reports to the client at the start and whenever they change.
const REPORTED: [&str; 13] = [
    "server_version",
    "server_encoding",
    "client_encoding",
    "application_name",
    "is_superuser",
    "session_authorization",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "integer_datetimes",
    "standard_conforming_strings",
    "default_transaction_read_only",
    "in_hot_standby",
];

/// The one setting that has an effect.
const READ_ONLY: &str = "default_transaction_read_only";

/// Whether a boolean setting's value says yes.
pub fn is_on(value: &str) -> bool {
    ["on", "true", "yes", "1", "t", "y"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
}

pub struct Settings {
    at_start: BTreeMap<String, String>,
    values: BTreeMap<String, String>,
}

impl Settings {
    pub fn new(user: &str, application_name: &str) -> Settings {
        let at_start: BTreeMap<String, String> = [
            ("server_version", "15.0"),
            ("server_version_num", "150000"),
            ("server_encoding", "UTF8"),
            ("client_encoding", "UTF8"),
            ("application_name", application_name),
            ("is_superuser", "off"),
            ("session_authorization", user),
            ("DateStyle", "ISO, MDY"),
            ("IntervalStyle", "postgres"),
            ("TimeZone", "UTC"),
            ("integer_datetimes", "on"),
            ("standard_conforming_strings", "on"),
            ("default_transaction_read_only", "off"),
            ("in_hot_standby", "off"),
            ("search_path", "main"),
            ("transaction_isolation", "serializable"),
            ("transaction_read_only", "off"),
            ("statement_timeout", "0"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        Settings {
            values: at_start.clone(),
            at_start,
        }
    }

    fn key(&self, name: &str) -> String {
        let known = self.at_start.keys().find(|known| known.eq_ignore_ascii_case(name));
        known.cloned().unwrap_or_else(|| name.to_ascii_lowercase())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(&self.key(name)).map(String::as_str)
    }

    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Sets a value that the client has sent with its first message: what RESET goes back to.
    pub fn set_at_start(&mut self, name: &str, value: &str) {
        self.set(name, Some(value), &mut Vec::new());
        let key = self.key(name);
        if let Some(value) = self.values.get(&key) {
            self.at_start.insert(key, value.clone());
        }
    }

    /// Sets a value, or the one of the start; tells the client of those that PostgreSQL reports.
    pub fn set(&mut self, name: &str, value: Option<&str>, out: &mut Vec<u8>) {
        let key = self.key(name);
        let value = match value {
            Some(value) if key == READ_ONLY => Some(if is_on(value) { "on" } else { "off" }),
            other => other,
        };
        match value.map(str::to_owned).or_else(|| self.at_start.get(&key).cloned()) {
            Some(value) => {
                if REPORTED.contains(&key.as_str()) && self.values.get(&key) != Some(&value) {
                    backend::parameter_status(out, &key, &value);
                }
                self.values.insert(key, value);
            }
            None => {
                self.values.remove(&key);
            }
        }
    }

    /// Whether transactions that do not say are read-only.
    pub fn is_read_only(&self) -> bool {
        self.get(READ_ONLY).is_some_and(is_on)
    }

    pub fn reset_all(&mut self, out: &mut Vec<u8>) {
        let names: Vec<String> = self.values.keys().cloned().collect();
        for name in names {
            self.set(&name, None, out);
        }
    }

    /// Reports all, at the start of a session.
    pub fn report(&self, out: &mut Vec<u8>) {
        for name in REPORTED {
            if let Some(value) = self.get(name) {
                backend::parameter_status(out, name, value);
            }
        }
    }
}
