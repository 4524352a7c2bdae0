//! Bits, and HyperLogLogs, which are strings too.

use crate::redis::programs::generate::{Class, Generator};
use crate::redis::programs::program::{Command, command};

pub fn any(g: &mut Generator) -> Command {
    let (key, sketch) = (g.key(Class::Bits), g.key(Class::Sketch));
    match g.below(14) {
        0..=1 => command!["SETBIT", key, g.below(300), g.below(2)],
        2 => command!["GETBIT", key, g.below(300)],
        3 => range(g, command!["BITCOUNT", key]),
        4 => {
            let command = command!["BITPOS", key, g.below(2)];
            range(g, command)
        }
        5 => {
            let operation = g.pick(&["AND", "OR", "XOR"]);
            let mut command = command!["BITOP", operation, key];
            command.extend(g.keys(Class::Bits, 3));
            command
        }
        6 => command!["BITOP", "NOT", key, g.key(Class::Bits)],
        7..=8 => field(g, command!["BITFIELD", key]),
        9 => command!["BITFIELD_RO", key, "GET", "u8", "#1", "GET", "i5", g.below(40)],
        10..=11 => {
            let mut command = command!["PFADD", sketch];
            (0..g.below(5)).for_each(|_| command.push(g.member()));
            command
        }
        12 => {
            let mut command = command!["PFCOUNT", sketch];
            command.extend(g.keys(Class::Sketch, 2));
            command
        }
        _ => {
            let mut command = command!["PFMERGE", sketch];
            command.extend(g.keys(Class::Sketch, 2));
            command
        }
    }
}

fn range(g: &mut Generator, mut command: Command) -> Command {
    if g.chance(60) {
        command.extend([g.index(), g.index()]);
        if g.chance(40) {
            command.push(g.pick(&["BIT", "BYTE"]));
        }
    }
    command
}

fn field(g: &mut Generator, mut command: Command) -> Command {
    for _ in 0..=g.below(3) {
        let kind = g.pick(&["u4", "i8", "u16", "i33", "u63", "i64"]);
        match g.below(4) {
            0 => command.extend(["GET".to_owned(), kind.to_owned(), g.below(100).to_string()]),
            1 => command.extend([
                "SET".to_owned(),
                kind.to_owned(),
                format!("#{}", g.below(5)),
                g.below(999).to_string(),
            ]),
            2 => command.extend(["OVERFLOW", g.pick(&["WRAP", "SAT", "FAIL"])]),
            _ => command.extend([
                "INCRBY".to_owned(),
                kind.to_owned(),
                g.below(100).to_string(),
                g.index().to_string(),
            ]),
        }
    }
    command
}
