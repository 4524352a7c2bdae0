//! Values of every type: as text and in binary, in both directions.

use super::scripts::{check, pair};
use mori_tests::postgres::Until;
use mori_tests::raw;

const VALUES: &[(&str, &[&str])] = &[
    ("boolean", &["t", "false", "yes"]),
    ("smallint", &["-32768", "0"]),
    ("integer", &["2147483647", " 7 "]),
    ("bigint", &["-9223372036854775808"]),
    (
        "numeric",
        &["0", "-1.50", "NaN", "Infinity", "123456789012345678901234567890.123456789"],
    ),
    ("numeric(6, 2)", &["1234.567"]),
    ("real", &["0.1", "-Infinity", "3.4e38"]),
    ("double precision", &["0.1", "NaN", "5e-324"]),
    ("money", &["-12.34"]),
    ("text", &["", "a 'quoted' \\ text", "grün 🐘"]),
    ("varchar(3)", &["abc"]),
    ("char(5)", &["ab"]),
    ("name", &["a_name"]),
    ("\"char\"", &["x"]),
    ("bytea", &["\\x00ff10", ""]),
    ("date", &["2026-02-28", "infinity", "4714-11-24 BC"]),
    ("time", &["23:59:60.5"]),
    ("timetz", &["04:05:06+02"]),
    ("timestamp", &["2026-01-02 03:04:05.678901", "-infinity"]),
    ("timestamptz", &["2026-07-02 03:04:05.678901+02"]),
    ("interval", &["1 year 2 mons -3 days 04:05:06.7"]),
    ("uuid", &["00112233-4455-6677-8899-aabbccddeeff"]),
    ("json", &["{\"a\" : [1, null]}"]),
    ("jsonb", &["{\"b\": 1, \"a\": [1.0, \"x\"]}"]),
    ("jsonpath", &["$.a[*] ? (@ > 1)"]),
    ("xml", &["<a>b</a>"]),
    ("inet", &["10.0.0.1/8", "::1"]),
    ("cidr", &["10.0.0.0/8"]),
    ("macaddr", &["08:00:2b:01:02:03"]),
    ("bit(4)", &["1010"]),
    ("varbit", &["10101"]),
    ("point", &["(1.5,-2)"]),
    ("polygon", &["((0,0),(1,1),(1,0))"]),
    ("circle", &["<(0,0),2>"]),
    ("int4range", &["[1,5]", "empty"]),
    ("tstzrange", &["[2026-01-01 00:00+00,)"]),
    ("int4multirange", &["{[1,3),[7,9)}"]),
    ("tsvector", &["'a':1 'cat':2A"]),
    ("tsquery", &["'a' & 'b':*"]),
    ("oid", &["4294967295"]),
    ("regclass", &["users"]),
    ("pg_lsn", &["16/B374D848"]),
    ("integer[]", &["{1,NULL,3}", "{{1,2},{3,4}}", "[0:1]={5,6}"]),
    ("text[]", &["{a,\"b c\",NULL,\"\"}"]),
    ("mood", &["happy"]),
    ("mood[]", &["{sad,NULL}"]),
    ("percent", &["100"]),
    ("address", &["(\"Main Street\",12345)", "(,)"]),
    ("address[]", &["{\"(a,b)\"}"]),
];

/// Each value as a literal, as a parameter in text, out in binary, and back in as a parameter in binary.
#[test]
fn every_type_in_both_formats() {
    let Some(pair) = pair("types::every_type_in_both_formats") else {
        return;
    };
    let mut twin = pair.connect();
    for (type_name, values) in VALUES {
        for value in values.iter().copied().chain(["not of this type"]) {
            let sql = format!("SELECT $1::{type_name} AS value, ARRAY[$1::{type_name}] AS list");
            let ask = |formats: &[i16], parameter: &[u8], out: &[i16]| {
                [
                    raw::parse("", &sql, &[]),
                    raw::describe(b'S', ""),
                    raw::bind_as("", "", formats, &[Some(parameter)], out),
                    raw::execute("", 0),
                    raw::sync(),
                ]
                .concat()
            };
            twin.exchange(
                &format!("{type_name} {value} in text"),
                &ask(&[], value.as_bytes(), &[]),
                Until::Ready(1),
            );
            let told = twin.exchange(
                &format!("{type_name} {value} in binary"),
                &ask(&[0], value.as_bytes(), &[1]),
                Until::Ready(1),
            );
            let bytes = told
                .iter()
                .find(|message| message.tag == b'D')
                .and_then(|row| row.values().remove(0));
            if let Some(bytes) = bytes {
                twin.exchange(&format!("{type_name} {value} as binary"), &ask(&[1], &bytes, &[1]), Until::Ready(1));
                twin.exchange(
                    &format!("{type_name} {value} cut"),
                    &ask(&[1], &bytes[..bytes.len() / 2], &[0]),
                    Until::Ready(1),
                );
            }
        }
    }
}

#[test]
fn types_of_the_user() {
    check(
        "types::types_of_the_user",
        &[
            "CREATE TYPE colour AS ENUM ('red', 'green')",
            "CREATE TABLE painted (id serial, colour colour, colours colour[])",
            "INSERT INTO painted (colour, colours) VALUES ('red', '{green,red}') RETURNING *",
            "ALTER TYPE colour ADD VALUE 'blue' BEFORE 'green'",
            "INSERT INTO painted (colour) VALUES ('blue') RETURNING *",
            "SELECT enum_range(NULL::colour), 'blue' < 'green'::colour, max(colour) FROM painted",
            "ALTER TYPE colour RENAME VALUE 'red' TO 'crimson'",
            "SELECT * FROM painted ORDER BY id",
            "CREATE DOMAIN small AS integer CHECK (VALUE < 10) DEFAULT 3 NOT NULL",
            "CREATE TABLE tiny (n small, m small[])",
            "INSERT INTO tiny (m) VALUES ('{1,2}') RETURNING *",
            "INSERT INTO tiny VALUES (11)",
            "ALTER DOMAIN small DROP CONSTRAINT small_check",
            "INSERT INTO tiny VALUES (11, '{20}') RETURNING *",
            "CREATE TYPE pair AS (a integer, b text)",
            "CREATE TABLE pairs (p pair, q pair[])",
            "INSERT INTO pairs VALUES ((1, 'x'), ARRAY[(2, 'y')::pair]) RETURNING p, (p).b, q[1]",
            "ALTER TYPE pair ADD ATTRIBUTE c date CASCADE",
            "SELECT * FROM pairs",
            "UPDATE pairs SET p.c = '2026-01-01' RETURNING *",
            "CREATE TYPE floats AS RANGE (subtype = float8, subtype_diff = float8mi)",
            "SELECT '[1.5,2.5]'::floats * '[2,3)'::floats, floats_multirange(floats(1, 2))",
            "CREATE EXTENSION citext",
            "CREATE TABLE folded (t citext UNIQUE)",
            "INSERT INTO folded VALUES ('A'), ('b') RETURNING t",
            "INSERT INTO folded VALUES ('a')",
            "CREATE EXTENSION pgcrypto",
            "SELECT digest('a', 'sha256')",
            "DROP TYPE colour",
            "DROP TYPE colour CASCADE",
            "SELECT * FROM painted ORDER BY id",
            "SELECT lo_create(7000), lo_put(7000, 0, '\\x0102')",
            "SELECT lo_get(7000)",
        ],
    );
}
