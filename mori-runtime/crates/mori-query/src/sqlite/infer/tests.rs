//! Statements on a small shop, and the types they come to.

use super::*;
use ColumnType::{Bool, Bytea, Date, Float8, Int8, Json, Text, Timestamp, Unknown, Uuid};

struct Shop;

impl Catalog for Shop {
    fn columns(&self, table: &str) -> Option<Vec<(String, ColumnType)>> {
        let columns: &[(&str, ColumnType)] = match table.to_lowercase().as_str() {
            "users" => &[
                ("id", Int8),
                ("Name", Text),
                ("email", Text),
                ("active", Bool),
                ("born", Date),
                ("avatar", Bytea),
                ("key", Uuid),
            ],
            "orders" => &[
                ("id", Int8),
                ("user_id", Int8),
                ("total", Float8),
                ("status", Text),
                ("paid_at", Timestamp),
                ("data", Json),
            ],
            "items" => &[
                ("order_id", Int8),
                ("sku", Text),
                ("quantity", Int8),
                ("price", Float8),
                ("extra", Unknown),
            ],
            "paid" => &[("id", Int8), ("total", Float8)],
            _ => return None,
        };
        Some(columns.iter().map(|(name, ty)| ((*name).to_owned(), *ty)).collect())
    }
}

fn show(types: &[ColumnType]) -> String {
    types
        .iter()
        .map(|ty| format!("{ty:?}"))
        .collect::<Vec<_>>()
        .join(" ")
        .replace("Unknown", "?")
}

/// `expected`: the result columns.
#[track_caller]
fn columns(sql: &str, expected: &str) {
    assert_eq!(show(&infer(sql, &Shop).columns), expected, "{sql}");
}

/// `expected`: the parameters by number.
#[track_caller]
fn params(sql: &str, expected: &str) {
    assert_eq!(show(&infer(sql, &Shop).params), expected, "{sql}");
}

/// Expressions over `users u JOIN orders o`.
#[track_caller]
fn expr(sql: &str, expected: &str) {
    columns(&format!("SELECT {sql} FROM users u JOIN orders o ON o.user_id = u.id"), expected);
}

/// Conditions over `users u JOIN orders o`.
#[track_caller]
fn condition(sql: &str, expected: &str) {
    params(
        &format!("SELECT 1 FROM users u JOIN orders o ON o.user_id = u.id WHERE {sql}"),
        expected,
    );
}

#[test]
fn stars_and_names() {
    columns("SELECT * FROM users", "Int8 Text Text Bool Date Bytea Uuid");
    columns(
        "SELECT u.*, total FROM users AS u, orders",
        "Int8 Text Text Bool Date Bytea Uuid Float8",
    );
    columns("SELECT NAME, \"Email\", [active], `born` FROM main.USERS", "Text Text Bool Date");
    columns("SELECT o.total, users.name FROM users JOIN orders o ON true", "Float8 Text");
    columns("SELECT rowid, oid, u._rowid_ FROM users u", "Int8 Int8 Int8");
    columns("SELECT \"no such column\", nosuch FROM users", "Text ?");
    columns("SELECT * FROM nosuch", "");
    columns("SELECT a, 1, \"b\" FROM nosuch", "? Int8 ?");
    columns("SELECT 1 AS a, total FROM orders ORDER BY a", "Int8 Float8");
    columns("SELECT type, rootpage FROM sqlite_schema", "Text Int8");
}

#[test]
fn names_that_are_keywords_elsewhere() {
    columns("SELECT key, u.key FROM users u", "Uuid Uuid");
    columns(
        "SELECT id AS end, id AS rows, id AS first, id AS offset FROM users",
        "Int8 Int8 Int8 Int8",
    );
    columns(
        "SELECT CASE end WHEN 1 THEN end ELSE end END FROM (SELECT id AS end FROM users)",
        "Int8",
    );
    columns(
        "SELECT interval, position, date, user, value FROM (SELECT 1 interval, 2.0 position, 'x' date, 1 user, 1 value)",
        "Int8 Float8 Text Int8 Int8",
    );
    columns(
        "SELECT replace(name, 'a', 'b'), like('a', name), glob('a', name) FROM users",
        "Text Int8 Int8",
    );
}

