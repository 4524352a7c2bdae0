//! Where the statements of a text begin and end.

use super::token::{Syntax, Token, TokenKind, Tokens, tokens};
use std::ops::Range;

/// The byte spans of the statements, from the first to the last significant token, without the semicolon. Statements of blanks and
/// comments only are left out. A semicolon separates unless it is in parentheses (`CREATE RULE … DO (…; …)`) or in the body of an SQL
/// routine (`BEGIN ATOMIC … END`).
pub fn split(sql: &[u8], syntax: Syntax) -> impl Iterator<Item = Range<usize>> + '_ {
    Split {
        tokens: tokens(sql, syntax),
    }
}

struct Split<'a> {
    tokens: Tokens<'a>,
}

impl Iterator for Split<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let mut span: Option<Range<usize>> = None;
        let mut head = Head::Start;
        let mut depth = 0_usize;
        // Of the routine's body: one for BEGIN ATOMIC and one for each CASE that is open.
        let mut ends_due = 0_usize;
        let mut previous: Option<Token<'_>> = None;
        for token in self.tokens.by_ref().filter(|token| !token.is_trivia()) {
            match token.kind {
                TokenKind::Semicolon if depth == 0 && ends_due == 0 => match span {
                    Some(span) => return Some(span),
                    None => continue,
                },
                TokenKind::Open => depth += 1,
                TokenKind::Close => depth = depth.saturating_sub(1),
                // A label may be called anything, `AS end` too, and so may what is behind a dot.
                TokenKind::Word if head == Head::Routine && !previous.is_some_and(|previous| names_next(&previous)) => {
                    if ends_due == 0 {
                        let opens = token.is_word("ATOMIC") && previous.is_some_and(|previous| previous.is_word("BEGIN"));
                        ends_due = usize::from(opens);
                    } else if token.is_word("CASE") {
                        ends_due += 1;
                    } else if token.is_word("END") {
                        ends_due -= 1;
                    }
                }
                _ => {}
            }
            head = head.after(&token);
            span = Some(span.map_or(token.start, |span| span.start)..token.end());
            previous = Some(token);
        }
        span
    }
}

fn names_next(token: &Token<'_>) -> bool {
    token.kind == TokenKind::Dot || token.is_word("AS")
}

/// How far the statement's first words lead to a routine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    Start,
    Create,
    Routine,
    /// Any other statement.
    Other,
}

impl Head {
    fn after(self, token: &Token<'_>) -> Head {
        match self {
            Head::Start if token.is_word("CREATE") => Head::Create,
            Head::Create if token.is_one_of(&["OR", "REPLACE"]) => Head::Create,
            Head::Create if token.is_one_of(&["FUNCTION", "PROCEDURE"]) => Head::Routine,
            Head::Routine => Head::Routine,
            _ => Head::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &[&str]) {
        let found: Vec<&str> = split(sql.as_bytes(), Syntax::default()).map(|span| &sql[span]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn semicolons_at_the_top_separate() {
        check("SELECT 1; SELECT 2", &["SELECT 1", "SELECT 2"]);
        check(" ;; SELECT 1 ; /* none ; */ ; -- end", &["SELECT 1"]);
        check("", &[]);
        check("-- only a comment", &[]);
        check(
            "BEGIN; SELECT CASE WHEN a THEN b END; END",
            &["BEGIN", "SELECT CASE WHEN a THEN b END", "END"],
        );
    }

    #[test]
    fn semicolons_in_quotes_comments_and_parentheses_do_not() {
        check(
            "SELECT ';', \";\", $$;$$, $x$;$$;$x$, E'\\';' -- ;\n /* ; /* ; */ ; */; SELECT 2",
            &["SELECT ';', \";\", $$;$$, $x$;$$;$x$, E'\\';'", "SELECT 2"],
        );
        check("SELECT 'a'\n';'; SELECT 2", &["SELECT 'a'\n';'", "SELECT 2"]);
        check("SELECT 'open; SELECT 2", &["SELECT 'open; SELECT 2"]);
        let rule = "CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO a VALUES (1); DELETE FROM b)";
        check(&format!("{rule}; SELECT 1"), &[rule, "SELECT 1"]);
        check("SELECT 1); SELECT 2", &["SELECT 1)", "SELECT 2"]);
    }

    #[test]
    fn a_routine_ends_behind_its_body() {
        let function = "CREATE OR REPLACE FUNCTION f(a int) RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT CASE WHEN a > 1 THEN t.case ELSE 2 END FROM t; END";
        check(&format!("{function}; SELECT 1;"), &[function, "SELECT 1"]);
        let empty = "create procedure p() begin atomic end";
        check(&format!("{empty};{empty}"), &[empty, empty]);
        check(
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1; BEGIN; END",
            &["CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1", "BEGIN", "END"],
        );
        check(
            "CREATE TABLE atomic (begin int); SELECT 1",
            &["CREATE TABLE atomic (begin int)", "SELECT 1"],
        );
    }
}
