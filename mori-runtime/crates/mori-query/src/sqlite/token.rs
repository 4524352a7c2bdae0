//! A total tokenizer for SQLite text, after `sqlite3GetToken` in SQLite's `tokenize.c`.
//!
//! It never fails: what has no end goes to the end of the text, and a character that starts nothing is a token of its
//! own. The tokens cover the text without a gap, so spans can be cut out and replaced.

use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Space,
    /// `-- …` up to the line's end, or `/* … */`.
    Comment,
    /// `'…'`, with `''` for a quote inside.
    String,
    /// `x'…'`.
    Blob,
    /// `"…"`, `` `…` `` or `[…]`.
    QuotedName,
    /// A keyword or a bare name.
    Word,
    /// With all letters and digits that follow at once: `12`, `1.5e-3`, `0xFF`, `1_000`, and malformed ones like `12ab`.
    Number,
    /// `?`, `?12`, `$name`, `:name`, `@name`. As in SQLite, `$1::int` is one parameter of that name.
    Parameter,
    /// One operator: `||`, `->>`, `<=`, `+`, ….
    Operator,
    Open,
    Close,
    Comma,
    Dot,
    Semicolon,
    /// A character that SQLite has no use for.
    Other,
}

/// A token and where it stands. `start` and the length of `text` are in bytes and always on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: TokenKind,
    pub text: &'a str,
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
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(word)
    }

    pub fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(word))
    }

    /// What a name or a string says: quotes stripped, doubled quotes single. Other tokens are returned as they stand.
    pub fn unquoted(&self) -> String {
        let Some(quote) = self
            .text
            .chars()
            .next()
            .filter(|_| matches!(self.kind, TokenKind::String | TokenKind::QuotedName))
        else {
            return self.text.to_owned();
        };
        let body = &self.text[1..];
        if quote == '[' {
            return body.strip_suffix(']').unwrap_or(body).to_owned();
        }
        let doubled: String = [quote, quote].iter().collect();
        body.strip_suffix(quote).unwrap_or(body).replace(&doubled, &quote.to_string())
    }
}

/// All tokens of a text, blanks and comments included.
pub fn tokens(sql: &str) -> Tokens<'_> {
    Tokens { sql, at: 0 }
}

/// The tokens that mean something.
pub(super) fn significant(sql: &str) -> Vec<Token<'_>> {
    tokens(sql).filter(|token| !token.is_trivia()).collect()
}

/// Iterator over the tokens of a text.
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = &self.sql[self.at..];
        if rest.is_empty() {
            return None;
        }
        let (kind, len) = scan(rest.as_bytes());
        let token = Token {
            kind,
            text: &rest[..len],
            start: self.at,
        };
        self.at += len;
        Some(token)
    }
}

/// The kind and the length of the token at the start of `text`, which is not empty. Every branch ends before or after a
/// whole character, because bytes from 0x80 up are either name characters or inside a quoted run.
fn scan(text: &[u8]) -> (TokenKind, usize) {
    let byte = |index: usize| text.get(index).copied().unwrap_or(0);
    match text[0] {
        b' ' | b'\t' | b'\n' | b'\r' | 0x0c => (TokenKind::Space, run(text, 0, is_space)),
        0xef if text.starts_with(b"\xef\xbb\xbf") => (TokenKind::Space, 3),
        b'-' if byte(1) == b'-' => (
            TokenKind::Comment,
            text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len()),
        ),
        b'/' if byte(1) == b'*' => (TokenKind::Comment, block_comment(text)),
        b'\'' => (TokenKind::String, quoted(text, b'\'')),
        quote @ (b'"' | b'`') => (TokenKind::QuotedName, quoted(text, quote)),
        b'[' => (
            TokenKind::QuotedName,
            text.iter().position(|&byte| byte == b']').map_or(text.len(), |index| index + 1),
        ),
        b'x' | b'X' if byte(1) == b'\'' => (TokenKind::Blob, 1 + quoted(&text[1..], b'\'')),
        b'0'..=b'9' => (TokenKind::Number, number(text)),
        b'.' if byte(1).is_ascii_digit() => (TokenKind::Number, number(text)),
        b'?' => (TokenKind::Parameter, run(text, 1, |byte| byte.is_ascii_digit())),
        b'$' | b':' | b'@' | b'#' => named_parameter(text),
        b'(' => (TokenKind::Open, 1),
        b')' => (TokenKind::Close, 1),
        b',' => (TokenKind::Comma, 1),
        b'.' => (TokenKind::Dot, 1),
        b';' => (TokenKind::Semicolon, 1),
        first if is_name(first) => (TokenKind::Word, run(text, 0, is_name)),
        _ => operator(text),
    }
}

fn operator(text: &[u8]) -> (TokenKind, usize) {
    const LONG: [&[u8]; 10] = [b"->>", b"->", b"||", b"==", b"<=", b"<>", b"<<", b">=", b">>", b"!="];
    if let Some(long) = LONG.iter().find(|long| text.starts_with(long)) {
        return (TokenKind::Operator, long.len());
    }
    let kind = if b"+-*/%<>=&|~".contains(&text[0]) {
        TokenKind::Operator
    } else {
        TokenKind::Other
    };
    (kind, 1)
}

/// The end of the run of bytes that satisfy `belongs`, from `start`.
fn run(text: &[u8], start: usize, belongs: impl Fn(u8) -> bool) -> usize {
    text[start..]
        .iter()
        .position(|&byte| !belongs(byte))
        .map_or(text.len(), |len| start + len)
}

fn block_comment(text: &[u8]) -> usize {
    text[2..]
        .windows(2)
        .position(|pair| pair == b"*/")
        .map_or(text.len(), |index| index + 4)
}

/// A run from a quote to its match; a doubled quote is one inside.
fn quoted(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < text.len() {
        if text[at] == quote {
            if text.get(at + 1) != Some(&quote) {
                return at + 1;
            }
            at += 1;
        }
        at += 1;
    }
    text.len()
}

fn number(text: &[u8]) -> usize {
    if text[0] == b'0' && matches!(text.get(1), Some(b'x' | b'X')) {
        return run(text, 2, is_name);
    }
    let digits = |start: usize| run(text, start, |byte| byte.is_ascii_digit() || byte == b'_');
    let mut at = digits(0);
    if text.get(at) == Some(&b'.') {
        at = digits(at + 1);
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        if text.get(at + 1 + sign).is_some_and(u8::is_ascii_digit) {
            at = digits(at + 1 + sign);
        }
    }
    run(text, at, is_name)
}

/// `$name` with Tcl's `::` and `(…)`, which SQLite allows after each of the four signs.
fn named_parameter(text: &[u8]) -> (TokenKind, usize) {
    let mut at = 1;
    let mut has_name = false;
    while at < text.len() {
        match text[at] {
            byte if is_name(byte) => {
                has_name = true;
                at += 1;
            }
            b'(' if has_name => {
                let stop = run(text, at + 1, |byte| !is_space(byte) && byte != b')');
                at = if text.get(stop) == Some(&b')') { stop + 1 } else { stop };
                break;
            }
            b':' if text.get(at + 1) == Some(&b':') => at += 2,
            _ => break,
        }
    }
    if has_name {
        (TokenKind::Parameter, at)
    } else {
        (TokenKind::Other, 1)
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)
}

/// What SQLite's `IdChar` allows inside a name. A name cannot start with `$` or a digit; those bytes are matched before.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests;
