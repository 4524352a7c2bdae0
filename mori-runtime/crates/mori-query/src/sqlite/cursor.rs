//! A reading position in the significant tokens of one statement, for the small grammars that are read by hand.

use super::token::{Token, TokenKind};

#[derive(Clone)]
pub(super) struct Cursor<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
}

impl<'t, 'a> Cursor<'t, 'a> {
    /// `tokens`: without trivia. A semicolon at the end does not count.
    pub(super) fn new(tokens: &'t [Token<'a>]) -> Cursor<'t, 'a> {
        let end = tokens
            .iter()
            .rposition(|token| token.kind != TokenKind::Semicolon)
            .map_or(0, |last| last + 1);
        Cursor {
            tokens: &tokens[..end],
            at: 0,
        }
    }

    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    pub(super) fn take(&mut self) -> Option<Token<'a>> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    pub(super) fn at_end(&self) -> bool {
        self.at == self.tokens.len()
    }

    /// Takes the keyword if it is next.
    pub(super) fn word(&mut self, word: &str) -> Option<Token<'a>> {
        self.peek().filter(|token| token.is_word(word))?;
        self.take()
    }

    /// Takes the keywords if they are next, all of them or none.
    pub(super) fn words(&mut self, words: &[&str]) -> bool {
        let start = self.at;
        for word in words {
            if self.word(word).is_none() {
                self.at = start;
                return false;
            }
        }
        true
    }

    pub(super) fn one_of(&mut self, words: &[&str]) -> Option<Token<'a>> {
        self.peek().filter(|token| token.is_one_of(words))?;
        self.take()
    }

    pub(super) fn kind(&mut self, kind: TokenKind) -> Option<Token<'a>> {
        self.peek().filter(|token| token.kind == kind)?;
        self.take()
    }

    /// A name as PostgreSQL reads it: bare words fold to small letters, quoted ones stay.
    pub(super) fn name(&mut self) -> Option<String> {
        let token = self.peek()?;
        let name = match token.kind {
            TokenKind::Word => token.text.to_lowercase(),
            TokenKind::QuotedName => token.unquoted(),
            _ => return None,
        };
        self.at += 1;
        Some(name)
    }
}
