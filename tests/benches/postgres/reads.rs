//! Point reads, scans and single inserts.

use super::{connect, runtime, schema};
use criterion::Criterion;
use mori_tests::postgres::{DATABASE, Stage};
use std::sync::Arc;

const POINT: &str = "SELECT id, kind, price, name FROM items WHERE id = $1";
const SCAN: &str = "SELECT id, kind, price, name FROM items";
const INSERT: &str = "INSERT INTO events (what) VALUES ($1)";

pub fn run(criterion: &mut Criterion) {
    let Some(stage) = Stage::new(&schema(2, 50_000)) else {
        println!("skipped: PostgreSQL is not installed");
        return;
    };
    let runtime = runtime();
    let pair = Arc::new(stage).pair();
    let copy = format!("host={} user=postgres dbname={DATABASE}", pair.copy.server.socket_dir().display());
    let subjects = [
        ("private copy", connect(&runtime, &copy)),
        ("lane", connect(&runtime, &pair.grant.url)),
    ];
    let mut group = criterion.benchmark_group("postgres point read");
    for (name, client) in &subjects {
        let statement = runtime.block_on(client.prepare(POINT)).expect("a statement");
        let mut id = 0_i64;
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                id = id % 50_000 + 1;
                runtime.block_on(client.query_one(&statement, &[&id])).expect("a row")
            });
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("postgres scan 50k");
    for (name, client) in &subjects {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| runtime.block_on(client.query(SCAN, &[])).expect("rows").len());
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("postgres insert");
    for (name, client) in &subjects {
        let statement = runtime.block_on(client.prepare(INSERT)).expect("a statement");
        group.bench_function(*name, |bencher| {
            bencher.iter(|| runtime.block_on(client.execute(&statement, &[&"something"])).expect("a row"));
        });
    }
    group.finish();
}
