//! Strings.

use crate::redis::programs::generate::{Class, Generator};
use crate::redis::programs::program::{Command, command};

pub fn any(g: &mut Generator) -> Command {
    let (text, number) = (g.key(Class::Text), g.key(Class::Number));
    match g.below(32) {
        0..=4 => set(g, text),
        5..=6 => command!["GET", text],
        7 => command!["GET", number],
        8 => getex(g, text),
        9 => command!["GETDEL", text],
        10 => command!["GETSET", text, g.value()],
        11..=12 => command!["APPEND", text, g.value()],
        13 => command!["SETRANGE", text, g.below(90), g.value()],
        14 => command!["GETRANGE", text, g.index(), g.index()],
        15 => command!["STRLEN", text],
        16..=17 => command![g.pick(&["INCR", "DECR"]), number],
        18 => command![g.pick(&["INCRBY", "DECRBY"]), number, g.index()],
        19 => command!["INCRBY", number, i64::MAX],
        20..=21 => command!["INCRBYFLOAT", number, g.below(1000) as f64 / 16.0 - 20.0],
        22..=23 => with_keys("MGET", g.keys(Class::Text, 4)),
        24 => pairs(g, "MSET"),
        25 => pairs(g, "MSETNX"),
        26 => command!["SETNX", text, g.value()],
        27 => command!["SETEX", text, g.span_s(), g.value()],
        28 => command!["PSETEX", text, g.span_s() * 1000, g.value()],
        29 => command!["SUBSTR", text, g.index(), g.index()],
        30 => command!["SET", number, g.below(1000)],
        _ => lcs(g, text),
    }
}

fn with_keys(name: &str, keys: Vec<Vec<u8>>) -> Command {
    let mut command = command![name];
    command.extend(keys);
    command
}

fn set(g: &mut Generator, key: Vec<u8>) -> Command {
    let mut command = command!["SET", key, g.value()];
    if g.chance(30) {
        command.push(g.pick(&["NX", "XX", "nx"]));
    }
    if g.chance(25) {
        command.push("GET");
    }
    // A time of day in the past would leave the key until somebody looks for it, on some versions.
    match g.below(12) {
        0 => command.extend(["EX".to_owned(), g.span_s().to_string()]),
        1 => command.extend(["PX".to_owned(), (g.span_s() * 1000).to_string()]),
        2 => command.extend(["EXAT".to_owned(), (g.moment_ms() / 1000).to_string()]),
        3 => command.extend(["PXAT".to_owned(), g.moment_ms().to_string()]),
        4 => command.push("KEEPTTL"),
        5 => command.extend(["EX", g.pick(&["0", "-5", "x", "99999999999999999999"])]),
        _ => {}
    }
    command
}

fn getex(g: &mut Generator, key: Vec<u8>) -> Command {
    let mut command = command!["GETEX", key];
    match g.below(6) {
        0 => command.push("PERSIST"),
        1 => command.extend(["EX".to_owned(), g.span_s().to_string()]),
        2 => command.extend(["PXAT".to_owned(), g.moment_ms().to_string()]),
        3 => command.extend(["EXAT", "1000"]),
        4 => command.extend(["PX", "0"]),
        _ => {}
    }
    command
}

fn pairs(g: &mut Generator, name: &str) -> Command {
    let mut command = command![name];
    for key in g.keys(Class::Text, 3) {
        command.push(key);
        command.push(g.value());
    }
    command
}

fn lcs(g: &mut Generator, key: Vec<u8>) -> Command {
    let mut command = command!["LCS", key, g.key(Class::Text)];
    match g.below(4) {
        0 => command.push("LEN"),
        1 => command.extend(["IDX", "MINMATCHLEN", "2", "WITHMATCHLEN"]),
        2 => command.push("IDX"),
        _ => {}
    }
    command
}
