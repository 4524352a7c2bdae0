//! Where psql sees a statement end, a command of its own, and the rows of a COPY.
//!
//! The rules are those of `psqlscan.l`: a semicolon ends a statement outside of quotes, comments, parentheses, and the body of a function that is
//! written `BEGIN ATOMIC … END`. Nothing is refused here; a quote that is never closed makes a statement up to the end of the file.

/// A part of a file that something is to be done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// `words` are the first words of it, in lower case, without what is in parentheses; names in quotes are left out.
    Statement { line: usize, text: &'a str, words: Vec<String> },
    /// `COPY … FROM stdin` and the lines after it, up to `\.`.
    Copy { line: usize, text: &'a str, rows: &'a str },
    /// A backslash and what follows it on the line.
    Command { line: usize, text: &'a str },
}

/// As many as are needed to recognize what kind of statement it is.
const WORDS_MAX: usize = 6;

pub(super) fn split(text: &str) -> Vec<Piece<'_>> {
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        at: 0,
        counted: 0,
        line: 1,
    };
    // A mark of the encoding at the beginning is no part of the first statement.
    if text.starts_with('\u{feff}') {
        scanner.at = '\u{feff}'.len_utf8();
    }
    let mut pieces = Vec::new();
    while let Some(piece) = scanner.piece() {
        pieces.push(piece);
    }
    pieces
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Up to here line breaks have been counted.
    counted: usize,
    line: usize,
}

/// What is known of the statement being read.
#[derive(Default)]
struct Statement {
    start: Option<usize>,
    words: Vec<String>,
    /// The word before, to recognize `FROM stdin`.
    previous: String,
    is_copy_from_stdin: bool,
    parentheses: usize,
    /// Depth of BEGIN and CASE in a routine's body.
    blocks: usize,
}

impl Statement {
    fn word(&mut self, word: &str) {
        let word = word.to_ascii_lowercase();
        if self.parentheses == 0 {
            if self.words.len() < WORDS_MAX {
                self.words.push(word.clone());
            }
            if word == "stdin" && self.previous == "from" && self.words.first().is_some_and(|first| first == "copy") {
                self.is_copy_from_stdin = true;
            }
            if self.is_routine() {
                match word.as_str() {
                    "begin" => self.blocks += 1,
                    "case" if self.blocks > 0 => self.blocks += 1,
                    "end" => self.blocks = self.blocks.saturating_sub(1),
                    _ => {}
                }
            }
        }
        self.previous = word;
    }

    fn is_routine(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        matches!(
            words.as_slice(),
            ["create", "function" | "procedure", ..] | ["create", "or", "replace", "function" | "procedure", ..]
        )
    }
}

impl<'a> Scanner<'a> {
    fn piece(&mut self) -> Option<Piece<'a>> {
        let mut statement = Statement::default();
        while let Some(&byte) = self.bytes.get(self.at) {
            let start = self.at;
            match byte {
                _ if byte.is_ascii_whitespace() => {
                    self.at += 1;
                    continue;
                }
                b'-' if self.next_is(b'-') => {
                    self.line_end();
                    continue;
                }
                b'/' if self.next_is(b'*') => {
                    self.comment();
                    continue;
                }
                b'\\' => {
                    // What stands before it would be sent by some of psql's commands and kept by others.
                    let from = statement.start.unwrap_or(start);
                    self.line_end();
                    let text = self.text[start..self.at].trim();
                    let line = self.line_of(from);
                    return Some(Piece::Command { line, text });
                }
                b';' if statement.parentheses == 0 && statement.blocks == 0 => {
                    self.at += 1;
                    match statement.start {
                        Some(from) => return Some(self.finish(statement, from)),
                        // Nothing but a semicolon.
                        None => continue,
                    }
                }
                b'\'' => self.quoted(b'\'', false),
                b'"' => self.quoted(b'"', false),
                b'$' => self.dollar(),
                b'(' => {
                    self.at += 1;
                    statement.parentheses += 1;
                }
                b')' => {
                    self.at += 1;
                    statement.parentheses = statement.parentheses.saturating_sub(1);
                }
                _ if is_word_start(byte) => {
                    self.word();
                    let word = &self.text[start..self.at];
                    if matches!(word, "e" | "E") && self.bytes.get(self.at) == Some(&b'\'') {
                        self.quoted(b'\'', true);
                    } else {
                        statement.word(word);
                    }
                }
                // A number, and whatever is glued to it, is no word and opens no quote.
                _ if byte.is_ascii_digit() => self.word(),
                _ => self.at += 1,
            }
            statement.start.get_or_insert(start);
        }
        let from = statement.start?;
        Some(self.finish(statement, from))
    }

    fn finish(&mut self, statement: Statement, from: usize) -> Piece<'a> {
        let text = self.text[from..self.at].trim_end();
        let line = self.line_of(from);
        if !statement.is_copy_from_stdin {
            return Piece::Statement {
                line,
                text,
                words: statement.words,
            };
        }
        self.line_end();
        let start = (self.at + 1).min(self.text.len());
        let mut end = start;
        // The mark's own line belongs to neither.
        self.at = self.text.len();
        for row in self.text[start..].split_inclusive('\n') {
            if row.trim_end_matches(['\n', '\r']) == "\\." {
                self.at = end + row.len();
                break;
            }
            end += row.len();
        }
        let rows = &self.text[start..end];
        Piece::Copy { line, text, rows }
    }

    fn line_of(&mut self, at: usize) -> usize {
        self.line += self.bytes[self.counted..at].iter().filter(|byte| **byte == b'\n').count();
        self.counted = at;
        self.line
    }

    fn next_is(&self, byte: u8) -> bool {
        self.bytes.get(self.at + 1) == Some(&byte)
    }

    /// Goes to the line break, or to the end.
    fn line_end(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }

    /// Comments nest.
    fn comment(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.bytes.len() {
            if self.bytes[self.at..].starts_with(b"/*") {
                depth += 1;
                self.at += 2;
            } else if self.bytes[self.at..].starts_with(b"*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return;
                }
            } else {
                self.at += 1;
            }
        }
    }

    /// A doubled quote ends one part and begins the next, which comes to the same.
    fn quoted(&mut self, quote: u8, has_escapes: bool) {
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            if byte == quote {
                return;
            }
            if byte == b'\\' && has_escapes {
                self.at = (self.at + 1).min(self.bytes.len());
            }
        }
    }

    /// `$tag$ … $tag$`, or a single dollar sign.
    fn dollar(&mut self) {
        let start = self.at;
        let mut end = start + 1;
        while self.bytes.get(end).is_some_and(|byte| is_word(*byte) && *byte != b'$') {
            end += 1;
        }
        let is_tag = self.bytes.get(end) == Some(&b'$') && !self.bytes[start + 1].is_ascii_digit();
        if !is_tag {
            self.at = end;
            return;
        }
        let tag = &self.text[start..=end];
        self.at = self.text[end + 1..]
            .find(tag)
            .map_or(self.text.len(), |found| end + 1 + found + tag.len());
    }

    fn word(&mut self) {
        while self.bytes.get(self.at).is_some_and(|byte| is_word(*byte)) {
            self.at += 1;
        }
    }
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}

