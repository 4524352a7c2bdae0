//! SQLite is the judge: what is inferred must agree with the values, the columns, the parameters and the statement ends it finds.

use mori_query::sqlite::{Catalog, ColumnType, infer, parameter_number, split};
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection, types::Type};

/// Every column holds values of its declared type, among them NULLs, zeros and negatives. The NUMERIC column holds fractions only:
/// SQLite stores a whole number in it as an integer, which is the documented exception to `Float8`.
const SCHEMA: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email VARCHAR(50), active BOOLEAN, born DATE, avatar BLOB, score REAL);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INT REFERENCES users, total NUMERIC(10, 2), status TEXT, paid_at DATETIME, data JSON, \"group\" INTEGER);
    CREATE TABLE items (order_id INTEGER, sku TEXT, quantity BIGINT, price DOUBLE PRECISION, extra, PRIMARY KEY (order_id, sku)) WITHOUT ROWID;
    CREATE VIEW paid AS SELECT id, total, status AS state FROM orders WHERE paid_at IS NOT NULL;
    CREATE VIEW ids AS SELECT id FROM users;
    CREATE INDEX by_status ON orders (status);
    INSERT INTO users VALUES (1, 'Ada', 'ada@x', 1, '1990-01-02', x'0102', 1.5), (2, 'Bob', NULL, 0, NULL, NULL, -2.25), (3, 'Cy', 'cy@x', NULL, '2001-12-31', x'', NULL);
    INSERT INTO orders VALUES (10, 1, 12.5, 'paid', '2026-01-02 03:04:05', '{\"a\": [1, 2], \"b\": \"x\"}', 1), (11, 1, -0.25, 'new', NULL, '{}', 2), (12, 2, NULL, NULL, NULL, NULL, NULL), (13, NULL, 99.99, 'paid', '2026-02-03 00:00:00', '[1.5]', 0);
    INSERT INTO items VALUES (10, 'a', 2, 1.25, 'text'), (10, 'b', 0, 0.5, 7), (11, 'a', -3, 2.75, 1.5), (13, 'c', NULL, NULL, NULL);
";

