//! Transaction control: SQLite's own forms, and PostgreSQL's, which are brought to SQLite's by small edits.

use super::cursor::Cursor;
use super::token::{Token, TokenKind};
use std::ops::Range;

/// A statement of transaction control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transaction {
    Begin {
        /// `READ ONLY` or `READ WRITE` was asked for. SQLite has no such transactions; whoever runs it must see to it.
        read_only: Option<bool>,
        /// The text is SQLite's own already (`BEGIN IMMEDIATE`), none of PostgreSQL's.
        native: bool,
    },
    Commit {
        /// Begin another one at once.
        and_chain: bool,
    },
    Rollback {
        and_chain: bool,
    },
    RollbackTo {
        savepoint: String,
    },
    Savepoint {
        savepoint: String,
    },
    Release {
        savepoint: String,
    },
}

/// A span of the statement and what SQLite is to read in its place.
pub(super) type Edit = (Range<usize>, &'static str);

/// What `SET TRANSACTION` and `BEGIN` may say. Isolation levels are dropped: SQLite has only the strictest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Modes {
    pub(super) read_only: Option<bool>,
}

/// Reads a statement of transaction control. `None` for any other, and for a malformed one: SQLite's own error is the answer.
/// Savepoint names are in small letters, because SQLite compares them without regard to case.
pub(super) fn parse(tokens: &[Token<'_>]) -> Option<(Transaction, Vec<Edit>)> {
    let mut cursor = Cursor::new(tokens);
    let mut edits = Vec::new();
    let first = cursor.take()?;
    let transaction = if first.is_word("BEGIN") {
        begin(&mut cursor, &mut edits)?
    } else if first.is_word("START") {
        edits.push((first.span(), "BEGIN"));
        cursor.peek().filter(|token| token.is_word("TRANSACTION"))?;
        begin(&mut cursor, &mut edits)?
    } else if first.is_one_of(&["COMMIT", "END"]) {
        work(&mut cursor, &mut edits);
        Transaction::Commit {
            and_chain: chain(&mut cursor, &mut edits),
        }
    } else if first.is_one_of(&["ROLLBACK", "ABORT"]) {
        if first.is_word("ABORT") {
            edits.push((first.span(), "ROLLBACK"));
        }
        work(&mut cursor, &mut edits);
        if cursor.word("TO").is_some() {
            cursor.word("SAVEPOINT");
            Transaction::RollbackTo {
                savepoint: savepoint(&mut cursor)?,
            }
        } else {
            Transaction::Rollback {
                and_chain: chain(&mut cursor, &mut edits),
            }
        }
    } else if first.is_word("SAVEPOINT") {
        Transaction::Savepoint {
            savepoint: savepoint(&mut cursor)?,
        }
    } else if first.is_word("RELEASE") {
        cursor.word("SAVEPOINT");
        Transaction::Release {
            savepoint: savepoint(&mut cursor)?,
        }
    } else {
        return None;
    };
    cursor.at_end().then_some((transaction, edits))
}

/// Reads `ISOLATION LEVEL …`, `READ ONLY`, `READ WRITE`, `[NOT] DEFERRABLE`, with or without commas between them.
pub(super) fn modes(cursor: &mut Cursor<'_, '_>) -> Modes {
    const LEVELS: [&[&str]; 4] = [
        &["SERIALIZABLE"],
        &["REPEATABLE", "READ"],
        &["READ", "COMMITTED"],
        &["READ", "UNCOMMITTED"],
    ];
    let mut modes = Modes::default();
    loop {
        let before = cursor.clone();
        if cursor.words(&["ISOLATION", "LEVEL"]) {
            if !LEVELS.iter().any(|level| cursor.words(level)) {
                *cursor = before;
                return modes;
            }
        } else if cursor.words(&["READ", "ONLY"]) {
            modes.read_only = Some(true);
        } else if cursor.words(&["READ", "WRITE"]) {
            modes.read_only = Some(false);
        } else if !cursor.words(&["NOT", "DEFERRABLE"]) && cursor.word("DEFERRABLE").is_none() {
            return modes;
        }
        cursor.kind(TokenKind::Comma);
    }
}

fn begin(cursor: &mut Cursor<'_, '_>, edits: &mut Vec<Edit>) -> Option<Transaction> {
    if cursor.one_of(&["DEFERRED", "IMMEDIATE", "EXCLUSIVE"]).is_some() {
        cursor.word("TRANSACTION");
        return Some(Transaction::Begin {
            read_only: None,
            native: true,
        });
    }
    work(cursor, edits);
    let rest = cursor.clone();
    let read_only = modes(cursor).read_only;
    if let Some(span) = span_between(rest, cursor) {
        edits.push((span, ""));
    }
    Some(Transaction::Begin {
        read_only,
        native: edits.is_empty(),
    })
}

/// `WORK` is PostgreSQL's word, `TRANSACTION` is one of both.
fn work(cursor: &mut Cursor<'_, '_>, edits: &mut Vec<Edit>) {
    if let Some(work) = cursor.word("WORK") {
        edits.push((work.span(), "TRANSACTION"));
    } else {
        cursor.word("TRANSACTION");
    }
}

/// Reads `AND [NO] CHAIN`, which SQLite does not know.
fn chain(cursor: &mut Cursor<'_, '_>, edits: &mut Vec<Edit>) -> bool {
    let rest = cursor.clone();
    let and_chain = cursor.words(&["AND", "CHAIN"]);
    if (and_chain || cursor.words(&["AND", "NO", "CHAIN"]))
        && let Some(span) = span_between(rest, cursor)
    {
        edits.push((span, ""));
    }
    and_chain
}

/// SQLite takes a string for a savepoint's name as well.
fn savepoint(cursor: &mut Cursor<'_, '_>) -> Option<String> {
    let token = cursor.take()?;
    matches!(token.kind, TokenKind::Word | TokenKind::QuotedName | TokenKind::String).then(|| token.unquoted().to_lowercase())
}

/// From the next token of `from` to the last one that `to` has taken.
fn span_between(mut from: Cursor<'_, '_>, to: &Cursor<'_, '_>) -> Option<Range<usize>> {
    let stop = to.peek().map(|token| token.start);
    let mut span: Option<Range<usize>> = None;
    while let Some(token) = from.take().filter(|token| stop.is_none_or(|stop| token.start < stop)) {
        span = Some(span.map_or(token.start, |span| span.start)..token.end());
    }
    span
}
