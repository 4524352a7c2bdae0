//! How tests run: `.config/mori.toml`, or `[workspace.metadata.mori]` where that file is absent.
//!
//! Three types, one after the other: the file's document, [`Profiles`] (checked), [`Settings`] (resolved for one run).
//! Strongest first:
//!
//! | source | example |
//! |---|---|
//! | command line | `--lanes 4` |
//! | environment | `MORI_LANES=4` |
//! | the profile chosen | `[profile.ci]` |
//! | the profile `default` | `[profile.default]` |
//! | built in | the number of cores |
//!
//! A test's own `#[mori::test(keep = …)]` stands between the environment and the profiles, and is applied by the test. A
//! connection that a test names is never replaced: the setting `connection` is for the tests that name none.

mod error;
mod load;
mod profile;
mod resolve;
mod value;

pub use error::SettingsError;
pub use load::load;
pub use profile::Profiles;
pub use resolve::{CommandLine, SettingRow, Settings, resolve};
pub use value::{KeepArg, Lanes, RunConnection, Source};

#[cfg(test)]
mod tests;