const QUERIES: &[&str] = &[
    "SELECT * FROM users",
    "SELECT * FROM orders",
    "SELECT * FROM items",
    "SELECT * FROM paid",
    "SELECT u.*, o.id FROM users u LEFT JOIN orders o ON o.user_id = u.id",
    "SELECT * FROM users, orders, items WHERE users.id = user_id AND order_id = orders.id",
    "SELECT * FROM orders JOIN paid USING (id)",
    "SELECT * FROM orders NATURAL JOIN paid",
    "SELECT * FROM orders o JOIN items i ON o.id = i.order_id NATURAL LEFT JOIN paid",
    "SELECT * FROM users FULL JOIN paid USING (id)",
    "SELECT * FROM (users JOIN orders ON users.id = orders.user_id) LEFT JOIN items ON order_id = orders.id",
    "SELECT rowid, oid, _rowid_, users.rowid FROM users",
    "SELECT id, NAME, \"Email\", [score], `active`, \"not a column\" FROM users",
    "SELECT \"group\", orders.\"group\" + 1, \"order\" FROM orders",
    "SELECT 1, -1, 1.5, -1.5, 1e3, 'a', x'00ff', NULL, TRUE, FALSE, 0xff, 9223372036854775807, 9223372036854775808, -9223372036854775808",
    "SELECT CURRENT_DATE, CURRENT_TIME, CURRENT_TIMESTAMP",
    "SELECT id + 1, id - 1, id * 2, id / 2, id % 2, id / 0, -id, +id, ~id, id & 1, id | 4, id << 2, id >> 1 FROM users",
    "SELECT score + 1, score * id, score / 2, score % 2, -score, id + score, id % score, 5 % 2.5, 7 / 2.0 FROM users",
    "SELECT total * 2, total + id, total / 3, total - 0.5 FROM orders",
    "SELECT active + 1, -active, active * 1.5, NOT active, active AND 1 FROM users",
    "SELECT name || id, name || NULL, 1 || 2, name || score || avatar, -1 || 2, 2 * 3 || 4, 1 + 2 || 3, 'a' || 1 + 2 FROM users",
    "SELECT name + 1, name * 2.5, 1 + '2', 1 + '2.5', '1' - '1', born + 0 FROM users",
    "SELECT id = 1, id <> 2, name < 'B', id IS NULL, id IS NOT 1, name LIKE 'a%', name GLOB 'A*', id IN (1, 2), id BETWEEN 1 AND 2, NOT id FROM users",
    "SELECT name NOT LIKE 'a', name NOT GLOB 'a', email ISNULL, email NOTNULL, email NOT NULL, id IS TRUE, id IS NOT FALSE, id == 1 FROM users",
    "SELECT email IS name, email IS NOT name, email IS DISTINCT FROM name, email IS NOT DISTINCT FROM NULL FROM users",
    "SELECT EXISTS (SELECT 1), NOT EXISTS (SELECT 1), id IN (SELECT user_id FROM orders), (id, name) = (1, 'Ada') FROM users",
    "SELECT id IN (), name LIKE 'a!%' ESCAPE '!', 1 < 2 = 1, id = 1 OR name = 'x' AND 0 FROM users",
    "SELECT CASE WHEN id = 1 THEN 1 END, CASE id WHEN 1 THEN 'a' ELSE 'b' END FROM users",
    "SELECT CASE WHEN id > 1 THEN id ELSE name END, CASE WHEN id > 9 THEN 0.5 WHEN id > 1 THEN NULL ELSE score END FROM users",
    "SELECT coalesce(email, 'none'), ifnull(score, 0.5), nullif(id, 2), iif(active, id, 0), coalesce(NULL, id, 1) FROM users",
    "SELECT iif(id = 1, 'a', id = 2, 'b', 'c'), coalesce(avatar, x''), nullif(name, 'Ada'), coalesce(born, name), nullif(avatar, 1) FROM users",
    "SELECT max(id, 2), min(score, 1.0), max(name, 'B'), min(id, name) FROM users",
    "SELECT count(*), count(email), count(DISTINCT active), sum(id), sum(score), sum(active), total(id), avg(id), avg(score) FROM users",
    "SELECT min(id), max(score), min(name), max(avatar), max(active), group_concat(name), group_concat(id, '-'), string_agg(name, ',') FROM users",
    "SELECT sum(id) + 1, avg(id) * 2, count(*) / 2, sum(id) * 1.0 / count(*), sum(name), max(id) - min(id) FROM users",
    "SELECT count(*) FILTER (WHERE id > 1), sum(total) FILTER (WHERE status = 'paid'), group_concat(status, ';' ORDER BY id) FROM orders",
    "SELECT count(*), sum(total), total(total), avg(total), max(status) FROM orders WHERE 0",
    "SELECT status, count(*) AS n, sum(total) FROM orders GROUP BY status HAVING n > 0 ORDER BY n DESC NULLS LAST",
    "SELECT length(name), instr(name, 'a'), unicode(name), lower(name), upper(email), trim(name), ltrim(name, 'A'), rtrim(name), replace(name, 'a', 1) FROM users",
    "SELECT substr(name, 1, 2), substring(name, 2), substr(avatar, 1, 1), substr(id, 1), hex(avatar), quote(score), typeof(id), char(65, 66) FROM users",
    "SELECT printf('%d', id), format('%s', name), concat(id, name), concat_ws('-', id, name), octet_length(name), length(avatar), soundex(name) FROM users",
    "SELECT abs(id), abs(score), abs(name), round(score), round(id), round(score, 1), sign(id), sign(score) FROM users",
    "SELECT random() & 1, changes(), total_changes(), last_insert_rowid(), sqlite_version(), zeroblob(3), randomblob(2), unhex('00')",
    "SELECT date(born), time('now'), datetime('now', '+1 day'), strftime('%Y', born), julianday(born), unixepoch(born), unixepoch(born, '+1 day') FROM users",
    "SELECT unixepoch('now', 'subsec'), timediff('2026-01-01', '2025-01-01'), date('nonsense'), julianday(NULL)",
    "SELECT json(data), json_extract(data, '$.a'), json_extract(data, '$.b'), data -> '$.a', data ->> '$.b', data -> 'a' -> 0, data ->> 'a' ->> 0 FROM orders",
    "SELECT json_array_length(data), json_array_length(data, '$.a'), json_type(data), json_valid(data), json_array(id, status), json_object('id', id) FROM orders",
    "SELECT json_set(data, '$.z', 1), json_remove(data, '$.a'), json_patch(data, '{}'), json_quote(status), json_group_array(id), jsonb(data) FROM orders WHERE data IS NOT NULL GROUP BY id",
    "SELECT json_group_object(id, status), json_group_array(total), json_error_position(max(data)) FROM orders",
    "SELECT key, value, type, atom, id, parent, fullkey, path FROM json_each('{\"a\": 1, \"b\": [2.5]}')",
    "SELECT * FROM json_tree('{\"a\": 1, \"b\": [2.5, \"x\"]}')",
    "SELECT o.id, j.* FROM orders o, json_each(o.data) AS j WHERE json_valid(o.data)",
    "SELECT CAST(score AS INTEGER), CAST(id AS REAL), CAST(id AS TEXT), CAST(name AS BLOB), CAST(name AS INTEGER), CAST(score AS VARCHAR(9)), CAST('7' AS BIGINT) FROM users",
    "SELECT CAST(born AS DATE), CAST(name AS UUID), CAST(name AS DATETIME), CAST(id AS DOUBLE PRECISION), CAST(active AS BOOLEAN), CAST(1.5 AS NUMERIC) FROM users",
    "SELECT (SELECT max(total) FROM orders WHERE user_id = users.id), (SELECT name), (SELECT count(*) FROM items), (SELECT NULL) FROM users",
    "SELECT x, y, s.z FROM (SELECT id AS x, name AS y, score * 2 AS z FROM users) AS s",
    "SELECT * FROM (SELECT count(*), sum(total) AS s FROM orders), (SELECT 'x' AS x)",
    "SELECT * FROM (VALUES (1, 'a', 1.5), (2, NULL, 2.5))",
    "SELECT column1, column2 FROM (VALUES (1, 'a')) WHERE column1 = 1",
    "VALUES (1, 'a', x'00', NULL), (2, 'b', NULL, NULL)",
    "SELECT id FROM users UNION SELECT user_id FROM orders",
    "SELECT id, name FROM users UNION ALL SELECT NULL, status FROM orders UNION ALL SELECT 7, NULL",
    "SELECT id FROM users UNION ALL SELECT name FROM users UNION ALL SELECT id FROM users",
    "SELECT id FROM users EXCEPT SELECT name FROM users",
    "SELECT id FROM users INTERSECT SELECT user_id FROM orders ORDER BY 1 LIMIT 1 OFFSET 0",
    "WITH a AS (SELECT id, score FROM users), b(p, q) AS (SELECT * FROM a) SELECT p, q, p + q FROM b",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i, i * 0.5, max(i) OVER () FROM n",
    "WITH RECURSIVE f(a, b) AS (VALUES (0, 1.0) UNION ALL SELECT a + 1, b * 2 FROM f WHERE a < 4) SELECT * FROM f",
    "WITH t(p, n) AS (SELECT 'a', 1 UNION ALL SELECT p || 'b', n + 1 FROM t WHERE n < 3) SELECT * FROM t",
    "WITH users AS NOT MATERIALIZED (SELECT 'x' AS id) SELECT id, (SELECT max(id) FROM main.users) FROM users",
    "SELECT row_number() OVER (ORDER BY id), rank() OVER w, dense_rank() OVER w, ntile(2) OVER w, percent_rank() OVER w, cume_dist() OVER w FROM users WINDOW w AS (ORDER BY name)",
    "SELECT lag(id) OVER w, lead(name, 1, 'none') OVER w, first_value(score) OVER w, last_value(name) OVER w, nth_value(id, 2) OVER w FROM users WINDOW w AS (ORDER BY id)",
    "SELECT sum(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES), avg(id) OVER (PARTITION BY active ORDER BY id RANGE UNBOUNDED PRECEDING) FROM users",
    "SELECT count(*) OVER a, max(name) OVER b FROM users WINDOW a AS (PARTITION BY active), b AS (a ORDER BY id GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING)",
    "SELECT DISTINCT status, id % 2 AS odd FROM orders WHERE odd = 0 ORDER BY odd, status COLLATE NOCASE DESC",
    "SELECT likely(id), unlikely(name), likelihood(score, 0.5), likely(NULL) FROM users",
    "SELECT order_id, sku, sum(quantity), sum(quantity * price), sum(price) / sum(quantity), max(extra) FROM items GROUP BY 1, 2",
    "SELECT extra, typeof(extra), extra || '', extra + 1.0, coalesce(extra, sku) IS NULL FROM items",
    "SELECT state, total FROM paid WHERE id IN (SELECT order_id FROM items i WHERE i.order_id = paid.id)",
    "SELECT o.id, o.total * 2 FROM orders AS o INDEXED BY by_status JOIN items ON order_id = o.id WHERE o.status = 'paid'",
    "SELECT id, name FROM users NOT INDEXED WHERE id IN ids",
    "SELECT name FROM sqlite_schema WHERE type = 'table'",
    "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master",
    "SELECT cid, name, type, \"notnull\", pk FROM pragma_table_info('users')",
    "SELECT * FROM pragma_table_info('items'), (SELECT 1 AS one)",
    "INSERT INTO users (name, score) VALUES ('Di', 0.5) RETURNING id, name, score, upper(name), rowid",
    "INSERT INTO items VALUES (10, 'z', 1, 2.5, NULL) ON CONFLICT DO NOTHING RETURNING *",
    "INSERT INTO items VALUES (10, 'z', 1, 2.5, NULL) ON CONFLICT (order_id, sku) DO UPDATE SET quantity = quantity + 1 RETURNING quantity, price",
    "REPLACE INTO users (id, name) VALUES (9, 'Ed') RETURNING *",
    "UPDATE orders SET total = total + 1 WHERE total IS NOT NULL RETURNING id, total, total * 2, status || '!'",
    "UPDATE OR IGNORE orders AS o SET status = u.name FROM users u WHERE u.id = o.user_id RETURNING orders.id, status",
    "DELETE FROM items WHERE sku = 'z' RETURNING order_id, price, quantity",
    "WITH a AS (SELECT 99 AS n) INSERT INTO orders (id, total) SELECT n, n + 0.5 FROM a RETURNING *",
    "EXPLAIN QUERY PLAN SELECT * FROM users WHERE id = 1",
];

