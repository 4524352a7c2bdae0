//! One value a setting, from the strongest source that has one.

use super::SettingsError;
use super::profile::{DEFAULT_PROFILE, Profile, Profiles};
use super::value::{KeepArg, Lanes, RunConnection, Setting, Source};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

const SLOW_TIMEOUT: Duration = Duration::from_secs(60);

/// What the command line says; absent values are not given.
#[derive(Clone, Debug, Default)]
pub struct CommandLine {
    pub profile: Option<String>,
    pub connection: Option<RunConnection>,
    pub lanes: Option<Lanes>,
    pub retries: Option<u32>,
    pub fail_fast: Option<bool>,
    pub keep: Option<KeepArg>,
}

/// The settings of one run.
#[derive(Clone, Debug)]
pub struct Settings {
    pub profile: Setting<String>,
    pub connection: Setting<RunConnection>,
    pub lanes: Setting<Lanes>,
    pub retries: Setting<u32>,
    pub fail_fast: Setting<bool>,
    pub keep: Setting<KeepArg>,
    pub slow_timeout: Setting<Seconds>,
}

/// A duration that prints as settings write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_millis() {
            0 => write!(f, "{}s", self.0.as_secs()),
            _ => write!(f, "{}ms", self.0.as_millis()),
        }
    }
}

impl Settings {
    /// Every setting as `(key, value, source, ladder)`, for `cargo mori plan`.
    pub fn rows(&self) -> Vec<SettingRow<'_>> {
        vec![
            SettingRow::new("profile", &self.profile),
            SettingRow::new("connection", &self.connection),
            SettingRow::new("lanes", &self.lanes),
            SettingRow::new("retries", &self.retries),
            SettingRow::new("fail-fast", &self.fail_fast),
            SettingRow::new("keep", &self.keep),
            SettingRow::new("slow-timeout", &self.slow_timeout),
        ]
    }

    /// One setting by its key.
    pub fn row(&self, key: &str) -> Result<SettingRow<'_>, SettingsError> {
        let mut rows = self.rows();
        let known: Vec<&'static str> = rows.iter().map(|row| row.key).collect();
        match known.iter().position(|known| *known == key) {
            Some(position) => Ok(rows.swap_remove(position)),
            None => Err(SettingsError::UnknownSetting {
                key: key.to_owned(),
                known,
            }),
        }
    }
}

/// One setting as text.
#[derive(Clone, Debug)]
pub struct SettingRow<'a> {
    pub key: &'static str,
    pub value: String,
    pub source: &'a Source,
    pub ladder: &'a [(Source, Option<String>)],
}

impl<'a> SettingRow<'a> {
    fn new<T: fmt::Display>(key: &'static str, setting: &'a Setting<T>) -> SettingRow<'a> {
        SettingRow {
            key,
            value: setting.value.to_string(),
            source: &setting.source,
            ladder: &setting.ladder,
        }
    }
}

/// Resolves all settings. `variable` reads the environment.
pub fn resolve(
    profiles: &Profiles,
    command_line: &CommandLine,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Settings, SettingsError> {
    let env = Environment { variable };
    let profile = Setting::choose(
        vec![
            (Source::CommandLine { flag: "--profile" }, command_line.profile.clone()),
            (
                Source::Environment { variable: "MORI_PROFILE" },
                env.read("MORI_PROFILE", "the name of a profile")?,
            ),
        ],
        DEFAULT_PROFILE.to_owned(),
    );
    let files = Files {
        profiles,
        chosen: profile.value.clone(),
        own: profiles.get(&profile.value)?,
        base: profiles.get(DEFAULT_PROFILE)?,
    };
    let mut connection = vec![
        (Source::CommandLine { flag: "--connection" }, command_line.connection.clone()),
        (
            Source::Environment {
                variable: "MORI_CONNECTION",
            },
            env.read("MORI_CONNECTION", RunConnection::EXPECTED)?,
        ),
    ];
    connection.extend(files.read(|profile| profile.connection.clone()));
    let mut lanes = vec![
        (Source::CommandLine { flag: "--lanes" }, command_line.lanes),
        (
            Source::Environment { variable: "MORI_LANES" },
            env.read("MORI_LANES", Lanes::EXPECTED)?,
        ),
    ];
    lanes.extend(files.read(|profile| profile.lanes));
    let mut retries = vec![
        (Source::CommandLine { flag: "--retries" }, command_line.retries),
        (
            Source::Environment { variable: "MORI_RETRIES" },
            env.read("MORI_RETRIES", "a number from 0")?,
        ),
    ];
    retries.extend(files.read(|profile| profile.retries));
    let mut fail_fast = vec![(Source::CommandLine { flag: "--[no-]fail-fast" }, command_line.fail_fast)];
    fail_fast.extend(files.read(|profile| profile.fail_fast));
    let mut keep = vec![
        (Source::CommandLine { flag: "--keep" }, command_line.keep),
        (
            Source::Environment { variable: "MORI_KEEP" },
            env.read("MORI_KEEP", KeepArg::EXPECTED)?,
        ),
    ];
    keep.extend(files.read(|profile| profile.keep));
    let slow_timeout = files.read(|profile| profile.slow_timeout.map(Seconds));
    Ok(Settings {
        profile,
        connection: Setting::choose(connection, RunConnection::OfPackage),
        lanes: Setting::choose(lanes, Lanes::Auto),
        retries: Setting::choose(retries, 0),
        fail_fast: Setting::choose(fail_fast, true),
        keep: Setting::choose(keep, KeepArg::OnFailure),
        slow_timeout: Setting::choose(slow_timeout, Seconds(SLOW_TIMEOUT)),
    })
}

struct Environment<F> {
    variable: F,
}

impl<F: Fn(&str) -> Option<String>> Environment<F> {
    /// An empty variable is one that is not set.
    fn read<T: FromStr>(&self, name: &'static str, expected: &'static str) -> Result<Option<T>, SettingsError> {
        let Some(text) = (self.variable)(name).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(SettingsError::InvalidValue {
                origin: "environment".to_owned(),
                key: name.to_owned(),
                found: format!("`{text}`"),
                expected,
            }),
        }
    }
}

/// The profile chosen, and the one it inherits from.
struct Files<'a> {
    profiles: &'a Profiles,
    chosen: String,
    own: Profile,
    base: Profile,
}

impl Files<'_> {
    fn read<T>(&self, field: impl Fn(&Profile) -> Option<T>) -> Vec<(Source, Option<T>)> {
        let origin = if self.profiles.origin.is_empty() {
            super::load::FILE
        } else {
            self.profiles.origin.as_str()
        };
        let source = |profile: &str| Source::Profile {
            profile: profile.to_owned(),
            origin: origin.to_owned(),
        };
        let mut values = Vec::new();
        if self.chosen != DEFAULT_PROFILE {
            values.push((source(&self.chosen), field(&self.own)));
        }
        values.push((source(DEFAULT_PROFILE), field(&self.base)));
        values
    }
}
