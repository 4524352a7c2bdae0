//! A total tokenizer for PostgreSQL text, after `scan.l` of PostgreSQL 15 to 18.
//!
//! It never fails: what has no end goes to the end of the text as [`TokenKind::Unterminated`], and a character that starts nothing is a
//! token of its own. The tokens cover the text without a gap. Bytes from 0x80 up are name characters outside of quotes, as in the
//! server, so every encoding passes through.

use std::ops::Range;

/// How the server reads a connection's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// The setting of that name. Where it is off, a backslash escapes in `'…'` too.
    pub standard_conforming_strings: bool,
    /// No character of the client's encoding contains an ASCII byte. It is so in every encoding a database may have, and not in the
    /// client-only ones: SJIS, BIG5, GBK, UHC, JOHAB, GB18030, SHIFT_JIS_2004. In those a backslash may be the half of a character, so
    /// a text with bytes from 0x80 up is believed to be a write that may touch everything.
    pub ascii_safe_encoding: bool,
}

impl Default for Syntax {
    fn default() -> Self {
        Syntax {
            standard_conforming_strings: true,
            ascii_safe_encoding: true,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Space,
    /// `-- …` up to the line's end, or `/* … */` with comments inside.
    Comment,
    /// `'…'`, `E'…'`, `U&'…'`, with the parts that follow on further lines.
    String,
    /// `$tag$ … $tag$`.
    DollarString,
    /// `B'…'` or `X'…'`.
    BitString,
    /// `"…"` or `U&"…"`.
    QuotedName,
    /// A keyword or a bare name. The `N` of `N'…'` is one too, as in the server.
    Word,
    /// `12`, `1.5e-3`, `0xFF`, `1_000`, and malformed ones like `12ab`.
    Number,
    /// `$1`.
    Parameter,
    /// A run of operator characters; also `::`, `..` and `:=`.
    Operator,
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    Comma,
    Dot,
    Colon,
    Semicolon,
    /// A comment, string or name without an end: the rest of the text. The server rejects it.
    Unterminated,
    /// A character PostgreSQL has no use for.
    Other,
}

/// A token and where it stands; `start` and the length of `text` are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: TokenKind,
    pub text: &'a [u8],
    pub start: usize,
}

impl Token<'_> {
    /// The byte after the token.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub fn span(&self) -> Range<usize> {
        self.start..self.end()
    }

    /// Blanks and comments.
    pub fn is_trivia(&self) -> bool {
        matches!(self.kind, TokenKind::Space | TokenKind::Comment)
    }

    /// An unquoted word, compared without regard to case.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(word.as_bytes())
    }

    pub fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(word))
    }
}

/// All tokens of a text, blanks and comments included.
pub fn tokens(sql: &[u8], syntax: Syntax) -> Tokens<'_> {
    Tokens { sql, at: 0, syntax }
}

/// The tokens that mean something.
pub(super) fn significant(sql: &[u8], syntax: Syntax) -> Vec<Token<'_>> {
    tokens(sql, syntax).filter(|token| !token.is_trivia()).collect()
}

/// Iterator over the tokens of a text.
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    sql: &'a [u8],
    at: usize,
    syntax: Syntax,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = &self.sql[self.at..];
        if rest.is_empty() {
            return None;
        }
        let (kind, len) = scan(rest, self.syntax);
        let token = Token {
            kind,
            text: &rest[..len],
            start: self.at,
        };
        self.at += len;
        Some(token)
    }
}

/// The kind and the length of the token at the start of `text`, which is not empty.
fn scan(text: &[u8], syntax: Syntax) -> (TokenKind, usize) {
    let byte = |index: usize| text.get(index).copied().unwrap_or(0);
    match text[0] {
        b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => (TokenKind::Space, run(text, 1, is_space)),
        b'e' | b'E' if byte(1) == b'\'' => quoted(text, 1, TokenKind::String, true),
        b'b' | b'B' | b'x' | b'X' if byte(1) == b'\'' => quoted(text, 1, TokenKind::BitString, false),
        b'u' | b'U' if byte(1) == b'&' && byte(2) == b'\'' => quoted(text, 2, TokenKind::String, false),
        b'u' | b'U' if byte(1) == b'&' && byte(2) == b'"' => quoted_name(text, 2),
        first if is_name_start(first) => (TokenKind::Word, run(text, 1, is_name)),
        b'\'' => quoted(text, 0, TokenKind::String, !syntax.standard_conforming_strings),
        b'"' => quoted_name(text, 0),
        b'$' => dollar(text),
        b'0'..=b'9' => (TokenKind::Number, number(text)),
        b'.' if byte(1).is_ascii_digit() => (TokenKind::Number, number(text)),
        b'.' if byte(1) == b'.' => (TokenKind::Operator, 2),
        b'-' if byte(1) == b'-' => (TokenKind::Comment, line_comment(text, 0)),
        b'/' if byte(1) == b'*' => block_comment(text),
        b'(' => (TokenKind::Open, 1),
        b')' => (TokenKind::Close, 1),
        b'[' => (TokenKind::OpenBracket, 1),
        b']' => (TokenKind::CloseBracket, 1),
        b',' => (TokenKind::Comma, 1),
        b'.' => (TokenKind::Dot, 1),
        b';' => (TokenKind::Semicolon, 1),
        b':' if matches!(byte(1), b':' | b'=') => (TokenKind::Operator, 2),
        b':' => (TokenKind::Colon, 1),
        first if is_operator(first) => (TokenKind::Operator, operator(text)),
        _ => (TokenKind::Other, 1),
    }
}

