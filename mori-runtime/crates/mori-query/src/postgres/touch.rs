//! Which relations a statement may touch at the most, told from every name in its text.

use super::function;
use super::literal;
use super::shared::{is_literal, words};
use super::token::{Syntax, Token, TokenKind, is_name, is_name_start, tokens};
use std::collections::BTreeSet;

/// The names of all a statement may touch.
///
/// A relation that is not among the names is touched only through one that is: as the base of a view, by a rule, a trigger, a foreign
/// key, a partition or a child, or by a function of the database. Whoever owns the catalog closes the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touch {
    /// Every name in the text, bare ones in small letters, and every word in its literals, as it stands and in small letters. Parts of
    /// qualified names are apart. An EXECUTE also touches what its prepared statement touches.
    Names(BTreeSet<String>),
    /// Anything: the text says so, or what it touches cannot be told from it.
    All,
}

/// What a statement, or several, may touch.
pub fn touches(sql: &[u8], syntax: Syntax) -> Touch {
    let is_known = syntax.ascii_safe_encoding || sql.is_ascii();
    let Some(text) = std::str::from_utf8(sql).ok().filter(|_| is_known) else {
        return Touch::All;
    };
    let mut names = Names::default();
    let mut statement = Statement::default();
    for token in tokens(text.as_bytes(), syntax).filter(|token| !token.is_trivia()) {
        if token.kind == TokenKind::Semicolon {
            if statement.reaches_all() {
                return Touch::All;
            }
            statement = Statement::default();
            continue;
        }
        statement.take(&token);
        match literal::whole_name(&token) {
            Some(name) => {
                // How long a name is depends on the server's encoding.
                if token.is_word("UESCAPE") || (name.len() > literal::NAME_BYTES_MAX && !name.is_ascii()) {
                    return Touch::All;
                }
                names.add(&name);
                // A server whose database is in a single-byte encoding folds its other letters too.
                if token.kind == TokenKind::Word && !name.is_ascii() {
                    names.add(&name.to_lowercase());
                }
            }
            None if is_literal(&token) => {
                let content = literal::content(&token, syntax);
                statement.take_literal(&content);
                names.add_text(&content);
            }
            None => {}
        }
    }
    let looks_around = names.names.iter().any(|name| function::looks_around(name));
    if statement.reaches_all() || looks_around {
        return Touch::All;
    }
    Touch::Names(names.names)
}

/// What is remembered of a statement to know whether it may touch relations it does not name.
#[derive(Default)]
struct Statement {
    /// The first words, in capitals; empty for what is not a word.
    head: Vec<String>,
    has_cascade: bool,
    has_all: bool,
    /// TABLES, as in ALL TABLES IN SCHEMA.
    has_tables: bool,
    /// SCHEMA, DATABASE or SYSTEM.
    has_wide: bool,
    has_execute_in_literal: bool,
    /// A LANGUAGE that is neither SQL nor PL/pgSQL was named.
    has_other_language: bool,
    follows_language: bool,
    /// A name that is neither a word of the statement's own nor an option.
    has_target: bool,
    depth: usize,
}

/// Words of a statement that tell what it is.
const HEAD_WORDS_MAX: usize = 4;

