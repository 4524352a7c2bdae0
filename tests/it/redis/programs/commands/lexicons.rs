//! Sorted sets of one score, whose ranges are by name.

use crate::redis::programs::generate::{Class, Generator};
use crate::redis::programs::program::{Command, command};

pub fn any(g: &mut Generator) -> Command {
    let key = g.own_key(Class::Lexicon);
    match g.below(12) {
        0..=2 => {
            let mut command = command!["ZADD", key];
            for _ in 0..=g.below(4) {
                command.push("0");
                command.push(g.member());
            }
            command
        }
        3 => command!["ZREM", key, g.member(), g.member()],
        4 => command!["ZLEXCOUNT", key, bound(g), bound(g)],
        5..=6 => range(g, command!["ZRANGE", key]),
        7 => {
            let command = command!["ZRANGESTORE", key, g.own_key(Class::Lexicon)];
            range(g, command)
        }
        8 => limited(g, |g| command!["ZRANGEBYLEX", &key, bound(g), bound(g)]),
        9 => limited(g, |g| command!["ZREVRANGEBYLEX", &key, bound(g), bound(g)]),
        10 => command!["ZREMRANGEBYLEX", key, bound(g), bound(g)],
        _ => command!["ZUNIONSTORE", key, 2, g.own_key(Class::Lexicon), g.own_key(Class::Lexicon)],
    }
}

fn bound(g: &mut Generator) -> Vec<u8> {
    match g.below(6) {
        0 => b"-".to_vec(),
        1 => b"+".to_vec(),
        2 => [b"(".to_vec(), g.member()].concat(),
        // Not a bound.
        3 if g.chance(30) => g.member(),
        _ => [b"[".to_vec(), g.member()].concat(),
    }
}

fn range(g: &mut Generator, command: Command) -> Command {
    let is_reversed = g.chance(30);
    limited(g, |g| {
        let mut command = command.clone();
        command.extend([bound(g), bound(g)]);
        command.push("BYLEX");
        if is_reversed {
            command.push("REV");
        }
        command
    })
}

fn limited(g: &mut Generator, command: impl Fn(&mut Generator) -> Command) -> Command {
    let mut command = command(g);
    if g.chance(40) {
        command.extend(["LIMIT".to_owned(), g.below(4).to_string(), g.index().to_string()]);
    }
    command
}