/// Integers and reals in one column are `Float8`: a value of either class is a number that fits the column.
const MIXED: &[&str] = &[
    "SELECT CASE WHEN id > 1 THEN 1 ELSE 1.5 END, ifnull(score, 0), max(id, 1.5), iif(active, id, score) FROM users",
    "VALUES (1), (1.5)",
    "SELECT id FROM users UNION ALL SELECT score FROM users",
    "WITH RECURSIVE g(x) AS (SELECT 1 UNION ALL SELECT x / 2.0 + 1 FROM g LIMIT 3) SELECT x FROM g",
    "WITH RECURSIVE h(a, b) AS (SELECT 1, 2 UNION ALL SELECT b, a * 1.5 FROM h LIMIT 5) SELECT a, b FROM h",
    "SELECT CAST(id AS NUMERIC), CAST('1.5' AS DECIMAL(10, 2)), sum(CAST(id AS NUMERIC)) OVER () FROM users",
];

/// Statements whose parameters are only counted and numbered.
const PARAMETERS: &[&str] = &[
    "SELECT ?, ?, ?",
    "SELECT ?3, ?, ?1, ?",
    "SELECT :a, @b, :a, ?, $c, $c::d",
    "SELECT * FROM users WHERE name LIKE ? ESCAPE ? AND id IN (?, ?) LIMIT ? OFFSET ?",
    "INSERT INTO items VALUES (?, ?, ?, ?, ?) ON CONFLICT (order_id, sku) WHERE quantity > ? DO UPDATE SET price = ? WHERE sku = ? RETURNING ?",
    "SELECT sum(id) OVER (ORDER BY id ROWS ? PRECEDING) FROM users WHERE name = ? -- ?\n AND email = '?' AND \"id\" = ?",
    "SELECT CAST(? AS INTEGER), x'00', ?/* ? */",
];