#[test]
fn joins_leave_out_what_they_joined() {
    columns(
        "SELECT * FROM orders JOIN paid USING (id)",
        "Int8 Int8 Float8 Text Timestamp Json Float8",
    );
    columns("SELECT * FROM orders NATURAL JOIN paid", "Int8 Int8 Float8 Text Timestamp Json");
    columns("SELECT paid.* FROM orders NATURAL LEFT JOIN paid", "Int8 Float8");
    columns(
        "SELECT * FROM (paid CROSS JOIN items) LEFT JOIN (SELECT 1 AS one) ON one = id",
        "Int8 Float8 Int8 Text Int8 Float8 ? Int8",
    );
    columns("SELECT * FROM (paid)", "Int8 Float8");
    columns(
        "SELECT * FROM paid INDEXED BY x JOIN items NOT INDEXED",
        "Int8 Float8 Int8 Text Int8 Float8 ?",
    );
}

#[test]
fn sub_selects_and_common_tables() {
    columns("SELECT x, s.y FROM (SELECT id AS x, name AS y FROM users) AS s", "Int8 Text");
    columns("SELECT count(*) FROM (SELECT count(*) FROM users)", "Int8");
    columns("SELECT \"count(*)\" FROM (SELECT count(*) FROM users)", "?");
    columns(
        "WITH a AS (SELECT id, total FROM orders), b(x, y) AS MATERIALIZED (SELECT * FROM a) SELECT y, x FROM b",
        "Float8 Int8",
    );
    columns(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i, i * 2.0 FROM n",
        "Int8 Float8",
    );
    columns("WITH users AS (SELECT 'x' AS id) SELECT id FROM users", "Text");
    columns("WITH users AS (SELECT 'x' AS id) SELECT id FROM main.users", "Int8");
    columns(
        "SELECT (SELECT total FROM orders WHERE user_id = u.id), (SELECT u.name) FROM users u",
        "Float8 Text",
    );
    columns("SELECT * FROM (VALUES (1, 'a'), (2, NULL))", "Int8 Text");
    columns("SELECT column2 FROM (VALUES (1, 'a'))", "Text");
    columns(
        "SELECT j.type, j.id, j.value FROM orders, json_each(orders.data, '$.x') AS j",
        "Text Int8 ?",
    );
}

#[test]
fn compounds() {
    columns("SELECT id FROM users UNION SELECT total FROM orders", "Float8");
    columns("SELECT NULL UNION ALL SELECT name FROM users UNION ALL SELECT NULL", "Text");
    columns("SELECT id FROM users EXCEPT SELECT total FROM orders ORDER BY 1 LIMIT 3", "Int8");
    columns("SELECT id FROM users UNION SELECT name FROM users", "?");
    columns("VALUES (1, 'a', NULL), (2.5, 'b', x'00')", "Float8 Text Bytea");
}

#[test]
fn literals_and_casts() {
    columns(
        "SELECT 1, 1.5, 1e3, 'a', x'ff', NULL, TRUE, 0xff, 1_000, -5",
        "Int8 Float8 Float8 Text Bytea ? Int8 Int8 Int8 Int8",
    );
    columns(
        "SELECT 9223372036854775807, 9223372036854775808, -9223372036854775808",
        "Int8 Float8 Int8",
    );
    columns("SELECT CURRENT_TIMESTAMP, current_date", "Text Text");
    expr(
        "CAST(name AS INTEGER), CAST(total AS VARCHAR(20)), CAST(name AS DOUBLE PRECISION)",
        "Int8 Text Float8",
    );
    expr(
        "CAST(name AS BLOB), CAST(name AS DECIMAL(10, 2)), CAST(total AS BOOLEAN)",
        "Bytea Float8 Bool",
    );
    // SQLite makes a number of these.
    expr("CAST(name AS DATE), CAST(name AS UUID), CAST(name AS JSON)", "? ? ?");
}

