//! The list of common table expressions behind a WITH.

use super::literal;
use super::token::{Token, TokenKind};

/// Where each parenthesis has its match. An open one without a match ends behind the last token; a closing one without a match has none.
pub(super) struct Pairs(Vec<Option<usize>>);

impl Pairs {
    pub(super) fn of(tokens: &[Token<'_>]) -> Pairs {
        let mut pairs = vec![None; tokens.len()];
        let mut open = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            match token.kind {
                TokenKind::Open => open.push(index),
                TokenKind::Close => {
                    if let Some(start) = open.pop() {
                        pairs[start] = Some(index);
                        pairs[index] = Some(start);
                    }
                }
                _ => {}
            }
        }
        Pairs(pairs)
    }

    pub(super) fn of_token(&self, index: usize) -> Option<usize> {
        self.0.get(index).copied().flatten()
    }
}

/// One `name [(columns)] AS [[NOT] MATERIALIZED] (body)`, by the indices of its tokens.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) name: String,
    pub(super) name_at: usize,
    /// The parenthesis that opens the body.
    pub(super) body: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct With {
    pub(super) recursive: bool,
    pub(super) expressions: Vec<Expression>,
    /// The first token of the statement behind the list.
    pub(super) main: usize,
}

/// Reads the list behind the WITH at `at`. `None` if it is another kind of WITH (`WITH ORDINALITY`, `WITH TIES`, `WITH (options)`, …).
pub(super) fn parse(tokens: &[Token<'_>], pairs: &Pairs, at: usize) -> Option<With> {
    let is = |index: usize, word: &str| tokens.get(index).is_some_and(|token| token.is_word(word));
    // A common table expression may be called `recursive` only in quotes.
    let recursive = is(at + 1, "RECURSIVE");
    let mut with = With {
        recursive,
        expressions: Vec::new(),
        main: at + 1 + usize::from(recursive),
    };
    loop {
        let expression = expression(tokens, pairs, with.main)?;
        // A body without an end holds all the rest.
        let mut next = pairs.of_token(expression.body)? + 1;
        with.expressions.push(expression);
        if is(next, "SEARCH") || is(next, "CYCLE") {
            next = skip_search(tokens, pairs, next);
        }
        with.main = next + 1;
        if tokens.get(next)?.kind != TokenKind::Comma {
            with.main = next;
            return Some(with);
        }
    }
}

fn expression(tokens: &[Token<'_>], pairs: &Pairs, at: usize) -> Option<Expression> {
    let is = |index: usize, word: &str| tokens.get(index).is_some_and(|token| token.is_word(word));
    let is_open = |index: usize| tokens.get(index).is_some_and(|token| token.kind == TokenKind::Open);
    let name = literal::name(tokens.get(at)?)?;
    let mut next = at + 1;
    if is_open(next) {
        next = pairs.of_token(next)? + 1;
    }
    if !is(next, "AS") {
        return None;
    }
    next += 1;
    next += usize::from(is(next, "NOT"));
    next += usize::from(is(next, "MATERIALIZED"));
    is_open(next).then_some(Expression {
        name,
        name_at: at,
        body: next,
    })
}

/// Skips `SEARCH … SET column` and `CYCLE … USING column`, which have commas of their own: to the comma before the next expression, or to
/// the main statement.
fn skip_search(tokens: &[Token<'_>], pairs: &Pairs, at: usize) -> usize {
    const MAIN: [&str; 7] = ["SELECT", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE"];
    let mut next = at + 1;
    while let Some(token) = tokens.get(next) {
        let ends = match token.kind {
            TokenKind::Comma => expression(tokens, pairs, next + 1).is_some(),
            TokenKind::Open | TokenKind::Close | TokenKind::Semicolon => true,
            _ => token.is_one_of(&MAIN),
        };
        if ends {
            break;
        }
        next += 1;
    }
    next
}
