//! Random programs over a schema of everything: the delta is the difference of two full copies, and an undo gives the first one back.

use super::support::{Content, Random, Server, assert_same, content, rows};
use crate::postgres::capture::{Undone, counts, dirty_tables, install, mark, read, undo};
use mori_model::{ChangeKind, Row, Value};
use postgres::Client;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

const SCHEMA: &str = include_str!("programs.sql");
const PROGRAMS: u64 = 40;
const STATEMENTS: u64 = 25;

#[test]
fn random_programs_are_seen_and_undone() {
    let Some(server) = Server::start() else { return };
    // PostgreSQL 14 made the type, with the same text.
    let schema = match server.major() {
        ..14 => SCHEMA.replace("nummultirange", "text"),
        _ => SCHEMA.to_owned(),
    };
    let mut own = server.database("programs", &schema);
    install(&mut own).unwrap();
    let sealed = content(&mut own);
    let sealed_rows = keyed_rows(&mut own);
    let mut written = BTreeSet::new();
    for seed in 1..=PROGRAMS {
        let mut random = Random::new(seed);
        let mut client = server.connect_as(random.pick(&["postgres", "postgres", "owner"]), "programs");
        let mut log = run(&mut client, &mut random);
        compare(&mut own, &sealed_rows, &format!("seed {seed}\n{}", log.join(";\n")));
        written.extend(dirty_tables(&mut own).unwrap());
        if random.below(3) == 0 {
            let middle = content(&mut own);
            let middle_mark = mark(&mut own).unwrap();
            log.push("-- mark".to_owned());
            log.extend(run(&mut client, &mut random));
            back(
                &mut own,
                Some(&middle_mark),
                &middle,
                &format!("seed {seed}, to the mark\n{}", log.join(";\n")),
            );
            compare(&mut own, &sealed_rows, &format!("seed {seed}, after the mark\n{}", log.join(";\n")));
        }
        back(&mut own, None, &sealed, &format!("seed {seed}\n{}", log.join(";\n")));
    }
    // The programs are worth their time only if they reach everything.
    assert!(written.len() >= 20, "{written:?}");
}

fn back(own: &mut Client, to: Option<&crate::postgres::capture::Mark>, expected: &Content, context: &str) {
    match undo(own, to).unwrap() {
        Undone::Rows { .. } => assert_same(&content(own), expected, context),
        Undone::Coarse { reason } => panic!("{reason}: {context}"),
    }
}

/// A row's columns as text, by table as shown and key.
type Keyed = BTreeMap<String, BTreeMap<Vec<String>, Vec<Option<String>>>>;

/// The tables with a key, and its columns.
const KEYS: [(&str, &str, &[&str]); 22] = [
    ("types", "public.types", &["id"]),
    ("ident", "public.ident", &["id"]),
    ("parent", "public.parent", &["id"]),
    ("child", "public.child", &["id"]),
    ("tree", "public.tree", &["id"]),
    ("part", "public.part", &["k", "region"]),
    ("Other Schema.Mixed \"Case", "\"Other Schema\".\"Mixed \"\"Case\"", &["order"]),
    ("composite", "public.composite", &["b", "a"]),
    ("keys_ci", "public.keys_ci", &["k"]),
    ("keys_num", "public.keys_num", &["k"]),
    ("keys_tz", "public.keys_tz", &["k"]),
    ("keys_any", "public.keys_any", &["k"]),
    ("keys_float", "public.keys_float", &["k"]),
    ("keys_bytes", "public.keys_bytes", &["k", "e", "r", "a"]),
    ("swapped", "public.swapped", &["id"]),
    ("unlogged", "public.unlogged", &["id"]),
    ("base", "ONLY public.base", &["id"]),
    ("audit", "public.audit", &["n"]),
    ("secret", "public.secret", &["id"]),
    // Without a key, their rows count as they are.
    ("derived", "public.derived", &["id", "v", "w"]),
    ("nokey", "public.nokey", &["a", "b"]),
    ("empty_columns", "public.empty_columns", &[]),
];

