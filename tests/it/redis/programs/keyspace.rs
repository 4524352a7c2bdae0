//! What is there before a program.

use super::commands::scripts::library;
use super::generate::{Class, DATABASES, Generator};
use super::program::{Command, Entry, command};

/// Prod: of every class some keys, in all databases.
pub fn prod(g: &mut Generator) -> Vec<Entry> {
    let mut entries: Vec<Entry> = (0..20 + g.below(30)).map(|_| entry(g)).collect();
    if g.profile.has_functions && g.chance(40) {
        entries.push(Entry {
            database: 0,
            commands: vec![library("REPLACE")],
        });
    }
    entries
}

/// What a client writes first: other keys, and some of prod's anew.
pub fn local(g: &mut Generator) -> Vec<Entry> {
    (0..g.below(25)).map(|_| entry(g)).collect()
}

/// A key made from nothing, whatever it was before.
fn entry(g: &mut Generator) -> Entry {
    let database = usize::try_from(if g.chance(60) { 0 } else { g.below(DATABASES) }).expect("small");
    let class = g.any_class();
    let key = g.own_key(class);
    let mut commands = vec![command!["DEL", &key]];
    // Most are small; some are of the encoding that large ones have.
    let count = if g.chance(25) { 60 + g.below(300) } else { 1 + g.below(9) };
    commands.push(match class {
        Class::Text => command!["SET", &key, g.value()],
        Class::Number => {
            let number = g.below(20_000).to_string();
            let number = if g.chance(30) { format!("{number}.25") } else { number };
            command!["SET", &key, number]
        }
        Class::Bits => command![
            "SETRANGE",
            &key,
            g.below(20),
            vec![0b1010_0110_u8; usize::try_from(count).expect("small")]
        ],
        Class::List => many(g, command!["RPUSH", &key], count, |g, _| vec![g.value()]),
        Class::Set if g.chance(40) => many(g, command!["SADD", &key], count * 2, |_, index| {
            vec![(index * 3).to_string().into_bytes()]
        }),
        Class::Set => many(g, command!["SADD", &key], count, |g, index| vec![numbered(g, index)]),
        Class::SortedSet => many(g, command!["ZADD", &key], count, |g, index| {
            vec![(g.below(40) as f64 / 4.0).to_string().into_bytes(), numbered(g, index)]
        }),
        Class::Lexicon => many(g, command!["ZADD", &key], count, |g, index| vec![b"0".to_vec(), numbered(g, index)]),
        Class::Hash => many(g, command!["HSET", &key], count, |g, index| vec![numbered(g, index), g.value()]),
        Class::Geo => many(g, command!["GEOADD", &key], count.min(40), |g, index| {
            let degrees = |number: u64| (number as f64 / 10.0).to_string().into_bytes();
            vec![degrees(g.below(200)), degrees(g.below(400)), numbered(g, index)]
        }),
        Class::Sketch => many(g, command!["PFADD", &key], count * 2, |g, index| vec![numbered(g, index)]),
        Class::Stream => command!["XADD", &key, "1-1", "field", g.value()],
    });
    if class == Class::Stream {
        stream(g, &key, count.min(150), &mut commands);
    }
    if class == Class::Hash && g.profile.has_field_expiry && g.chance(25) {
        commands.push(command!["HSET", &key, "passing", "by"]);
        commands.push(command!["HPEXPIREAT", &key, g.moment_ms(), "FIELDS", 1, "passing"]);
    }
    if g.chance(20) {
        commands.push(command!["PEXPIREAT", &key, g.moment_ms()]);
    }
    Entry { database, commands }
}

/// The first ones are as members of all commands are, so that these find them.
fn numbered(g: &mut Generator, index: u64) -> Vec<u8> {
    if index < 12 {
        g.member()
    } else {
        format!("member {index}").into_bytes()
    }
}

fn many(g: &mut Generator, mut command: Command, count: u64, each: impl Fn(&mut Generator, u64) -> Vec<Vec<u8>>) -> Command {
    (0..count).for_each(|index| command.extend(each(g, index)));
    command
}

/// More entries, deleted ones among them, and groups that have read some.
fn stream(g: &mut Generator, key: &[u8], count: u64, commands: &mut Vec<Command>) {
    for index in 0..count {
        let id = format!("{}-{}", 1 + index / 4, 2 + index % 4);
        commands.push(command!["XADD", key, id, "a", g.member(), "b", g.value()]);
    }
    if g.chance(40) {
        commands.push(command!["XDEL", key, "1-3", "2-2"]);
    }
    for group in ["g0", "g1"] {
        if g.chance(60) {
            commands.push(command!["XGROUP", "CREATE", key, group, "0"]);
            if g.chance(70) {
                let count = 1 + g.below(8);
                commands.push(command!["XREADGROUP", "GROUP", group, "c0", "COUNT", count, "STREAMS", key, ">"]);
            }
            if g.chance(40) {
                commands.push(command!["XACK", key, group, "1-1"]);
            }
        }
    }
}
