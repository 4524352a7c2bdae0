//! Commands that wait.

use super::lists::end;
use super::streams::{consumer, group};
use crate::redis::programs::generate::{Class, Generator};
use crate::redis::programs::program::{Command, command};

const NEXT_TO_NOTHING: &str = "0.01";

/// A command that waits for nearly no time, if there is nothing for it.
pub fn impatient(g: &mut Generator) -> Command {
    waits(g, NEXT_TO_NOTHING)
}

/// A command that waits until somebody ends it, and one that may be what it waits for.
pub fn pair(g: &mut Generator) -> (Command, Command) {
    let wait = waits(g, "0");
    let ends = match wait.name().as_str() {
        "BZPOPMIN" | "BZPOPMAX" | "BZMPOP" => command!["ZADD", g.own_key(Class::SortedSet), g.below(9), g.member(), g.below(9), g.member()],
        "XREAD" | "XREADGROUP" => command![
            "XADD",
            g.own_key(Class::Stream),
            format!("{}-1", 100 + g.below(400)),
            "f",
            g.member()
        ],
        _ => match g.below(5) {
            0 => command!["LMOVE", g.own_key(Class::List), g.own_key(Class::List), end(g), end(g)],
            1 => command!["RPUSH", g.own_key(Class::List), g.member(), g.member(), g.member()],
            2 => command!["RENAME", g.own_key(Class::List), g.own_key(Class::List)],
            3 => command!["SORT", g.own_key(Class::Set), "ALPHA", "STORE", g.own_key(Class::List)],
            _ => command!["LPUSH", g.own_key(Class::List), g.member()],
        },
    };
    (wait, ends)
}

fn waits(g: &mut Generator, time: &str) -> Command {
    match g.below(8) {
        0..=1 => {
            let mut command = command![g.pick(&["BLPOP", "BRPOP"])];
            command.extend(g.keys(Class::List, 3));
            command.push(time);
            command
        }
        2 => command!["BLMOVE", g.key(Class::List), g.key(Class::List), end(g), end(g), time],
        3 => command!["BRPOPLPUSH", g.key(Class::List), g.key(Class::List), time],
        4 => {
            let keys = g.keys(Class::List, 3);
            let mut command = command!["BLMPOP", time, keys.len()];
            command.extend(keys);
            command.extend([end(g), "COUNT", "2"]);
            command
        }
        5 => {
            let mut command = command![g.pick(&["BZPOPMIN", "BZPOPMAX"])];
            command.extend(g.keys(Class::SortedSet, 2));
            command.push(time);
            command
        }
        6 => {
            let keys = g.keys(Class::SortedSet, 2);
            let mut command = command!["BZMPOP", time, keys.len()];
            command.extend(keys);
            command.push("MIN");
            command
        }
        _ => {
            // Streams count milliseconds.
            let time = if time == "0" { 0_u64 } else { 1 };
            if g.chance(50) {
                return command![
                    "XREAD",
                    "BLOCK",
                    time,
                    "STREAMS",
                    g.key(Class::Stream),
                    g.key(Class::Stream),
                    "$",
                    "90-0"
                ];
            }
            let (group, consumer) = (group(g), consumer(g));
            command![
                "XREADGROUP",
                "GROUP",
                group,
                consumer,
                "BLOCK",
                time,
                "STREAMS",
                g.key(Class::Stream),
                ">"
            ]
        }
    }
}
