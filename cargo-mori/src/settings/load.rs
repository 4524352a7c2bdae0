//! Reading the one place that has settings.

use super::{Profiles, SettingsError};
use serde_json::Value;
use std::fs;
use std::io;
use std::path::Path;

/// In the workspace's root.
pub const FILE: &str = ".config/mori.toml";

/// In the workspace's `Cargo.toml`.
const METADATA: &str = "[workspace.metadata.mori]";

/// The profiles of a workspace. `metadata` is the workspace's `metadata` table. Both places at once are an error.
pub fn load(workspace_root: &Path, metadata: &Value) -> Result<Profiles, SettingsError> {
    let path = workspace_root.join(FILE);
    let in_manifest = metadata.get("mori");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return in_manifest.map_or_else(|| Ok(Profiles::default()), |document| Profiles::check(METADATA, document));
        }
        Err(source) => return Err(SettingsError::Read { path, source }),
    };
    if in_manifest.is_some() {
        return Err(SettingsError::BothPlaces { path });
    }
    let document: Value = toml::from_str(&text).map_err(|error| SettingsError::Syntax {
        origin: FILE.to_owned(),
        line: error
            .span()
            .map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1),
        message: error.message().to_owned(),
    })?;
    Profiles::check(FILE, &document)
}
