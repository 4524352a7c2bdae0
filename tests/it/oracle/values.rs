//! Random values, as every column may hold them, and their text as SQL literals.

use mori_tests::Random;
use rusqlite::types::Value;
use std::fmt::Write;

/// What a value is for. SQLite holds no column to its type, so now and then a value is of another class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A key: few different ones, so that rows meet.
    Key,
    Integer,
    Real,
    Text,
    Blob,
    Bool,
    Date,
    Json,
    Any,
}

impl Hint {
    /// Of a column, by its declared type.
    pub fn of_declared(declared: &str) -> Hint {
        let name = declared.to_ascii_uppercase();
        let has = |part: &str| name.contains(part);
        if has("BOOL") {
            Hint::Bool
        } else if has("INT") {
            Hint::Integer
        } else if has("DATE") {
            Hint::Date
        } else if has("JSON") {
            Hint::Json
        } else if has("CHAR") || has("TEXT") {
            Hint::Text
        } else if has("REAL") || has("DOUB") || has("NUM") || has("DEC") {
            Hint::Real
        } else if has("BLOB") {
            Hint::Blob
        } else {
            Hint::Any
        }
    }
}

const WORDS: [&str; 24] = [
    "apple",
    "Apple",
    "APPLE",
    "pear",
    "Pear tree",
    "fig",
    "kiwi",
    "",
    " ",
    "it's",
    "a%b_c",
    "5",
    "007",
    "1e3",
    " 12 ",
    "äpfel",
    "ÄPFEL",
    "日本語",
    "🍏 and 🍐",
    "plum\nand\tfig",
    "zebra",
    "a",
    "b",
    "the quick brown fox",
];
const DATES: [&str; 5] = [
    "2024-02-29",
    "1999-12-31 23:59:59",
    "2026-01-01",
    "not a date",
    "2026-11-20T08:00:00Z",
];
const DOCUMENTS: [&str; 6] = [
    r#"{"a":1,"b":[1,2,{"c":null}],"n":"apple"}"#,
    r#"{"a":"x","b":[]}"#,
    r#"[1,2.5,"three",null,true]"#,
    r#"{"a":9007199254740993,"n":"pear"}"#,
    "null",
    "not json",
];
const INTEGERS: [i64; 12] = [
    0,
    1,
    -1,
    2,
    10,
    100,
    255,
    65_536,
    9_007_199_254_740_993,
    -9_007_199_254_740_993,
    NEAR_MAX,
    i64::MIN,
];
/// The next row ids after the largest integer would be drawn by lot.
const NEAR_MAX: i64 = i64::MAX - 1_000_000;
const REALS: [f64; 13] = [
    f64::INFINITY,
    0.0,
    0.5,
    -2.5,
    0.1,
    3.0,
    1e20,
    1.5e300,
    1e-7,
    123_456.789,
    -0.000_1,
    9_007_199_254_740_992.0,
    2.0 / 3.0,
];

pub fn value(random: &mut Random, hint: Hint) -> Value {
    if random.chance(9) {
        return Value::Null;
    }
    let hint = if random.chance(6) { Hint::Any } else { hint };
    match hint {
        Hint::Key => Value::Integer(small(random, 24) + 1),
        Hint::Integer if random.chance(15) => Value::Integer(*random.pick(&INTEGERS)),
        Hint::Integer => Value::Integer(small(random, 30)),
        Hint::Real => Value::Real(*random.pick(&REALS)),
        Hint::Text if random.chance(4) => Value::Text(long_text(random)),
        Hint::Text => Value::Text((*random.pick(&WORDS)).to_owned()),
        Hint::Blob => blob(random),
        Hint::Bool => Value::Integer(small(random, 2)),
        Hint::Date => Value::Text((*random.pick(&DATES)).to_owned()),
        Hint::Json => Value::Text((*random.pick(&DOCUMENTS)).to_owned()),
        Hint::Any => {
            let hints = [
                Hint::Key,
                Hint::Integer,
                Hint::Real,
                Hint::Text,
                Hint::Text,
                Hint::Blob,
                Hint::Date,
                Hint::Json,
            ];
            let hint = *random.pick(&hints);
            value(random, hint)
        }
    }
}

fn small(random: &mut Random, limit: u64) -> i64 {
    i64::try_from(random.below(limit)).expect("a small number")
}

/// Long enough for overflow pages at most page sizes. A repetition, so that SQL text can say it in few words.
fn long_text(random: &mut Random) -> String {
    let times = 20 + usize::try_from(random.below(500)).expect("a small number");
    long_unit(random).repeat(times)
}

fn long_unit(random: &mut Random) -> String {
    format!("{LONG_MARK}{} {}·", random.pick(&WORDS), random.below(1000))
}

/// Begins each unit of a long text.
const LONG_MARK: &str = "¶";

fn blob(random: &mut Random) -> Value {
    let len = match random.below(10) {
        0 => 0,
        1 => 16,
        2 => return Value::Blob(long_text(random).into_bytes()),
        _ => random.below(8),
    };
    Value::Blob((0..len).map(|_| random.number().to_le_bytes()[0]).collect())
}

/// The value as SQL text.
pub fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(value) => value.to_string(),
        Value::Real(value) if value.is_infinite() => if *value > 0.0 { "9e999" } else { "-9e999" }.to_owned(),
        Value::Real(value) => format!("{value:?}"),
        Value::Text(text) => long_literal(text).unwrap_or_else(|| format!("'{}'", text.replace('\'', "''"))),
        Value::Blob(bytes) => match std::str::from_utf8(bytes).ok().and_then(long_literal) {
            Some(text) => format!("CAST({text} AS BLOB)"),
            None => format!("x'{}'", hex(bytes)),
        },
    }
}

/// A text that `long_text` made, as an expression.
fn long_literal(text: &str) -> Option<String> {
    let unit = text.strip_prefix(LONG_MARK)?.split(LONG_MARK).next()?;
    let times = text.matches(LONG_MARK).count();
    let unit = format!("{LONG_MARK}{unit}");
    (unit.repeat(times) == text).then(|| format!("(replace(hex(zeroblob({times})), '00', '{}'))", unit.replace('\'', "''")))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

/// A word for full-text search.
pub fn search_word(random: &mut Random) -> &'static str {
    random.pick::<&str>(&["apple", "pear", "fig", "kiwi", "zebra", "quick", "brown", "tree", "missing", "ap"])
}
