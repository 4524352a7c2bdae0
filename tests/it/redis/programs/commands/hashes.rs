//! Hashes, and their fields' expiry times.

use super::sets::ALL;
use crate::redis::programs::generate::{Class, Generator, NEAR_S};
use crate::redis::programs::program::{Command, Form, command};

pub fn any(g: &mut Generator) -> Command {
    let key = g.key(Class::Hash);
    if g.profile.has_field_expiry && g.chance(35) {
        return field_expiry(g, key);
    }
    match g.below(20) {
        0..=3 => {
            let mut command = command![g.pick(&["HSET", "HSET", "HMSET"]), key];
            (0..=g.below(4)).for_each(|_| command.extend([g.member(), g.value()]));
            command
        }
        4 => command!["HSETNX", key, g.member(), g.value()],
        5 => command!["HGET", key, g.member()],
        6 => command!["HMGET", key, g.member(), g.member(), g.member()],
        7..=8 => command!["HGETALL", key].form(Form::Pairs),
        9 => {
            let mut command = command!["HDEL", key];
            (0..=g.below(4)).for_each(|_| command.push(g.member()));
            command
        }
        10 => command!["HEXISTS", key, g.member()],
        11 => command!["HLEN", key],
        12 => command!["HSTRLEN", key, g.member()],
        13 => command![g.pick(&["HKEYS", "HVALS"]), key].form(Form::Sorted),
        14..=15 => command!["HINCRBY", key, g.member(), g.index()],
        16..=17 => command!["HINCRBYFLOAT", key, g.member(), g.below(1000) as f64 / 16.0 - 20.0],
        18 => command!["HRANDFIELD", key, ALL].form(Form::Sorted),
        _ => command!["HRANDFIELD", key, ALL, "WITHVALUES"].form(Form::Pairs),
    }
}

fn fields(g: &mut Generator, mut command: Command) -> Command {
    let mut fields: Vec<Vec<u8>> = (0..=g.below(3)).map(|_| g.member()).collect();
    fields.dedup();
    command.push("FIELDS");
    command.push(fields.len());
    command.extend(fields);
    command
}

fn field_expiry(g: &mut Generator, key: Vec<u8>) -> Command {
    let condition = |g: &mut Generator, mut command: Command| {
        if g.chance(40) {
            command.push(g.pick(&["NX", "XX", "GT", "LT"]));
        }
        command
    };
    let command = match g.below(if g.profile.has_hgetex { 14 } else { 11 }) {
        0..=1 => {
            let command = command!["HEXPIRE", key, g.span_s()];
            condition(g, command)
        }
        2 => {
            let command = command!["HPEXPIRE", key, g.span_s() * 1000];
            condition(g, command)
        }
        3..=4 => {
            let command = command!["HPEXPIREAT", key, g.moment_ms()];
            condition(g, command)
        }
        5 => {
            let command = command!["HEXPIREAT", key, g.moment_ms() / 1000];
            condition(g, command)
        }
        // Past: the fields are deleted.
        6 => command!["HPEXPIREAT", key, 1000],
        7 => command!["HPERSIST", key],
        8..=9 => command![g.pick(&["HTTL", "HEXPIRETIME"]), key].form(Form::Near(NEAR_S)),
        10 => command![g.pick(&["HPTTL", "HPEXPIRETIME"]), key].form(Form::Near(NEAR_S * 1000)),
        11 => command!["HGETDEL", key],
        12 => command!["HGETEX", key, "PXAT", g.moment_ms()],
        _ => return command!["HSETEX", key, "PXAT", g.moment_ms(), "FIELDS", 1, g.member(), g.value()],
    };
    fields(g, command)
}
