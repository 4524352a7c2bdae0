//! `target/mori/broker.json`: the broker that is running for a workspace.

use crate::control::ControlClient;
use mori_control::Role;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// Written by a broker when it listens, removed when it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerFile {
    pub pid: u32,
    pub socket: PathBuf,
    pub run_id: String,
    /// Whether it serves one `cargo mori test` and ends with it. Such a broker is not shared.
    #[serde(default)]
    pub runner: bool,
}

impl BrokerFile {
    pub fn path(target_dir: &Path) -> PathBuf {
        target_dir.join("mori").join("broker.json")
    }

    /// `None` without a file, or with one that is not of this form.
    pub fn read(target_dir: &Path) -> Option<BrokerFile> {
        serde_json::from_slice(&fs::read(BrokerFile::path(target_dir)).ok()?).ok()
    }
}

/// The broker named in the file, if it listens and speaks our version.
pub fn running_broker(target_dir: &Path, role: Role, run_id: Option<String>) -> Option<(BrokerFile, ControlClient)> {
    let file = BrokerFile::read(target_dir)?;
    let client = ControlClient::connect(&file.socket, role, run_id).ok().flatten()?;
    Some((file, client))
}
