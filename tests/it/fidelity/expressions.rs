//! The types of results that are no plain column.

use super::twin::check;
use mori_tests::Served;
use mori_tests::raw::{Raw, describe, parse, sync};

const SETUP: &str = "
    CREATE TABLE orders(id INTEGER PRIMARY KEY, customer TEXT NOT NULL, total REAL, paid BOOLEAN, placed TIMESTAMP, note TEXT);
    INSERT INTO orders VALUES (1, 'ann', 2.5, 1, '2026-01-01 10:00:00', NULL), (2, 'ann', 4, 0, '2026-01-02 10:00:00', 'late'),
                              (3, 'bob', NULL, 1, NULL, NULL);
    CREATE VIEW by_customer AS SELECT customer, count(*) AS orders, sum(total) AS total, max(placed) AS latest FROM orders GROUP BY customer;
    CREATE VIEW amounts AS SELECT id AS amount FROM orders UNION SELECT total FROM orders;";

const INT8: u32 = 20;
const TEXT: u32 = 25;
const FLOAT8: u32 = 701;
const BOOL: u32 = 16;
const TIMESTAMP: u32 = 1114;
const BYTEA: u32 = 17;

/// The types told for a statement that was prepared and not run, which are what drivers decode by.
#[track_caller]
fn described(sql: &str, expected: &[u32]) {
    let served = Served::with(SETUP);
    let mut raw = Raw::connect(served.port);
    raw.send(&[parse("", sql, &[]), describe(b'S', ""), sync()].concat());
    let answer = raw.until_ready();
    let columns = answer
        .iter()
        .find(|message| message.tag == b'T')
        .unwrap_or_else(|| panic!("{sql}: {answer:?}"))
        .columns();
    let types: Vec<u32> = columns.into_iter().map(|column| column.1).collect();
    assert_eq!(types, expected, "{sql}");
}

#[test]
fn aggregates() {
    described(
        "SELECT count(*), count(note), sum(id), sum(total), avg(id), total(id) FROM orders",
        &[INT8, INT8, INT8, FLOAT8, FLOAT8, FLOAT8],
    );
    described(
        "SELECT min(customer), max(placed), group_concat(customer) FROM orders",
        &[TEXT, TIMESTAMP, TEXT],
    );
    check(
        SETUP,
        &["SELECT count(*), sum(id), sum(total), avg(total), min(placed), max(customer) FROM orders"],
    );
}

#[test]
fn aggregates_of_no_rows() {
    described(
        "SELECT count(*), sum(id), max(placed) FROM orders WHERE id > 10",
        &[INT8, INT8, TIMESTAMP],
    );
    assert_eq!(
        check(SETUP, &["SELECT count(*), sum(id), max(placed) FROM orders WHERE id > 10"]).rows(),
        ["0|null|null"]
    );
}

#[test]
fn coalesce_and_its_kind() {
    described(
        "SELECT coalesce(total, 0), ifnull(note, ''), nullif(id, 1), iif(paid, 1, 2) FROM orders",
        &[FLOAT8, TEXT, INT8, INT8],
    );
    check(
        SETUP,
        &["SELECT coalesce(total, 0), ifnull(note, ''), nullif(id, 1), iif(paid, 1, 2) FROM orders"],
    );
}

#[test]
fn comparisons_and_predicates() {
    let sql = "SELECT id = 1, customer LIKE 'a%', note IS NULL, EXISTS (SELECT 1), id IN (1, 2) FROM orders WHERE id = 1";
    check(SETUP, &[sql]);
}

#[test]
fn arithmetic_and_concatenation() {
    described(
        "SELECT id + 1, id * 1.5, total / 2, customer || '!', -id, 7 % 2 FROM orders",
        &[INT8, FLOAT8, FLOAT8, TEXT, INT8, INT8],
    );
    check(
        SETUP,
        &["SELECT id + 1, id * 1.5, total / 2, customer || '!', -id, 7 / 2, 7 % 2 FROM orders"],
    );
}

#[test]
fn an_integer_that_overflows_becomes_a_real_as_in_sqlite() {
    check(
        SETUP,
        &[
            "SELECT 9223372036854775807 + 1",
            "SELECT 9223372036854775807 * 2, -9223372036854775808 - 1",
        ],
    );
    assert_eq!(
        check(SETUP, &["SELECT sum(9223372036854775807) FROM orders"]).error(),
        "22003 integer overflow (SQLite result code 1)"
    );
}

