//! The operating system's user that a server runs as, and the folders that user can work in.
//!
//! PostgreSQL refuses to run as root. Containers and build machines often have nobody else, so for root a server runs as the user
//! `postgres`, which the server's package creates, or as `nobody`; its files belong to that user.

use super::error::{PostgresError, Result};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whom the server's processes and files belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// The user we are.
    Own,
    /// The user that we, being root, step down to.
    Other { name: String, uid: u32, gid: u32 },
}

impl Account {
    pub(super) fn of_server() -> Result<Account> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Account::Own);
        }
        let users = fs::read_to_string("/etc/passwd").map_err(PostgresError::io("read", Path::new("/etc/passwd")))?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| entry(&users, name))
            .ok_or(PostgresError::NoServerUser)
    }

    /// Makes a command run as this user.
    pub(super) fn apply(&self, command: &mut Command) {
        if let Account::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
    }

    /// Gives a file or folder to this user.
    pub(super) fn own(&self, path: &Path) -> io::Result<()> {
        match self {
            Account::Own => Ok(()),
            Account::Other { uid, gid, .. } => chown(path, Some(*uid), Some(*gid)),
        }
    }

    /// Makes a folder that only this user and root can look into, with its parents. It may be there already.
    pub(super) fn private_dir(&self, path: &Path) -> Result<()> {
        let made = fs::create_dir_all(path)
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o700)))
            .and_then(|()| self.own(path));
        made.map_err(PostgresError::io("create", path))?;
        self.check(path)
    }

    /// Makes a folder of ours in which this user can reach what is given to it.
    pub(super) fn shared_dir(&self, path: &Path) -> Result<()> {
        let mode = if *self == Account::Own { 0o700 } else { 0o711 };
        fs::create_dir_all(path)
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)))
            .map_err(PostgresError::io("create", path))?;
        self.check(path)
    }

    /// Writes a file that belongs to this user.
    pub(super) fn write(&self, path: &Path, content: &str) -> Result<()> {
        fs::write(path, content)
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o600)))
            .and_then(|()| self.own(path))
            .map_err(PostgresError::io("write", path))
    }

    fn check(&self, path: &Path) -> Result<()> {
        match self {
            Account::Other { name, .. } if !self.can_reach(path) => Err(PostgresError::NotTraversable {
                path: path.to_owned(),
                user: name.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Whether this user may enter all folders on the way to `path`, as far as they are there.
    pub(super) fn can_reach(&self, path: &Path) -> bool {
        let Account::Other { uid, gid, .. } = self else { return true };
        let may_enter = |metadata: Metadata| {
            let bit = match () {
                () if metadata.uid() == *uid => 0o100,
                () if metadata.gid() == *gid => 0o010,
                () => 0o001,
            };
            metadata.mode() & bit != 0
        };
        let Some(there) = path.ancestors().find_map(|part| part.canonicalize().ok()) else {
            return false;
        };
        there.ancestors().all(|folder| fs::metadata(folder).is_ok_and(may_enter))
    }
}

fn entry(users: &str, wanted: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| *name == wanted)?;
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(Account::Other {
            name: name.to_owned(),
            uid,
            gid,
        })
    })
}

/// A folder for data directories: `wanted`, if the server's user can work in it.
///
/// The server of root runs as another user, and root's projects often lie where that user may not go (`/root` has mode 0700). PostgreSQL then cannot
/// open its own data directory, whoever owns it. In that case the answer is `mori-<uid>/<digest of wanted and key>` in `/var/tmp`, or in `/tmp`: it stays the
/// same for the same `wanted` and `key`, belongs to us, and others can pass through it but not list it. If somebody else holds those names,
/// the answer is `wanted`, and what is then tried there says what is wrong with it.
pub fn data_home(wanted: &Path, key: &str) -> PathBuf {
    let wanted = std::path::absolute(wanted).unwrap_or_else(|_| wanted.to_owned());
    match Account::of_server() {
        Ok(account) if !account.can_reach(&wanted) => {
            let mut digest = Sha256::new();
            digest.update(wanted.as_os_str().as_encoded_bytes());
            digest.update([0]);
            digest.update(key);
            let name = hex(&digest.finalize(), 8);
            common_home(&account).map_or(wanted, |home| home.join(name))
        }
        _ => wanted,
    }
}

