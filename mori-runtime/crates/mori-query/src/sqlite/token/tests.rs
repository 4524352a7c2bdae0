//! The tokens of small texts, as `kind:text` with blanks left out.

use super::*;

#[track_caller]
fn check(sql: &str, expected: &str) {
    let shown: Vec<String> = tokens(sql)
        .filter(|token| token.kind != TokenKind::Space)
        .map(|token| format!("{:?}:{}", token.kind, token.text))
        .collect();
    assert_eq!(shown.join(" "), expected);
    let whole: String = tokens(sql).map(|token| token.text).collect();
    assert_eq!(whole, sql, "the tokens cover the text");
}

#[test]
fn comments_reach_their_end_or_the_end_of_the_text() {
    check("a -- b\nc", "Word:a Comment:-- b Word:c");
    check("a /* b * / */ c", "Word:a Comment:/* b * / */ Word:c");
    check("a /* b", "Word:a Comment:/* b");
    check("/*/ x */ y", "Comment:/*/ x */ Word:y");
    check("-- only", "Comment:-- only");
}

#[test]
fn quotes_double_inside_themselves() {
    check(
        "'it''s' \"a\"\"b\" `c``d` [e f]",
        "String:'it''s' QuotedName:\"a\"\"b\" QuotedName:`c``d` QuotedName:[e f]",
    );
    check("'open", "String:'open");
    check("[open", "QuotedName:[open");
    check("x'ab' X'' x'zz", "Blob:x'ab' Blob:X'' Blob:x'zz");
}

#[test]
fn unquoting_gives_what_is_meant() {
    let unquoted: Vec<String> = significant("'it''s' \"a\"\"b\" [e f] Word 'open")
        .iter()
        .map(Token::unquoted)
        .collect();
    assert_eq!(unquoted, ["it's", "a\"b", "e f", "Word", "open"]);
    assert_eq!(significant("'")[0].unquoted(), "");
}

#[test]
fn numbers() {
    check(
        "1 1.5 .5 1. 1e5 1E-5 0xFF 1_000",
        "Number:1 Number:1.5 Number:.5 Number:1. Number:1e5 Number:1E-5 Number:0xFF Number:1_000",
    );
    check("12ab 1e 1..2", "Number:12ab Number:1e Number:1. Number:.2");
    check("t.1", "Word:t Number:.1");
}

#[test]
fn parameters() {
    check(
        "? ?12 $1 :a @b_2 $x::y(z)",
        "Parameter:? Parameter:?12 Parameter:$1 Parameter::a Parameter:@b_2 Parameter:$x::y(z)",
    );
    check("$1::int", "Parameter:$1::int");
    check(": $ @ #", "Other:: Other:$ Other:@ Other:#");
}

#[test]
fn operators_take_the_longest_form() {
    check("a->>b->c||d", "Word:a Operator:->> Word:b Operator:-> Word:c Operator:|| Word:d");
    check(
        "a<>b<=c>>d==e!=f",
        "Word:a Operator:<> Word:b Operator:<= Word:c Operator:>> Word:d Operator:== Word:e Operator:!= Word:f",
    );
    check("(a,b.c);", "Open:( Word:a Comma:, Word:b Dot:. Word:c Close:) Semicolon:;");
    check("!^", "Other:! Other:^");
}

#[test]
fn letters_outside_ascii_are_part_of_names() {
    check("größe = 'ß' + €", "Word:größe Operator:= String:'ß' Operator:+ Word:€");
}
