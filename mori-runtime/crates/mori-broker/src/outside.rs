//! Folders that have a part elsewhere: the data directory of a server that runs as another user, see [`data_home`].

use crate::error::BrokerError;
use mori_backend::postgres::{data_home, reap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file in a folder that says where its other part is.
const NOTE: &str = "elsewhere";

/// Says in `folder` that `part` belongs to it, if it is not in it anyway.
pub fn note(folder: &Path, part: &Path) -> Result<(), BrokerError> {
    let path = folder.join(NOTE);
    if part.starts_with(folder) {
        return match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BrokerError::io("remove", path)(error)),
            _ => Ok(()),
        };
    }
    fs::write(&path, part.as_os_str().as_encoded_bytes()).map_err(BrokerError::io("write", path))
}

/// Where the part of `folder` is that is not in it.
pub fn noted(folder: &Path) -> Option<PathBuf> {
    fs::read_to_string(folder.join(NOTE)).ok().map(PathBuf::from)
}

/// Removes a folder with its parts elsewhere, and what it is called elsewhere. It need not be there.
pub fn remove(folder: &Path) -> Result<(), BrokerError> {
    remove_parts(folder, 3);
    for path in [folder.to_owned(), data_home(folder, "")] {
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(BrokerError::io("remove", path)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// What the notes in a folder and in the folders in it, down to `depth`, name. Only what is ours: the name of its folder says so.
fn remove_parts(folder: &Path, depth: u32) {
    let data = folder.join("data");
    if data.join("postmaster.pid").exists() {
        let _ = reap(&data);
    }
    if let Some(part) = noted(folder) {
        let is_ours = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("mori-");
        if part.parent().and_then(Path::file_name).is_some_and(is_ours) {
            let _ = reap(&part);
            let _ = fs::remove_dir_all(part);
        }
    }
    if depth > 0 {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.file_name() != "data" {
                remove_parts(&entry.path(), depth - 1);
            }
        }
    }
}
