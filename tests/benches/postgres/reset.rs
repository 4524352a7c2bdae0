//! The end of a lease, beside what it replaces.

use super::{connect, runtime, schema};
use criterion::Criterion;
use mori_tests::postgres::{DATABASE, Stage};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub fn run(criterion: &mut Criterion) {
    let runtime = runtime();
    for tables in [20, 500] {
        let Some(stage) = Stage::new(&schema(tables, 10_000)) else { return };
        let stage = Arc::new(stage);
        let mut pair = stage.pair();
        let folder = stage.folder().to_owned();
        let mut group = criterion.benchmark_group(format!("postgres reset, {tables} tables"));
        let socket = pair.copy.server.socket_dir().display().to_string();
        let admin = connect(&runtime, &format!("host={socket} user=postgres dbname=postgres"));
        group.sample_size(10).bench_function("clone", |bencher| {
            bencher.iter_custom(|iterations| {
                let mut total = Duration::ZERO;
                for _ in 0..iterations {
                    let start = Instant::now();
                    let clone = format!("CREATE DATABASE clone TEMPLATE {DATABASE} STRATEGY file_copy");
                    runtime.block_on(admin.batch_execute(&clone)).expect("a clone");
                    total += start.elapsed();
                    runtime
                        .block_on(admin.batch_execute("DROP DATABASE clone"))
                        .expect("the clone is there");
                }
                total
            });
        });
        let client = connect(&runtime, &format!("host={socket} user=postgres dbname={DATABASE}"));
        group.sample_size(30).bench_function("delete 300 rows", |bencher| {
            bencher.iter_custom(|iterations| {
                let mut total = Duration::ZERO;
                for _ in 0..iterations {
                    let insert = "INSERT INTO events (what) SELECT 'x' FROM generate_series(1, 300)";
                    runtime.block_on(client.batch_execute(insert)).expect("rows");
                    let start = Instant::now();
                    runtime.block_on(client.batch_execute("DELETE FROM events")).expect("rows");
                    total += start.elapsed();
                }
                total
            });
        });
        drop(client);
        for changed in [0, 5, 300, 1000] {
            group.bench_function(format!("{changed} rows"), |bencher| {
                bencher.iter_custom(|iterations| {
                    let mut total = Duration::ZERO;
                    for _ in 0..iterations {
                        let grant = pair.control.acquire(&folder);
                        let sql = match changed {
                            0 => "SELECT count(*) FROM items".to_owned(),
                            rows => format!("UPDATE items SET price = price + 1 WHERE id <= {rows}"),
                        };
                        let client = connect(&runtime, &grant.url);
                        runtime.block_on(client.batch_execute(&sql)).expect("the change is valid");
                        drop(client);
                        let start = Instant::now();
                        pair.control.finish(&grant);
                        total += start.elapsed();
                    }
                    total
                });
            });
        }
        group.finish();
    }
}
