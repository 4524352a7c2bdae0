//! Which keys clients have changed, for the words of the log. What was really changed is told by the append-only file.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Keys by a number made of database and key: that two have the same one is unlikely, and would show in a word of the log only.
#[derive(Clone, Debug, Default)]
pub struct DirtyKeys {
    keys: HashSet<u64>,
    /// Databases in which keys were changed that nobody named.
    databases: HashSet<u32>,
    everything: bool,
}

fn number(database: u32, key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (database, key).hash(&mut hasher);
    hasher.finish()
}

impl DirtyKeys {
    pub fn mark(&mut self, database: u32, key: &[u8]) {
        self.keys.insert(number(database, key));
        self.databases.insert(database);
    }

    pub fn mark_everything(&mut self) {
        self.everything = true;
    }

    pub fn contains(&self, database: u32, key: &[u8]) -> bool {
        self.everything || (!self.keys.is_empty() && self.keys.contains(&number(database, key)))
    }

    /// Whether any key of a database was changed.
    pub fn is_touched(&self, database: u32) -> bool {
        self.everything || self.databases.contains(&database)
    }

    pub fn clear(&mut self) {
        *self = DirtyKeys::default();
    }
}
