//! The statements of `corpus.txt`.

/// A statement, what its outline says, and what the server has to know of it.
pub struct Entry {
    pub sql: &'static str,
    pub outline: &'static str,
    /// The server's command tag, where it is not the verb.
    pub tag: Option<&'static str>,
    /// The first major version that knows it.
    pub since: u32,
    /// The server takes it for something else, which the outline cannot know.
    pub is_otherwise: bool,
    /// The server rejects it.
    pub is_rejected: bool,
    /// Must be outside of a transaction block.
    pub is_alone: bool,
}

pub fn entries() -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in include_str!("corpus.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "))
    {
        let Some(about) = line.strip_prefix("    ") else {
            entries.push(Entry {
                sql: line,
                outline: "",
                tag: None,
                since: 15,
                is_otherwise: false,
                is_rejected: false,
                is_alone: false,
            });
            continue;
        };
        let entry = entries.last_mut().expect("a statement stands before what is said of it");
        if entry.outline.is_empty() {
            entry.outline = about;
        } else if let Some(tag) = about.strip_prefix("tag ") {
            entry.tag = Some(tag);
        } else if let Some(version) = about.strip_prefix("since ") {
            entry.since = version.parse().unwrap();
        } else {
            let words: Vec<&str> = about.split(' ').collect();
            assert!(
                words.iter().all(|word| ["otherwise", "rejected", "alone"].contains(word)),
                "{about}"
            );
            entry.is_otherwise |= words.contains(&"otherwise");
            entry.is_rejected |= words.contains(&"rejected");
            entry.is_alone |= words.contains(&"alone");
        }
    }
    entries
}