/// A folder in memory for a data directory that nobody needs after us, `bytes` large: a lane's files are then made without waiting for a disk. None if
/// the system has no such place, or it is not roomy.
pub fn memory_home(wanted: &Path, bytes: u64) -> Option<PathBuf> {
    const MEMORY: &str = "/dev/shm";
    /// A lane is to take no more of what is free than one part in this many.
    const SHARE: u64 = 16;
    let there = rustix::fs::statvfs(MEMORY).ok()?;
    if there.f_bavail.saturating_mul(there.f_frsize) / SHARE < bytes {
        return None;
    }
    let account = Account::of_server().ok()?;
    let mut digest = Sha256::new();
    digest.update(std::path::absolute(wanted).ok()?.as_os_str().as_encoded_bytes());
    shared_home(MEMORY, &account).map(|home| home.join(hex(&digest.finalize(), 8)))
}

/// Our own folder in one that everybody shares. None if a folder of that name is not safe to use.
fn common_home(account: &Account) -> Option<PathBuf> {
    ["/var/tmp", "/tmp"].into_iter().find_map(|parent| shared_home(parent, account))
}

/// `mori-<uid>` in `parent`, which others can pass through but not list. None if somebody else holds the name.
fn shared_home(parent: &str, account: &Account) -> Option<PathBuf> {
    let uid = rustix::process::geteuid().as_raw();
    let home = Path::new(parent).join(format!("mori-{uid}"));
    // Fails if it is there already.
    let _ = DirBuilder::new().mode(0o711).create(&home);
    let metadata = fs::symlink_metadata(&home).ok()?;
    let is_ours = metadata.is_dir() && metadata.uid() == uid && metadata.mode() & 0o022 == 0;
    if is_ours && metadata.mode() & 0o777 != 0o711 {
        // The mask may have taken the bit that lets the server pass.
        fs::set_permissions(&home, Permissions::from_mode(0o711)).ok()?;
    }
    (is_ours && account.can_reach(&home)).then_some(home)
}

/// The first `bytes` bytes of a digest.
pub(super) fn hex(digest: &[u8], bytes: usize) -> String {
    digest.iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_user_file() {
        let users = "root:x:0:0:root:/root:/bin/bash\npostgresql:x:7:8::/:/bin/sh\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n";
        let expected = Account::Other {
            name: "postgres".to_owned(),
            uid: 101,
            gid: 104,
        };
        assert_eq!(entry(users, "postgres"), Some(expected));
        assert_eq!(entry(users, "nobody"), None);
    }

    fn closed() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        folder
    }

    #[test]
    fn a_folder_closed_to_others_is_replaced() {
        let folder = closed();
        let stranger = Account::Other {
            name: "nobody".to_owned(),
            uid: 65534,
            gid: 65534,
        };
        let inner = folder.path().join("not/there/yet");
        assert!(!stranger.can_reach(&inner));
        assert!(Account::Own.can_reach(&inner));
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
        assert!(stranger.can_reach(&inner));
    }

    #[test]
    fn a_data_home_is_stable_and_can_be_reached() {
        let folder = closed();
        let wanted = folder.path().join("layers");
        let home = data_home(&wanted, "layers");
        assert_eq!(home, data_home(&wanted, "layers"));
        match Account::of_server() {
            Ok(Account::Own) => assert_eq!(home, wanted),
            Ok(account) => {
                assert_ne!(home, data_home(&wanted, "lanes"));
                assert!(account.can_reach(&home));
            }
            Err(error) => panic!("{error}"),
        }
    }
}
