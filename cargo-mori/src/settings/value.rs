//! The values that settings have, and where a value came from.

use clap::ValueEnum;
use serde::Serialize;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::thread::available_parallelism;

/// How many tests run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// As many as there are cores.
    Auto,
    Count(NonZeroUsize),
}

impl Lanes {
    pub const EXPECTED: &str = "a number from 1, or `auto`";

    pub fn count(self) -> usize {
        match self {
            Lanes::Auto => available_parallelism().map_or(1, NonZeroUsize::get),
            Lanes::Count(count) => count.get(),
        }
    }
}

impl FromStr for Lanes {
    type Err = String;

    fn from_str(text: &str) -> Result<Lanes, String> {
        match text {
            "auto" => Ok(Lanes::Auto),
            _ => text.parse().map(Lanes::Count).map_err(|_| format!("expected {}", Lanes::EXPECTED)),
        }
    }
}

impl fmt::Display for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lanes::Auto => write!(f, "auto ({})", self.count()),
            Lanes::Count(count) => write!(f, "{count}"),
        }
    }
}

/// [`mori_control::Keep`] as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeepArg {
    /// Keep the state of a test that failed
    OnFailure,
    /// Keep the state of every test
    Always,
    /// Keep nothing
    Never,
}

impl KeepArg {
    pub const EXPECTED: &str = "`on-failure`, `always` or `never`";

    /// The word that is written in files and variables.
    pub fn name(self) -> &'static str {
        match self {
            KeepArg::OnFailure => "on-failure",
            KeepArg::Always => "always",
            KeepArg::Never => "never",
        }
    }
}

impl FromStr for KeepArg {
    type Err = String;

    fn from_str(text: &str) -> Result<KeepArg, String> {
        KeepArg::value_variants()
            .iter()
            .copied()
            .find(|keep| keep.name() == text)
            .ok_or_else(|| format!("expected {}", KeepArg::EXPECTED))
    }
}

impl fmt::Display for KeepArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The connection of `mori.yaml` that a run is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunConnection {
    /// Each test has its package's connection, or the only one.
    OfPackage,
    /// Each test that names none has this one.
    Named(String),
}

impl RunConnection {
    pub const EXPECTED: &str = "the name of a connection";

    pub fn name(&self) -> Option<&str> {
        match self {
            RunConnection::OfPackage => None,
            RunConnection::Named(name) => Some(name),
        }
    }
}

impl FromStr for RunConnection {
    type Err = String;

    fn from_str(text: &str) -> Result<RunConnection, String> {
        match text {
            "" => Err(format!("expected {}", RunConnection::EXPECTED)),
            name => Ok(RunConnection::Named(name.to_owned())),
        }
    }
}

impl fmt::Display for RunConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("the package's, or the only one"))
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Source {
    CommandLine { flag: &'static str },
    Environment { variable: &'static str },
    Profile { profile: String, origin: String },
    BuiltIn,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::CommandLine { flag } => write!(f, "command line ({flag})"),
            Source::Environment { variable } => write!(f, "environment ({variable})"),
            Source::Profile { profile, origin } => write!(f, "[profile.{profile}] in {origin}"),
            Source::BuiltIn => f.write_str("built in"),
        }
    }
}

/// A resolved value, and what every source says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub source: Source,
    /// Strongest first; `None` where the source is silent.
    pub ladder: Vec<(Source, Option<String>)>,
}

impl<T: fmt::Display + Clone> Setting<T> {
    /// The strongest of `given`, or else the built-in value.
    pub fn choose(given: Vec<(Source, Option<T>)>, built_in: T) -> Setting<T> {
        let mut ladder: Vec<(Source, Option<String>)> = given
            .iter()
            .map(|(source, value)| (source.clone(), value.as_ref().map(T::to_string)))
            .collect();
        ladder.push((Source::BuiltIn, Some(built_in.to_string())));
        let (source, value) = given
            .into_iter()
            .find_map(|(source, value)| value.map(|value| (source, value)))
            .unwrap_or((Source::BuiltIn, built_in));
        Setting { value, source, ladder }
    }
}