#[test]
fn operators() {
    expr(
        "u.id + 1, u.id / 2, u.id % 2, total * 2, total % 2, u.id - total",
        "Int8 Int8 Int8 Float8 Float8 Float8",
    );
    expr("name || total, name || u.id || 'x', 'a' || 1 + 2", "Text Text ?");
    expr(
        "name + 1, name + 1.5, -u.id, -total, -name, +name, ~u.id",
        "? Float8 Int8 Float8 ? Text Int8",
    );
    expr("u.id & 1, u.id << 2 | 1, active + 1", "Int8 Int8 Int8");
    expr("data -> '$.a', data ->> '$.a', data -> 'a' ->> 'b'", "Json ? ?");
    expr(
        "u.id = 1, name LIKE 'a%', name IS NULL, u.id IS NOT 3, u.id IN (1, 2), EXISTS (SELECT 1)",
        "Int8 Int8 Int8 Int8 Int8 Int8",
    );
    expr(
        "name GLOB 'a*', name NOT LIKE 'a' ESCAPE '!', name ISNULL, name NOTNULL, name NOT NULL",
        "Int8 Int8 Int8 Int8 Int8",
    );
    expr(
        "active, NOT active, active AND active, active IS TRUE, u.id BETWEEN 1 AND 2",
        "Bool Int8 Int8 Int8 Int8",
    );
    expr("(name COLLATE NOCASE), ((u.id))", "Text Int8");
    expr(
        "u.id IN users, u.id NOT IN main.users, u.id == 1, u.id <> 1, u.id IS NOT DISTINCT FROM 1",
        "Int8 Int8 Int8 Int8 Int8",
    );
}

#[test]
fn choices() {
    expr(
        "CASE WHEN active THEN 1 ELSE 2 END, CASE u.id WHEN 1 THEN 'a' END, CASE WHEN 1 THEN NULL ELSE total END",
        "Int8 Text Float8",
    );
    expr("CASE WHEN 1 THEN u.id ELSE total END, CASE WHEN 1 THEN 1 ELSE 'a' END", "Float8 ?");
    expr(
        "coalesce(NULL, name), ifnull(paid_at, 'never'), nullif(u.id, 0), iif(active, total, 0)",
        "Text Timestamp Int8 Float8",
    );
    expr("max(u.id, 3), min(total, 1), max(u.id), min(born)", "Int8 Float8 Int8 Date");
    expr("iif(1, 'a', 2, 'b', 'c'), if(1, 2)", "Text Int8");
}

#[test]
fn functions() {
    expr(
        "count(*), count(DISTINCT name), sum(u.id), sum(total), sum(extra), avg(u.id), total(u.id)",
        "Int8 Int8 Int8 Float8 ? Float8 Float8",
    );
    expr(
        "group_concat(name), group_concat(name, ',' ORDER BY u.id), string_agg(name, ',')",
        "Text Text Text",
    );
    expr("sum(total) FILTER (WHERE active), count(*) FILTER (WHERE u.id > 1)", "Float8 Int8");
    expr(
        "length(name), instr(name, 'a'), lower(name), substr(name, 1, 2), substring(avatar, 1), typeof(name)",
        "Int8 Int8 Text Text Bytea Text",
    );
    expr(
        "abs(u.id), abs(total), round(total, 1), round(u.id), ceil(u.id), floor(total), sign(total)",
        "Int8 Float8 Float8 Float8 Int8 Float8 Int8",
    );
    expr(
        "date('now'), datetime(paid_at), strftime('%s', 'now'), julianday('now')",
        "Text Text Text Float8",
    );
    expr(
        "unixepoch('now'), unixepoch('now', 'subsec'), unixepoch('now', name)",
        "Int8 Float8 ?",
    );
    expr(
        "json_extract(data, '$.a'), json_array_length(data), json_object('a', 1), json_type(data), json_valid(data)",
        "? Int8 Text Text Int8",
    );
    expr(
        "randomblob(4), zeroblob(2), hex(avatar), random(), my_function(1)",
        "Bytea Bytea Text Int8 ?",
    );
    expr("trim(name), floor(1.5), left_out(1)", "Text Float8 ?");
}

