//! Kills while two clients write: what was acknowledged is there, what was not is there as a whole or not at all.

use super::client::{PARTS, Record, write};
use super::lane::{PROD, assert_consistent, entries};
use crate::support::{Served, WAL, kill};
use mori_tests::Random;
use std::collections::BTreeSet;
use std::time::Duration;

const KILLS: u32 = 20;
const CLIENTS: u32 = 2;

/// The seed is that of `MORI_SEED`, or else of the clock; it is printed, and shown if the test fails.
fn seed() -> u64 {
    let given = std::env::var("MORI_SEED").ok().and_then(|seed| seed.parse().ok());
    let clock = || {
        std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .map_or(1, |since| u64::from(since.subsec_nanos()))
    };
    let seed = given.unwrap_or_else(clock);
    eprintln!("MORI_SEED={seed}");
    seed
}

fn check(mode: &str) {
    let mut random = Random::new(seed());
    let served = Served::new(&format!("{mode}{PROD}"));
    let mut records: Vec<Record> = vec![Record::default(); CLIENTS as usize];
    let mut kills_of_starts = 0;
    for _ in 0..KILLS {
        if random.chance(25) {
            killed_while_it_starts(&served, &mut random);
            kills_of_starts += 1;
        }
        let proxy = served.start();
        compare(&mut records, &proxy);
        assert_consistent(&served, &proxy);
        let (port, pid) = (proxy.port, proxy.process.pid());
        let (moment, seeds) = (Duration::from_micros(random.below(150_000)), [random.number(), random.number()]);
        std::thread::scope(|scope| {
            for (number, (record, seed)) in records.iter_mut().zip(seeds).enumerate() {
                scope.spawn(move || write(port, number as u32 + 1, record, &mut Random::new(seed), u32::MAX));
            }
            std::thread::park_timeout(moment);
            kill(pid);
        });
    }
    let proxy = served.start();
    compare(&mut records, &proxy);
    assert_consistent(&served, &proxy);
    let acknowledged: usize = records.iter().map(|record| record.acknowledged.len()).sum();
    eprintln!("{acknowledged} acknowledged, {KILLS} kills and {kills_of_starts} of starts");
    assert!(acknowledged > KILLS as usize, "the clients came to write: {acknowledged}");
    proxy.end("TERM").ends_with(0);
    served.assert_prod_untouched();
}

/// A proxy that is killed before anyone could connect: while it recovers, folds a log in, or writes the state down.
fn killed_while_it_starts(served: &Served, random: &mut Random) {
    let mut command = served.command();
    let starting = crate::support::Background::start(command.args(["start", "--port", "0"]));
    std::thread::park_timeout(Duration::from_micros(random.below(40_000)));
    kill(starting.pid());
    starting.wait();
}

/// The ledger against the clients' records. What was in doubt is settled for good by what is there now.
#[track_caller]
fn compare(records: &mut [Record], proxy: &crate::support::Proxy) {
    let found = entries(proxy);
    let torn: Vec<_> = found.iter().filter(|(_, parts)| **parts != PARTS as usize).collect();
    assert!(torn.is_empty(), "partial transactions: {torn:?}");
    for (number, record) in records.iter_mut().enumerate() {
        let client = number as u32 + 1;
        let present: BTreeSet<u32> = found.keys().filter(|(of, _)| *of == client).map(|(_, entry)| *entry).collect();
        if let Some(entry) = record.in_doubt.take().filter(|entry| present.contains(entry)) {
            record.acknowledged.push(entry);
        }
        let acknowledged: BTreeSet<u32> = record.acknowledged.iter().copied().collect();
        let lost: Vec<_> = acknowledged.difference(&present).collect();
        let invented: Vec<_> = present.difference(&acknowledged).collect();
        assert!(
            lost.is_empty() && invented.is_empty(),
            "client {client}: lost {lost:?}, invented {invented:?}"
        );
    }
}

#[test]
fn no_commit_is_lost_and_none_invented_with_a_rollback_journal() {
    check("");
}

#[test]
fn no_commit_is_lost_and_none_invented_with_a_log() {
    check(WAL);
}
