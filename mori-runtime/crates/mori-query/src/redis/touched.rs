//! What the stream of a server's changes says of its keys.
//!
//! A server writes each change it makes to its append-only file, as a command that has the same effect without depending on time or chance: scripts,
//! expiry and blocked clients included (<https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/>).

use super::keys::keys_of;
use super::table::CommandTable;
use std::collections::BTreeSet;

/// What may have been changed. More may be named than was, never less.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Database and key.
    pub keys: BTreeSet<(u32, Vec<u8>)>,
    /// Databases of which any key may have been changed.
    pub databases: BTreeSet<u32>,
    /// Any key of any database may have been changed.
    pub everything: bool,
    /// Functions were loaded or removed.
    pub functions: bool,
}

impl Touched {
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.databases.is_empty() && !self.everything && !self.functions
    }

    /// Adds what another tells.
    pub fn extend(&mut self, other: Touched) {
        match self.keys.is_empty() {
            true => self.keys = other.keys,
            false => self.keys.extend(other.keys),
        }
        self.databases.extend(other.databases);
        self.everything |= other.everything;
        self.functions |= other.functions;
    }

    /// Whether a key may have been changed.
    pub fn contains(&self, database: u32, key: &[u8]) -> bool {
        self.everything || self.databases.contains(&database) || self.keys.contains(&(database, key.to_vec()))
    }
}

/// Follows the commands of the stream, which belong to the database that was selected last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamReader {
    database: u32,
}

impl StreamReader {
    /// Adds what a command of the stream changes. A command that is not known may change everything.
    pub fn read(&mut self, table: &CommandTable, arguments: &[&[u8]], touched: &mut Touched) {
        let Some(name) = arguments.first() else { return };
        let number = |position: usize| -> Option<u32> { std::str::from_utf8(arguments.get(position)?).ok()?.parse().ok() };
        match name.to_ascii_lowercase().as_slice() {
            b"select" => match number(1) {
                Some(database) => self.database = database,
                None => touched.everything = true,
            },
            b"multi" | b"exec" | b"ping" | b"replconf" | b"publish" | b"spublish" | b"script" => {}
            b"flushall" => touched.everything = true,
            b"flushdb" => drop(touched.databases.insert(self.database)),
            b"swapdb" => match (number(1), number(2)) {
                (Some(one), Some(other)) => touched.databases.extend([one, other]),
                _ => touched.everything = true,
            },
            b"function" => touched.functions = true,
            b"move" => {
                let Some(key) = arguments.get(1) else { return };
                touched.keys.insert((self.database, key.to_vec()));
                match number(2) {
                    Some(target) => drop(touched.keys.insert((target, key.to_vec()))),
                    None => touched.everything = true,
                }
            }
            b"copy" => {
                let Some(key) = arguments.get(2) else { return };
                let word = arguments.iter().skip(3).position(|word| word.eq_ignore_ascii_case(b"db"));
                let target = match word {
                    Some(word) => number(word + 4),
                    None => Some(self.database),
                };
                match target {
                    Some(target) => drop(touched.keys.insert((target, key.to_vec()))),
                    None => touched.everything = true,
                }
            }
            _ => {
                let keys = keys_of(table, arguments);
                if keys.is_empty() {
                    touched.everything = true;
                }
                for position in keys.written.into_iter().chain(keys.read) {
                    touched.keys.insert((self.database, arguments[position].to_vec()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::CommandInfo;
    use super::*;

    #[track_caller]
    fn check(commands: &str, expected: &str) {
        let key = |first_key, last_key| CommandInfo {
            is_write: true,
            first_key,
            last_key,
            key_step: 1,
            ..CommandInfo::default()
        };
        let mut table = CommandTable::default();
        table.insert(b"set", key(1, 1));
        table.insert(b"del", key(1, -1));
        let (mut reader, mut touched) = (StreamReader::default(), Touched::default());
        for command in commands.split("; ") {
            let arguments: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
            reader.read(&table, &arguments, &mut touched);
        }
        let keys = touched
            .keys
            .iter()
            .map(|(database, key)| format!("{database}:{}", String::from_utf8_lossy(key)));
        let databases = touched.databases.iter().map(|database| format!("{database}:*"));
        let mut found: Vec<String> = keys.chain(databases).collect();
        found.extend(touched.everything.then(|| "*".to_owned()));
        found.extend(touched.functions.then(|| "functions".to_owned()));
        assert_eq!(found.join(" "), expected, "{commands}");
    }

    #[test]
    fn changes_name_their_keys() {
        check("SELECT 0; SET a 1; SELECT 3; DEL b c", "0:a 3:b 3:c");
        check("MULTI; SET a 1; EXEC", "0:a");
        check("SELECT 2; flushdb", "2:*");
        check("swapdb 0 3", "0:* 3:*");
        check("FLUSHALL", "*");
        check("function load x", "functions");
        check("SELECT 1; move a 5", "1:a 5:a");
        check("copy a b; copy a c DB 4 REPLACE", "0:b 4:c");
        check("nosuch a", "*");
        check("SELECT x", "*");
        check("PING; SCRIPT LOAD x", "");
    }
}
