//! Folders that appear whole or not at all, and copies of data directories.

use super::account::Account;
use super::error::{PostgresError, Result};
use super::pid_file;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

static COUNT: AtomicU32 = AtomicU32::new(0);
const MARK: &str = ".partial-";

/// A sibling of the folder that is to be; dropped before it is finished, it is removed.
pub(super) struct Staging {
    path: PathBuf,
    target: PathBuf,
}

impl Staging {
    /// Removes what killed processes have left of the same target, too.
    pub(super) fn new(target: &Path, account: &Account) -> Result<Staging> {
        let target = std::path::absolute(target).map_err(PostgresError::io("resolve", target))?;
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            let source = io::ErrorKind::InvalidInput.into();
            return Err(PostgresError::io("create", &target)(source));
        };
        fs::create_dir_all(parent).map_err(PostgresError::io("create", parent))?;
        let prefix = format!(".{}{MARK}", name.to_string_lossy());
        remove_dead(parent, &prefix);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{prefix}{}-{number}", std::process::id()));
        // Left by a process that had our number.
        let _ = fs::remove_dir_all(&path);
        account.shared_dir(&path)?;
        Ok(Staging { path, target })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the folder in its place. If another process was faster, its folder stays.
    pub(super) fn finish(self) -> Result<()> {
        match fs::rename(&self.path, &self.target) {
            Err(_) if self.target.is_dir() => Ok(()),
            renamed => renamed.map_err(PostgresError::io("create", &self.target)),
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After a rename there is nothing left of it.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn remove_dead(parent: &Path, prefix: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(prefix).and_then(|rest| rest.split('-').next()?.parse().ok());
        if owner.is_some_and(|owner| !pid_file::is_alive(owner)) {
            // A build's server lies beside nothing else; it ends with its owner, and this is for the case that it has not yet.
            let _ = pid_file::reap(&entry.path().join("data"));
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Files of a data directory that describe the server which last ran on it.
const OF_THE_PROCESS: [&str; 2] = ["postmaster.pid", "postmaster.opts"];

/// Copies a data directory whose server is stopped. `to` must not be there.
///
/// The copy shares its blocks with the original where the file system can do that; the standard library sees to it. A tablespace is copied into the
/// directory: the copy must not write where the original's link points to.
pub(super) fn copy_data(from: &Path, to: &Path, account: &Account) -> Result<()> {
    fs::create_dir(to)
        .and_then(|()| fs::set_permissions(to, fs::metadata(from)?.permissions()))
        .and_then(|()| account.own(to))
        .map_err(PostgresError::io("create", to))?;
    for entry in fs::read_dir(from).map_err(PostgresError::io("read", from))? {
        let entry = entry.map_err(PostgresError::io("read", from))?;
        let (source, name) = (entry.path(), entry.file_name());
        if OF_THE_PROCESS.iter().any(|file| name == *file) {
            continue;
        }
        let target = to.join(&name);
        if fs::metadata(&source).map_err(PostgresError::io("read", &source))?.is_dir() {
            copy_data(&source, &target, account)?;
        } else {
            fs::copy(&source, &target)
                .and_then(|_| account.own(&target))
                .map_err(PostgresError::io("write", &target))?;
        }
    }
    Ok(())
}

/// The bytes of all files in a folder.
pub(super) fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(PostgresError::io("read", folder))? {
        let path = entry.map_err(PostgresError::io("read", folder))?.path();
        let metadata = fs::metadata(&path).map_err(PostgresError::io("read", &path))?;
        bytes += if metadata.is_dir() { size(&path)? } else { metadata.len() };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_dead_have_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("layer");
        // No process has a number as high as that.
        let dead = folder.path().join(".layer.partial-2147483647-0");
        let own = folder.path().join(format!(".layer.partial-{}-other", std::process::id()));
        let foreign = folder.path().join(".layers.partial-2147483647-0");
        for path in [&dead, &own, &foreign] {
            fs::create_dir(path).unwrap();
        }
        let staging = Staging::new(&target, &Account::Own).unwrap();
        assert_eq!([dead.exists(), own.exists(), foreign.exists()], [false, true, true]);
        let path = staging.path().to_owned();
        drop(staging);
        assert!(!path.exists() && !target.exists());
    }

    #[test]
    fn whoever_is_first_stays() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("layer");
        let [first, second] = [(); 2].map(|()| Staging::new(&target, &Account::Own).unwrap());
        for (staging, text) in [(first, "first"), (second, "second")] {
            fs::write(staging.path().join("file"), text).unwrap();
            staging.finish().unwrap();
        }
        assert_eq!(fs::read_to_string(target.join("file")).unwrap(), "first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
