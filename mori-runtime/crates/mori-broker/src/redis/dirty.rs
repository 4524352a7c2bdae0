//! Which keys clients have changed, for the words of the log. What was really changed is told by the append-only file.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Keys by a number made of database and key: that two have the same one is unlikely, and would show in a word of the log only.
#[derive(Clone, Debug, Default)]
pub struct DirtyKeys {
    keys: HashSet<KeyNumber>,
    /// Databases in which keys were changed that nobody named.
    databases: HashSet<u32>,
    everything: bool,
}

/// A key of a database, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyNumber(u64);

impl KeyNumber {
    pub fn of(database: u32, key: &[u8]) -> KeyNumber {
        let mut hasher = DefaultHasher::new();
        (database, key).hash(&mut hasher);
        KeyNumber(hasher.finish())
    }
}

impl DirtyKeys {
    pub fn mark(&mut self, database: u32, key: KeyNumber) {
        self.keys.insert(key);
        self.databases.insert(database);
    }

    pub fn mark_everything(&mut self) {
        self.everything = true;
    }

    pub fn contains(&self, key: KeyNumber) -> bool {
        self.everything || self.keys.contains(&key)
    }

    /// Whether any key of a database was changed.
    pub fn is_touched(&self, database: u32) -> bool {
        self.everything || self.databases.contains(&database)
    }

    pub fn clear(&mut self) {
        *self = DirtyKeys::default();
    }
}
