//! Random programs: whatever statements run, the comparison finds what a full outer comparison in SQL finds.

use super::support::{Database, Random, diff, expected, pairs};

const SEEDS: u64 = 500;

const TABLES: &[(&str, &str)] = &[
    ("plain", "CREATE TABLE plain (id INTEGER PRIMARY KEY, a TEXT, b BLOB, c)"),
    (
        "auto",
        "CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT COLLATE NOCASE, b, c)",
    ),
    ("hidden", "CREATE TABLE hidden (a, b, c)"),
    ("named", "CREATE TABLE named (a TEXT PRIMARY KEY, b, c UNIQUE)"),
    (
        "w_pair",
        "CREATE TABLE w_pair (k TEXT, n INTEGER, a, b, c, PRIMARY KEY (k, n)) WITHOUT ROWID",
    ),
    (
        "w_last",
        "CREATE TABLE w_last (a, b, c, k TEXT COLLATE NOCASE, PRIMARY KEY (k)) WITHOUT ROWID",
    ),
];

#[test]
fn random_programs_agree_with_sql() {
    for seed in 0..SEEDS {
        program(seed);
    }
}

/// Fills a database, keeps a copy, and compares with the copy after each of several bursts of statements.
fn program(seed: u64) {
    let mut random = Random(seed);
    let page_size = random.pick(&["512", "512", "1024", "4096", "65536"]);
    let mut database = Database::new(&format!(
        "PRAGMA page_size = {page_size}; PRAGMA auto_vacuum = {}; PRAGMA encoding = '{}'; PRAGMA secure_delete = {};",
        random.pick(&["none", "none", "full", "incremental"]),
        random.pick(&["UTF-8", "UTF-8", "UTF-8", "UTF-16le", "UTF-16be"]),
        random.pick(&["off", "on", "fast"]),
    ));
    if page_size != "65536" && random.one_in(4) {
        let reserved = [8, 17, 32][random.below(3) as usize];
        database.reserve_bytes(reserved);
    }
    let mut log = vec![format!("seed {seed}, page size {page_size}")];
    for (_, sql) in TABLES {
        database.run(sql);
    }
    run(&database, &mut random, &mut log, 30);
    let (old_sql, old) = database.copy();
    log.push("-- copied".to_owned());
    for _ in 0..4 {
        let statements = [1, 1, 3, 12][random.below(4) as usize];
        run(&database, &mut random, &mut log, statements);
        let new = database.image();
        let mut changed = new.changed_since(&old);
        // Pages may be written with the bytes they had.
        changed.extend((1..=random.below(6)).map(|_| 1 + random.below(u64::from(new.bytes.len() as u32 / new.page_size)) as u32));
        let mut tables = pairs(&old_sql, &database.sql);
        // What belongs to a table that is not asked for must not disturb.
        tables.retain(|_| !random.one_in(8));
        let found = diff(&old, &new, &changed, &tables).unwrap_or_else(|error| panic!("{error}\n{}", log.join("\n")));
        let wanted = expected(&old_sql, &database.sql, &tables);
        assert!(
            found == wanted,
            "{}\nfound {found:?}\nwanted {wanted:?}",
            log.join("\n").chars().take(20_000).collect::<String>()
        );
    }
}

fn run(database: &Database, random: &mut Random, log: &mut Vec<String>, statements: u64) {
    for _ in 0..statements {
        let sql = statement(random);
        log.push(sql.clone());
        // Constraints and missing tables make some statements fail; what they leave is a state like any other.
        if let Err(error) = database.sql.execute_batch(&sql) {
            log.push(format!("-- {error}"));
        }
    }
}

