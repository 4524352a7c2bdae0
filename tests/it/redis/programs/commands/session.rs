//! The connection itself, and what a server says of itself.

use crate::redis::programs::generate::Generator;
use crate::redis::programs::program::{Command, Form, command};

pub fn any(g: &mut Generator) -> Command {
    match g.below(22) {
        0 => command!["PING"],
        1 => command!["PING", g.value()],
        2 => command!["ECHO", g.value()],
        3..=4 => command!["CLIENT", "SETNAME", g.pick(&["some-name", "other", "no good", ""])],
        5..=6 => command!["CLIENT", "GETNAME"],
        7 => command!["CLIENT", "ID"].form(Form::Shape),
        8 => command!["CLIENT", "NO-EVICT", g.pick(&["ON", "OFF"])],
        9 => command!["CLIENT", "TRACKING", g.pick(&["ON", "ON", "OFF"])],
        10 => command!["CLIENT", g.pick(&["GETREDIR", "TRACKINGINFO"])],
        11..=12 => command!["HELLO", g.pick(&["2", "3", "4", "x"])].form(Form::Hello),
        13 => command!["RESET"],
        14..=15 => command!["UNWATCH"],
        16 => command!["COMMAND", "INFO", g.pick(&["get", "zadd", "nosuch", "blpop"])],
        17 => command!["COMMAND", "GETKEYS", "ZUNIONSTORE", "a", 2, "b", "c"],
        18 => command!["ACL", "WHOAMI"],
        19 => command!["AUTH", "a password that nobody has set"],
        20 => command!["CONFIG", "GET", g.pick(&["notify-keyspace-events", "hash-max-listpack-entries"])],
        _ => match g.below(3) {
            0 => command!["CONFIG", "SET", "hash-max-listpack-entries", 8 + g.below(8)],
            1 => command!["CONFIG", "SET", "zset-max-listpack-entries", 8 + g.below(8)],
            _ => command!["CONFIG", "SET", "nosuch", 1],
        },
    }
}
