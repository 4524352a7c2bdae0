//! Sets. What is taken at random is the whole set.

use crate::redis::programs::generate::{Class, Generator};
use crate::redis::programs::program::{Command, Form, command};

/// More than a set of ours holds.
pub const ALL: u64 = 100_000;

pub fn any(g: &mut Generator) -> Command {
    let key = g.key(Class::Set);
    match g.below(20) {
        0..=4 => {
            let mut command = command![g.pick(&["SADD", "SADD", "SADD", "SREM"]), key];
            (0..=g.below(5)).for_each(|_| command.push(g.member()));
            command
        }
        5..=6 => command!["SMEMBERS", key].form(Form::Sorted),
        7 => command!["SCARD", key],
        8 => command!["SISMEMBER", key, g.member()],
        9 => command!["SMISMEMBER", key, g.member(), g.member()],
        10 => command!["SMOVE", key, g.key(Class::Set), g.member()],
        11..=13 => several(command![g.pick(&["SINTER", "SUNION", "SDIFF"]), key], g.keys(Class::Set, 3)).form(Form::Sorted),
        14..=16 => several(
            command![g.pick(&["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]), key],
            g.keys(Class::Set, 3),
        ),
        17 => {
            let keys = g.keys(Class::Set, 3);
            let mut command = several(command!["SINTERCARD", keys.len()], keys);
            if g.chance(50) {
                command.extend(["LIMIT".to_owned(), g.below(5).to_string()]);
            }
            command
        }
        18 => command!["SPOP", key, ALL].form(Form::Sorted),
        _ => command!["SRANDMEMBER", key, ALL].form(Form::Sorted),
    }
}

fn several(mut command: Command, keys: Vec<Vec<u8>>) -> Command {
    command.extend(keys);
    command
}
