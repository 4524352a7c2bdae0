//! Statements whose effect lies outside of their database.

use super::literal;
use super::token::{Syntax, Token, TokenKind, is_name};
use super::verb;

/// Objects of the whole cluster.
const OBJECTS: [&str; 7] = ["ROLE", "USER", "GROUP", "DATABASE", "TABLESPACE", "SUBSCRIPTION", "SYSTEM"];

/// Whether the statement, or a text in its literals, creates, alters, drops, grants or comments such an object.
pub(super) fn is_cluster_wide(tokens: &[Token<'_>], syntax: Syntax) -> bool {
    is_so_itself(tokens)
        || tokens
            .iter()
            .any(|token| is_literal(token) && says_so(&literal::content(token, syntax)))
}

/// A token with a text of its own.
pub(super) fn is_literal(token: &Token<'_>) -> bool {
    matches!(token.kind, TokenKind::String | TokenKind::DollarString | TokenKind::Unterminated)
}

/// The words of a text, whatever else it is made of.
pub(super) fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| !is_name(byte)).filter(|word| !word.is_empty())
}

fn is_so_itself(tokens: &[Token<'_>]) -> bool {
    let is = |index: usize, words: &[&str]| tokens.get(index).is_some_and(|token| token.is_one_of(words));
    let is_object_behind_on = || {
        let on = tokens.iter().position(|token| token.is_word("ON")).unwrap_or(tokens.len());
        is(on + 1, &OBJECTS) || is(on + 1, &["PARAMETER"])
    };
    if is(0, &["CREATE", "ALTER", "DROP"]) {
        return (is(1, &OBJECTS) && !is(2, &["MAPPING"])) || is(1, &["OWNED"]);
    }
    if is(0, &["GRANT", "REVOKE"]) {
        return !verb::has_object(tokens) || is_object_behind_on();
    }
    is(0, &["REASSIGN"]) || (is(0, &["COMMENT", "SECURITY"]) && is_object_behind_on())
}

/// By words side by side, blanks, quotes and operators between them left out, so that `'CREATE ' || 'ROLE'` in a literal is found. A
/// GRANT of roles is told from one of privileges by the ON that is missing.
fn says_so(text: &[u8]) -> bool {
    /// Words between GRANT and the ON or TO that tells.
    const PRIVILEGES_MAX: usize = 64;
    let is_any = |word: &[u8], words: &[&str]| words.iter().any(|other| word.eq_ignore_ascii_case(other.as_bytes()));
    let mut previous: &[u8] = b"";
    let mut before: &[u8] = b"";
    let mut granting = 0;
    for word in words(text) {
        let is_object = is_any(word, &OBJECTS);
        if (is_object && is_any(previous, &["CREATE", "ALTER", "DROP"]))
            || (is_any(word, &["OWNED"]) && is_any(previous, &["REASSIGN", "DROP"]))
            || (is_object && is_any(previous, &["ON"]) && is_any(before, &["COMMENT"]))
        {
            return true;
        }
        if granting > 0 {
            granting -= 1;
            if is_any(previous, &["ON"]) {
                granting = 0;
                if is_any(word, &["DATABASE", "TABLESPACE", "PARAMETER"]) {
                    return true;
                }
            } else if is_any(word, &["TO", "FROM"]) {
                return true;
            }
        }
        if is_any(word, &["GRANT", "REVOKE"]) {
            granting = PRIVILEGES_MAX;
        }
        before = std::mem::replace(&mut previous, word);
    }
    false
}