struct Schema<'c>(&'c Connection);

impl Catalog for Schema<'_> {
    fn columns(&self, table: &str) -> Option<Vec<(String, ColumnType)>> {
        let mut statement = self.0.prepare("SELECT name, type FROM pragma_table_info(?)").unwrap();
        let column = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, ColumnType::from_declared(&row.get::<_, String>(1)?)));
        let columns: Vec<(String, ColumnType)> = statement.query_map([table], column).unwrap().collect::<Result<_, _>>().unwrap();
        (!columns.is_empty()).then_some(columns)
    }
}

fn open() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    connection
}

fn storage(ty: ColumnType) -> Option<Type> {
    match ty {
        ColumnType::Int8 => Some(Type::Integer),
        ColumnType::Float8 => Some(Type::Real),
        ColumnType::Text => Some(Type::Text),
        ColumnType::Bytea => Some(Type::Blob),
        _ => None,
    }
}

/// Whatever is inferred to be of a storage class is of that class, in every row. And it is not proved by saying nothing: the number
/// of columns is always right, and most types are known.
#[test]
fn values_are_of_the_inferred_class() {
    let connection = open();
    connection
        .execute_batch("CREATE INDEX sqlite_autoindex ON users (name)")
        .unwrap_err();
    let (mut all, mut known, mut values) = (0, 0, 0);
    for sql in QUERIES {
        let inferred = infer(sql, &Schema(&connection)).columns;
        let mut statement = connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(inferred.len(), statement.column_count(), "columns of {sql}");
        all += inferred.len();
        known += inferred.iter().filter(|ty| ty.is_known()).count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap_or_else(|error| panic!("{sql}: {error}")) {
            for (index, ty) in inferred.iter().enumerate() {
                let actual = row.get_ref(index).unwrap().data_type();
                let Some(expected) = storage(*ty).filter(|_| actual != Type::Null) else {
                    continue;
                };
                values += 1;
                assert_eq!(actual, expected, "column {} of {sql}", index + 1);
            }
        }
    }
    assert!(values > 1000, "{values} values were compared");
    assert!(known * 100 > all * 85, "{known} of {all} columns are known");
}