fn statement(random: &mut Random) -> String {
    let (table, create) = TABLES[random.below(TABLES.len() as u64) as usize];
    let key = match table {
        "plain" | "auto" => "id",
        "hidden" => "rowid",
        "named" => "a",
        _ => "k",
    };
    let column = random.pick(&["a", "b", "c"]);
    let some = match random.below(4) {
        0 => format!("{key} = (SELECT {key} FROM {table} LIMIT 1 OFFSET {})", random.below(40)),
        1 => format!(
            "{key} IN (SELECT {key} FROM {table} LIMIT {} OFFSET {})",
            random.below(6),
            random.below(60)
        ),
        2 => format!("length({column}) % 7 = {}", random.below(7)),
        _ => format!("length({column}) > {}", 100 + random.below(20_000)),
    };
    match random.below(24) {
        0..=6 => insert(random, table, "OR IGNORE"),
        7 => insert(random, table, "OR REPLACE"),
        8..=9 => format!("UPDATE OR IGNORE {table} SET {column} = {} WHERE {some}", value(random, "1")),
        // The same length, other bytes at the end, in the middle or at the start: in place, where SQLite can.
        10..=12 => {
            let at = random.pick(&["length(b)", "length(b) / 2", "1", "length(b) - 600"]);
            let byte = random.pick(&["x'00'", "x'41'", "x'7a'"]);
            format!(
                "UPDATE {table} SET b = CAST(substr(CAST(b AS BLOB), 1, {at} - 1) || {byte} || substr(CAST(b AS BLOB), {at} + 1) AS BLOB) \
                 WHERE typeof(b) = 'blob' AND length(b) > 700 AND {some}"
            )
        }
        13 => format!("UPDATE OR IGNORE {table} SET {column} = upper({column}) WHERE {some}"),
        14 => match key {
            "id" | "rowid" => format!("UPDATE OR IGNORE {table} SET {key} = {key} + {} WHERE {some}", random.below(50)),
            "a" => format!("UPDATE OR IGNORE {table} SET a = a || 'x' WHERE {some}"),
            _ => format!(
                "UPDATE OR IGNORE {table} SET k = {} WHERE {some}",
                random.pick(&["upper(k)", "lower(k)", "k || 'y'", "substr(k, 2)"])
            ),
        },
        15..=16 => format!("DELETE FROM {table} WHERE {some}"),
        17 if random.one_in(3) => format!("DELETE FROM {table}"),
        18 if random.one_in(3) => format!("DROP TABLE {table}; {create}"),
        18 => format!("DROP TABLE IF EXISTS {table}"),
        19 => create.to_owned(),
        20 => format!("CREATE INDEX IF NOT EXISTS {table}_{column} ON {table} ({column}, length(b))"),
        21 => format!("DROP INDEX IF EXISTS {table}_{column}"),
        22 if random.one_in(3) => random.pick(&["VACUUM", "ANALYZE", "REINDEX"]).to_owned(),
        _ => format!("PRAGMA incremental_vacuum({})", random.below(30)),
    }
}

/// Inserts up to 80 rows in random key order, or a single one.
fn insert(random: &mut Random, table: &str, conflict: &str) -> String {
    let count = if random.one_in(2) { 1 } else { random.below(80) };
    let salt = random.below(1000);
    let (columns, key) = match table {
        "plain" => ("id, a, b, c", format!("(i * 7919 + {salt}) % 997, {}, ", value(random, "i"))),
        "auto" | "hidden" => ("a, b, c", format!("{}, ", value(random, "i"))),
        "named" => ("a, b, c", format!("'key' || ((i * 31 + {salt}) % 500), ")),
        "w_pair" => (
            "k, n, a, b, c",
            format!("char(97 + (i + {salt}) % 3) || {}, (i * 31 + {salt}) % 300, i, ", text(random)),
        ),
        _ => ("k, a, b, c", format!("((i * 31 + {salt}) % 300) || {}, i, ", text(random))),
    };
    let (b, c) = (value(random, "i"), random.pick(&["i", "i / 3.0", "NULL", "'c' || i"]));
    format!(
        "INSERT {conflict} INTO {table} ({columns}) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT {key}{b}, {c} FROM n"
    )
}

/// Text for keys: short, or long enough to reach into overflow pages of small pages.
fn text(random: &mut Random) -> String {
    match random.below(4) {
        0 => format!("replace(hex(zeroblob({})), '0', 'Kk')", random.below(700)),
        _ => "'Key'".to_owned(),
    }
}

/// An expression over `i`: numbers, short and long text, blobs up to several pages.
fn value(random: &mut Random, i: &str) -> String {
    let len = match random.below(5) {
        0 => random.below(30),
        1 => random.below(300),
        2 => random.below(2_000),
        3 => 480 + random.below(40),
        _ => random.below(12_000),
    };
    match random.below(7) {
        0 => "NULL".to_owned(),
        1 => format!("{i} * {}", random.below(1 << 40)),
        2 => format!("{i} / {}.0", 1 + random.below(9)),
        3 => format!("'text' || {i}"),
        4 => format!("replace(hex(zeroblob({len} / 4)), '0', 'é' || {i})"),
        _ => format!("CAST(substr(hex(randomblob(3)) || hex(zeroblob({len})), 1, {len}) AS BLOB)"),
    }
}
