//! Which arguments of a command are keys.

use super::table::{CommandInfo, CommandTable};
use std::ops::Range;

/// The keys a command names, by the positions of their arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Those that the command changes, if it is a write.
    pub written: Vec<usize>,
    /// Those that it reads only.
    pub read: Vec<usize>,
}

impl Keys {
    fn written(positions: impl IntoIterator<Item = usize>) -> Keys {
        Keys {
            written: positions.into_iter().collect(),
            read: Vec::new(),
        }
    }

    fn store(target: usize, sources: impl IntoIterator<Item = usize>) -> Keys {
        Keys {
            written: vec![target],
            read: sources.into_iter().collect(),
        }
    }

    pub(super) fn into_read(self) -> Keys {
        let mut read = self.written;
        read.extend(self.read);
        Keys { written: Vec::new(), read }
    }

    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.read.is_empty()
    }
}

/// Where a command's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlaces {
    /// Where the server's table says.
    Fixed {
        info: CommandInfo,
        /// The first key is the target of what others give.
        is_store: bool,
    },
    /// Where the arguments say, if this is a command of which we know how; nowhere else. By its name in small letters.
    ByArguments(Vec<u8>),
}

impl KeyPlaces {
    /// `name` in small letters.
    pub fn of(table: &CommandTable, name: &[u8]) -> KeyPlaces {
        match table.get(name) {
            Some(info) if special(name, &[name]).is_none() => KeyPlaces::Fixed {
                info: *info,
                is_store: name.ends_with(b"store") || name == b"pfmerge",
            },
            _ => KeyPlaces::ByArguments(name.to_vec()),
        }
    }

    pub fn find(&self, arguments: &[&[u8]]) -> Keys {
        let keys = match self {
            KeyPlaces::Fixed { info, is_store } => by_table(info, *is_store, arguments.len()),
            KeyPlaces::ByArguments(name) => special(name, arguments).unwrap_or_default(),
        };
        let is_there = |position: &usize| *position < arguments.len();
        Keys {
            written: keys.written.into_iter().filter(is_there).collect(),
            read: keys.read.into_iter().filter(is_there).collect(),
        }
    }
}

/// The keys of a command. What the server's table does not tell, because their place depends on the arguments, is told here.
pub fn keys_of(table: &CommandTable, arguments: &[&[u8]]) -> Keys {
    let Some(name) = arguments.first() else {
        return Keys::default();
    };
    KeyPlaces::of(table, &name.to_ascii_lowercase()).find(arguments)
}

fn special(name: &[u8], arguments: &[&[u8]]) -> Option<Keys> {
    Some(match name {
        b"eval" | b"evalsha" | b"fcall" | b"eval_ro" | b"evalsha_ro" | b"fcall_ro" => Keys::written(counted(arguments, 2)),
        b"zunion" | b"zinter" | b"zdiff" | b"zintercard" | b"sintercard" | b"lmpop" | b"zmpop" => Keys::written(counted(arguments, 1)),
        b"blmpop" | b"bzmpop" => Keys::written(counted(arguments, 2)),
        b"zunionstore" | b"zinterstore" | b"zdiffstore" => Keys::store(1, counted(arguments, 2)),
        b"xread" | b"xreadgroup" => Keys::written(streams(arguments)),
        b"sort" | b"georadius" | b"georadiusbymember" => match stored_to(name, arguments) {
            Some(target) => Keys::store(target, [1]),
            None => Keys {
                written: Vec::new(),
                read: vec![1],
            },
        },
        b"sort_ro" => Keys::written([1]),
        b"copy" => Keys::store(2, [1]),
        b"bitop" => Keys::store(2, 3..arguments.len()),
        b"object" | b"xinfo" | b"xgroup" | b"memory" => Keys::written([2]),
        _ => return None,
    })
}

