//! Tokens, as PostgreSQL cuts them.

use super::*;

/// The significant tokens, separated by a blank and a bar.
#[track_caller]
fn check(sql: &str, expected: &str) {
    let whole: Vec<u8> = tokens(sql.as_bytes(), Syntax::default())
        .flat_map(|token| token.text.to_vec())
        .collect();
    assert_eq!(whole, sql.as_bytes(), "the tokens cover the text");
    let found: Vec<String> = significant(sql.as_bytes(), Syntax::default())
        .iter()
        .map(|token| String::from_utf8_lossy(token.text).into_owned())
        .collect();
    assert_eq!(found.join(" | "), expected, "{sql}");
}

#[track_caller]
fn kinds(sql: &str, expected: &[TokenKind]) {
    let found: Vec<TokenKind> = significant(sql.as_bytes(), Syntax::default())
        .iter()
        .map(|token| token.kind)
        .collect();
    assert_eq!(found, expected, "{sql}");
}

#[test]
fn words_and_names() {
    check(
        "select a$1, _b, é1 from \"A b\".\"c\"\"d\"",
        "select | a$1 | , | _b | , | é1 | from | \"A b\" | . | \"c\"\"d\"",
    );
    check("U&\"d\\0061\" u&x", "U&\"d\\0061\" | u | & | x");
    kinds("\"open", &[TokenKind::Unterminated]);
    kinds("n'a'", &[TokenKind::Word, TokenKind::String]);
}

#[test]
fn strings() {
    check("'a''b' 'c'", "'a''b' | 'c'");
    check("E'a\\'b' 'a\\' x", "E'a\\'b' | 'a\\' | x");
    check("B'01' x'f' U&'a' N'b'", "B'01' | x'f' | U&'a' | N | 'b'");
    kinds(
        "B'01' x'f' U&'a' e'b'",
        &[TokenKind::BitString, TokenKind::BitString, TokenKind::String, TokenKind::String],
    );
    kinds("'open", &[TokenKind::Unterminated]);
    kinds("E'open\\'", &[TokenKind::Unterminated]);
    kinds("'open\\'", &[TokenKind::String]);
}

#[test]
fn strings_continue_on_the_next_line_only() {
    check("'a'\n'b'", "'a'\n'b'");
    check("'a' 'b'", "'a' | 'b'");
    check("'a' -- note\n  'b' \r 'c'", "'a' -- note\n  'b' \r 'c'");
    check("'a' /* \n */ 'b'", "'a' | 'b'");
    check("'a'\n-- 'x\n'b'", "'a'\n-- 'x\n'b'");
    check("E'a'\n'b\\'c' d", "E'a'\n'b\\'c' | d");
    check("'a'\n'b\\' d", "'a'\n'b\\' | d");
    check("'a'\nE'b'", "'a' | E'b'");
    check("\"a\"\n\"b\"", "\"a\" | \"b\"");
}

#[test]
fn dollar_quotes() {
    check("$$a;'b$$ x", "$$a;'b$$ | x");
    check("$a$ $b$ $$ $a$$a$ x", "$a$ $b$ $$ $a$ | $a$ x");
    check("a$$b$$", "a$$b$$");
    check("$1 $12a", "$1 | $12a");
    check("$ $x $1", "$ | $ | x | $1");
    check("$$$$", "$$$$");
    kinds("$a$ $b$", &[TokenKind::Unterminated]);
    kinds("$1$2", &[TokenKind::Parameter]);
}

#[test]
fn comments() {
    check("a /* b /* c */ d */ e -- f\n g", "a | e | g");
    check("a -- b\rc", "a | c");
    check("a --", "a");
    check("a/**/b/*/*/**/*/*/c", "a | b | c");
    kinds("/* a /* b */", &[TokenKind::Unterminated]);
    kinds("/*/", &[TokenKind::Unterminated]);
}

#[test]
fn operators_end_where_the_server_ends_them() {
    check("a<=-1", "a | <= | - | 1");
    check("a@-1", "a | @- | 1");
    check("a<--b\n>c", "a | < | > | c");
    check("a+/*b*/-c", "a | + | - | c");
    check("a->>'b'#>>'{c}'", "a | ->> | 'b' | #>> | '{c}'");
    check("a::int[1:2] := b => c", "a | :: | int | [ | 1 | : | 2 | ] | := | b | => | c");
    check("1..10", "1 | .. | 10");
    check("*-+-", "* | - | + | -");
}

#[test]
fn numbers() {
    check(
        "1 1.5 .5 1. 1e3 1.5e-3 0xFF 0b1 0o7 1_000",
        "1 | 1.5 | .5 | 1. | 1e3 | 1.5e-3 | 0xFF | 0b1 | 0o7 | 1_000",
    );
    check("1e+ 12ab 1-1", "1e | + | 12ab | 1 | - | 1");
}
