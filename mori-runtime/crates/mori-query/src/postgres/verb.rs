//! What a statement is called: by its first words.

use super::token::{Token, TokenKind};
use mori_model::Operation;

/// The name and the kind of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verb {
    /// The command tag's words in capitals, and `ROUTINE` for an object of that kind; `TRUNCATE` and `CREATE TABLE AS` as users call
    /// them. The first word of a statement we do not know.
    pub(super) name: String,
    pub(super) operation: Operation,
    /// The object of CREATE, ALTER and DROP, as it is written: `TABLE`, `USER MAPPING`. Empty for others.
    pub(super) object: &'static str,
    /// The index of the first token behind the words above.
    pub(super) next: usize,
}

/// What can be created, altered or dropped; a longer name stands before its beginning.
const OBJECTS: [&str; 45] = [
    "ACCESS METHOD",
    "AGGREGATE",
    "CAST",
    "COLLATION",
    "CONVERSION",
    "DATABASE",
    "DEFAULT PRIVILEGES",
    "DOMAIN",
    "EVENT TRIGGER",
    "EXTENSION",
    "FOREIGN DATA WRAPPER",
    "FOREIGN TABLE",
    "FUNCTION",
    "GROUP",
    "INDEX",
    "LANGUAGE",
    "LARGE OBJECT",
    "MATERIALIZED VIEW",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "OPERATOR",
    "OWNED",
    "POLICY",
    "PROCEDURE",
    "PUBLICATION",
    "ROLE",
    "ROUTINE",
    "RULE",
    "SCHEMA",
    "SEQUENCE",
    "SERVER",
    "STATISTICS",
    "SUBSCRIPTION",
    "SYSTEM",
    "TABLE",
    "TABLESPACE",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
    "TRANSFORM",
    "TRIGGER",
    "TYPE",
    "USER MAPPING",
    "VIEW",
];

/// Words between CREATE and the object.
const MODIFIERS: [&str; 12] = [
    "OR",
    "REPLACE",
    "GLOBAL",
    "LOCAL",
    "TEMP",
    "TEMPORARY",
    "UNLOGGED",
    "UNIQUE",
    "RECURSIVE",
    "CONSTRAINT",
    "TRUSTED",
    "PROCEDURAL",
];

/// Statements named by fixed words, but for those with an object: the words, the name, the kind. The first that fits counts.
const FIXED: [(&str, &str, Operation); 64] = [
    ("SELECT", "SELECT", Operation::Read),
    ("VALUES", "SELECT", Operation::Read),
    ("TABLE", "SELECT", Operation::Read),
    ("WITH", "SELECT", Operation::Read),
    ("INSERT", "INSERT", Operation::Write),
    ("UPDATE", "UPDATE", Operation::Write),
    ("DELETE", "DELETE", Operation::Write),
    ("MERGE", "MERGE", Operation::Write),
    ("TRUNCATE", "TRUNCATE", Operation::Write),
    ("COPY", "COPY", Operation::Write),
    ("EXPLAIN", "EXPLAIN", Operation::Write),
    ("BEGIN", "BEGIN", Operation::Transaction),
    ("START TRANSACTION", "START TRANSACTION", Operation::Transaction),
    ("COMMIT PREPARED", "COMMIT PREPARED", Operation::Transaction),
    ("COMMIT", "COMMIT", Operation::Transaction),
    ("END", "COMMIT", Operation::Transaction),
    ("ROLLBACK PREPARED", "ROLLBACK PREPARED", Operation::Transaction),
    ("ROLLBACK", "ROLLBACK", Operation::Transaction),
    ("ABORT", "ROLLBACK", Operation::Transaction),
    ("SAVEPOINT", "SAVEPOINT", Operation::Transaction),
    ("RELEASE", "RELEASE", Operation::Transaction),
    ("PREPARE TRANSACTION", "PREPARE TRANSACTION", Operation::Transaction),
    ("PREPARE", "PREPARE", Operation::Session),
    ("EXECUTE", "EXECUTE", Operation::Write),
    ("DEALLOCATE ALL", "DEALLOCATE ALL", Operation::Session),
    ("DEALLOCATE PREPARE ALL", "DEALLOCATE ALL", Operation::Session),
    ("DEALLOCATE", "DEALLOCATE", Operation::Session),
    ("DECLARE", "DECLARE CURSOR", Operation::Read),
    ("FETCH", "FETCH", Operation::Read),
    ("MOVE", "MOVE", Operation::Read),
    ("CLOSE ALL", "CLOSE CURSOR ALL", Operation::Read),
    ("CLOSE", "CLOSE CURSOR", Operation::Read),
    ("DO", "DO", Operation::Write),
    ("CALL", "CALL", Operation::Write),
    ("LOCK", "LOCK TABLE", Operation::Session),
    ("LISTEN", "LISTEN", Operation::Session),
    ("UNLISTEN", "UNLISTEN", Operation::Session),
    ("NOTIFY", "NOTIFY", Operation::Session),
    ("SET CONSTRAINTS", "SET CONSTRAINTS", Operation::Session),
    ("SET", "SET", Operation::Session),
    ("SHOW", "SHOW", Operation::Session),
    ("RESET", "RESET", Operation::Session),
    ("DISCARD ALL", "DISCARD ALL", Operation::Session),
    ("DISCARD PLANS", "DISCARD PLANS", Operation::Session),
    ("DISCARD SEQUENCES", "DISCARD SEQUENCES", Operation::Session),
    ("DISCARD TEMP", "DISCARD TEMP", Operation::Session),
    ("DISCARD TEMPORARY", "DISCARD TEMP", Operation::Session),
    ("LOAD", "LOAD", Operation::Session),
    ("CHECKPOINT", "CHECKPOINT", Operation::Session),
    ("VACUUM", "VACUUM", Operation::Write),
    ("ANALYZE", "ANALYZE", Operation::Write),
    ("ANALYSE", "ANALYZE", Operation::Write),
    ("REINDEX", "REINDEX", Operation::Ddl),
    ("CLUSTER", "CLUSTER", Operation::Ddl),
    ("REFRESH MATERIALIZED VIEW", "REFRESH MATERIALIZED VIEW", Operation::Ddl),
    ("GRANT", "GRANT", Operation::Ddl),
    ("REVOKE", "REVOKE", Operation::Ddl),
    ("COMMENT", "COMMENT", Operation::Ddl),
    ("SECURITY LABEL", "SECURITY LABEL", Operation::Ddl),
    ("IMPORT FOREIGN SCHEMA", "IMPORT FOREIGN SCHEMA", Operation::Ddl),
    ("REASSIGN OWNED", "REASSIGN OWNED", Operation::Ddl),
    ("CREATE", "CREATE", Operation::Ddl),
    ("ALTER", "ALTER", Operation::Ddl),
    ("DROP", "DROP", Operation::Ddl),
];

