//! No text makes any function panic, run away, or point outside it.

use mori_query::sqlite::{Catalog, ColumnType, infer, outline, split, tokens};
use std::panic::{AssertUnwindSafe, catch_unwind};

const SEED: u64 = 0x5eed_0001;
const ROUNDS: usize = 4_000;

/// Separated by blanks.
const PLAIN: &str = "
    SELECT FROM WHERE t u a b * t.* , , ( ( ) ) . ; + - * / % || -> ->> = == < <> != IS NOT NULL ISNULL NOTNULL AND OR IN
    LIKE GLOB MATCH ESCAPE BETWEEN EXISTS CASE WHEN THEN ELSE END CAST AS INTEGER DATE COLLATE NOCASE JOIN LEFT NATURAL
    CROSS USING ON GROUP BY ORDER HAVING LIMIT OFFSET UNION ALL EXCEPT VALUES WITH RECURSIVE MATERIALIZED INSERT INTO
    REPLACE IGNORE UPDATE SET DELETE RETURNING CONFLICT DO NOTHING DEFAULT OVER WINDOW PARTITION ROWS RANGE UNBOUNDED
    PRECEDING CURRENT ROW FILTER DISTINCT INDEXED EXPLAIN QUERY PLAN CREATE TRIGGER TEMP BEGIN COMMIT WORK TRANSACTION
    ROLLBACK TO SAVEPOINT READ ONLY ISOLATION LEVEL SHOW RESET DISCARD DEALLOCATE LISTEN NOTIFY TIME ZONE count coalesce
    sum json_each iif lag substr 1 2.5 0x 1e 'a' ' ` [ [a] x'0' x' ? ?1 ?99999 $1 $2::int :a @a : $ -- /* */ é # !
";

const ODD: &[&str] = &["\"", "\"a\"", "\n", "\u{1F600}", "\0", "\\"];

fn pieces() -> Vec<&'static str> {
    PLAIN.split_whitespace().chain(ODD.iter().copied()).collect()
}

struct Two;

impl Catalog for Two {
    fn columns(&self, table: &str) -> Option<Vec<(String, ColumnType)>> {
        matches!(table, "t" | "u").then(|| vec![("a".to_owned(), ColumnType::Int8), ("b".to_owned(), ColumnType::Text)])
    }
}

/// Marsaglia's xorshift: enough for a soup.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn soup(&mut self, pieces: &[&str]) -> String {
        let mut text = String::new();
        for _ in 0..self.below(60) {
            text.push_str(pieces[self.below(pieces.len())]);
            if self.below(8) > 0 {
                text.push(' ');
            }
        }
        text
    }
}

fn taste(sql: &str) {
    let whole: String = tokens(sql).map(|token| token.text).collect();
    assert_eq!(whole, sql, "the tokens cover the text");
    let mut end = 0;
    for span in split(sql) {
        assert!(span.start >= end && !span.is_empty(), "statements follow each other");
        end = span.end;
        let statement = &sql[span];
        let outline = outline(statement);
        assert!(outline.text(statement).len() <= statement.len() + "TRANSACTION".len());
        infer(statement, &Two);
    }
    outline(sql);
    infer(sql, &Two);
}

#[track_caller]
fn check(seed: u64, sql: &str) {
    if catch_unwind(AssertUnwindSafe(|| taste(sql))).is_err() {
        panic!("seed {seed:#x}, text {sql:?}");
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

/// Random tokens rarely parse; statements with a few tokens exchanged, dropped or doubled often do.
#[test]
fn bent_statements() {
    const STATEMENTS: &[&str] = &[
        "SELECT a , t.b , count ( * ) FROM t JOIN u USING ( a ) WHERE a = ? AND b IN ( 'x' , $2 ) GROUP BY b ORDER BY a LIMIT ?",
        "WITH RECURSIVE c ( x ) AS ( SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < :n ) SELECT x , sum ( x ) OVER ( ORDER BY x ROWS 1 PRECEDING ) FROM c",
        "INSERT OR IGNORE INTO t ( a , b ) VALUES ( ? , 'x' ) , ( 1 , ? ) ON CONFLICT ( a ) DO UPDATE SET b = excluded.b WHERE a > ? RETURNING *",
        "UPDATE t SET a = CASE WHEN b = ? THEN 1 ELSE a END , ( a , b ) = ( SELECT a , ? FROM u ) FROM u WHERE t.a = u.a RETURNING a + 1",
        "SELECT * FROM ( SELECT a AS x FROM t ) NATURAL LEFT JOIN u , json_each ( b , $1 ) WHERE NOT EXISTS ( SELECT 1 FROM t WHERE a IS NOT x )",
        "CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN UPDATE u SET a = CASE WHEN 1 THEN 2 END ; DELETE FROM t ; END ; SELECT 1",
        "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED , READ ONLY , NOT DEFERRABLE ; ROLLBACK WORK TO SAVEPOINT x",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY ; SET LOCAL TIME ZONE 'UTC' ; SET a.b = 1 , 'c' ; NOTIFY x , 'y'",
    ];
    let spices = pieces();
    let mut random = Random(SEED + 1);
    for _ in 0..ROUNDS {
        let mut pieces: Vec<&str> = STATEMENTS[random.below(STATEMENTS.len())].split(' ').collect();
        for _ in 0..=random.below(3) {
            let at = random.below(pieces.len());
            match random.below(3) {
                0 => pieces[at] = spices[random.below(spices.len())],
                1 if pieces.len() > 1 => drop(pieces.remove(at)),
                _ => pieces.insert(at, spices[random.below(spices.len())]),
            }
        }
        check(SEED + 1, &pieces.join(" "));
    }
}

/// The same piece over and over is what breaks stacks.
#[test]
fn repeated_pieces() {
    for piece in pieces() {
        for prefix in ["", "SELECT ", "SELECT a FROM t "] {
            check(0, &format!("{prefix}{}", format!("{piece} ").repeat(1_500)));

            check(0, &format!("{prefix}{}", format!("{piece} 1 ").repeat(1_500)));
        }
    }
}