#[test]
fn literals_and_casts() {
    described(
        "SELECT 1, 1.5, 'a', x'00', NULL, CAST(id AS TEXT), CAST('1' AS INTEGER) FROM orders",
        &[INT8, FLOAT8, TEXT, BYTEA, TEXT, TEXT, INT8],
    );
    check(
        SETUP,
        &["SELECT 1, 1.5, 'a', x'00', NULL, CAST(2.7 AS INTEGER), CAST('1' AS REAL), TRUE"],
    );
}

#[test]
fn functions() {
    described(
        "SELECT length(customer), upper(customer), abs(total), round(total), typeof(id), random() FROM orders",
        &[INT8, TEXT, FLOAT8, FLOAT8, TEXT, INT8],
    );
    check(
        SETUP,
        &[
            "SELECT length(customer), upper(customer), abs(total), round(total, 1), date(placed), strftime('%Y', placed), hex(customer) FROM orders",
        ],
    );
}

#[test]
fn a_view_has_the_types_of_its_select() {
    described("SELECT * FROM by_customer", &[TEXT, INT8, FLOAT8, TIMESTAMP]);
    check(SETUP, &["SELECT * FROM by_customer ORDER BY customer"]);
}

#[test]
fn common_table_expressions() {
    described(
        "WITH paid AS (SELECT id, paid, total FROM orders WHERE paid) SELECT count(*), max(total) FROM paid",
        &[INT8, FLOAT8],
    );
    described(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n",
        &[INT8],
    );
    check(
        SETUP,
        &["WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i, customer FROM n JOIN orders ON id = i"],
    );
}

#[test]
fn sub_selects_and_windows() {
    described("SELECT id FROM orders UNION ALL SELECT total FROM orders", &[FLOAT8]);
    described(
        "SELECT (SELECT max(placed) FROM orders), row_number() OVER (ORDER BY id) FROM orders",
        &[TIMESTAMP, INT8],
    );
    check(
        SETUP,
        &["SELECT customer, sum(total) OVER (PARTITION BY customer ORDER BY id) FROM orders ORDER BY id"],
    );
}

/// SQLite declares a compound's columns as those of its first arm, which would be sent as integers here.
#[test]
fn a_union_of_integers_and_reals_is_real() {
    described("SELECT id FROM orders UNION ALL SELECT total FROM orders", &[FLOAT8]);
    described("SELECT amount FROM amounts", &[FLOAT8]);
    check(SETUP, &["SELECT amount FROM amounts ORDER BY 1"]);
}

#[test]
fn case_takes_the_type_of_its_branches() {
    described(
        "SELECT CASE WHEN paid THEN placed END, CASE id WHEN 1 THEN 1 ELSE 2.5 END FROM orders",
        &[TIMESTAMP, FLOAT8],
    );
    check(
        SETUP,
        &["SELECT CASE WHEN paid THEN placed ELSE 'unpaid' END, CASE id WHEN 1 THEN 1 ELSE 2.5 END FROM orders"],
    );
}

#[test]
fn returning_has_types_too() {
    described(
        "INSERT INTO orders(customer) VALUES ('cy') RETURNING id, customer, paid, placed, total + 1",
        &[INT8, TEXT, BOOL, TIMESTAMP, FLOAT8],
    );
    check(
        SETUP,
        &["INSERT INTO orders(customer, paid) VALUES ('cy', 1), ('di', 0) RETURNING id, customer, paid, total + 1 AS more"],
    );
}

#[test]
fn json_functions() {
    check(
        SETUP,
        &[r#"SELECT json('{"a": 1}'), '{"a": [1, 2]}' ->> '$.a[1]', json_array(1, 'b'), value FROM json_each('[10, 20]')"#],
    );
}

#[test]
fn pragmas() {
    described("PRAGMA user_version", &[INT8]);
    described("PRAGMA journal_mode", &[TEXT]);
    described("PRAGMA table_info(orders)", &[INT8, TEXT, TEXT, INT8, TEXT, INT8]);
    described("PRAGMA wal_checkpoint", &[INT8, INT8, INT8]);
    described("SELECT name, pk FROM pragma_table_info($1)", &[TEXT, INT8]);
    let all = [
        "table_info(orders)",
        "table_list",
        "index_list(orders)",
        "foreign_key_list(orders)",
        "collation_list",
        "compile_options",
        "busy_timeout",
    ];
    let twins = super::twin::Twins::with(SETUP);
    let mut twin = twins.connect();
    twin.run("PRAGMA busy_timeout = 7");
    for pragma in all {
        twin.run(&format!("PRAGMA {pragma}"));
    }
}

#[test]
fn column_names_are_sqlites() {
    check(
        SETUP,
        &[
            "SELECT id, id AS number, count(*), o.customer, 'a', id+1 FROM orders o",
            "SELECT rowid, oid, _rowid_ FROM orders",
        ],
    );
}
