//! Keys of any type, their expiry times, and databases.

use crate::redis::programs::generate::{Class, DATABASES, Generator, NEAR_S};
use crate::redis::programs::program::{Command, Form, command};

pub fn any(g: &mut Generator) -> Command {
    let class = g.any_class();
    let key = g.own_key(class);
    match g.below(48) {
        0..=3 => expire(g, &key),
        4 => command!["PERSIST", key],
        5 => command![g.pick(&["TTL", "EXPIRETIME"]), key].form(Form::Near(NEAR_S)),
        6..=7 => command![g.pick(&["PTTL", "PEXPIRETIME"]), key].form(Form::Near(NEAR_S * 1000)),
        8..=9 => several(g, "DEL"),
        10 => several(g, "UNLINK"),
        11..=12 => several(g, "EXISTS"),
        13 => several(g, "TOUCH"),
        14..=15 => command!["TYPE", key],
        16..=17 => command!["RENAME", key, g.own_key(class)],
        18 => command!["RENAMENX", key, g.own_key(class)],
        19..=21 => copy(g, &key, class),
        22 => command!["MOVE", key, g.below(DATABASES)],
        23..=25 => command!["OBJECT", "ENCODING", key],
        // REFCOUNT counts the reference of a server's file, which a private copy need not have.
        26 => command!["OBJECT", g.pick(&["HELP", "FREQ"]), key],
        27 => command!["OBJECT", "IDLETIME", key].form(Form::Shape),
        28 => command!["DUMP", key].form(Form::Dump),
        29..=31 => sort(g),
        32..=33 => command!["KEYS", g.pick(&["*", "*:1", "s*", "[lz]*", "nothing", "h?sh:*", "*\\:[^0]"])].form(Form::Sorted),
        34..=35 => command!["DBSIZE"],
        36 => command!["RANDOMKEY"].form(Form::Shape),
        37 => command!["SCAN", 0, "COUNT", 5].form(Form::Page),
        38..=40 => command!["SELECT", g.below(DATABASES)],
        41 => command!["SELECT", g.pick(&["99", "-1", "x", "16"])],
        42 => command!["SWAPDB", g.below(DATABASES), g.below(DATABASES)],
        43 if g.chance(30) => flush(g),
        44 => command!["RESTORE", key, 0, "not a payload"],
        45 => command!["WAIT", 0, 10],
        _ => command!["DEL", key],
    }
}

fn several(g: &mut Generator, name: &str) -> Command {
    let mut command = command![name];
    (0..=g.below(4)).for_each(|_| command.push(g.any_key()));
    command
}

fn expire(g: &mut Generator, key: &[u8]) -> Command {
    let mut command = match g.below(8) {
        0..=1 => command!["EXPIRE", key, g.span_s()],
        2 => command!["PEXPIRE", key, g.span_s() * 1000],
        3 => command!["EXPIREAT", key, g.moment_ms() / 1000],
        4..=5 => command!["PEXPIREAT", key, g.moment_ms()],
        // Past: the key is deleted.
        6 => command!["EXPIREAT", key, g.below(1_000_000_000)],
        _ => command!["EXPIRE", key, g.pick(&["0", "-1", "x", "9223372036854775807"])],
    };
    if g.chance(40) {
        command.push(g.pick(&["NX", "XX", "GT", "LT", "gt"]));
    }
    if g.chance(5) {
        command.push("NX");
    }
    command
}

fn copy(g: &mut Generator, key: &[u8], class: Class) -> Command {
    let mut command = command!["COPY", key, g.own_key(class)];
    if g.chance(50) {
        command.extend(["DB".to_owned(), g.below(DATABASES).to_string()]);
    }
    if g.chance(50) {
        command.push("REPLACE");
    }
    command
}

/// What is sorted by equal weights comes in any order only with BY and ALPHA together, which are left out; as they are, with BY nosort.
fn sort(g: &mut Generator) -> Command {
    let class = *g.random.pick(&[Class::List, Class::Set, Class::SortedSet]);
    let mut command = command!["SORT", g.key(class)];
    let mut is_ordered = true;
    match g.below(4) {
        0 => command.extend(["BY", g.pick(&["number:*", "hash:*->m1", "missing:*"])]),
        1 => {
            command.extend(["BY", "nosort"]);
            is_ordered = false;
        }
        _ if g.chance(70) => command.push("ALPHA"),
        _ => {}
    }
    if is_ordered && g.chance(40) {
        command.extend(["LIMIT".to_owned(), g.below(4).to_string(), g.below(8).to_string()]);
    }
    // Rows of several columns would be torn apart where the order is open.
    if is_ordered && g.chance(40) {
        command.extend(["GET", g.pick(&["#", "text:*", "hash:*->m2"])]);
        if g.chance(40) {
            command.extend(["GET", "number:*"]);
        }
    }
    if g.chance(40) {
        command.push(g.pick(&["DESC", "ASC"]));
    }
    if g.chance(30) {
        command.push("STORE");
        command.push(g.own_key(Class::List));
        return command;
    }
    if g.chance(20) {
        command.args[0] = b"SORT_RO".to_vec();
    }
    command.form(if is_ordered { Form::Exact } else { Form::Sorted })
}

fn flush(g: &mut Generator) -> Command {
    let mut command = command![g.pick(&["FLUSHDB", "FLUSHDB", "FLUSHALL"])];
    if g.chance(50) {
        command.push(g.pick(&["ASYNC", "SYNC"]));
    }
    command
}