#[test]
fn integers_and_reals_together_are_reals() {
    let connection = open();
    for sql in MIXED {
        let inferred = infer(sql, &Schema(&connection)).columns;
        let mut statement = connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(inferred, vec![ColumnType::Float8; statement.column_count()], "{sql}");
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for index in 0..inferred.len() {
                let actual = row.get_ref(index).unwrap().data_type();
                assert!(
                    matches!(actual, Type::Integer | Type::Real | Type::Null),
                    "column {} of {sql} is {actual}",
                    index + 1
                );
            }
        }
    }
}

#[test]
fn parameters_are_numbered_as_in_sqlite() {
    let connection = open();
    for sql in PARAMETERS {
        let statement = connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let numbers = (1..=statement.parameter_count()).map(|index| parameter_number(statement.parameter_name(index), index));
        let inferred = infer(sql, &Schema(&connection)).params;
        assert_eq!(inferred.len(), numbers.max().unwrap_or(0), "{sql}");
    }
}

/// SQLite finds the end of a statement by parsing it.
#[test]
fn statements_end_where_sqlite_ends_them() {
    let script = "
        CREATE TABLE log (a, b); -- a table; with a comment
        CREATE TRIGGER t AFTER INSERT ON users WHEN new.id > 1 BEGIN
            INSERT INTO log VALUES (';', CASE WHEN new.id = 1 THEN 'x' ELSE \"name\" END);
            UPDATE log SET a = CASE a WHEN 1 THEN 2 END;
        END;
        /* ; */ SELECT ';' AS [;], 1 /* ; */;;
        BEGIN; INSERT INTO log VALUES (1, 2); END;
        CREATE TEMP TRIGGER IF NOT EXISTS u AFTER DELETE ON users BEGIN DELETE FROM log; SELECT 1; END;
        SELECT x'00', `a`, 1.5e3 FROM log WHERE a = 'it''s;'";
    let connection = open();
    let ours: Vec<&str> = split(script).map(|span| &script[span]).collect();
    let mut theirs = Vec::new();
    let mut batch = Batch::new(&connection, script);
    while let Some(mut statement) = batch.next().unwrap() {
        theirs.push(statement.expanded_sql().unwrap());
        let mut rows = statement.query([]).unwrap();
        while rows.next().unwrap().is_some() {}
    }
    let theirs: Vec<&str> = theirs.iter().map(|text| text.trim().trim_end_matches(';').trim()).collect();
    assert_eq!(ours.len(), theirs.len(), "{ours:#?} {theirs:#?}");
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert!(theirs.contains(ours), "{ours} is not in {theirs}");
    }
}
