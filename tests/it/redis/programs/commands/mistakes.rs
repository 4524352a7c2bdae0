//! What no server accepts.

use crate::redis::programs::generate::Generator;
use crate::redis::programs::program::{Command, command};

/// Words that are too few, too many, or not known.
const MISTAKES: [&str; 26] = [
    "GET",
    "GET a b",
    "SET text:0",
    "SET text:0 v NX XX",
    "SET text:0 v EX",
    "HSET hash:0 f",
    "ZADD zset:0 1",
    "ZADD zset:0 x m",
    "ZADD zset:0 NX GT 1 m",
    "LPUSH list:0",
    "XADD stream:0 5-5 f",
    "XADD stream:0 bad-id f v",
    "NOSUCH",
    "NOSUCH with some arguments",
    "OBJECT NOSUCH key",
    "XGROUP NOSUCH key group",
    "CLIENT NOSUCH",
    "EXPIRE text:0",
    "INCRBY number:0 1.5",
    "SETBIT bits:0 -1 1",
    "LMPOP 0 list:0 LEFT",
    "ZUNION 2 zset:0",
    "EVAL return 2 key",
    "SUBSCRIBE",
    "BLPOP list:0 -1",
    "GEOADD geo:0 200 100 nowhere",
];

pub fn any(g: &mut Generator) -> Command {
    let mut words = g.pick(&MISTAKES).split(' ');
    let mut command = command![words.next().unwrap_or_default()];
    command.extend(words);
    command
}