impl Statement {
    fn take(&mut self, token: &Token<'_>) {
        const OPTIONS: [&str; 12] = [
            "VACUUM",
            "ANALYZE",
            "ANALYSE",
            "REINDEX",
            "CLUSTER",
            "FULL",
            "FREEZE",
            "VERBOSE",
            "TABLE",
            "INDEX",
            "CONCURRENTLY",
            "USING",
        ];
        match token.kind {
            TokenKind::Open => self.depth += 1,
            TokenKind::Close => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        let is_name = matches!(token.kind, TokenKind::Word | TokenKind::QuotedName);
        if is_name && self.follows_language {
            let language = literal::name(token).unwrap_or_default();
            self.take_language(language.as_bytes());
        } else if !is_literal(token) {
            self.follows_language = false;
        }
        self.follows_language |= token.is_word("LANGUAGE");
        self.has_target |= is_name && self.depth == 0 && !token.is_one_of(&OPTIONS);
        self.has_cascade |= token.is_word("CASCADE");
        self.has_all |= token.is_word("ALL");
        self.has_tables |= token.is_word("TABLES");
        self.has_wide |= token.is_one_of(&["SCHEMA", "DATABASE", "SYSTEM"]);
        if self.head.len() < HEAD_WORDS_MAX {
            let word = if token.kind == TokenKind::Word { token.text } else { b"" };
            self.head.push(String::from_utf8_lossy(word).to_uppercase());
        }
    }

    fn take_literal(&mut self, content: &[u8]) {
        if self.follows_language {
            self.take_language(content);
        }
        self.has_execute_in_literal |= words(content).any(|word| word.eq_ignore_ascii_case(b"execute"));
    }

    fn take_language(&mut self, language: &[u8]) {
        self.has_other_language |= !language.eq_ignore_ascii_case(b"sql") && !language.eq_ignore_ascii_case(b"plpgsql");
        self.follows_language = false;
    }

    fn reaches_all(&self) -> bool {
        let word = |index: usize| self.head.get(index).map_or("", String::as_str);
        let is_routine = || self.head.iter().any(|word| matches!(word.as_str(), "FUNCTION" | "PROCEDURE"));
        match word(0) {
            "DO" => self.has_execute_in_literal || self.has_other_language,
            "CREATE" if is_routine() => self.has_execute_in_literal || self.has_other_language,
            "CREATE" => word(1) == "DATABASE",
            "ALTER" => matches!(word(1), "TYPE" | "DOMAIN") || self.has_all,
            "DROP" => self.has_cascade || matches!(word(1), "OWNED" | "SCHEMA" | "EXTENSION"),
            "GRANT" | "REVOKE" => self.has_tables,
            "REASSIGN" | "IMPORT" => true,
            "REINDEX" => !self.has_target || self.has_wide,
            "VACUUM" | "ANALYZE" | "ANALYSE" | "CLUSTER" => !self.has_target,
            _ => false,
        }
    }
}

/// More than a name between quotes in a literal can have: what is longer is cut by the server anyway.
const QUOTED_BYTES_MAX: usize = 4 * literal::NAME_BYTES_MAX;

#[derive(Default)]
struct Names {
    names: BTreeSet<String>,
}

impl Names {
    fn add(&mut self, name: &str) {
        if name.len() > literal::NAME_BYTES_MAX {
            self.insert(literal::cut(name));
        }
        self.insert(name);
    }

    fn insert(&mut self, name: &str) {
        if !name.is_empty() && !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
    }

    /// Everything in a literal that may be a name: words, words within words with dollars or digits, and what stands between two double
    /// quotes.
    fn add_text(&mut self, content: &[u8]) {
        for word in words(content) {
            self.add_word(word);
            if word.contains(&b'$') {
                word.split(|&byte| byte == b'$').for_each(|part| self.add_word(part));
            }
        }
        self.add_quoted(content);
    }

    fn add_word(&mut self, word: &[u8]) {
        let start = word.iter().position(|&byte| is_name_start(byte)).unwrap_or(word.len());
        let word = String::from_utf8_lossy(&word[start..]);
        self.add(&word);
        if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.add(&word.to_ascii_lowercase());
        }
        if !word.is_ascii() {
            self.add(&word.to_lowercase());
        }
    }

    /// Which quote opens and which closes cannot be told, since literals may be inside of literals: so from every quote to the next one
    /// that is not doubled.
    fn add_quoted(&mut self, content: &[u8]) {
        let mut start = 0;
        while let Some(quote) = content[start..].iter().position(|&byte| byte == b'"') {
            start += quote + 1;
            let mut name = Vec::new();
            let mut at = start;
            while let Some(&byte) = content.get(at)
                && name.len() < QUOTED_BYTES_MAX
            {
                if byte == b'"' {
                    if content.get(at + 1) != Some(&b'"') {
                        break;
                    }
                    at += 1;
                }
                name.push(byte);
                at += 1;
            }
            // A plain word was found before.
            let is_word = name.first().is_some_and(|&byte| is_name_start(byte)) && name.iter().all(|&byte| is_name(byte));
            if !is_word {
                self.add(String::from_utf8_lossy(&name).trim_end_matches(char::REPLACEMENT_CHARACTER));
            }
        }
    }
}

#[cfg(test)]
mod tests;
