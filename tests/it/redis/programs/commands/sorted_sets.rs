//! Sorted sets.

use super::sets::ALL;
use crate::redis::programs::generate::{Class, Generator};
use crate::redis::programs::program::{Command, Form, command};

pub fn any(g: &mut Generator) -> Command {
    let key = g.key(Class::SortedSet);
    match g.below(30) {
        0..=4 => add(g, key),
        5 => command!["ZINCRBY", key, g.score(), g.member()],
        6 => {
            let mut command = command!["ZREM", key];
            (0..=g.below(3)).for_each(|_| command.push(g.member()));
            command
        }
        7 => command!["ZSCORE", key, g.member()],
        8 => command!["ZMSCORE", key, g.member(), g.member()],
        9 => command!["ZCARD", key],
        10 => command!["ZCOUNT", key, bound(g), bound(g)],
        11..=13 => {
            let mut command = command![g.pick(&["ZRANK", "ZREVRANK"]), key, g.member()];
            if g.chance(30) {
                command.push("WITHSCORE");
            }
            command
        }
        14..=16 => {
            let command = range(g, command!["ZRANGE", key]);
            with_scores(g, command)
        }
        17 => {
            let command = command!["ZRANGESTORE", key, g.key(Class::SortedSet)];
            range(g, command)
        }
        18 => old_range(g, key),
        19 if g.chance(50) => command!["ZREMRANGEBYRANK", key, g.index(), g.index()],
        19 => command!["ZREMRANGEBYSCORE", key, bound(g), bound(g)],
        20 => command![g.pick(&["ZPOPMIN", "ZPOPMAX"]), key],
        21 => command![g.pick(&["ZPOPMIN", "ZPOPMAX"]), key, g.below(5)],
        22 => {
            let keys = g.keys(Class::SortedSet, 3);
            let mut command = several(command!["ZMPOP", keys.len()], keys);
            command.push(g.pick(&["MIN", "MAX"]));
            if g.chance(50) {
                command.extend(["COUNT".to_owned(), g.below(5).to_string()]);
            }
            command
        }
        23 => command!["ZRANDMEMBER", key, ALL].form(Form::Sorted),
        24 => command!["ZRANDMEMBER", key, ALL, "WITHSCORES"].form(Form::Pairs),
        25 => {
            let keys = g.keys(Class::SortedSet, 3);
            let mut command = several(command!["ZINTERCARD", keys.len()], keys);
            if g.chance(50) {
                command.extend(["LIMIT".to_owned(), g.below(5).to_string()]);
            }
            command
        }
        _ => algebra(g, key),
    }
}

fn several(mut command: Command, keys: Vec<Vec<u8>>) -> Command {
    command.extend(keys);
    command
}

fn add(g: &mut Generator, key: Vec<u8>) -> Command {
    let mut command = command!["ZADD", key];
    for option in ["NX", "XX", "GT", "LT", "CH"] {
        if g.chance(12) {
            command.push(option);
        }
    }
    let is_increment = g.chance(12);
    if is_increment {
        command.push("INCR");
    }
    let count = if is_increment { 0 } else { g.below(4) };
    for _ in 0..=count {
        command.push(g.score());
        command.push(g.member());
    }
    command
}

fn bound(g: &mut Generator) -> String {
    match g.below(6) {
        0 => "-inf".to_owned(),
        1 => "+inf".to_owned(),
        2 => format!("({}", g.below(12)),
        _ => g.below(12).to_string(),
    }
}

fn range(g: &mut Generator, mut command: Command) -> Command {
    let is_by_score = g.chance(50);
    if is_by_score {
        command.extend([bound(g), bound(g)]);
        command.push("BYSCORE");
    } else {
        command.extend([g.index(), g.index()]);
    }
    if g.chance(30) {
        command.push("REV");
    }
    if g.chance(if is_by_score { 40 } else { 4 }) {
        command.extend(["LIMIT".to_owned(), g.below(4).to_string(), g.index().to_string()]);
    }
    command
}

fn with_scores(g: &mut Generator, mut command: Command) -> Command {
    if g.chance(50) {
        command.push("WITHSCORES");
    }
    command
}

fn old_range(g: &mut Generator, key: Vec<u8>) -> Command {
    let command = match g.below(3) {
        0 => command!["ZREVRANGE", key, g.index(), g.index()],
        1 => command!["ZRANGEBYSCORE", key, bound(g), bound(g)],
        _ => command!["ZREVRANGEBYSCORE", key, bound(g), bound(g)],
    };
    with_scores(g, command)
}

/// Sets take part too: each of their members has the score 1.
fn algebra(g: &mut Generator, key: Vec<u8>) -> Command {
    let mut keys = g.keys(Class::SortedSet, 3);
    if g.chance(30) {
        keys.push(g.key(Class::Set));
    }
    let count = keys.len();
    let (name, is_difference) = *g.random.pick(&[("ZUNION", false), ("ZINTER", false), ("ZDIFF", true)]);
    let is_stored = g.chance(50);
    let mut command = if is_stored {
        several(command![format!("{name}STORE"), key, count], keys)
    } else {
        several(command![name, count], keys)
    };
    if !is_difference && g.chance(40) {
        command.push("WEIGHTS");
        (0..count).for_each(|_| command.push(g.pick(&["1", "2.5", "-1", "0"])));
    }
    if !is_difference && g.chance(40) {
        command.extend(["AGGREGATE", g.pick(&["SUM", "MIN", "MAX"])]);
    }
    if is_stored { command } else { with_scores(g, command) }
}
