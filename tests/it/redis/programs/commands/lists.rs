//! Lists.

use crate::redis::programs::generate::{Class, Generator};
use crate::redis::programs::program::{Command, command};

pub fn any(g: &mut Generator) -> Command {
    let key = g.key(Class::List);
    match g.below(26) {
        0..=3 => {
            let mut command = command![g.pick(&["LPUSH", "RPUSH", "LPUSHX", "RPUSHX"]), key];
            (0..=g.below(4)).for_each(|_| command.push(g.value()));
            command
        }
        4..=5 => command![g.pick(&["LPOP", "RPOP"]), key],
        6 => command![g.pick(&["LPOP", "RPOP"]), key, g.below(5)],
        7..=9 => command!["LRANGE", key, g.index(), g.index()],
        10 => command!["LLEN", key],
        11 => command!["LINDEX", key, g.index()],
        12..=13 => command!["LSET", key, g.index(), g.value()],
        14 => command!["LINSERT", key, g.pick(&["BEFORE", "AFTER"]), g.member(), g.value()],
        15 => command!["LREM", key, g.index(), g.member()],
        16 => command!["LTRIM", key, g.index(), g.index()],
        17..=19 => command!["LMOVE", key, g.key(Class::List), end(g), end(g)],
        20 => command!["RPOPLPUSH", key, g.key(Class::List)],
        21..=22 => {
            let keys = g.keys(Class::List, 3);
            let mut command = command!["LMPOP", keys.len()];
            command.extend(keys);
            command.push(end(g));
            if g.chance(50) {
                command.extend(["COUNT".to_owned(), g.below(5).to_string()]);
            }
            command
        }
        _ => {
            let mut command = command!["LPOS", key, g.member()];
            if g.chance(50) {
                command.extend(["RANK", g.pick(&["1", "-1", "2", "0"])]);
            }
            if g.chance(50) {
                command.extend(["COUNT".to_owned(), g.below(3).to_string()]);
            }
            if g.chance(30) {
                command.extend(["MAXLEN".to_owned(), g.below(10).to_string()]);
            }
            command
        }
    }
}

pub fn end(g: &mut Generator) -> &'static str {
    g.pick(&["LEFT", "RIGHT"])
}