#[test]
fn windows() {
    expr(
        "row_number() OVER (), rank() OVER w, ntile(4) OVER (ORDER BY u.id)",
        "Int8 Int8 Int8",
    );
    expr(
        "percent_rank() OVER (ORDER BY u.id), cume_dist() OVER w, lag(total) OVER w, lead(name, 1, 'x') OVER w",
        "Float8 Float8 Float8 Text",
    );
    columns(
        "SELECT first_value(name) OVER w, sum(id) OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM users WINDOW w AS (PARTITION BY id ORDER BY name DESC NULLS LAST)",
        "Text Int8",
    );
    columns(
        "SELECT sum(id) OVER a, nth_value(born, 2) OVER b FROM users WINDOW a AS (ROWS UNBOUNDED PRECEDING), b AS (ORDER BY id RANGE BETWEEN 1 PRECEDING AND 2 FOLLOWING)",
        "Int8 Date",
    );
}

#[test]
fn changes_return_columns() {
    columns("INSERT INTO users (name) VALUES ('a') RETURNING id, upper(name)", "Int8 Text");
    columns(
        "INSERT INTO users DEFAULT VALUES RETURNING *",
        "Int8 Text Text Bool Date Bytea Uuid",
    );
    columns(
        "INSERT OR IGNORE INTO users AS u (name) VALUES ('a') RETURNING users.id, rowid",
        "Int8 Int8",
    );
    columns("INSERT OR IGNORE INTO users (name) VALUES ('a') RETURNING id, rowid", "Int8 Int8");
    columns("REPLACE INTO paid VALUES (1, 2) RETURNING *, total * 2", "Int8 Float8 Float8");
    columns(
        "UPDATE OR IGNORE orders AS o SET total = 1 FROM users u WHERE u.id = o.user_id RETURNING orders.id, status",
        "Int8 Text",
    );
    columns("DELETE FROM orders WHERE id = 1 RETURNING paid_at", "Timestamp");
    columns("WITH a AS (SELECT 1 AS x) INSERT INTO paid SELECT x, x FROM a RETURNING id", "Int8");
    columns("WITH a AS (SELECT 1) REPLACE INTO paid SELECT 1, 2 RETURNING total", "Float8");
    columns("WITH a AS (SELECT 1) DELETE FROM paid RETURNING total", "Float8");
    columns("UPDATE orders SET total = 1", "");
}

#[test]
fn explain_and_pragma() {
    columns("EXPLAIN QUERY PLAN SELECT * FROM users", "Int8 Int8 Int8 Text");
    params("EXPLAIN QUERY PLAN SELECT * FROM users WHERE id = $1", "Int8");
    columns("EXPLAIN SELECT 1", "? ? ? ? ? ? ? ?");
    columns("PRAGMA table_info(users)", "");
    let column = |name: &str| format!("{:?}", super::pragma_column(name));
    assert_eq!(
        ["user_version", "journal_mode", "pk", "name"].map(column),
        ["Int8", "Text", "Int8", "Text"]
    );
    columns("CREATE TABLE x (a)", "");
    columns("SELECT )", "");
}

