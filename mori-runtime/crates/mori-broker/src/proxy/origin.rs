//! What the image in a project's folder was made from.

use super::ProjectFolder;
use crate::config::{Connection, Prod};
use crate::error::BrokerError;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Another configuration wants another image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A server, by its URL without secrets.
    Server(String),
    /// A database built from files, by their content.
    Fixture(String),
}

impl Origin {
    /// What the configuration asks for. `fixture_key`: of its fixture, where it has one.
    pub fn wanted(connection: &Connection, fixture_key: Option<String>) -> Origin {
        match (&connection.prod, fixture_key) {
            (Prod::Url(_), _) | (_, None) => Origin::Server(connection.redacted_url()),
            (_, Some(key)) => Origin::Fixture(key),
        }
    }

    /// What the image there is was made from; `None` if there is no whole one.
    pub fn known(folder: &ProjectFolder) -> Option<Origin> {
        serde_json::from_slice(&fs::read(path(folder)).ok()?).ok()
    }

    /// Notes that the image is whole.
    pub fn note(&self, folder: &ProjectFolder) -> Result<(), BrokerError> {
        folder.write_json(&path(folder), self)
    }

    /// From here on there is no image, whatever is left of it.
    pub fn forget(folder: &ProjectFolder) -> Result<(), BrokerError> {
        let path = path(folder);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(BrokerError::io("remove", path)(error)),
            _ => Ok(()),
        }
    }
}

fn path(folder: &ProjectFolder) -> PathBuf {
    folder.shadow_dir().join("prod.json")
}
