//! Where the statements of a text begin and end.

use super::token::{Token, TokenKind, Tokens, tokens};
use std::ops::Range;

/// The byte spans of the statements, from the first to the last significant token, without the semicolon. Statements of
/// blanks and comments only are left out. A `CREATE TRIGGER` ends, as in `sqlite3_complete`, at the `;` after an `END` that
/// itself follows a `;`, so that neither its statements nor a `CASE … END` in them cut it.
pub fn split(sql: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    Split { tokens: tokens(sql) }
}

struct Split<'a> {
    tokens: Tokens<'a>,
}

impl Iterator for Split<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let mut span: Option<Range<usize>> = None;
        let mut head = Head::Start;
        let mut body = Body::Statement;
        for token in self.tokens.by_ref().filter(|token| !token.is_trivia()) {
            if token.kind == TokenKind::Semicolon {
                if head != Head::Trigger || body == Body::End {
                    match span {
                        Some(span) => return Some(span),
                        None => continue,
                    }
                }
                body = Body::Semicolon;
            } else {
                head = head.after(&token);
                body = if body == Body::Semicolon && token.is_word("END") {
                    Body::End
                } else {
                    Body::Statement
                };
            }
            span = Some(span.map_or(token.start, |span| span.start)..token.end());
        }
        span
    }
}

/// How far the statement's first words lead to a trigger.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    Start,
    Explain,
    Create,
    Trigger,
    /// Any other statement.
    Other,
}

impl Head {
    fn after(self, token: &Token<'_>) -> Head {
        match self {
            Head::Start if token.is_word("EXPLAIN") => Head::Explain,
            Head::Explain if token.is_one_of(&["QUERY", "PLAN"]) => Head::Explain,
            Head::Start | Head::Explain if token.is_word("CREATE") => Head::Create,
            Head::Create if token.is_one_of(&["TEMP", "TEMPORARY"]) => Head::Create,
            Head::Create if token.is_word("TRIGGER") => Head::Trigger,
            Head::Trigger => Head::Trigger,
            _ => Head::Other,
        }
    }
}

/// The last token inside a trigger, as far as it matters for its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Statement,
    Semicolon,
    /// `END` right after a semicolon.
    End,
}

#[cfg(test)]
mod tests {
    use super::split;

    #[track_caller]
    fn check(sql: &str, expected: &[&str]) {
        let found: Vec<&str> = split(sql).map(|span| &sql[span]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn semicolons_at_the_top_separate() {
        check("SELECT 1; SELECT 2", &["SELECT 1", "SELECT 2"]);
        check(" ;; SELECT 1 ; /* none */ ; -- end", &["SELECT 1"]);
        check("", &[]);
        check("-- only a comment", &[]);
    }

    #[test]
    fn semicolons_in_strings_names_and_comments_do_not() {
        check(
            "SELECT ';', \";\", [;] -- ;\n, `;` /* ; */; SELECT 2",
            &["SELECT ';', \";\", [;] -- ;\n, `;`", "SELECT 2"],
        );
        check("SELECT 'open; SELECT 2", &["SELECT 'open; SELECT 2"]);
    }

    #[test]
    fn a_trigger_ends_at_its_own_end() {
        let trigger = "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET c = CASE WHEN d THEN 1 ELSE 2 END; DELETE FROM e; END";
        check(&format!("{trigger}; SELECT 1"), &[trigger, "SELECT 1"]);
        check(
            &format!("EXPLAIN QUERY PLAN {trigger};\nSELECT 1;"),
            &[&format!("EXPLAIN QUERY PLAN {trigger}"), "SELECT 1"],
        );
        check(&format!("{trigger} -- done"), &[trigger]);
        check(
            "CREATE TRIGGER t BEGIN SELECT 1; SELECT 2",
            &["CREATE TRIGGER t BEGIN SELECT 1; SELECT 2"],
        );
    }

    #[test]
    fn a_transaction_is_not_a_body() {
        check(
            "BEGIN; CREATE TABLE trigger(a); END; SELECT 1",
            &["BEGIN", "CREATE TABLE trigger(a)", "END", "SELECT 1"],
        );
    }
}
