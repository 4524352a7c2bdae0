//! A reading position in the significant tokens of one statement, for the small grammars that are read by hand.

use super::literal;
use super::name::QualifiedName;
use super::token::{Syntax, Token, TokenKind};

#[derive(Clone)]
pub(super) struct Cursor<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
}

impl<'t, 'a> Cursor<'t, 'a> {
    /// `tokens`: without trivia.
    pub(super) fn new(tokens: &'t [Token<'a>]) -> Cursor<'t, 'a> {
        Cursor { tokens, at: 0 }
    }

    /// The index of the next token.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    pub(super) fn peek_is(&self, kind: TokenKind) -> bool {
        self.peek().is_some_and(|token| token.kind == kind)
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
    pub(super) fn word(&mut self, word: &str) -> bool {
        self.one_of(&[word])
    }

    /// Takes the keywords if they are next, all of them or none.
    pub(super) fn words(&mut self, words: &[&str]) -> bool {
        let start = self.at;
        for word in words {
            if !self.word(word) {
                self.at = start;
                return false;
            }
        }
        true
    }

    pub(super) fn one_of(&mut self, words: &[&str]) -> bool {
        let is_next = self.peek().is_some_and(|token| token.is_one_of(words));
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn kind(&mut self, kind: TokenKind) -> Option<Token<'a>> {
        self.peek().filter(|token| token.kind == kind)?;
        self.take()
    }

    pub(super) fn name(&mut self) -> Option<String> {
        let name = literal::name(&self.peek()?)?;
        self.at += 1;
        Some(name)
    }

    /// Names with dots between them.
    pub(super) fn qualified_name(&mut self) -> Option<QualifiedName> {
        let mut schema = None;
        let mut name = self.name()?;
        loop {
            let before = self.at;
            if self.kind(TokenKind::Dot).is_none() {
                return Some(QualifiedName { schema, name });
            }
            match self.name() {
                Some(next) => schema = Some(std::mem::replace(&mut name, next)),
                None => {
                    self.at = before;
                    return Some(QualifiedName { schema, name });
                }
            }
        }
    }

    pub(super) fn string(&mut self, syntax: Syntax) -> Option<String> {
        let token = self.peek()?;
        matches!(token.kind, TokenKind::String | TokenKind::DollarString).then(|| {
            self.at += 1;
            String::from_utf8_lossy(&literal::content(&token, syntax)).into_owned()
        })
    }

    /// Skips a parenthesis with all that is in it, if one is next.
    pub(super) fn parenthesis(&mut self) -> bool {
        if !self.peek_is(TokenKind::Open) {
            return false;
        }
        let mut depth = 0_usize;
        while let Some(token) = self.take() {
            match token.kind {
                TokenKind::Open => depth += 1,
                TokenKind::Close => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        true
    }
}
