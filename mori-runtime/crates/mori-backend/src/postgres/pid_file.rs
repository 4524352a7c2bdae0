//! `postmaster.pid`: which server is at work on a data directory, and how to end one whose owner was killed.
//!
//! Its lines: process id, data directory, start time, port, folder of the socket, address, shared memory, state.
//! Source: `src/include/utils/pidfile.h` of PostgreSQL.

use super::error::{PostgresError, Result};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A server that is told to drop everything ends within milliseconds.
const QUIT_WAIT: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(2);
/// How the folder of a socket begins that is not in a run's folder.
pub(super) const SOCKET_FOLDER_PREFIX: &str = "mori-pg-";

pub(super) struct PidFile {
    pub(super) pid: u32,
    pub(super) socket_dir: Option<PathBuf>,
    pub(super) is_ready: bool,
}

impl PidFile {
    pub(super) fn path(data: &Path) -> PathBuf {
        data.join("postmaster.pid")
    }

    pub(super) fn read(data: &Path) -> Option<PidFile> {
        PidFile::parse(&fs::read_to_string(PidFile::path(data)).ok()?)
    }

    fn parse(text: &str) -> Option<PidFile> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some(PidFile {
            pid: lines.first()?.parse().ok()?,
            socket_dir: lines.get(4).filter(|folder| !folder.is_empty()).map(PathBuf::from),
            is_ready: lines.get(7) == Some(&"ready"),
        })
    }

    /// The file of a server that really is at work on `data`; a killed one leaves its file behind.
    pub(super) fn live(data: &Path) -> Option<PidFile> {
        PidFile::read(data).filter(|file| is_postmaster(file.pid, data))
    }
}

/// Ends a server that is still at work on `data` although its owner was killed, and removes what it left. Nothing is done if there is none.
///
/// The caller must know that nobody else owns the directory. A process is ended only if it is a PostgreSQL server on that very directory.
/// Errors: `Stop` if it does not end.
pub fn reap(data: &Path) -> Result<()> {
    let Some(file) = PidFile::read(data) else { return Ok(()) };
    if is_postmaster(file.pid, data) {
        signal(file.pid, Signal::QUIT);
        if !wait_until_gone(file.pid, data, QUIT_WAIT) {
            signal(file.pid, Signal::KILL);
            if !wait_until_gone(file.pid, data, QUIT_WAIT) {
                return Err(PostgresError::Stop {
                    data: data.to_owned(),
                    reason: format!("process {} does not end", file.pid),
                    log: String::new(),
                });
            }
        }
    }
    let _ = fs::remove_file(PidFile::path(data));
    if let Some(folder) = file.socket_dir {
        remove_socket_folder(&folder);
    }
    Ok(())
}

/// Removes a socket's folder if it is one that was made for a socket alone.
pub(super) fn remove_socket_folder(folder: &Path) {
    if is_socket_folder(folder) {
        let _ = fs::remove_dir_all(folder);
    }
}

/// Whether a folder was made for a socket alone.
pub(super) fn is_socket_folder(folder: &Path) -> bool {
    folder
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(SOCKET_FOLDER_PREFIX))
}

/// Waits until no server is at work on `data` any more; false if there still is one after `patience`.
pub(super) fn wait_until_gone(pid: u32, data: &Path, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while is_postmaster(pid, data) {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(STEP);
    }
    true
}

pub(super) fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // A process of another user is alive, too.
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

pub(super) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended in the meantime.
        let _ = kill_process(pid, signal);
    }
}

/// Whether the process is a PostgreSQL server on that directory: numbers of processes are used again.
fn is_postmaster(pid: u32, data: &Path) -> bool {
    if !is_alive(pid) {
        return false;
    }
    let Ok(data) = data.canonicalize() else { return false };
    let proc = PathBuf::from(format!("/proc/{pid}"));
    if proc.is_dir() {
        // A server's working directory is its data directory; a process that has ended and is not yet waited for has none.
        let name = fs::read_to_string(proc.join("comm")).unwrap_or_default();
        let is_there = fs::read_link(proc.join("cwd")).is_ok_and(|folder| folder == data);
        return is_there && (name.starts_with("postgres") || name.starts_with("postmaster"));
    }
    let listed = Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
    listed.is_ok_and(|output| {
        let command = String::from_utf8_lossy(&output.stdout).into_owned();
        command.contains("postgres") && command.contains(&*data.to_string_lossy())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_while_it_is_written() {
        let whole = PidFile::parse("42\n/data\n1700000000\n5432\n/run/mori\n\n  1234 5\nready   \n").unwrap();
        assert_eq!((whole.pid, whole.is_ready), (42, true));
        assert_eq!(whole.socket_dir, Some(PathBuf::from("/run/mori")));
        let begun = PidFile::parse("42\n/data\n").unwrap();
        assert_eq!((begun.pid, begun.is_ready, begun.socket_dir), (42, false, None));
        assert!(PidFile::parse("").is_none());
    }

    #[test]
    fn another_process_with_that_number_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(PidFile::path(folder.path()), format!("{}\n", std::process::id())).unwrap();
        reap(folder.path()).unwrap();
        assert!(!PidFile::path(folder.path()).exists());
    }
}
