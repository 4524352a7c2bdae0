//! The normal form of a statement: the same types, in the words that the parser knows.
//!
//! The parser serves many dialects and so reserves many words, and it lacks some of SQLite's forms. So every word that is no
//! keyword at its place is quoted with backticks, and the forms are brought to a common one:
//!
//! | in SQLite | in normal form |
//! |---|---|
//! | `$2`, `:name`, `?` | `?2`, by number |
//! | `a IS b`, `a IS NOT b`, `a ISNULL` | `a IS NOT DISTINCT FROM b`, … |
//! | `a GLOB b`, `a MATCH b`, `a REGEXP b`, `a LIKE b ESCAPE c` | `a LIKE b` |
//! | `a IN t` | `a IN (SELECT * FROM t)` |
//! | `CAST(a AS DOUBLE PRECISION)` | ``CAST(a AS `DOUBLE PRECISION`)`` |
//! | `INSERT OR …`, `REPLACE`, `UPDATE OR …` | `INSERT`, `INSERT`, `UPDATE` |
//! | `ON CONFLICT (a) WHERE b DO …` | `ON CONFLICT DO …` |
//! | `INDEXED BY i`, `NOT INDEXED`, `MATERIALIZED`, window frames | left out |
//! | `EXPLAIN [QUERY PLAN] …` | `…` |

mod weight;
mod words;

use super::parameter::Numbering;
use crate::sqlite::ColumnType;
use crate::sqlite::token::{Token, TokenKind, significant};
use weight::Weight;
use words::Role;

pub(super) struct Normal {
    /// `None` for what the parser must not see: malformed text, and expressions too deep for a stack.
    pub(super) text: Option<String>,
    /// One for each parameter number, with what its text alone tells.
    pub(super) params: Vec<ColumnType>,
    pub(super) explained: Explained,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Explained {
    No,
    /// `EXPLAIN`: the virtual machine's program.
    Program,
    /// `EXPLAIN QUERY PLAN`.
    Plan,
}

/// Brings one statement to its normal form.
pub(super) fn normalize(sql: &str) -> Normal {
    let tokens = significant(sql);
    let tokens = tokens
        .split(|token| token.kind == TokenKind::Semicolon)
        .find(|statement| !statement.is_empty())
        .unwrap_or_default();
    let is = |index: usize, word: &str| tokens.get(index).is_some_and(|token| token.is_word(word));
    let (explained, start) = match (is(0, "EXPLAIN"), is(1, "QUERY") && is(2, "PLAN")) {
        (true, true) => (Explained::Plan, 3),
        (true, false) => (Explained::Program, 1),
        _ => (Explained::No, 0),
    };
    let mut numbering = Numbering::default();
    // Numbers first, in the order of the text, so that left-out clauses do not shift them.
    let numbers: Vec<Option<usize>> = tokens
        .iter()
        .map(|token| {
            if token.kind == TokenKind::Parameter {
                numbering.number(token.text)
            } else {
                None
            }
        })
        .collect();
    let text = Writer::new(tokens, &numbers, start).write();
    Normal {
        text,
        params: numbering.types,
        explained,
    }
}

/// What a parenthesis, or `CASE … END`, holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    Statement,
    Parenthesis,
    /// `CAST(`
    Cast,
    /// `OVER (` and `WINDOW name AS (`
    Window,
    Case,
}

struct Writer<'t, 'a> {
    tokens: &'t [Token<'a>],
    numbers: &'t [Option<usize>],
    at: usize,
    out: String,
    frames: Vec<Frame>,
    weight: Weight,
    /// What was written last ends an operand, so that an infix word may follow.
    is_operand: bool,
    /// `is_operand` before the word written last.
    was_operand: bool,
}

