//! `mori.yaml`: the connections of a project.
//!
//! Three types, one after the other: [`raw`] is the file as it is written, [`checked`] is one connection whose keys fit
//! together, [`Connection`] is what everything else works with, with absolute paths. Nothing here reaches a database.

mod atomic;
mod checked;
mod connection;
mod edit;
mod error;
mod file;
mod nearest;
mod raw;
mod url;

pub use atomic::write_atomically;
pub use connection::{Certificate, ClientAuth, ClientLogin, Connection, FIXTURE_PREFIX, Prod, SUPPORTED_ENGINES};
pub use error::ConfigError;
pub use file::{FILE_NAME, MoriYaml, NewConnection, Wanted};
pub use nearest::nearest;
pub use url::{redact, sqlite_path};

#[cfg(test)]
mod tests;
