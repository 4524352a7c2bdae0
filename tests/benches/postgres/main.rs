//! What a PostgreSQL lane costs, beside the plain server, in one run: `cargo bench -p mori-tests --bench postgres`.
//!
//! Hop: a point read by each protocol through the lane, PgBouncer and haproxy, where these are installed, all in front of servers on the same copy.
//! Reads: through the lane's port, and on a server on a private copy by its own socket. Reset: after 0, 5, 300 and 1000 changed rows, with 20 and 500
//! tables, against deleting these rows in one round trip, and against a clone of the database from a template. Ratios are printed at the end.

mod hop;
#[path = "../ratios.rs"]
mod ratios;
mod reads;
#[path = "../relays.rs"]
mod relays;
mod reset;

use criterion::Criterion;
use std::time::Duration;

const RATIOS: [ratios::Ratio; 12] = [
    ("postgres point read", "lane", "private copy", 1.45),
    ("postgres scan 50k", "lane", "private copy", 1.1),
    ("postgres insert", "lane", "private copy", 1.5),
    ("postgres reset, 20 tables", "0 rows", "clone", 1.0),
    ("postgres reset, 20 tables", "5 rows", "clone", 0.1),
    ("postgres reset, 20 tables", "300 rows", "clone", 0.1),
    ("postgres reset, 20 tables", "300 rows", "delete 300 rows", 3.0),
    ("postgres reset, 20 tables", "1000 rows", "clone", 0.3),
    ("postgres reset, 500 tables", "0 rows", "clone", 1.0),
    ("postgres reset, 500 tables", "5 rows", "clone", 0.1),
    ("postgres reset, 500 tables", "5 rows", "postgres reset, 20 tables/5 rows", 1.2),
    (
        "postgres reset, 500 tables",
        "1000 rows",
        "postgres reset, 20 tables/1000 rows",
        1.2,
    ),
];

fn main() {
    hop::run();
    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    reads::run(&mut criterion);
    reset::run(&mut criterion);
    criterion.final_summary();
    ratios::print(&RATIOS);
}

/// A runtime for the clients.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

fn connect(runtime: &tokio::runtime::Runtime, url: &str) -> tokio_postgres::Client {
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
            .await
            .expect("the server accepts");
        tokio::spawn(connection);
        client
    })
}

/// `items` with `rows` rows, and as many small tables as make `tables`.
fn schema(tables: usize, rows: usize) -> String {
    let mut sql = format!(
        "CREATE TABLE items (id bigint PRIMARY KEY, kind int NOT NULL, price int NOT NULL, name text NOT NULL);
         INSERT INTO items SELECT i, i % 97, (i * 7919) % 10007, 'item ' || i || ' ' || repeat('x', 64) FROM generate_series(1, {rows}) i;
         CREATE TABLE events (id bigserial PRIMARY KEY, what text NOT NULL);"
    );
    for table in 2..tables {
        sql.push_str(&format!(
            "CREATE TABLE t{table} (id int PRIMARY KEY, a text); INSERT INTO t{table} VALUES (1, 'x');"
        ));
    }
    sql
}
