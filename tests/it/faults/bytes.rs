//! Bytes that no client would send: noise, and conversations that make sense but for some bytes.

use super::panics;
use mori_tests::raw::{self, Raw};
use mori_tests::{Random, Served};
use std::io::Write;

const SETUP: &str = "
    CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT UNIQUE, price NUMERIC, data BLOB);
    INSERT INTO items VALUES (1, 'tea', 2.5, x'00ff'), (2, 'cup', 7, NULL);";

fn seed(default: u64) -> u64 {
    let seed = std::env::var("MORI_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(default);
    println!("MORI_SEED={seed}");
    seed
}

/// Says all of it, and reads what comes until the server has closed the connection too. A server that ends the connection while we speak
/// is in its right.
fn throw(port: u16, bytes: &[u8]) {
    let mut raw = Raw::open(port);
    if raw.stream.write_all(bytes).is_ok() && raw.stream.shutdown(std::net::Shutdown::Write).is_ok() {
        // The reader panics if nothing comes for long: the server must not wait for a client that has said its last.
        while raw.hear().is_some() {}
    }
}

#[track_caller]
fn assert_serves(served: &Served) {
    let mut client = Raw::connect(served.port);
    assert_eq!(client.query("SELECT 6 * 7 AS answer"), ["T answer:20", "D 42", "C SELECT 1", "Z I"]);
    assert_eq!(client.query("PRAGMA integrity_check")[1], "D ok");
    panics::assert_none();
    served.assert_prod_untouched();
}

#[test]
fn noise_ends_only_its_own_connection() {
    panics::watch();
    let served = Served::with(SETUP);
    let mut random = Random::new(seed(1));
    for _ in 0..400 {
        let len = random.below(200);
        let mut noise: Vec<u8> = (0..len).map(|_| random.number().to_le_bytes()[0]).collect();
        if random.chance(50) && noise.len() >= 4 {
            // A length that fits, so that the noise is taken for a first packet.
            let len = u32::try_from(noise.len()).expect("short");
            noise[..4].copy_from_slice(&len.to_be_bytes());
        }
        if random.chance(30) && noise.len() >= 8 {
            noise[4..8].copy_from_slice(&0x0003_0000u32.to_be_bytes());
        }
        throw(served.port, &noise);
    }
    assert_serves(&served);
}

/// Conversations that use every message of a client.
fn conversations() -> Vec<Vec<Vec<u8>>> {
    let hello = raw::startup(0x0003_0000, &[("user", "mori"), ("database", "db"), ("application_name", "noise")]);
    let talk = |messages: Vec<Vec<u8>>| [vec![hello.clone()], messages, vec![raw::terminate()]].concat();
    vec![
        talk(vec![
            raw::query("SELECT * FROM items"),
            raw::query("INSERT INTO items (name) VALUES ('pot'), ('pan'); SELECT 1; ROLLBACK"),
        ]),
        talk(vec![
            raw::parse("s", "SELECT id, name, price, data FROM items WHERE id = $1 OR name = $2", &[20, 25]),
            raw::describe(b'S', "s"),
            raw::bind_as("p", "s", &[1, 0], &[Some(&1i64.to_be_bytes()), Some(b"tea")], &[1, 0, 0, 1]),
            raw::describe(b'P', "p"),
            raw::execute("p", 1),
            raw::flush(),
            raw::execute("p", 0),
            raw::close(b'P', "p"),
            raw::close(b'S', "s"),
            raw::sync(),
        ]),
        talk(vec![
            raw::parse("", "UPDATE items SET price = $1, data = $2 WHERE name = $3", &[1700, 17, 0]),
            raw::bind_as(
                "",
                "",
                &[1],
                &[Some(&[0, 2, 0, 0, 0, 0, 0, 2, 0, 3, 25, 100]), None, Some(b"cup")],
                &[],
            ),
            raw::execute("", 0),
            raw::sync(),
            raw::query("BEGIN"),
            raw::query("SAVEPOINT a; DELETE FROM items; ROLLBACK TO a"),
            raw::query("COMMIT"),
        ]),
        talk(vec![
            raw::parse("d", "SELECT $1, $2, $3, $4", &[1082, 1114, 2950, 701]),
            raw::bind_as(
                "",
                "d",
                &[1],
                &[Some(&[0, 0, 1, 0]), Some(&[0; 8]), Some(&[7; 16]), Some(&2.5f64.to_be_bytes())],
                &[1],
            ),
            raw::execute("", 0),
            raw::sync(),
        ]),
        talk(vec![
            raw::query("SET application_name = 'x'; SHOW application_name"),
            raw::message(b'F', &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
            raw::message(b'd', b"copied"),
            raw::message(b'c', b""),
            raw::message(b'f', b"no\0"),
            raw::message(b'p', b"secret\0"),
            raw::sync(),
        ]),
        vec![raw::untagged(&80_877_103u32.to_be_bytes()), hello.clone(), raw::query("SELECT 1")],
        vec![raw::untagged(
            &[&80_877_102u32.to_be_bytes()[..], &1u32.to_be_bytes(), &2u32.to_be_bytes()].concat(),
        )],
    ]
}

/// A few bytes are other bytes, missing, or there twice; or a message is.
fn mutated(conversation: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut messages = conversation.to_vec();
    if random.chance(40) {
        let at = |random: &mut Random, len: usize| usize::try_from(random.below(len as u64)).expect("an index");
        let (from, to) = (at(random, messages.len()), at(random, messages.len()));
        match random.below(3) {
            0 => messages.swap(from, to),
            1 => drop(messages.remove(from)),
            _ => messages.insert(to, messages[from].clone()),
        }
    }
    let mut bytes = messages.concat();
    for _ in 0..random.below(6) {
        if bytes.is_empty() {
            break;
        }
        let at = usize::try_from(random.below(bytes.len() as u64)).expect("an index");
        match random.below(5) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = *random.pick(&[0, 1, 0x7f, 0x80, 0xff]),
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, random.number().to_le_bytes()[0]),
            _ => bytes.truncate(at),
        }
    }
    bytes
}