/// Names the statement. `tokens`: without trivia.
pub(super) fn verb(tokens: &[Token<'_>]) -> Verb {
    let Some(first) = tokens.first() else {
        return fixed("", Operation::Session, 0);
    };
    if first.kind == TokenKind::Open {
        return fixed("SELECT", Operation::Read, 0);
    }
    if first.is_one_of(&["CREATE", "ALTER", "DROP"])
        && let Some(verb) = with_object(tokens)
    {
        return verb;
    }
    for (words, name, operation) in FIXED {
        if let Some(next) = phrase(tokens, 0, words) {
            return match name {
                // A membership is granted where no object follows.
                "GRANT" | "REVOKE" if !has_object(tokens) => fixed(&format!("{name} ROLE"), operation, next),
                _ => fixed(name, operation, next),
            };
        }
    }
    let word = match first.kind {
        TokenKind::Word => String::from_utf8_lossy(first.text).to_uppercase(),
        _ => String::new(),
    };
    fixed(&word, Operation::Write, 1)
}

/// Whether a GRANT or REVOKE names what it is about: an ON before the TO or FROM.
pub(super) fn has_object(tokens: &[Token<'_>]) -> bool {
    tokens
        .iter()
        .find(|token| token.is_one_of(&["ON", "TO", "FROM"]))
        .is_some_and(|token| token.is_word("ON"))
}

/// The object at `at` and the index behind its words. USER is one too, where no MAPPING follows.
pub(super) fn object(tokens: &[Token<'_>], at: usize) -> Option<(&'static str, usize)> {
    OBJECTS
        .iter()
        .chain(&["USER"])
        .find_map(|object| phrase(tokens, at, object).map(|next| (*object, next)))
}

fn with_object(tokens: &[Token<'_>]) -> Option<Verb> {
    let is_create = tokens[0].is_word("CREATE");
    let mut at = 1;
    while is_create && tokens.get(at).is_some_and(|token| token.is_one_of(&MODIFIERS)) {
        at += 1;
    }
    if is_create && phrase(tokens, at, "DEFAULT CONVERSION").is_some() {
        at += 1;
    }
    if !is_create && tokens.get(at).is_some_and(|token| token.is_word("PROCEDURAL")) {
        at += 1;
    }
    let (object, next) = object(tokens, at)?;
    let action = String::from_utf8_lossy(tokens[0].text).to_uppercase();
    let called = match object {
        "USER" | "GROUP" => "ROLE",
        "TABLE" if is_create && query_of_table(tokens, next).is_some() => "TABLE AS",
        other => other,
    };
    Some(Verb {
        name: format!("{action} {called}"),
        operation: Operation::Ddl,
        object,
        next,
    })
}

/// Of `CREATE TABLE … AS query`, the index of the query.
pub(super) fn query_of_table(tokens: &[Token<'_>], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(from) {
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            TokenKind::Word if depth == 0 && token.is_word("AS") => return Some(index + 1),
            _ => {}
        }
    }
    None
}

fn fixed(name: &str, operation: Operation, next: usize) -> Verb {
    Verb {
        name: name.to_owned(),
        operation,
        object: "",
        next,
    }
}

/// The index behind the words, if they are at `at`.
fn phrase(tokens: &[Token<'_>], at: usize, words: &str) -> Option<usize> {
    let mut next = at;
    for word in words.split(' ') {
        tokens.get(next).filter(|token| token.is_word(word))?;
        next += 1;
    }
    Some(next)
}