#[test]
fn parameters_beside_columns() {
    condition("u.id = $1 AND $2 = name AND total > $3 AND born <> $4", "Int8 Text Float8 Date");
    condition("total BETWEEN $1 AND $2 OR $3 BETWEEN u.id AND 5", "Float8 Float8 Int8");
    condition(
        "u.id IN ($1, $2) AND $3 IN (1, 2) AND status IN (SELECT name FROM users WHERE active = $4)",
        "Int8 Int8 Int8 Bool",
    );
    condition("$1 IN (SELECT total FROM orders) AND u.id IN (SELECT $2)", "Float8 Int8");
    condition(
        "name LIKE $1 AND name NOT LIKE '%' || $2 AND name GLOB $3 ESCAPE $4",
        "Text Text Text ?",
    );
    condition(
        "paid_at IS $1 AND u.id IS NOT $2 AND key IS NOT DISTINCT FROM $3",
        "Timestamp Int8 Uuid",
    );
    condition(
        "(u.id, name) = ($1, $2) AND (u.id, total) IN (VALUES ($3, $4), ($5, $6))",
        "Int8 Text Int8 Float8 Int8 Float8",
    );
    condition("EXISTS (SELECT 1 FROM items i WHERE i.order_id = o.id AND i.sku = $1)", "Text");
    condition("NOT (u.id = $1) AND (SELECT name FROM users LIMIT 1) = $2", "Int8 Text");
    condition("u.id = $1 + 1 AND total > $2 * u.id AND o.id + $3 > 0", "Int8 Int8 Int8");
    condition("total > $1 * 2.5 AND total = -$2 AND $3 || name = 'x'", "Float8 Float8 Text");
    condition("$1 IS NULL OR u.id = $1", "Int8");
    condition("$1", "?");
}

#[test]
fn parameters_in_other_places() {
    params("SELECT $1", "?");
    params(
        "SELECT $1 + 1, $2 || 'x', CAST($3 AS INTEGER), CAST($4 AS DATE)",
        "Int8 Text Int8 Date",
    );
    params("SELECT * FROM users ORDER BY id LIMIT $1 OFFSET $2", "Int8 Int8");
    params("SELECT * FROM users LIMIT $1, $2", "Int8 Int8");
    params(
        "SELECT coalesce($1, total), CASE WHEN id THEN $2 ELSE status END, iif($3, $4, 1), nullif($5, id) FROM orders",
        "Float8 Text ? Int8 Int8",
    );
    params(
        "SELECT CASE id WHEN $1 THEN 1 END, CASE WHEN status = $2 THEN 1 END FROM orders",
        "Int8 Text",
    );
    params(
        "SELECT substr(name, $1, $2), replace(name, $3, $4), json_extract($5, $6), round(1.5, $7) FROM users",
        "Int8 Int8 Text Text Text Text Int8",
    );
    params(
        "SELECT sum(total) FILTER (WHERE status = $1), lag(id, $2, $3) OVER (ORDER BY id + $4) FROM orders",
        "Text Int8 Int8 Int8",
    );
    params(
        "SELECT id FROM users GROUP BY name HAVING count(*) > $1 ORDER BY id = $2",
        "Int8 Int8",
    );
    params("SELECT * FROM users u JOIN orders o ON o.user_id = u.id AND o.status = $1", "Text");
    params(
        "SELECT id FROM users UNION SELECT $1 UNION SELECT user_id FROM orders WHERE total = $2",
        "Int8 Float8",
    );
    params(
        "WITH a AS (SELECT id FROM users WHERE name = $1) SELECT * FROM a WHERE id = $2",
        "Text Int8",
    );
    params("SELECT value FROM json_each($1) WHERE type = $2", "Text Text");
    params(
        "SELECT s FROM (SELECT status AS s FROM orders WHERE total < $1) WHERE s = $2",
        "Float8 Text",
    );
    params("SELECT total AS t FROM orders WHERE t > $1", "Float8");
}

#[test]
fn parameters_of_changes() {
    params(
        "INSERT INTO users (name, active, born) VALUES ($1, $2, $3), ($4, $5, $6)",
        "Text Bool Date Text Bool Date",
    );
    params("INSERT INTO paid VALUES (?, ?)", "Int8 Float8");
    params(
        "INSERT INTO paid SELECT $1, total + $2 FROM orders WHERE status = $3",
        "Int8 Float8 Text",
    );
    params(
        "INSERT INTO orders (id, total) VALUES ($1, coalesce($2, 0)) RETURNING $3 || status",
        "Int8 Float8 Text",
    );
    params(
        "INSERT INTO paid AS p VALUES ($1, $2) ON CONFLICT (id) WHERE id > 0 DO UPDATE SET total = excluded.total + $3 WHERE p.total < $4 RETURNING id",
        "Int8 Float8 Float8 Float8",
    );
    params(
        "UPDATE orders SET status = $1, total = total * $2, (paid_at, data) = ($3, $4) WHERE id = $5 RETURNING $6 = id",
        "Text Float8 Timestamp Json Int8 Int8",
    );
    params(
        "UPDATE orders SET (status, total) = (SELECT $1, $2), user_id = (SELECT $3)",
        "Text Float8 Int8",
    );
    params(
        "UPDATE orders SET status = u.name FROM users u WHERE u.id = user_id AND u.born > $1",
        "Date",
    );
    params("DELETE FROM orders WHERE paid_at < $1 AND rowid = $2", "Timestamp Int8");
    params("REPLACE INTO paid (total, id) VALUES (:total, :id)", "Float8 Int8");
}

