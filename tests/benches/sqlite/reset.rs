//! Acquire and reset of lanes, through the broker's control socket.

use criterion::Criterion;
use mori_control::Request;
use mori_tests::{Control, RunningBroker};
use std::time::{Duration, Instant};

pub fn run(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    for tables in [20, 500] {
        let folder = tempfile::tempdir().expect("a folder");
        let prod = folder.path().join("prod.db");
        let connection = rusqlite::Connection::open(&prod).expect("a database");
        connection.execute_batch("PRAGMA journal_mode = WAL").expect("a setting");
        connection.execute_batch(super::reads::ROWS).expect("the set-up is valid");
        for table in 1..tables {
            let sql =
                format!("CREATE TABLE t{table} (id INTEGER PRIMARY KEY, a TEXT, b TEXT); INSERT INTO t{table} (a) VALUES ('x'), ('y');");
            connection.execute_batch(&sql).expect("the set-up is valid");
        }
        connection.close().expect("prod closes");
        let broker = RunningBroker::start(folder.path());
        let mut control = Control::connect(&broker.socket);
        let grant = control.acquire(folder.path());
        control.finish(&grant);

        let mut group = criterion.benchmark_group(format!("reset, {tables} tables"));
        group.bench_function("copy the file", |bencher| {
            let copy = folder.path().join("copy.db");
            bencher.iter(|| std::fs::copy(&prod, &copy).expect("a copy"));
        });
        for changed in [0, 5, 1000] {
            group.bench_function(format!("{changed} rows"), |bencher| {
                bencher.iter_custom(|iterations| {
                    let mut total = Duration::ZERO;
                    for _ in 0..iterations {
                        let grant = control.acquire(folder.path());
                        let sql = match changed {
                            0 => "SELECT count(*) FROM items".to_owned(),
                            rows => format!("UPDATE items SET price = price + 1 WHERE id <= {rows}"),
                        };
                        runtime.block_on(async {
                            let (client, connection) = tokio_postgres::connect(&grant.url, tokio_postgres::NoTls)
                                .await
                                .expect("the lane accepts");
                            let driver = tokio::spawn(connection);
                            client.batch_execute(&sql).await.expect("the change is valid");
                            drop(client);
                            driver.await.expect("the connection ends").expect("the connection ends well");
                        });
                        let start = Instant::now();
                        control.finish(&grant);
                        total += start.elapsed();
                    }
                    total
                });
            });
        }
        group.bench_function("acquire a lane", |bencher| {
            bencher.iter_custom(|iterations| {
                let mut total = Duration::ZERO;
                for _ in 0..iterations {
                    let start = Instant::now();
                    let grant = control.acquire(folder.path());
                    total += start.elapsed();
                    control.finish(&grant);
                }
                total
            });
        });
        group.finish();
        control.ask(&Request::Shutdown);
        broker.join();
    }
}
