//! Streams, with ids of our own choice, and groups.

use crate::redis::programs::generate::{Class, Generator};
use crate::redis::programs::program::{Command, Form, command};

pub fn any(g: &mut Generator) -> Command {
    let key = g.key(Class::Stream);
    match g.below(34) {
        0..=6 => add(g, key),
        7 => command!["XLEN", key],
        8..=9 => limited(g, |g| command!["XRANGE", &key, from(g), to(g)]),
        10 => limited(g, |g| command!["XREVRANGE", &key, to(g), from(g)]),
        11 => command!["XDEL", key, id(g), id(g)],
        12 => {
            let command = command!["XTRIM", key];
            trim(g, command)
        }
        13 => command!["XREAD", "COUNT", 1 + g.below(5), "STREAMS", key, g.key(Class::Stream), id(g), id(g)],
        14..=17 => read_group(g, key),
        18..=19 => {
            let mut command = command!["XACK", key, group(g)];
            (0..=g.below(4)).for_each(|_| command.push(id(g)));
            command
        }
        20..=21 => claim(g, key),
        22 => {
            // Nothing is so old, or everything is.
            let idle = g.pick(&["0", "900000000000000"]);
            let mut command = command!["XAUTOCLAIM", key, group(g), consumer(g), idle, id(g)];
            if g.chance(50) {
                command.extend(["COUNT".to_owned(), (1 + g.below(4)).to_string()]);
            }
            if g.chance(40) {
                command.push("JUSTID");
            }
            command
        }
        23 => command!["XPENDING", key, group(g)],
        24 => {
            let mut command = command!["XPENDING", key, group(g), "-", "+", 1 + g.below(20)];
            if g.chance(40) {
                command.push(consumer(g));
            }
            command.form(Form::Pending)
        }
        25 => command![
            "XSETID",
            key,
            format!("{}-0", 100 + g.below(100)),
            "ENTRIESADDED",
            500 + g.below(9),
            "MAXDELETEDID",
            "1-1"
        ],
        26 => command!["XINFO", "STREAM", key],
        27 => command!["XINFO", "STREAM", key, "FULL", "COUNT", g.below(5)].form(Form::Times),
        28 => command!["XINFO", "GROUPS", key],
        29 => command!["XINFO", "CONSUMERS", key, group(g)].form(Form::Times),
        _ => groups(g, key),
    }
}

/// An id that may be there.
pub fn id(g: &mut Generator) -> String {
    match g.below(8) {
        0 => "0".to_owned(),
        1 => g.below(30).to_string(),
        _ => format!("{}-{}", 1 + g.below(5), 1 + g.below(5)),
    }
}

/// An id that is not there yet, most of the time.
pub fn next_id(g: &mut Generator) -> String {
    match g.below(6) {
        0 => id(g),
        1 => "0-0".to_owned(),
        // The server counts on within this millisecond.
        2..=3 => format!("{}-*", 40 + g.below(40)),
        _ => format!("{}-{}", 40 + g.below(60), g.below(9)),
    }
}

fn from(g: &mut Generator) -> String {
    if g.chance(40) { "-".to_owned() } else { exclusive(g) }
}

fn to(g: &mut Generator) -> String {
    if g.chance(50) { "+".to_owned() } else { exclusive(g) }
}

fn exclusive(g: &mut Generator) -> String {
    let id = id(g);
    if g.chance(20) { format!("({id}") } else { id }
}

pub fn group(g: &mut Generator) -> &'static str {
    g.pick(&["g0", "g0", "g1", "g2"])
}

pub fn consumer(g: &mut Generator) -> &'static str {
    g.pick(&["c0", "c1", "c2"])
}

fn limited(g: &mut Generator, command: impl Fn(&mut Generator) -> Command) -> Command {
    let mut command = command(g);
    if g.chance(60) {
        command.extend(["COUNT".to_owned(), g.below(20).to_string()]);
    }
    command
}

fn trim(g: &mut Generator, mut command: Command) -> Command {
    let is_by_length = g.chance(50);
    command.push(if is_by_length { "MAXLEN" } else { "MINID" });
    let sign = g.pick(&["=", "~", ""]);
    if !sign.is_empty() {
        command.push(sign);
    }
    command.push(if is_by_length { g.below(120).to_string() } else { id(g) });
    if sign == "~" && g.chance(40) {
        command.extend(["LIMIT".to_owned(), g.below(200).to_string()]);
    }
    command
}

fn add(g: &mut Generator, key: Vec<u8>) -> Command {
    let mut command = command!["XADD", key];
    if g.chance(15) {
        command.push("NOMKSTREAM");
    }
    if g.chance(15) {
        command = trim(g, command);
    }
    command.push(next_id(g));
    (0..=g.below(2)).for_each(|_| command.extend([g.member(), g.value()]));
    command
}

fn read_group(g: &mut Generator, key: Vec<u8>) -> Command {
    let mut command = command!["XREADGROUP", "GROUP", group(g), consumer(g)];
    if g.chance(70) {
        command.extend(["COUNT".to_owned(), (1 + g.below(5)).to_string()]);
    }
    if g.chance(15) {
        command.push("NOACK");
    }
    let id = if g.chance(70) { ">".to_owned() } else { id(g) };
    command.push("STREAMS");
    command.push(key);
    command.push(id);
    command
}

fn claim(g: &mut Generator, key: Vec<u8>) -> Command {
    let idle = g.pick(&["0", "900000000000000"]);
    let mut command = command!["XCLAIM", key, group(g), consumer(g), idle, id(g), id(g)];
    match g.below(4) {
        0 => command.extend(["TIME", "1000000"]),
        1 => command.extend(["IDLE", "5000"]),
        _ => {}
    }
    if g.chance(30) {
        command.extend(["RETRYCOUNT".to_owned(), g.below(9).to_string()]);
    }
    for option in ["FORCE", "JUSTID"] {
        if g.chance(30) {
            command.push(option);
        }
    }
    if g.chance(15) {
        command.extend(["LASTID".to_owned(), id(g)]);
    }
    command
}

fn groups(g: &mut Generator, key: Vec<u8>) -> Command {
    match g.below(8) {
        0..=2 => {
            let id = if g.chance(40) { "$".to_owned() } else { id(g) };
            let mut command = command!["XGROUP", "CREATE", key, group(g), id];
            if g.chance(40) {
                command.push("MKSTREAM");
            }
            if g.chance(20) {
                command.extend(["ENTRIESREAD".to_owned(), g.below(20).to_string()]);
            }
            command
        }
        3..=4 => command!["XGROUP", "SETID", key, group(g), id(g)],
        5 => command!["XGROUP", "DESTROY", key, group(g)],
        6 => command!["XGROUP", "CREATECONSUMER", key, group(g), consumer(g)],
        _ => command!["XGROUP", "DELCONSUMER", key, group(g), consumer(g)],
    }
}