#[test]
fn parameter_forms() {
    params("SELECT * FROM users WHERE name = ?2 AND id = ?1", "Int8 Text");
    params(
        "SELECT * FROM users WHERE name = :n AND id = @i AND email = :n AND active = $a",
        "Text Int8 Bool",
    );
    params("SELECT * FROM users WHERE name = $2 AND id = $1::bigint", "Int8 Text");
    params("SELECT $1::date, $3::text", "Date ? Text");
    params("SELECT * FROM users WHERE ( $1 = , ?", "? ?");
    columns("SELECT $1, $1 + 1 FROM users WHERE id = $1", "Int8 Int8");
}

#[test]
fn what_the_client_says_holds() {
    let inference = infer_with_params("SELECT $1, $2 + 1 FROM users WHERE id = $1 AND name = $3", &Shop, &[Text, Float8]);
    assert_eq!(show(&inference.params), "Text Float8 Text");
    assert_eq!(show(&inference.columns), "Text Float8");
    assert_eq!(inference.param(3), Text);
    assert_eq!(inference.param(0), Unknown);
    assert_eq!(inference.param(4), Unknown);
    assert_eq!(inference.column(1, 2), Float8);
    assert_eq!(inference.column(1, 3), Unknown);
}

#[test]
fn long_chains_and_lists() {
    let conditions = vec!["id = ?"; 300].join(" AND ");
    let inference = infer(&format!("SELECT * FROM users WHERE {conditions}"), &Shop);
    assert_eq!(inference.params, vec![Int8; 300]);
    let rows = vec!["(?, ?)"; 5000].join(", ");
    let inference = infer(&format!("INSERT INTO paid VALUES {rows}"), &Shop);
    assert_eq!(inference.params.len(), 10_000);
    assert!(inference.params.chunks(2).all(|pair| pair == [Int8, Float8]));
    let sum = vec!["id"; 500].join(" + ");
    columns(&format!("SELECT {sum} FROM users"), "Int8");
}

/// Texts whose syntax trees would overflow a stack are turned away before they are parsed.
#[test]
fn depth_is_bounded() {
    let small_stack = std::thread::Builder::new().stack_size(1 << 20);
    let run = || {
        for (piece, count) in [
            ("1 + ", 950),
            ("1 + ", 200_000),
            ("NOT ", 100_000),
            ("- ", 100_000),
            ("(", 100_000),
            ("SELECT (", 50_000),
        ] {
            infer(&format!("SELECT {}1", piece.repeat(count)), &Shop);
        }
        infer(&format!("SELECT {}1{}", "(".repeat(90), ")".repeat(90)), &Shop);
        infer(&format!("SELECT 1{}", " UNION SELECT 1, 2".repeat(100_000)), &Shop);
        infer(&format!("SELECT * FROM {}users{}", "(".repeat(90), ")".repeat(90)), &Shop);
        infer(
            &format!("SELECT {}1{}", "CASE WHEN 1 THEN ".repeat(5_000), " END".repeat(5_000)),
            &Shop,
        );
        let mut table = "SELECT 1".to_owned();
        for _ in 0..40 {
            table = format!("WITH a(x) AS ({table} UNION SELECT 1) SELECT x FROM a");
        }
        infer(&table, &Shop);
    };
    small_stack.spawn(run).unwrap().join().unwrap();
}