fn keyed_rows(own: &mut Client) -> Keyed {
    own.batch_execute("SET \"DateStyle\" = 'ISO'; SET \"TimeZone\" = 'UTC'; SET search_path = ''")
        .unwrap();
    let mut keyed = Keyed::new();
    for (shown, table, key) in KEYS {
        if key.is_empty() {
            continue;
        }
        let of = table.trim_start_matches("ONLY ").replace('\'', "''");
        let list = rows(
            own,
            &format!(
                "SELECT string_agg(format('t.%I::text', attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '{of}'::regclass AND attnum > 0 AND NOT attisdropped"
            ),
        );
        let list = list[0][0].clone().unwrap();
        let keys = key
            .iter()
            .map(|column| format!("t.\"{column}\"::text"))
            .collect::<Vec<_>>()
            .join(", ");
        // How often a row without a key is there is part of it.
        let table_rows = rows(
            own,
            &format!("SELECT {keys}, count(*), {list} FROM {table} t GROUP BY {keys}, {list}"),
        );
        let by_key = table_rows.into_iter().map(|mut row| {
            let columns = row.split_off(key.len());
            (
                row.into_iter().map(|key| key.unwrap_or_else(|| key_text(&Value::Null))).collect(),
                columns,
            )
        });
        keyed.insert(shown.to_owned(), by_key.collect());
    }
    own.batch_execute("RESET ALL").unwrap();
    keyed
}

/// The delta must be the difference between the content at the seal and now, both read by plain queries.
fn compare(own: &mut Client, before: &Keyed, context: &str) {
    let state = read(own).unwrap();
    let delta = state.delta().unwrap();
    let after = keyed_rows(own);
    let counted = counts(own).unwrap();
    assert_eq!(
        (counted.delta_rows, counted.tombstones),
        (delta.delta_rows() as u64, delta.tombstones() as u64),
        "{context}"
    );
    for (shown, _, key_columns) in KEYS {
        let found: BTreeMap<Vec<String>, Vec<_>> = delta.tables.get(shown).into_iter().flat_map(|table| &table.rows).fold(
            BTreeMap::new(),
            |mut found: BTreeMap<_, Vec<_>>, change| {
                found.entry(change.key.0.iter().map(key_text).collect()).or_default().push(change);
                found
            },
        );
        let empty = BTreeMap::new();
        let (old, new) = (before.get(shown).unwrap_or(&empty), after.get(shown).unwrap_or(&empty));
        let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        let differing: BTreeSet<_> = keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).cloned().collect();
        if !key_columns.is_empty() {
            assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), differing, "{shown}: {context}");
        }
        for key in differing {
            let (old, new) = (old.get(&key), new.get(&key));
            let count = |columns: Option<&Vec<Option<String>>>| {
                columns.map_or(0, |columns| columns[0].as_deref().unwrap().parse::<usize>().unwrap())
            };
            let changes = &found[&key];
            if ["nokey", "derived"].contains(&shown) {
                let (kind, copies) = if count(new) > count(old) {
                    (ChangeKind::Inserted, count(new) - count(old))
                } else {
                    (ChangeKind::Deleted, count(old) - count(new))
                };
                assert!(
                    changes.len() == copies && changes.iter().all(|change| change.kind == kind),
                    "{shown} {key:?}: {context}"
                );
                continue;
            }
            let kind = match (old, new) {
                (None, _) => ChangeKind::Inserted,
                (_, None) => ChangeKind::Deleted,
                _ => ChangeKind::Updated,
            };
            assert_eq!((changes.len(), changes[0].kind), (1, kind), "{shown} {key:?}: {context}");
            same_row(changes[0].old.as_ref(), old, context);
            same_row(changes[0].new.as_ref(), new, context);
        }
    }
}

