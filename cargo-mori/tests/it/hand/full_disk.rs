//! A disk that is full: statements fail with their code, nothing that was acknowledged is lost, and with space it goes on.

use crate::support::{Served, skipped, told};
use mori_tests::raw::Raw;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A small file system of our own, gone with the value.
pub struct Mount(Option<TempDir>);

impl Mount {
    /// `options`: of tmpfs. None where nothing can be mounted.
    pub fn new(options: &str) -> Option<Mount> {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "mori-test"])
            .arg(folder.path())
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Mount(Some(folder)))
    }

    pub fn path(&self) -> &Path {
        self.0.as_ref().expect("mounted").path()
    }

    pub fn make_read_only(&self) {
        let output = Command::new("mount")
            .args(["-o", "remount,ro"])
            .arg(self.path())
            .output()
            .expect("mount runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a process that is being killed may still hold a file.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// Numbers of the rows that the table holds.
fn rows(client: &mut Raw) -> Vec<i64> {
    let messages = told(client, "SELECT id FROM t ORDER BY id").expect("an answer");
    let numbers = messages.iter().filter(|message| message.tag == b'D');
    numbers
        .map(|row| {
            String::from_utf8_lossy(row.values()[0].as_ref().expect("a number"))
                .parse()
                .expect("a number")
        })
        .collect()
}

fn check(test: &str, mode: &str) {
    let Some(mount) = Mount::new("size=3m") else {
        skipped(test, "a file system cannot be mounted here");
        return;
    };
    let inside = tempfile::tempdir_in(mount.path()).expect("a folder");
    let served = Served::in_folder(inside, &format!("{mode} CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB);"));
    let proxy = served.start();
    let mut client = proxy.client();
    let insert = |client: &mut Raw, id: i64| {
        let answer = told(client, &format!("INSERT INTO t VALUES ({id}, randomblob(30000))")).expect("the connection stays");
        answer
            .iter()
            .find(|message| message.tag == b'E')
            .and_then(|message| message.field('C'))
    };
    // Fill it up. Each row is as good as its answer.
    let mut acknowledged = Vec::new();
    let code = (1..).find_map(|id| {
        let code = insert(&mut client, id);
        if code.is_none() {
            acknowledged.push(id);
        }
        code
    });
    assert_eq!(code.as_deref(), Some("53100"), "after {} rows", acknowledged.len());
    assert!(acknowledged.len() > 10, "{acknowledged:?}");
    assert_eq!(rows(&mut client), acknowledged);
    // Still full, from another connection; still readable; and a transaction that fails fails as a whole.
    let mut other = proxy.client();
    other.query("BEGIN");
    let failed = (0..100).find_map(|more| insert(&mut other, 100_000 + more));
    assert_eq!(failed.as_deref(), Some("53100"));
    other.query("ROLLBACK");
    assert_eq!(rows(&mut other), acknowledged);
    assert_eq!(client.query("PRAGMA integrity_check")[1], "D ok");

    // A kill while it is full, and a start with space: a log is folded in when it is found, which needs as much again.
    crate::support::kill(proxy.process.pid());
    drop(proxy);
    let grown = Command::new("mount")
        .args(["-o", "remount,size=16m"])
        .arg(mount.path())
        .status()
        .expect("mount runs");
    assert!(grown.success());
    let proxy = served.start();
    let mut client = proxy.client();
    assert_eq!(rows(&mut client), acknowledged);
    assert_eq!(client.query("PRAGMA integrity_check")[1], "D ok");

    // With space it goes on, on the connections that are there.
    for id in 200_000..200_010 {
        assert_eq!(insert(&mut client, id), None);
        acknowledged.push(id);
    }
    assert_eq!(rows(&mut client), acknowledged);
    let status = served.mori(["status", "--format", "json"]).ends_with(0).json();
    assert_eq!(status["tables"]["t"]["delta"], acknowledged.len());
    let ran = proxy.end("TERM").ends_with(0);
    assert_eq!(ran.stderr, "");
    // The log lacks what did not fit, and has no half lines.
    let log = served.mori(["log", "--format", "json"]).ends_with(0).json_lines();
    assert!(log.iter().any(|line| line["error"] == "53100"), "{log:?}");
    served.assert_prod_untouched();
}

#[test]
fn a_full_disk_loses_nothing_with_a_rollback_journal() {
    check("a_full_disk_loses_nothing_with_a_rollback_journal", "");
}

#[test]
fn a_full_disk_loses_nothing_with_a_log() {
    check("a_full_disk_loses_nothing_with_a_log", crate::support::WAL);
}

#[test]
fn an_image_that_does_not_fit_is_said_to_be_so() {
    let Some(mount) = Mount::new("size=2m") else {
        skipped(
            "an_image_that_does_not_fit_is_said_to_be_so",
            "a file system cannot be mounted here",
        );
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::in_folder(folder, "CREATE TABLE t (x BLOB); INSERT INTO t VALUES (randomblob(4000000));");
    let yaml = format!("connections:\n  shop: {{url: 'sqlite:{}'}}\n", served.prod.display());
    fs::write(mount.path().join("mori.yaml"), yaml).expect("a file");
    let mut command = crate::support::mori();
    command.current_dir(mount.path());
    let ran = crate::support::run(command, ["start", "--port", "0"]).ends_with(105);
    ran.says([
        "write the image of prod to ",
        "No space left on device",
        "remedy: free some disk space",
    ]);
    served.assert_prod_untouched();
    // What did not fit is not left there.
    let used = walk(mount.path());
    assert!(used < 100_000, "{used} bytes are left behind");
}

fn walk(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    entries
        .map(|entry| {
            if entry.path().is_dir() {
                walk(&entry.path())
            } else {
                entry.metadata().map_or(0, |file| file.len())
            }
        })
        .sum()
}