impl<'t, 'a> Writer<'t, 'a> {
    fn new(tokens: &'t [Token<'a>], numbers: &'t [Option<usize>], start: usize) -> Writer<'t, 'a> {
        Writer {
            tokens,
            numbers,
            at: start,
            out: String::new(),
            frames: vec![Frame::Statement],
            weight: Weight::default(),
            is_operand: false,
            was_operand: false,
        }
    }

    fn write(mut self) -> Option<String> {
        while let Some(token) = self.token(0) {
            match token.kind {
                TokenKind::Word => self.word(token)?,
                TokenKind::Parameter => {
                    let number = self.numbers[self.at]?;
                    self.operand(&format!("?{number}"));
                }
                // The parser would take a hexadecimal number for a blob.
                TokenKind::Number if token.text.starts_with("0x") || token.text.starts_with("0X") => self.operand("0"),
                TokenKind::Number | TokenKind::String | TokenKind::Blob => self.operand(token.text),
                TokenKind::QuotedName if token.text.starts_with('[') => self.name(&token.unquoted()),
                TokenKind::QuotedName => self.operand(token.text),
                TokenKind::Open => self.open(),
                TokenKind::Close => self.close()?,
                TokenKind::Comma => {
                    self.weight.separate();
                    self.keyword(",");
                }
                TokenKind::Dot => {
                    self.out.truncate(self.out.trim_end().len());
                    self.out.push('.');
                    self.is_operand = false;
                }
                TokenKind::Operator => {
                    self.weight.operator();
                    self.keyword(if token.text == "==" { "=" } else { token.text });
                }
                TokenKind::Space | TokenKind::Comment | TokenKind::Semicolon => {}
                TokenKind::Other => return None,
            }
            self.at += 1;
        }
        self.weight.into_bearable().then_some(self.out)
    }

    fn token(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn is(&self, ahead: usize, word: &str) -> bool {
        self.token(ahead).is_some_and(|token| token.is_word(word))
    }

    fn is_kind(&self, ahead: usize, kind: TokenKind) -> bool {
        self.token(ahead).is_some_and(|token| token.kind == kind)
    }

    fn previous(&self) -> Option<Token<'a>> {
        self.at.checked_sub(1).and_then(|index| self.tokens.get(index)).copied()
    }

    fn after(&self, words: &[&str]) -> bool {
        self.previous().is_some_and(|token| token.is_one_of(words))
    }

    fn emit(&mut self, text: &str, is_operand: bool) {
        self.out.push_str(text);
        self.out.push(' ');
        self.was_operand = self.is_operand;
        self.is_operand = is_operand;
    }

    fn keyword(&mut self, text: &str) {
        self.emit(text, false);
    }

    fn operand(&mut self, text: &str) {
        self.emit(text, true);
    }

    fn name(&mut self, name: &str) {
        self.operand(&format!("`{}`", name.replace('`', "``")));
    }

    fn open(&mut self) {
        let is_window = self.after(&["OVER"])
            || (self.after(&["AS"]) && self.at >= 3 && matches!(self.tokens[self.at - 3], token if token.is_word("WINDOW")));
        let frame = if self.after(&["CAST"]) {
            Frame::Cast
        } else if is_window {
            Frame::Window
        } else {
            Frame::Parenthesis
        };
        self.frames.push(frame);
        self.weight.open();
        self.keyword("(");
    }

    /// `None` if nothing is open.
    fn close(&mut self) -> Option<()> {
        while self.frames.last() == Some(&Frame::Case) {
            self.frames.pop();
            self.weight.close();
        }
        self.weight.close();
        self.frames.pop();
        self.operand(")");
        (!self.frames.is_empty()).then_some(())
    }

    /// The number of tokens up to, and without, the parenthesis that closes the one we are in.
    fn to_close(&self) -> usize {
        let mut depth = 0_usize;
        let rest = &self.tokens[self.at..];
        let end = rest.iter().position(|token| match token.kind {
            TokenKind::Open => {
                depth += 1;
                false
            }
            TokenKind::Close if depth == 0 => true,
            TokenKind::Close => {
                depth -= 1;
                false
            }
            _ => false,
        });
        end.unwrap_or(rest.len())
    }

    /// Leaves out tokens beside the one that is being read.
    fn skip(&mut self, count: usize) {
        self.at += count;
    }

    fn word(&mut self, token: Token<'a>) -> Option<()> {
        let upper = token.text.to_ascii_uppercase();
        if self.is_kind(1, TokenKind::Dot) || self.previous().is_some_and(|previous| previous.kind == TokenKind::Dot) {
            self.name(token.text);
            return Some(());
        }
        match words::role(&upper) {
            Role::Name => self.name(token.text),
            Role::Keyword => self.keyword(&upper),
            Role::Value => self.operand(&upper),
            Role::Logical => {
                self.weight.logical();
                self.keyword(&upper);
            }
            Role::Compound => {
                self.weight.compound();
                self.keyword(&upper);
            }
            Role::InContext => self.word_in_context(token, &upper),
        }
        Some(())
    }

    /// The words whose meaning hangs on their neighbours.
    fn word_in_context(&mut self, token: Token<'a>, upper: &str) {
        match upper {
            "CASE" => {
                self.frames.push(Frame::Case);
                self.weight.open();
                self.keyword(upper);
            }
            "WHEN" | "THEN" | "ELSE" => {
                self.weight.separate();
                self.keyword(upper);
            }
            "END" if self.frames.last() == Some(&Frame::Case) && self.is_operand => {
                self.frames.pop();
                self.weight.close();
                self.operand(upper);
            }
            "CAST" if self.is_kind(1, TokenKind::Open) => self.keyword(upper),
            "AS" if self.frames.last() == Some(&Frame::Cast) => self.cast_type(),
            "AS" => {
                self.keyword(upper);
                if self.is(1, "MATERIALIZED") && self.is_kind(2, TokenKind::Open) {
                    self.skip(1);
                } else if self.is(1, "NOT") && self.is(2, "MATERIALIZED") {
                    self.skip(2);
                }
            }
            "IS" | "ISNULL" | "NOTNULL" | "NOT" => self.null_test(upper),
            "LIKE" | "GLOB" | "REGEXP" | "MATCH" if self.is_operand || (self.after(&["NOT"]) && self.was_operand) => {
                self.weight.operator();
                self.keyword("LIKE");
            }
            "ESCAPE" if self.is_operand => self.left_out_operand(),
            "IN" => self.membership(),
            "INSERT" | "UPDATE" => {
                self.keyword(upper);
                if self.is(1, "OR") {
                    self.skip(2);
                }
            }
            "REPLACE" if self.is(1, "INTO") => self.keyword("INSERT"),
            "CONFLICT" if self.after(&["ON"]) => self.conflict(),
            "NOTHING" if self.after(&["DO"]) => self.keyword(upper),
            "INDEXED" if self.is(1, "BY") => self.skip(2),
            "BY" if self.after(&["GROUP", "ORDER", "PARTITION"]) => self.keyword(upper),
            "PARTITION" if self.is(1, "BY") => self.keyword(upper),
            "ASC" | "DESC" if self.is_operand => self.emit(upper, true),
            "NULLS" if self.is(1, "FIRST") || self.is(1, "LAST") => self.keyword(upper),
            "FIRST" | "LAST" if self.after(&["NULLS"]) => self.emit(upper, true),
            "OFFSET" if self.is_operand => self.keyword(upper),
            "RECURSIVE" if self.after(&["WITH"]) => self.keyword(upper),
            "FILTER" | "OVER" if self.previous().is_some_and(|previous| previous.kind == TokenKind::Close) => self.keyword(upper),
            "WINDOW" if self.is(2, "AS") => self.keyword(upper),
            "ROWS" | "RANGE" | "GROUPS" if self.is_frame() => self.skip(self.to_close().saturating_sub(1)),
            _ => self.name(token.text),
        }
    }

    /// Everything after `AS` in a CAST as one quoted name.
    fn cast_type(&mut self) {
        self.keyword("AS");
        let len = self.to_close();
        let words: Vec<String> = self.tokens[self.at + 1..self.at + len].iter().map(Token::unquoted).collect();
        self.name(&words.join(" "));
        self.skip(len.saturating_sub(1));
    }

    fn null_test(&mut self, upper: &str) {
        let is_constant = |token: Option<Token<'_>>| token.is_some_and(|token| token.is_one_of(&["NULL", "TRUE", "FALSE"]));
        self.weight.operator();
        match upper {
            "ISNULL" if self.is_operand => self.operand("IS NULL"),
            "NOTNULL" if self.is_operand => self.operand("IS NOT NULL"),
            "ISNULL" | "NOTNULL" => self.name(upper),
            "NOT" if self.is(1, "INDEXED") => self.skip(1),
            "NOT" if self.is(1, "NULL") && self.is_operand => {
                self.operand("IS NOT NULL");
                self.skip(1);
            }
            "NOT" => self.keyword("NOT"),
            // `IS [NOT] {NULL|TRUE|FALSE}` and `IS [NOT] DISTINCT FROM` are the parser's own.
            _ if is_constant(self.token(1)) || self.is(1, "DISTINCT") => self.keyword("IS"),
            _ if self.is(1, "NOT") && (is_constant(self.token(2)) || self.is(2, "DISTINCT")) => {
                self.keyword("IS NOT");
                self.skip(1);
            }
            _ if self.is(1, "NOT") => {
                self.keyword("IS DISTINCT FROM");
                self.skip(1);
            }
            _ => self.keyword("IS NOT DISTINCT FROM"),
        }
    }

    /// `IN t` and `IN schema.t` as a sub-select.
    fn membership(&mut self) {
        self.weight.operator();
        self.keyword("IN");
        let Some(table) = self
            .token(1)
            .filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::QuotedName))
        else {
            return;
        };
        self.keyword("( SELECT * FROM");
        self.name(&table.unquoted());
        self.skip(1);
        if let (true, Some(table)) = (self.is_kind(1, TokenKind::Dot), self.token(2)) {
            self.out.push('.');
            self.name(&table.unquoted());
            self.skip(2);
        }
        self.operand(")");
    }

    /// `ESCAPE` and its operand: a literal, a parameter, or a parenthesis.
    fn left_out_operand(&mut self) {
        self.skip(1);
        if self.is_kind(0, TokenKind::Open) {
            self.skip(1);
            self.skip(self.to_close());
        }
    }

    /// `ON CONFLICT`, without its target.
    fn conflict(&mut self) {
        self.keyword("CONFLICT DO");
        let rest = &self.tokens[self.at..];
        let to_do = rest
            .windows(2)
            .position(|pair| pair[0].is_word("DO") && pair[1].is_one_of(&["NOTHING", "UPDATE"]));
        self.skip(to_do.unwrap_or(0));
    }

    /// A window frame, and no column of that name: it stands in a window, first or after a term.
    fn is_frame(&self) -> bool {
        let is_first = self.previous().is_some_and(|previous| previous.kind == TokenKind::Open);
        let is_window = self.frames.last() == Some(&Frame::Window) && (is_first || self.is_operand);
        is_window
            || (self.is_operand
                && self
                    .token(1)
                    .is_some_and(|next| next.is_one_of(&["BETWEEN", "UNBOUNDED", "CURRENT"])))
    }
}