#[test]
fn conversations_with_wrong_bytes_end_only_themselves() {
    panics::watch();
    let served = Served::with(SETUP);
    let mut random = Random::new(seed(2));
    let conversations = conversations();
    for conversation in &conversations {
        throw(served.port, &conversation.concat());
    }
    for _ in 0..2500 {
        let conversation = random.pick(&conversations).clone();
        throw(served.port, &mutated(&conversation, &mut random));
    }
    assert_serves(&served);
}

/// Lengths and counts at their limits, which no mutation is likely to meet.
#[test]
fn lengths_that_lie() {
    panics::watch();
    let served = Served::with(SETUP);
    let hello = raw::startup(0x0003_0000, &[("user", "mori")]);
    let length_of = |tag: u8, length: u32| [&[tag][..], &length.to_be_bytes(), b"abc"].concat();
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for length in [0, 1, 3, 4, 5, 0x3fff_fffe, 0x3fff_ffff, 0x7fff_ffff, u32::MAX] {
        bodies.extend(b"QPBDECSHXFdcfpz\0\xff".map(|tag| length_of(tag, length)));
    }
    for count in [1u16, 0x7fff, 0x8000, 0xffff] {
        let count = count.to_be_bytes();
        bodies.push(raw::message(b'P', &[b"\0SELECT 1\0", &count[..]].concat()));
        bodies.push(raw::message(b'B', &[b"\0\0", &count[..]].concat()));
        bodies.push(raw::message(b'B', &[b"\0\0\0\0", &count[..], &[0xff; 8]].concat()));
        bodies.push(raw::message(b'B', &[b"\0\0\0\0\0\0", &count[..]].concat()));
    }
    for length in [-2i32, i32::MIN, i32::MAX, 1 << 20] {
        bodies.push(raw::message(b'B', &[b"\0\0\0\0\0\x01", &length.to_be_bytes()[..], b"x"].concat()));
    }
    bodies.push(raw::execute("", u32::MAX));
    for body in bodies {
        throw(
            served.port,
            &[&hello[..], &raw::parse("", "SELECT $1", &[25]), &body, &raw::sync()].concat(),
        );
    }
    for length in [0u32, 4, 7, 8, 9, 10_000, 10_001, u32::MAX] {
        throw(
            served.port,
            &[&length.to_be_bytes()[..], &0x0003_0000u32.to_be_bytes(), b"user\0x\0\0"].concat(),
        );
    }
    assert_serves(&served);
}
