//! What the quoted tokens say: quotes, escapes and continuations resolved.

use super::token::{Syntax, Token, TokenKind, continuation, dollar_tag};

/// Bytes of a name that count; the server cuts longer ones.
pub(super) const NAME_BYTES_MAX: usize = 63;

/// The content of a string, a bit string or a dollar-quoted string; of an unterminated token, what follows its opening. Other tokens are
/// returned as they stand.
pub(super) fn content(token: &Token<'_>, syntax: Syntax) -> Vec<u8> {
    let text = token.text;
    match token.kind {
        TokenKind::DollarString => {
            let tag = dollar_tag(text);
            text.get(tag..text.len().saturating_sub(tag)).unwrap_or_default().to_vec()
        }
        TokenKind::String => match text[0] {
            b'u' | b'U' => quoted(text, 2, Escapes::Unicode),
            b'e' | b'E' => quoted(text, 1, Escapes::C),
            _ if syntax.standard_conforming_strings => quoted(text, 0, Escapes::None),
            _ => quoted(text, 0, Escapes::C),
        },
        TokenKind::BitString => quoted(text, 1, Escapes::None),
        _ => text.to_vec(),
    }
}

/// What a bare or quoted name says: bare ones in small ASCII letters, and cut at the server's limit. `None` for other tokens.
pub(super) fn name(token: &Token<'_>) -> Option<String> {
    let name = whole_name(token)?;
    Some(cut(&name).to_owned())
}

/// As [`name`], not cut.
pub(super) fn whole_name(token: &Token<'_>) -> Option<String> {
    let text = token.text;
    let bytes = match token.kind {
        TokenKind::Word => text.to_ascii_lowercase(),
        TokenKind::QuotedName if text[0] == b'"' => undoubled(&text[1..text.len() - 1], b'"'),
        TokenKind::QuotedName => {
            let body = undoubled(&text[3..text.len() - 1], b'"');
            let mut name = Vec::with_capacity(body.len());
            let mut at = 0;
            while at < body.len() {
                at += match body[at] {
                    b'\\' => unicode_escape(&body[at..], &mut name),
                    byte => {
                        name.push(byte);
                        1
                    }
                };
            }
            name
        }
        _ => return None,
    };
    Some(match String::from_utf8(bytes) {
        Ok(name) => name,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The part of a name that counts.
pub(super) fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES_MAX)]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    /// `\n`, `\x41`, `\u00e9`, ….
    C,
    /// `\0041`, `\+000041`.
    Unicode,
}

/// The content of a string whose first quote is at `open`. The token is known to end in a quote.
fn quoted(text: &[u8], open: usize, escapes: Escapes) -> Vec<u8> {
    let mut value = Vec::with_capacity(text.len());
    let mut at = open + 1;
    while at < text.len() {
        match text[at] {
            b'\'' if text.get(at + 1) == Some(&b'\'') => {
                value.push(b'\'');
                at += 2;
            }
            b'\'' => match continuation(text, at + 1) {
                Some(next) => at = next,
                None => break,
            },
            b'\\' if escapes == Escapes::C => at += c_escape(&text[at..], &mut value),
            b'\\' if escapes == Escapes::Unicode => at += unicode_escape(&text[at..], &mut value),
            byte => {
                value.push(byte);
                at += 1;
            }
        }
    }
    value
}

/// Reads the escape at the start of `text`; its length.
fn c_escape(text: &[u8], value: &mut Vec<u8>) -> usize {
    let Some(&letter) = text.get(1) else { return 1 };
    let plain = match letter {
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'0'..=b'7' => {
            let (number, len) = digits(&text[1..], 8, 3);
            value.push((number & 0xff) as u8);
            return 1 + len;
        }
        b'x' => {
            let (number, len) = digits(&text[2..], 16, 2);
            value.push(if len == 0 { b'x' } else { (number & 0xff) as u8 });
            return 2 + len;
        }
        b'u' | b'U' => {
            let (number, len) = digits(&text[2..], 16, if letter == b'u' { 4 } else { 8 });
            push_character(number, value);
            return 2 + len;
        }
        other => other,
    };
    value.push(plain);
    2
}

/// Reads the escape at the start of `text`; its length. A malformed one stands for itself.
fn unicode_escape(text: &[u8], value: &mut Vec<u8>) -> usize {
    if text.get(1) == Some(&b'\\') {
        value.push(b'\\');
        return 2;
    }
    let (start, len_max) = if text.get(1) == Some(&b'+') { (2, 6) } else { (1, 4) };
    let (number, len) = digits(text.get(start..).unwrap_or_default(), 16, len_max);
    if len < len_max {
        value.push(b'\\');
        return 1;
    }
    push_character(number, value);
    start + len
}

fn digits(text: &[u8], radix: u32, len_max: usize) -> (u32, usize) {
    let mut number = 0_u32;
    let mut len = 0;
    while len < len_max.min(text.len()) {
        let Some(digit) = char::from(text[len]).to_digit(radix) else {
            break;
        };
        number = number.wrapping_mul(radix).wrapping_add(digit);
        len += 1;
    }
    (number, len)
}

/// Halves of surrogate pairs become the replacement character: no name we look for has any.
fn push_character(number: u32, value: &mut Vec<u8>) {
    let character = char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER);
    value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Doubled quotes single.
fn undoubled(body: &[u8], quote: u8) -> Vec<u8> {
    let mut value = Vec::with_capacity(body.len());
    let mut at = 0;
    while at < body.len() {
        value.push(body[at]);
        at += if body[at] == quote { 2 } else { 1 };
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::tokens;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let token = tokens(sql.as_bytes(), Syntax::default()).next().unwrap();
        let found = name(&token).unwrap_or_else(|| String::from_utf8_lossy(&content(&token, Syntax::default())).into_owned());
        assert_eq!(token.text.len(), sql.len(), "{sql} is one token");
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn strings() {
        check("'a''b'", "a'b");
        check("'a\\'", "a\\");
        check("'a' -- more\n 'b'", "ab");
        check("''", "");
        check(r"E'\x41\102\u00e9\U0001F600\n\'\q'", "AB\u{e9}\u{1F600}\n'q");
        check("e'a'\n'\\x62'", "ab");
        check(r"E'\x'", "x");
        check(r"U&'d\0061t\+000061 \\ \00'", "data \\ \\00");
        check("X'1F'", "1F");
        check("$$a'b$$", "a'b");
        check("$x$ $$ $x$", " $$ ");
        check("$é$a$é$", "a");
    }

    #[test]
    fn names() {
        check("Orders", "orders");
        check("\"Or\"\"ders\"", "Or\"ders");
        check("Éa", "Éa");
        check(r#"U&"\0441lo\+00006E""#, "\u{441}lon");
        check(&"A".repeat(80), &"a".repeat(63));
        check(&format!("\"{}\"", "é".repeat(40)), &"é".repeat(31));
    }

    #[test]
    fn backslashes_escape_in_plain_strings_if_the_setting_says_so() {
        let syntax = Syntax {
            standard_conforming_strings: false,
            ..Syntax::default()
        };
        let token = tokens(b"'a\\'b'", syntax).next().unwrap();
        assert_eq!(token.kind, TokenKind::String);
        assert_eq!(content(&token, syntax), b"a'b");
    }
}
