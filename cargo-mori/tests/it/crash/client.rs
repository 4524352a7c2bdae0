//! A client that writes numbered entries and keeps its own record of what it was told.

use crate::support::told;
use mori_tests::Random;
use mori_tests::raw::Raw;

/// Parts of an entry: an entry with fewer is a torn transaction.
pub const PARTS: u32 = 3;

/// What one client knows of its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Entries whose COMMIT was answered.
    pub acknowledged: Vec<u32>,
    /// The entry whose COMMIT was sent and not answered: it may be there or not.
    pub in_doubt: Option<u32>,
    pub last: u32,
}

/// Writes entries until the connection ends, or `entries_max` of them.
pub fn write(port: u16, client: u32, record: &mut Record, random: &mut Random, entries_max: u32) {
    let Some(mut connection) = Raw::try_connect(port) else { return };
    for _ in 0..entries_max {
        let entry = record.last + 1;
        record.last = entry;
        match transaction(&mut connection, client, entry, random) {
            Ended::Committed => record.acknowledged.push(entry),
            Ended::RolledBack => {}
            Ended::InDoubt => {
                record.in_doubt = Some(entry);
                return;
            }
            Ended::Gone => return,
        }
    }
}

enum Ended {
    Committed,
    RolledBack,
    /// The connection ended after COMMIT was sent.
    InDoubt,
    /// The connection ended before.
    Gone,
}

fn transaction(connection: &mut Raw, client: u32, entry: u32, random: &mut Random) -> Ended {
    // A transaction that begins by writing waits for the other one; one that does not may be refused when it writes.
    let begin = if random.chance(80) { "BEGIN IMMEDIATE" } else { "BEGIN" };
    let account = 1 + random.below(500);
    let mut statements = vec![begin.to_owned()];
    for part in 1..=PARTS {
        // Some rows take pages of their own.
        let len = if random.chance(20) {
            3000 + random.below(20_000)
        } else {
            random.below(300)
        };
        let pad = format!("hex(zeroblob({}))", len / 2);
        statements.push(format!("INSERT INTO ledger VALUES ({client}, {entry}, {part}, {pad})"));
    }
    statements.push(format!("UPDATE accounts SET balance = balance - {entry} WHERE id = {account}"));
    if random.chance(30) {
        statements.push(format!("DELETE FROM accounts WHERE id = {}", 1 + random.below(500)));
    }
    if random.chance(10) {
        // What is cut off at the end must not come back.
        statements.push(format!("DELETE FROM ledger WHERE client = {client} AND part > {PARTS}"));
    }
    for statement in &statements {
        match told(connection, statement) {
            None => return Ended::Gone,
            Some(answer) if answer.iter().any(|message| message.tag == b'E') => {
                return told(connection, "ROLLBACK").map_or(Ended::Gone, |_| Ended::RolledBack);
            }
            Some(_) => {}
        }
    }
    if random.chance(10) {
        return told(connection, "ROLLBACK").map_or(Ended::Gone, |_| Ended::RolledBack);
    }
    match told(connection, "COMMIT") {
        None => Ended::InDoubt,
        Some(answer) if answer.iter().any(|message| message.tag == b'E') => {
            told(connection, "ROLLBACK").map_or(Ended::Gone, |_| Ended::RolledBack)
        }
        Some(_) => Ended::Committed,
    }
}
