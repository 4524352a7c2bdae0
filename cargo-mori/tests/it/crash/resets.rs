//! Kills in the middle of a reset: the lane is as it was before, or clean, and never in between.

use super::client::{Record, write};
use super::lane::{PROD, assert_exported, entries};
use crate::support::{Background, Proxy, Ran, Served, WAL, kill, mori, run, skipped, told};
use mori_tests::Random;
use mori_tests::raw::Raw;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const KILLS: u64 = 12;

/// Commits entries, and returns how many.
fn fill(proxy: &Proxy, random: &mut Random) -> usize {
    let mut record = Record::default();
    write(proxy.port, 1, &mut record, random, 12);
    record.acknowledged.len()
}

/// As before, or clean; and whole in both.
#[track_caller]
fn assert_before_or_clean(served: &Served, proxy: &Proxy, before: usize) -> bool {
    let (delta, tombstones) = assert_exported(served, proxy);
    let now = entries(proxy).len();
    assert!(now == before || now == 0, "{now} entries, and {before} before the reset");
    assert_eq!(now == 0, delta.is_empty() && tombstones.is_empty());
    now == 0
}

/// The proxy is killed while it resets, on behalf of `mori reset`, and with clients in the middle of their work.
fn check_running(mode: &str) {
    let seed = std::process::id().into();
    eprintln!("seed {seed}");
    let mut random = Random::new(seed);
    let served = Served::new(&format!("{mode}{PROD}"));
    let mut clean = 0;
    for round in 0..KILLS {
        let proxy = served.start();
        let before = entries(&proxy).len().max(fill(&proxy, &mut random));
        served_by_a_writer(&proxy);
        let mut command = served.command();
        let reset = Background::start(command.args(["reset"]).args((round % 3 == 0).then_some("--hard")));
        std::thread::park_timeout(Duration::from_micros(random.below(12_000)));
        kill(proxy.process.pid());
        drop(proxy);
        reset.wait();
        let proxy = served.start();
        clean += u32::from(assert_before_or_clean(&served, &proxy, before));
        served.mori(["reset"]).ends_with(0);
    }
    eprintln!("{clean} of {KILLS} were clean");
    served.assert_prod_untouched();
}

/// A client with an open transaction that has written, and stays.
fn served_by_a_writer(proxy: &Proxy) {
    let mut client = proxy.client();
    told(&mut client, "BEGIN");
    told(&mut client, "INSERT INTO ledger VALUES (9, 1, 1, hex(zeroblob(20000)))");
    std::mem::forget(client);
}

#[test]
fn a_proxy_killed_while_it_resets_with_a_rollback_journal() {
    check_running("");
}

#[test]
fn a_proxy_killed_while_it_resets_with_a_log() {
    check_running(WAL);
}

/// `mori reset` without a proxy, killed at each of the calls that change a file, one after the other. The lane is one that a kill
/// left with a journal, or a log, beside it.
fn check_every_step(test: &str, mode: &str, args: &[&str]) {
    if !can_trace() {
        skipped(test, "strace cannot be used here");
        return;
    }
    let served = Served::new(&format!("{mode}{PROD}"));
    let proxy = served.start();
    let before = fill(&proxy, &mut Random::new(7));
    assert!(before > 0);
    leave_a_journal(&proxy);
    let left = served.state("shadow/shadow.pages-journal").exists() || served.state("shadow/shadow.pages-wal").exists();
    assert!(left, "the kill left a journal or a log");
    let template = tempfile::tempdir().expect("a folder");
    copy(&served.path().join(".mori"), &template.path().join("mori"));

    let (mut kills, mut clean) = (0, 0);
    for call in ["pwrite64", "write", "ftruncate", "unlink", "rename", "fdatasync"] {
        // The first of each kind one by one, then some.
        let nths = std::iter::successors(Some(1), |nth| Some(nth + 1 + nth / 6));
        for nth in nths {
            fs::remove_dir_all(served.path().join(".mori")).expect("there");
            copy(&template.path().join("mori"), &served.path().join(".mori"));
            let ran = traced_reset(&served, args, call, nth);
            if ran.code == 0 {
                break;
            }
            assert_eq!(ran.code, 128 + 9, "{call} {nth}: {ran}");
            kills += 1;
            let proxy = served.start();
            clean += u32::from(assert_before_or_clean(&served, &proxy, before));
        }
    }
    eprintln!("{kills} kills, {clean} of them left a clean lane");
    assert!(kills > 5 && clean > 0 && clean < kills, "{kills} kills, {clean} clean");
    served.assert_prod_untouched();
}

/// Kills the proxy in a transaction that has more changed pages than its cache holds, so that some are in the file.
fn leave_a_journal(proxy: &Proxy) {
    let mut client: Raw = proxy.client();
    told(&mut client, "BEGIN").expect("an answer");
    told(&mut client, "UPDATE accounts SET balance = 0, note = hex(zeroblob(3000))").expect("an answer");
    kill(proxy.process.pid());
    assert_eq!(client.hear(), None);
}

fn traced_reset(served: &Served, args: &[&str], call: &str, nth: u32) -> Ran {
    let mut strace = Command::new("strace");
    crate::support::clean(&mut strace);
    strace
        .current_dir(served.path())
        .args([
            "-f",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={call}"),
            "-e",
            &format!("inject={call}:signal=KILL:when={nth}"),
        ])
        .arg(env!("CARGO_BIN_EXE_mori"))
        .arg("reset");
    run(strace, args)
}

fn can_trace() -> bool {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o", "/dev/null", "-e", "trace=none", env!("CARGO_BIN_EXE_mori"), "--version"]);
    strace.output().is_ok_and(|output| output.status.success()) && run(mori(), ["--version"]).code == 0
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().expect("a kind").is_dir() {
            copy(&path, &target);
        } else if entry.file_type().expect("a kind").is_file() {
            // What a socket was left for is gone.
            fs::copy(path, target).expect("a copy");
        }
    }
}

#[test]
fn every_step_of_a_reset_with_a_rollback_journal() {
    check_every_step("every_step_of_a_reset_with_a_rollback_journal", "", &[]);
}

#[test]
fn every_step_of_a_reset_with_a_log() {
    check_every_step("every_step_of_a_reset_with_a_log", WAL, &[]);
}

#[test]
fn every_step_of_a_hard_reset() {
    check_every_step("every_step_of_a_hard_reset", WAL, &["--hard"]);
}