/// The end of the run of bytes that satisfy `belongs`, from `start`.
fn run(text: &[u8], start: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let mut at = start.min(text.len());
    while at < text.len() && belongs(text[at]) {
        at += 1;
    }
    at
}

/// Up to the line's end, which a carriage return is as well.
fn line_comment(text: &[u8], start: usize) -> usize {
    run(text, start, |byte| byte != b'\n' && byte != b'\r')
}

fn block_comment(text: &[u8]) -> (TokenKind, usize) {
    let mut depth = 0_usize;
    let mut at = 0;
    while at + 1 < text.len() {
        match &text[at..at + 2] {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return (TokenKind::Comment, at);
                }
            }
            _ => at += 1,
        }
    }
    (TokenKind::Unterminated, text.len())
}

/// A string whose first quote is at `open`, with the parts that continue it: `'a'`, a line's end, `'b'` is one string, read by the rules
/// of its first part.
fn quoted(text: &[u8], open: usize, kind: TokenKind, escapes: bool) -> (TokenKind, usize) {
    let mut at = open + 1;
    while at < text.len() {
        match text[at] {
            b'\'' if text.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => match continuation(text, at + 1) {
                Some(next) => at = next,
                None => return (kind, at + 1),
            },
            b'\\' if escapes => at += 2,
            _ => at += 1,
        }
    }
    (TokenKind::Unterminated, text.len())
}

/// The byte behind the quote that continues a string which seems to end before `start`: between the two are blanks, line comments and at
/// least one line's end.
pub(super) fn continuation(text: &[u8], start: usize) -> Option<usize> {
    let mut has_line_end = false;
    let mut at = start;
    loop {
        match text.get(at)? {
            b'\n' | b'\r' => {
                has_line_end = true;
                at += 1;
            }
            b'-' if text.get(at + 1) == Some(&b'-') => at = line_comment(text, at),
            b'\'' if has_line_end => return Some(at + 1),
            &byte if is_space(byte) => at += 1,
            _ => return None,
        }
    }
}

fn quoted_name(text: &[u8], open: usize) -> (TokenKind, usize) {
    let mut at = open + 1;
    while at < text.len() {
        if text[at] == b'"' {
            if text.get(at + 1) != Some(&b'"') {
                return (TokenKind::QuotedName, at + 1);
            }
            at += 1;
        }
        at += 1;
    }
    (TokenKind::Unterminated, text.len())
}

/// `$1`, `$tag$ … $tag$`, or a dollar that starts nothing.
fn dollar(text: &[u8]) -> (TokenKind, usize) {
    if text.get(1).is_some_and(u8::is_ascii_digit) {
        return (TokenKind::Parameter, run(text, 1, is_name));
    }
    let tag_len = dollar_tag(text);
    if tag_len == 0 {
        return (TokenKind::Other, 1);
    }
    let tag = &text[..tag_len];
    let mut at = tag_len;
    while let Some(next) = text[at..].iter().position(|&byte| byte == b'$') {
        at += next;
        if text[at..].starts_with(tag) {
            return (TokenKind::DollarString, at + tag_len);
        }
        at += 1;
    }
    (TokenKind::Unterminated, text.len())
}

/// The length of the `$tag$` at the start of `text`; zero if there is none.
pub(super) fn dollar_tag(text: &[u8]) -> usize {
    let end = match text.get(1) {
        Some(&first) if is_name_start(first) => run(text, 1, |byte| is_name(byte) && byte != b'$'),
        _ => 1,
    };
    if text.get(end) == Some(&b'$') { end + 1 } else { 0 }
}

fn number(text: &[u8]) -> usize {
    let digits = |start: usize| run(text, start, |byte| byte.is_ascii_digit() || byte == b'_');
    let mut at = digits(0);
    // Of `1..10`, both dots belong to the operator.
    if text.get(at) == Some(&b'.') && text.get(at + 1) != Some(&b'.') {
        at = digits(at + 1);
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        if text.get(at + 1 + sign).is_some_and(u8::is_ascii_digit) {
            at = digits(at + 1 + sign);
        }
    }
    // Also the digits of `0xFF`, and what the server calls trailing junk.
    run(text, at, is_name)
}

/// The longest run of operator characters in which no comment starts. Unless it has a character that SQL's own operators lack, it does
/// not end in `+` or `-`: `=-` is two operators, `@-` is one.
fn operator(text: &[u8]) -> usize {
    let mut end = 1;
    while end < text.len() && is_operator(text[end]) && !matches!(&text[end..text.len().min(end + 2)], b"--" | b"/*") {
        end += 1;
    }
    let is_special = text[..end].iter().any(|byte| b"~!@#^&|`?%".contains(byte));
    while !is_special && end > 1 && matches!(text[end - 1], b'+' | b'-') {
        end -= 1;
    }
    end
}

const SPACE: u8 = 1;
const NAME_START: u8 = 2;
const NAME: u8 = 4;
const OPERATOR: u8 = 8;

/// What each byte may be part of.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => SPACE,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..=0xff => NAME_START | NAME,
            b'0'..=b'9' | b'$' => NAME,
            b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'=' => {
                OPERATOR
            }
            _ => 0,
        };
        byte += 1;
    }
    classes
};

fn is_space(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & SPACE != 0
}

pub(super) fn is_name_start(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & NAME_START != 0
}

pub(super) fn is_name(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & NAME != 0
}

fn is_operator(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & OPERATOR != 0
}

#[cfg(test)]
mod tests;
