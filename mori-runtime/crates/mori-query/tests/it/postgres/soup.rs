//! No bytes make any function panic, run away, or point outside of the text.

use super::corpus::entries;
use mori_query::postgres::{Syntax, TokenKind, Touch, outline, split, tokens, touches};
use std::panic::{AssertUnwindSafe, catch_unwind};

const SEED: u64 = 0x5eed_0002;
const ROUNDS: usize = 4_000;

/// Separated by blanks.
const PLAIN: &str = "
    SELECT FROM WHERE t u a.b s.t t.* , , ( ( ) ) . ; [ ] : :: := => + - * / % || -> @> ~ IS NOT DISTINCT NULL AND OR IN LIKE ILIKE ESCAPE
    BETWEEN EXISTS CASE WHEN THEN ELSE END CAST AS int numeric varying character COLLATE JOIN LEFT LATERAL CROSS USING ON ONLY ROWS GROUP
    BY ROLLUP SETS GROUPING ORDER HAVING LIMIT FETCH FIRST UNION ALL EXCEPT TABLE VALUES WITH RECURSIVE MATERIALIZED SEARCH CYCLE DEPTH SET
    INSERT INTO UPDATE DELETE MERGE MATCHED RETURNING CONFLICT DO NOTHING DEFAULT OVER WINDOW PARTITION FILTER WITHIN TABLESAMPLE
    ORDINALITY EXPLAIN ANALYZE VERBOSE CREATE REPLACE TEMP VIEW INDEX FUNCTION PROCEDURE TRIGGER RULE ALSO INSTEAD REFERENCES INHERITS ATTACH
    OF BEGIN ATOMIC COMMIT WORK TRANSACTION ROLLBACK PREPARED TO SAVEPOINT READ ISOLATION LEVEL SHOW RESET DISCARD DEALLOCATE EXECUTE PREPARE
    DECLARE CURSOR HOLD FOR NO KEY SHARE MOVE CLOSE LISTEN NOTIFY TIME ZONE COPY STDIN STDOUT PROGRAM DROP ALTER GRANT REVOKE COMMENT ROLE
    DATABASE OWNED SYSTEM VACUUM REINDEX CLUSTER TRUNCATE CASCADE LOCK CALL LANGUAGE UESCAPE TREAT count coalesce nextval query_to_xml
    1 2.5 0x 1e 'a' ' \" \"A\" $1 $$ $a$ $ E' U&' U&\" B' N' \\ -- /* */ é # ! ?
";

const ODD: &[&[u8]] = &[
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xe9\\",
    b"\xf0\x9f",
    "\u{1F600}".as_bytes(),
    b"'a'\n'b'",
    b"$\xe9$",
];

fn pieces() -> Vec<&'static [u8]> {
    PLAIN.split_whitespace().map(str::as_bytes).chain(ODD.iter().copied()).collect()
}

/// Marsaglia's xorshift: enough for a soup.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    /// The text with a few of its pieces exchanged, dropped or doubled.
    pub fn bend(&mut self, sql: &[u8], spices: &[&[u8]]) -> Vec<u8> {
        let mut pieces: Vec<&[u8]> = sql.split(|&byte| byte == b' ').collect();
        for _ in 0..=self.below(3) {
            let at = self.below(pieces.len());
            match self.below(3) {
                0 => pieces[at] = spices[self.below(spices.len())],
                1 if pieces.len() > 1 => drop(pieces.remove(at)),
                _ => pieces.insert(at, spices[self.below(spices.len())]),
            }
        }
        pieces.join(&b' ')
    }

    fn soup(&mut self, pieces: &[&[u8]]) -> Vec<u8> {
        let mut text = Vec::new();
        for _ in 0..self.below(60) {
            text.extend_from_slice(pieces[self.below(pieces.len())]);
            if self.below(8) > 0 {
                text.push(b' ');
            }
        }
        text
    }
}

