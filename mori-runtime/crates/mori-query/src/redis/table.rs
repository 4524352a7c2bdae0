//! What a server says of its own commands.

use std::collections::HashMap;

/// A command as the server's `COMMAND` describes it (<https://redis.io/docs/latest/commands/command/>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandInfo {
    /// It may change data.
    pub is_write: bool,
    /// It reads keys and changes nothing.
    pub is_read_only: bool,
    /// Position of the first key; 0 if there is none, or if its place depends on the arguments.
    pub first_key: i64,
    /// Position of the last key; negative ones count from the end.
    pub last_key: i64,
    pub key_step: i64,
}

/// The commands that a server has, by their names in small letters.
#[derive(Clone, Debug, Default)]
pub struct CommandTable {
    commands: HashMap<Vec<u8>, CommandInfo>,
}

/// Longer names are no command.
const NAME_BYTES_MAX: usize = 64;

impl CommandTable {
    pub fn insert(&mut self, name: &[u8], info: CommandInfo) {
        self.commands.insert(name.to_ascii_lowercase(), info);
    }

    /// A command's description; none if the server has no such command.
    pub fn get(&self, name: &[u8]) -> Option<&CommandInfo> {
        let mut small = [0_u8; NAME_BYTES_MAX];
        let small = small.get_mut(..name.len())?;
        small.copy_from_slice(name);
        small.make_ascii_lowercase();
        self.commands.get(&*small)
    }

    pub fn len(&self) -> usize {
        self.commands.len()
    }

    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }
}

impl FromIterator<(Vec<u8>, CommandInfo)> for CommandTable {
    fn from_iter<I: IntoIterator<Item = (Vec<u8>, CommandInfo)>>(commands: I) -> CommandTable {
        let mut table = CommandTable::default();
        for (name, info) in commands {
            table.insert(&name, info);
        }
        table
    }
}
