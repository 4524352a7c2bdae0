//! Point reads, scans and aggregates.

use criterion::Criterion;
use mori_tests::Served;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

/// 10 000 rows of about 100 bytes.
pub const ROWS: &str = "
    CREATE TABLE items (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, price INTEGER NOT NULL, name TEXT NOT NULL);
    CREATE INDEX items_kind ON items (kind);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
    INSERT INTO items SELECT i, i % 97, (i * 7919) % 10007, 'item ' || i || ' ' || hex(zeroblob(32)) FROM n;";

const POINT: &str = "SELECT id, kind, price, name FROM items WHERE id = $1";
const SCAN: &str = "SELECT id, kind, price, name FROM items";
const AGGREGATE: &str = "SELECT kind, count(*), sum(price) FROM items GROUP BY kind ORDER BY kind";

struct Subject {
    name: &'static str,
    client: Client,
    _served: Served,
}

fn connect(runtime: &Runtime, url: &str) -> Client {
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the proxy accepts");
        tokio::spawn(connection);
        client
    })
}

pub fn run(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let setup = format!("PRAGMA journal_mode = WAL; {ROWS}");
    let subject = |name, served: Served, change: &str| {
        let client = connect(&runtime, &served.url);
        runtime.block_on(client.batch_execute(change)).expect("the change is valid");
        Subject {
            name,
            client,
            _served: served,
        }
    };
    // The private copy has all its rows in the lane: nothing below it is read.
    let private = format!("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN; {ROWS} COMMIT; PRAGMA wal_checkpoint(TRUNCATE);");
    let subjects = [
        subject("private copy", Served::with(""), &private),
        subject("clean", Served::with(&setup), ""),
        subject(
            "dirty",
            Served::with(&setup),
            "UPDATE items SET price = price + 1 WHERE id % 10 = 3",
        ),
    ];
    let plain = rusqlite::Connection::open_in_memory().expect("a database");
    let file = tempfile::NamedTempFile::new().expect("a file");
    drop(plain);
    let plain = rusqlite::Connection::open(file.path()).expect("a database");
    plain.execute_batch(&setup).expect("the set-up is valid");

    for (name, sql) in [("point read", POINT), ("scan 10k", SCAN), ("aggregate 10k", AGGREGATE)] {
        let mut group = criterion.benchmark_group(name);
        for subject in &subjects {
            let statement = runtime.block_on(subject.client.prepare(sql)).expect("the statement is valid");
            let mut id = 0i64;
            group.bench_function(subject.name, |bencher| {
                bencher.iter(|| {
                    id = id % 9999 + 1;
                    let rows = if sql == POINT {
                        runtime.block_on(subject.client.query(&statement, &[&id]))
                    } else {
                        runtime.block_on(subject.client.query(&statement, &[]))
                    };
                    rows.expect("the read succeeds").len()
                });
            });
        }
        let mut statement = plain.prepare(&sql.replace("$1", "?1")).expect("the statement is valid");
        let mut id = 0i64;
        group.bench_function("no front, plain file", |bencher| {
            bencher.iter(|| {
                id = id % 9999 + 1;
                let mut rows = if sql == POINT {
                    statement.query([id]).expect("a read")
                } else {
                    statement.query([]).expect("a read")
                };
                let mut count = 0;
                while let Some(row) = rows.next().expect("a row") {
                    count += row.get::<_, i64>(0).expect("an integer");
                }
                count
            });
        });
        group.finish();
    }
}