fn taste(sql: &[u8]) {
    for standard_conforming_strings in [true, false] {
        let syntax = Syntax {
            standard_conforming_strings,
            ascii_safe_encoding: standard_conforming_strings,
        };
        let mut end = 0;
        for token in tokens(sql, syntax) {
            assert_eq!(token.start, end, "the tokens cover the text");
            assert!(!token.text.is_empty());
            end = token.end();
        }
        assert_eq!(end, sql.len());
        taste_statements(sql, syntax);
    }
}

/// The statements hold all that means something, but for the semicolons between them.
fn taste_statements(sql: &[u8], syntax: Syntax) {
    let spans: Vec<_> = split(sql, syntax).collect();
    let mut end = 0;
    for span in &spans {
        assert!(span.start >= end && !span.is_empty(), "statements follow each other");
        end = span.end;
        let statement = &sql[span.clone()];
        assert_eq!(split(statement, syntax).count(), 1, "what is split stays split");
        let outline = outline(statement, syntax);
        let Touch::Names(names) = touches(statement, syntax) else {
            continue;
        };
        for relation in &outline.relations {
            assert!(names.contains(&relation.name.name), "{relation:?} is touched");
        }
    }
    for token in tokens(sql, syntax).filter(|token| !token.is_trivia() && token.kind != TokenKind::Semicolon) {
        let after = spans.partition_point(|span| span.end <= token.start);
        assert!(
            spans.get(after).is_some_and(|span| span.start <= token.start),
            "{token:?} is in a statement"
        );
    }
    outline(sql, syntax);
    touches(sql, syntax);
}

#[track_caller]
fn check(seed: u64, sql: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| taste(sql))).is_err() {
        panic!("seed {seed:#x}, text {:?}", String::from_utf8_lossy(sql));
    }
}

#[test]
fn random_tokens() {
    let spices = pieces();
    let mut random = Random(SEED);
    for _ in 0..ROUNDS {
        let text = random.soup(&spices);
        check(SEED, &text);
    }
}

/// Random tokens are seldom statements; the corpus with a few tokens exchanged, dropped or doubled often is.
#[test]
fn bent_statements() {
    let spices = pieces();
    let entries = entries();
    let mut random = Random(SEED + 1);
    for _ in 0..ROUNDS {
        let sql = entries[random.below(entries.len())].sql;
        let text = random.bend(sql.as_bytes(), &spices);
        check(SEED + 1, &text);
    }
}

#[test]
fn random_bytes() {
    let mut random = Random(SEED + 2);
    for _ in 0..ROUNDS {
        let text: Vec<u8> = (0..random.below(80)).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
        check(SEED + 2, &text);
    }
}

/// The same piece over and over is what breaks stacks, and what takes forever where work is not linear.
#[test]
fn repeated_pieces() {
    const TIMES: usize = 400;
    for piece in pieces() {
        for prefix in [&b""[..], b"SELECT ", b"WITH a AS (SELECT 1) SELECT a FROM t ", b"DO '"] {
            let mut text = prefix.to_vec();
            for _ in 0..TIMES {
                text.extend_from_slice(piece);
                text.push(b' ');
            }
            check(0, &text);
        }
    }
}

#[test]
fn deep_texts_are_read_without_a_stack() {
    const DEPTH: usize = 10_000;
    for (open, middle, close) in [
        ("(", "SELECT 1", ")"),
        ("SELECT (", "1", ")"),
        ("SELECT * FROM (", "t", ")"),
        ("WITH a AS (", "SELECT 1", ") SELECT * FROM a"),
        ("/*", "", "*/"),
        ("EXPLAIN ", "SELECT 1", ""),
        ("PREPARE p AS ", "SELECT 1", ""),
        ("CREATE FUNCTION f() BEGIN ATOMIC ", "SELECT 1; ", "END; "),
        ("SELECT a[", "1", "]"),
    ] {
        check(0, format!("{}{middle}{}", open.repeat(DEPTH), close.repeat(DEPTH)).as_bytes());
    }
}
