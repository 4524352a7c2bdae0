//! Messages, and what tells of changed keys.

use crate::redis::programs::generate::Generator;
use crate::redis::programs::program::{Command, Form, command};

const CHANNELS: [&str; 3] = ["one", "two", "three"];
const PATTERNS: [&str; 3] = ["t*", "*", "__key*__:*"];

pub fn any(g: &mut Generator) -> Command {
    match g.below(12) {
        0..=5 => command!["PUBLISH", g.pick(&CHANNELS), g.value()],
        6 => command!["SPUBLISH", g.pick(&CHANNELS), g.value()],
        7 => command!["PUBSUB", "CHANNELS"].form(Form::Sorted),
        8 => command!["PUBSUB", "NUMSUB", "one", "two"],
        9 => command!["PUBSUB", g.pick(&["NUMPAT", "SHARDCHANNELS"])].form(Form::Sorted),
        10 => command!["PUBSUB", "SHARDNUMSUB", "one"],
        _ => command!["CONFIG", "SET", "notify-keyspace-events", g.pick(&["KEA", "Kg$", "Exe", ""])],
    }
}

/// Commands to which there are any number of replies.
pub fn subscription(g: &mut Generator) -> Vec<Command> {
    let (channel, other, pattern) = (g.pick(&CHANNELS), g.pick(&CHANNELS), g.pick(&PATTERNS));
    let command = match g.below(12) {
        0..=2 => command!["SUBSCRIBE", channel, other],
        3..=4 => command!["PSUBSCRIBE", pattern],
        5 => command!["SSUBSCRIBE", channel],
        6 => command!["UNSUBSCRIBE", channel],
        7 => command!["UNSUBSCRIBE"],
        8 => command!["PUNSUBSCRIBE"],
        9 => command!["SUNSUBSCRIBE"],
        // Not told what the commands between say.
        10 => {
            return vec![
                command!["CLIENT", "REPLY", "OFF"].form(Form::Silent),
                command!["APPEND", "text:1", g.member()].form(Form::Silent),
                command!["NOSUCH"].form(Form::Silent),
                command!["CLIENT", "REPLY", "ON"].form(Form::Silent),
            ];
        }
        _ => {
            return vec![
                command!["CLIENT", "REPLY", "SKIP"].form(Form::Silent),
                command!["INCR", "number:1"].form(Form::Silent),
            ];
        }
    };
    vec![command.form(Form::Subscription)]
}