fn is_word(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in a file, one line each: kind, line number, text.
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = split(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Statement { line, text, .. } => format!("{line} {text}"),
                Piece::Copy { line, text, rows } => format!("{line} {text} <- {rows:?}"),
                Piece::Command { line, text } => format!("{line} command {text}"),
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_semicolon_in_a_quote_ends_nothing() {
        check("SELECT 'a;''b;'; SELECT \";\" ;", &["1 SELECT 'a;''b;';", "1 SELECT \";\" ;"]);
        check(r"SELECT E'\';'; SELECT '\'; x", &[r"1 SELECT E'\';';", r"1 SELECT '\';", "1 x"]);
        check("DO $$ a; $x$ b; $$; SELECT $1;", &["1 DO $$ a; $x$ b; $$;", "1 SELECT $1;"]);
        check("SELECT $a$ $b$; $a$, x$a$; y", &["1 SELECT $a$ $b$; $a$, x$a$;", "1 y"]);
    }

    #[test]
    fn comments_nest_and_belong_to_nothing() {
        check("/* a; /* b; */ ; */\n-- c;\nSELECT 1 -- d;\n;\n-- e", &["3 SELECT 1 -- d;\n;"]);
        check("/* never closed ; ", &[]);
    }

    #[test]
    fn a_rule_and_a_body_hold_several_statements() {
        check(
            "CREATE RULE r AS ON INSERT TO t DO (a; b); c;",
            &["1 CREATE RULE r AS ON INSERT TO t DO (a; b);", "1 c;"],
        );
        let body = "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;";
        check(&format!("{body} SELECT 3;"), &[&format!("1 {body}"), "1 SELECT 3;"]);
        check("BEGIN; SELECT 1; END;", &["1 BEGIN;", "1 SELECT 1;", "1 END;"]);
    }

    #[test]
    fn rows_of_a_copy_are_not_sql() {
        check(
            "COPY public.t (a, b) FROM stdin;\n1\t'x;\n2\t\\N\n\\.\nSELECT 1;\n",
            &["1 COPY public.t (a, b) FROM stdin; <- \"1\\t'x;\\n2\\t\\\\N\\n\"", "5 SELECT 1;"],
        );
        check("copy t from stdin;\n\\.\n", &["1 copy t from stdin; <- \"\""]);
        check(
            "copy t from stdin with (format csv);\n1\n",
            &["1 copy t from stdin with (format csv); <- \"1\\n\""],
        );
        check("COPY t FROM '/f';", &["1 COPY t FROM '/f';"]);
        check("copy t from stdin", &["1 copy t from stdin <- \"\""]);
    }

    #[test]
    fn commands_of_psql_stand_alone() {
        check(
            "\\restrict abc\n\\c db;\nSELECT 1 \\gset\n;",
            &["1 command \\restrict abc", "2 command \\c db;", "3 command \\gset"],
        );
    }

    #[test]
    fn words_of_a_statement() {
        let pieces = split("/* x */ Drop DATABASE if exists \"A b\" WITH (force);");
        let Some(Piece::Statement { words, .. }) = pieces.first() else {
            panic!()
        };
        assert_eq!(words, &["drop", "database", "if", "exists", "with"]);
    }

    #[test]
    fn bytes_that_are_no_sql_are_passed_over() {
        for text in [
            "$",
            "'",
            "\"",
            "E'\\",
            "(;",
            "$ä$ü",
            "\\",
            "-",
            "/",
            "\u{feff}",
            ";;;",
            "COPY x FROM STDIN;",
        ] {
            split(text);
        }
        check("\u{feff}SELECT 'ä';", &["1 SELECT 'ä';"]);
    }
}