#[track_caller]
fn same_row(row: Option<&Row>, expected: Option<&Vec<Option<String>>>, context: &str) {
    assert_eq!(row.is_some(), expected.is_some(), "{context}");
    let (Some(row), Some(expected)) = (row, expected) else { return };
    assert_eq!(row.columns.len(), expected.len() - 1, "{context}");
    for ((name, value), text) in row.columns.iter().zip(&expected[1..]) {
        let is_same = match (value, text.as_deref()) {
            (Value::Null, None) => true,
            (Value::Int(value), Some(text)) => text.parse() == Ok(*value) || text == (if *value == 1 { "true" } else { "false" }),
            (Value::Real(value), Some(text)) => text.parse() == Ok(*value),
            // A cast to text takes the padding of a char(n) away; the wire and the delta keep it.
            (Value::Text(value), Some(text)) => value == text || name == "padded" && value.trim_end() == text,
            (Value::Blob(_), Some(text)) => key_text(value) == text,
            _ => false,
        };
        assert!(is_same, "{name}: {value:?} is not {text:?}: {context}");
    }
}

/// A value as PostgreSQL prints it, and NULL as no text is.
fn key_text(value: &Value) -> String {
    match value {
        Value::Null => "\0".to_owned(),
        Value::Real(value) => value.to_string(),
        Value::Blob(bytes) => format!("\\x{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        other => other.to_string(),
    }
}

/// Settings that a client may have.
const SETTINGS: [&str; 14] = [
    "SET \"DateStyle\" = 'German'",
    "SET \"DateStyle\" = 'SQL, DMY'",
    "SET \"IntervalStyle\" = iso_8601",
    "SET \"IntervalStyle\" = sql_standard",
    "SET \"TimeZone\" = 'Asia/Kolkata'",
    "SET \"TimeZone\" = 'America/New_York'",
    "SET extra_float_digits = -10",
    "SET bytea_output = escape",
    "SET search_path = \"Other Schema\", public",
    "SET array_nulls = off",
    "SET default_transaction_isolation = 'serializable'",
    "SET session_replication_role = replica",
    "SET ROLE owner",
    "SET client_encoding = latin1",
];

/// Runs a random program and gives its statements. Some of them fail, and take back what they belong to.
fn run(client: &mut Client, random: &mut Random) -> Vec<String> {
    let mut log = Vec::new();
    let mut execute = |client: &mut Client, sql: String| {
        let is_done = client.batch_execute(&sql).is_ok();
        log.push(if is_done { sql } else { format!("{sql} -- failed") });
        is_done
    };
    execute(client, "SET search_path = public, \"Other Schema\"".to_owned());
    for _ in 0..random.below(4) {
        execute(client, random.pick(&SETTINGS).to_owned());
    }
    for _ in 0..random.below(STATEMENTS) {
        if random.below(3) > 0 {
            execute(client, statement(random));
            continue;
        }
        execute(client, "BEGIN".to_owned());
        for step in 0..random.below(5) {
            execute(client, format!("SAVEPOINT s{step}"));
            if !execute(client, statement(random)) || random.below(3) == 0 {
                execute(client, format!("ROLLBACK TO s{step}"));
            } else if random.below(2) == 0 {
                execute(client, format!("RELEASE s{step}"));
            }
        }
        execute(client, random.pick(&["COMMIT", "COMMIT", "ROLLBACK"]).to_owned());
    }
    log
}

fn statement(random: &mut Random) -> String {
    let n = random.below(40) + 1;
    let m = random.below(40) + 1;
    let text = random.pick(&[
        "",
        "plain",
        "a \"quoted\" one",
        "back\\slash",
        "new\nline",
        "comma, (paren)",
        "NULL",
        "ünï'cøde".replace('\'', "''").leak(),
        "{}",
        "tab\t",
    ]);
    match random.below(44) {
        0 => format!(
            "INSERT INTO types VALUES ({n}, '[-2:0]={{1,NULL,3}}', ARRAY['{text}', NULL, 'NULL'], 'null', ' {{\"a\" : 1}} ', 'happy', '{{sad,ok}}', {m}, ROW({n}, '{text}'),
             ARRAY[ROW(1, '{text}')::pair, NULL], '[{n},100)', '{{[1.50,2.5),(3,)}}', '[0.1,{n}.25]', '\\xdeadbeef00', '2026-03-29 02:30:00.123456+01', '2026-01-02 10:00', 'infinity',
             '10:00:00.5+05:30', '1 year -2 mons 3 days -04:05:06.789', 1234.5, 1.500, {n}.12345, 0.1, {m} / 3.0::float8, true, '{text}', 'ab', 'v', '{text}', 'a=>\"{text}\", b=>NULL',
             B'101', '10.0.0.{n}/24', gen_random_uuid(), '({n}.1,2)', 'public.nokey', 'x', 'fat:{n} cat', '<a>{n}</a>', '{{2026-01-01 00:00+00,NULL}}', '(1,2),({n},0.1)', 'public.audit()') ON CONFLICT (id) DO UPDATE SET (tz, span, class, pair, floats, price) = (excluded.tz, excluded.span, excluded.class, excluded.pair, excluded.floats, excluded.price)"
        ),
        1 => format!("INSERT INTO types (id, f4, f8, num) VALUES ({n}, 'NaN', '-Infinity', 'NaN'), ({m}, '-0', 5e-324, 1e30)"),
        2 => format!("UPDATE types SET note = '{text}', f8 = f8 * 1.1, jb = jb || '{{\"k\": \"v\"}}', texts = texts || '{text}'::text WHERE id % 4 = {n} % 4"),
        3 => format!("UPDATE types SET tz = tz + interval '1 hour', span = span * 2, bytes = bytes || '\\x0a', padded = '{n}', ints[5] = {m} WHERE id > {n}"),
        4 => format!("DELETE FROM types WHERE id % 5 = {n} % 5"),
        5 => format!("INSERT INTO types (id, note) VALUES ({n}, '{text}') ON CONFLICT (id) DO UPDATE SET note = excluded.note || types.note, yes = NOT types.yes"),
        6 => format!("INSERT INTO ident (a) SELECT generate_series(1, {n} % 5)"),
        7 => format!("INSERT INTO ident (id, a) OVERRIDING SYSTEM VALUE VALUES ({n} + 1000, {m})"),
        8 => format!("UPDATE ident SET a = a + {n} WHERE id % 3 = {m} % 3"),
        9 => format!("INSERT INTO parent VALUES ({n}, '{text}') ON CONFLICT DO NOTHING"),
        10 => format!("UPDATE parent SET id = id + 100 WHERE id % 4 = {n} % 4"),
        11 => format!("DELETE FROM parent WHERE id % 5 = {n} % 5"),
        12 => format!("INSERT INTO child (parent, other) SELECT id, id FROM parent WHERE id < {n}"),
        13 => format!("DELETE FROM child WHERE id % 7 = {n} % 7"),
        14 => format!("UPDATE tree SET weight = {n} WHERE id <= {m} % 10"),
        15 => "UPDATE tree SET id = id + 50".to_owned(),
        16 => format!("DELETE FROM tree WHERE id = {n} % 10 + 1"),
        17 => format!("INSERT INTO tree VALUES ({n}, (SELECT min(id) FROM tree), {m}), ({n} + 40, {n}, NULL)"),
        18 => format!("INSERT INTO part SELECT g, (ARRAY['eu', 'us', 'yy'])[g % 3 + 1], '{text}' FROM generate_series({n}, {n} + 5) g ON CONFLICT (k, region) DO UPDATE SET v = 'again'"),
        19 => format!("UPDATE part SET region = 'us' WHERE k % 5 = {n} % 5 AND region <> 'us'"),
        20 => format!("UPDATE part SET v = v || '!', region = 'eu', k = k + {m} WHERE k % 6 = {n} % 6"),
        21 => format!("DELETE FROM part WHERE k < {n} % 9"),
        22 => random.pick(&["TRUNCATE part", "TRUNCATE part_us", "TRUNCATE nokey", "TRUNCATE ident RESTART IDENTITY", "TRUNCATE parent CASCADE", "TRUNCATE base", "TRUNCATE ONLY base",
            "TRUNCATE types, \"Other Schema\".\"Mixed \"\"Case\"", "TRUNCATE unlogged", "TRUNCATE composite", "TRUNCATE tree CASCADE"]).to_owned(),
        23 => format!("INSERT INTO nokey SELECT {n} % 5, CASE WHEN g > 3 THEN '{text}' END FROM generate_series(1, {m} % 6) g"),
        24 => format!("DELETE FROM nokey WHERE ctid IN (SELECT ctid FROM nokey WHERE a = {n} % 5 LIMIT 2)"),
        25 => format!("UPDATE nokey SET a = a + 1 WHERE a = {n} % 5"),
        26 => format!("UPDATE \"Other Schema\".\"Mixed \"\"Case\" SET \"The Value\" = '{text}', \"order\" = \"order\" || '{n}' WHERE \"Id\" % 3 = {m} % 3"),
        27 => format!("INSERT INTO \"Other Schema\".\"Mixed \"\"Case\" VALUES ({n}, '{text}', 'o{m}') ON CONFLICT (\"order\") DO UPDATE SET \"Id\" = NULL"),
        28 => format!("INSERT INTO composite VALUES ({n}, '{text}', 'c'), ({m}, 'b', '{text}') ON CONFLICT DO NOTHING"),
        29 => format!("UPDATE composite SET a = a + 20, c = '{text}' WHERE a % 3 = {n} % 3"),
        30 => format!("UPDATE keys_ci SET k = upper(k), v = v + 1 WHERE v % 3 = {n} % 3"),
        31 => format!("DELETE FROM keys_ci WHERE k = 'KEY{}'", n % 10),
        32 => format!("UPDATE keys_num SET k = k + 0.000 WHERE v % 3 = {n} % 3"),
        33 => format!("DELETE FROM keys_num WHERE v % 4 = {n} % 4"),
        34 => format!("UPDATE keys_tz SET k = k + interval '20 hours' WHERE v % 3 = {n} % 3; DELETE FROM keys_tz WHERE v = {m}"),
        35 => format!("UPDATE keys_any SET k = upper(k) WHERE v % 3 = {n} % 3; INSERT INTO keys_any VALUES ('KEY{m}', {m})"),
        36 => format!("UPDATE keys_float SET k = k * 1.1, v = v + 1 WHERE v % 3 = {n} % 3; DELETE FROM keys_float WHERE v = {m}"),
        37 => format!("UPDATE keys_bytes SET k = k || '\\x01', e = 'happy' WHERE a[1] % 3 = {n} % 3; DELETE FROM keys_bytes WHERE a = ARRAY[{m}]"),
        38 => format!("DELETE FROM swapped WHERE id = {n}; UPDATE swapped SET u = u + 100, x = int4range(id + 100, id + 101); UPDATE swapped SET u = 111 - u, x = int4range(20 - id, 21 - id)"),
        39 => format!("INSERT INTO unlogged VALUES ({n}, '{text}') ON CONFLICT (id) DO UPDATE SET v = excluded.v; DELETE FROM unlogged WHERE id = {m}"),
        40 => format!("UPDATE base SET v = '{text}' WHERE id % 3 = {n} % 3; INSERT INTO derived VALUES ({m}, 'd', '{text}')"),
        41 => format!("INSERT INTO secret VALUES ({n} + 10, current_user); DELETE FROM secret WHERE id = {m}"),
        42 => format!("SELECT nextval('child_id_seq'), setval('audit_n_seq', {n} + 1000, {m} % 2 = 0); INSERT INTO empty_columns DEFAULT VALUES"),
        _ => format!(
            "MERGE INTO composite c USING (SELECT g AS a, 'b' AS b FROM generate_series({n}, {n} + 5) g) s ON c.a = s.a AND c.b = s.b
             WHEN MATCHED AND s.a % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET c = 'merged' WHEN NOT MATCHED THEN INSERT VALUES (s.a, s.b, 'new')"
        ),
    }
}
