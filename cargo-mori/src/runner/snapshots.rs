//! Snapshots that a run left for review.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The `*.snap.new` and `*.pending-snap` files under `folders` that were written since `since`, sorted. Build output and
/// hidden folders are left out; what cannot be read is passed over, since nothing of insta's can lie there.
pub fn pending_snapshots(folders: &BTreeSet<PathBuf>, target_dir: &Path, since: SystemTime) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    let mut to_visit: Vec<PathBuf> = folders.iter().cloned().collect();
    while let Some(folder) = to_visit.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                // A package inside another one's folder is visited from its own entry, or not at all.
                let is_other_package = path.join("Cargo.toml").exists();
                if !name.starts_with('.') && path != target_dir && !is_other_package {
                    to_visit.push(path);
                }
            } else if (name.ends_with(".snap.new") || name.ends_with(".pending-snap")) && is_newer(&path, since) {
                found.insert(path);
            }
        }
    }
    found.into_iter().collect()
}

fn is_newer(path: &Path, since: SystemTime) -> bool {
    fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .is_ok_and(|modified| modified >= since)
}