fn by_table(info: &CommandInfo, is_store: bool, len: usize) -> Keys {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let last = if info.last_key < 0 { len + info.last_key } else { info.last_key };
    if info.first_key <= 0 || info.key_step <= 0 {
        return Keys::default();
    }
    let mut positions = Vec::new();
    let mut position = info.first_key;
    while position <= last && position < len {
        positions.extend(usize::try_from(position));
        position += info.key_step;
    }
    if is_store {
        let mut positions = positions.into_iter();
        return positions.next().map_or_else(Keys::default, |target| Keys::store(target, positions));
    }
    Keys::written(positions)
}

/// The keys behind their number, which stands at `position`.
fn counted(arguments: &[&[u8]], position: usize) -> Range<usize> {
    let count = arguments
        .get(position)
        .and_then(|count| std::str::from_utf8(count).ok()?.parse().ok());
    let first = position + 1;
    first..first.saturating_add(count.unwrap_or(0)).min(arguments.len())
}

/// The first half of what follows STREAMS.
fn streams(arguments: &[&[u8]]) -> Range<usize> {
    match arguments.iter().position(|argument| argument.eq_ignore_ascii_case(b"streams")) {
        Some(word) => word + 1..word + 1 + (arguments.len() - word - 1) / 2,
        None => 0..0,
    }
}

/// The key behind STORE or STOREDIST.
fn stored_to(name: &[u8], arguments: &[&[u8]]) -> Option<usize> {
    let is_store = |word: &[u8]| word.eq_ignore_ascii_case(b"store") || (name != b"sort" && word.eq_ignore_ascii_case(b"storedist"));
    // The last one counts.
    let word = arguments.iter().skip(2).rposition(|argument| is_store(argument))?;
    Some(word + 3).filter(|target| *target < arguments.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> CommandTable {
        let info = |first_key, last_key, key_step| CommandInfo {
            first_key,
            last_key,
            key_step,
            ..CommandInfo::default()
        };
        [
            ("get", info(1, 1, 1)),
            ("mset", info(1, -1, 2)),
            ("del", info(1, -1, 1)),
            ("blpop", info(1, -2, 1)),
            ("sinterstore", info(1, -1, 1)),
            ("pfmerge", info(1, -1, 1)),
            ("ping", info(0, 0, 0)),
        ]
        .into_iter()
        .map(|(name, info)| (name.as_bytes().to_vec(), info))
        .collect()
    }

    /// Keys that are written, then those that are read, separated by a bar.
    #[track_caller]
    fn check(command: &str, expected: &str) {
        let arguments: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        let keys = keys_of(&table(), &arguments);
        let names = |positions: &[usize]| {
            let names: Vec<_> = positions
                .iter()
                .map(|position| String::from_utf8_lossy(arguments[*position]).into_owned())
                .collect();
            names.join(" ")
        };
        assert_eq!(format!("{}|{}", names(&keys.written), names(&keys.read)), expected, "{command}");
    }

    #[test]
    fn keys_are_where_the_server_looks_for_them() {
        check("GET a", "a|");
        check("get", "|");
        check("MSET a 1 b 2", "a b|");
        check("DEL a b c", "a b c|");
        check("BLPOP a b 0", "a b|");
        check("PING a", "|");
        check("NOSUCH a", "|");
        check("SINTERSTORE d a b", "d|a b");
        check("PFMERGE d a", "d|a");
        check("EVAL return 2 a b x", "a b|");
        check("EVAL return 9 a", "a|");
        check("EVAL return -1 a", "|");
        check("ZUNIONSTORE d 2 a b WEIGHTS 1 2", "d|a b");
        check("ZUNION 2 a b", "a b|");
        check("BLMPOP 0 1 a LEFT", "a|");
        check("XREAD COUNT 1 STREAMS a b 0 0", "a b|");
        check("SORT a BY x:* STORE d", "d|a");
        check("SORT a STORE", "|a");
        check("GEORADIUS a 1 1 1 m STOREDIST d", "d|a");
        check("COPY a b DB 3", "b|a");
        check("BITOP AND d a b", "d|a b");
        check("OBJECT ENCODING a", "a|");
        check("OBJECT HELP", "|");
        check("XGROUP CREATE a g 0", "a|");
    }
}
