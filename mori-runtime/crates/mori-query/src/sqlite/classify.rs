//! A statement's outline, from its tokens alone: the command tag, what kind of statement it is, and the few facts for
//! routing that SQLite's authorizer does not give.

use super::session::{self, Session};
use super::token::{Token, TokenKind, significant};
use super::transaction::{self, Edit, Transaction};

/// What the text of one statement says. Nothing here depends on the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The command tag's words in capitals, the main verb behind a WITH: `SELECT`, `INSERT`, `CREATE TABLE`, `START
    /// TRANSACTION`. The first word for a statement we do not know; empty for an empty one.
    pub verb: String,
    pub kind: Kind,
    /// Reads from two relations or more at one level: a JOIN, or a comma in a FROM clause.
    pub is_join: bool,
    /// An INSERT that may change existing rows: OR REPLACE, ON CONFLICT DO UPDATE.
    pub is_upsert: bool,
    /// An INSERT, UPDATE or DELETE that returns rows.
    pub has_returning: bool,
    /// The text for SQLite where it differs from the user's.
    rewritten: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Blanks and comments only.
    Empty,
    /// For SQLite as it is, errors included.
    Statement,
    /// For SQLite, in the words of [`Outline::text`].
    Transaction(Transaction),
    /// Not for SQLite.
    Session(Session),
}

impl Outline {
    /// What SQLite is to run. `sql`: the text the outline was made of.
    pub fn text<'a>(&'a self, sql: &'a str) -> &'a str {
        self.rewritten.as_deref().unwrap_or(sql)
    }
}

/// Outlines one statement; a semicolon at its end is allowed. Never fails: what is not known is `Kind::Statement`.
pub fn outline(sql: &str) -> Outline {
    let tokens = significant(sql);
    let mut rewritten = None;
    let kind = if tokens.iter().all(|token| token.kind == TokenKind::Semicolon) {
        Kind::Empty
    } else if let Some((transaction, edits)) = transaction::parse(&tokens) {
        rewritten = (!edits.is_empty()).then(|| edit(sql, &edits));
        Kind::Transaction(transaction)
    } else if let Some(session) = session::parse(&tokens) {
        Kind::Session(session)
    } else {
        Kind::Statement
    };
    let main = main_verb(&tokens);
    let verb = match &kind {
        Kind::Session(session) => session.command_tag().to_owned(),
        _ => command_tag(&tokens[main..]),
    };
    let is_insert = matches!(verb.as_str(), "INSERT" | "REPLACE");
    Outline {
        is_join: is_join(&tokens),
        is_upsert: is_insert && is_upsert(&tokens[main..]),
        has_returning: (is_insert || matches!(verb.as_str(), "UPDATE" | "DELETE")) && has_returning(&tokens[main..]),
        verb,
        kind,
        rewritten,
    }
}

/// Replaces the spans, which are in order.
fn edit(sql: &str, edits: &[Edit]) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut at = 0;
    for (span, replacement) in edits {
        text.push_str(&sql[at..span.start]);
        text.push_str(replacement);
        at = span.end;
    }
    text.push_str(&sql[at..]);
    text
}

/// The index of the statement's main word: the first, or behind a WITH the verb after the last common table expression. That
/// verb follows a closing parenthesis, which a common table expression of the same name does not.
fn main_verb(tokens: &[Token<'_>]) -> usize {
    if !tokens.first().is_some_and(|token| token.is_word("WITH")) {
        return 0;
    }
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            _ => {
                let follows = depth == 0 && index > 0 && tokens[index - 1].kind == TokenKind::Close;
                if follows && token.is_one_of(&["SELECT", "VALUES", "INSERT", "REPLACE", "UPDATE", "DELETE"]) {
                    return index;
                }
            }
        }
    }
    0
}

fn command_tag(tokens: &[Token<'_>]) -> String {
    let word = |index: usize| {
        tokens
            .get(index)
            .filter(|token| token.kind == TokenKind::Word)
            .map(|token| token.text.to_uppercase())
    };
    let Some(first) = word(0) else { return String::new() };
    match first.as_str() {
        "CREATE" => {
            let object = tokens
                .iter()
                .skip(1)
                .find(|token| !token.is_one_of(&["TEMP", "TEMPORARY", "UNIQUE", "VIRTUAL"]));
            let is_virtual = tokens.get(1).is_some_and(|token| token.is_word("VIRTUAL"));
            match object {
                Some(object) if object.is_one_of(&["TABLE", "VIEW", "INDEX", "TRIGGER"]) => {
                    format!("CREATE {}{}", if is_virtual { "VIRTUAL " } else { "" }, object.text.to_uppercase())
                }
                _ => first,
            }
        }
        "DROP" | "ALTER" => match word(1) {
            Some(object) => format!("{first} {object}"),
            None => first,
        },
        "START" => word(1)
            .filter(|second| second == "TRANSACTION")
            .map_or(first, |second| format!("START {second}")),
        "END" => "COMMIT".to_owned(),
        "ABORT" => "ROLLBACK".to_owned(),
        _ => first,
    }
}

/// A JOIN anywhere, or a comma in a FROM clause at the clause's own depth.
fn is_join(tokens: &[Token<'_>]) -> bool {
    const ENDS: [&str; 11] = [
        "WHERE",
        "GROUP",
        "HAVING",
        "WINDOW",
        "ORDER",
        "LIMIT",
        "UNION",
        "INTERSECT",
        "EXCEPT",
        "RETURNING",
        "SELECT",
    ];
    // One entry for each open parenthesis and one for the statement: whether a FROM clause is open at that depth.
    let mut in_from = vec![false];
    let mut previous: Option<Token<'_>> = None;
    for token in tokens {
        match token.kind {
            TokenKind::Open => in_from.push(false),
            TokenKind::Close => {
                in_from.pop();
                if in_from.is_empty() {
                    in_from.push(false);
                }
            }
            TokenKind::Comma if in_from.last() == Some(&true) => return true,
            TokenKind::Semicolon => in_from = vec![false],
            TokenKind::Word if token.is_word("JOIN") => return true,
            TokenKind::Word => {
                // In `a IS DISTINCT FROM b` the word opens no clause.
                let opens = token.is_word("FROM") && !previous.is_some_and(|previous| previous.is_word("DISTINCT"));
                if opens || token.is_one_of(&ENDS) {
                    in_from.pop();
                    in_from.push(opens);
                }
            }
            _ => {}
        }
        previous = Some(*token);
    }
    false
}

/// `tokens`: from the INSERT or REPLACE on.
fn is_upsert(tokens: &[Token<'_>]) -> bool {
    let is = |index: usize, word: &str| tokens.get(index).is_some_and(|token| token.is_word(word));
    if is(0, "REPLACE") || (is(1, "OR") && is(2, "REPLACE")) {
        return true;
    }
    let mut is_conflict = false;
    for (index, token) in tokens.iter().enumerate() {
        is_conflict |= token.is_word("CONFLICT") && index > 0 && is(index - 1, "ON");
        if is_conflict && token.is_word("DO") && is(index + 1, "UPDATE") {
            return true;
        }
    }
    false
}

fn has_returning(tokens: &[Token<'_>]) -> bool {
    let mut depth = 0_i64;
    tokens.iter().any(|token| {
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth -= 1,
            _ => {}
        }
        depth == 0 && token.is_word("RETURNING")
    })
}

#[cfg(test)]
mod tests;
