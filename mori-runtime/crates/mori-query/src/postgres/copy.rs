//! COPY: what it copies, where from and where to.

use super::cursor::Cursor;
use super::name::QualifiedName;
use super::token::{Token, TokenKind};
use std::ops::Range;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copy {
    pub(super) source: Source,
    pub(super) direction: Direction,
    /// The other end is the client, not a file or a program of the server.
    pub(super) is_client: bool,
    /// The other end is a program that the server runs.
    pub(super) is_program: bool,
    /// The index of the first token behind STDIN, STDOUT or the file: options, and the WHERE of a COPY FROM.
    pub(super) rest: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Relation(QualifiedName),
    /// The indices of the tokens between the parentheses.
    Query(Range<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// COPY … FROM: into the table.
    In,
    /// COPY … TO: out of the table or the query.
    Out,
}

/// Reads a COPY. `None` for a malformed one.
pub(super) fn parse(tokens: &[Token<'_>]) -> Option<Copy> {
    let mut cursor = Cursor::new(tokens);
    if !cursor.word("COPY") {
        return None;
    }
    let source = if cursor.peek_is(TokenKind::Open) {
        let start = cursor.at() + 1;
        cursor.parenthesis();
        Source::Query(start..cursor.at().saturating_sub(1))
    } else {
        // A table may be called `binary` only in quotes.
        cursor.word("BINARY");
        let name = cursor.qualified_name()?;
        cursor.parenthesis();
        Source::Relation(name)
    };
    let direction = match (&source, cursor.word("TO")) {
        (_, true) => Direction::Out,
        (Source::Relation(_), false) if cursor.word("FROM") => Direction::In,
        _ => return None,
    };
    let is_client = cursor.one_of(&["STDIN", "STDOUT"]);
    let is_program = cursor.word("PROGRAM");
    Some(Copy {
        source,
        direction,
        is_client,
        is_program,
        rest: cursor.at(),
    })
}
