//! What an undo costs: by what changed, not by how much there is or how often it was done.

use super::support::{Server, assert_same, content, value};
use crate::postgres::capture::{Undone, install, undo};
use postgres::Client;
use std::time::{Duration, Instant};

/// The time that `undo` takes after `work`.
fn timed(own: &mut Client, client: &mut Client, work: &str) -> Duration {
    client.batch_execute(work).unwrap();
    let start = Instant::now();
    let outcome = undo(own, None).unwrap();
    let took = start.elapsed();
    assert!(matches!(outcome, Undone::Rows { .. }), "{outcome:?}");
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
fn many_resets_leave_no_growing_rest() {
    let Some(server) = Server::start() else { return };
    let schema = "CREATE TABLE wide (id int PRIMARY KEY, v text, at timestamptz DEFAULT '2026-01-01'); CREATE INDEX ON wide (v); CREATE TABLE small (id int PRIMARY KEY, v int);
        CREATE TABLE nokey (a int, b text);
        INSERT INTO wide SELECT g, 'row ' || g FROM generate_series(1, 5000) g; INSERT INTO small SELECT g, g FROM generate_series(1, 5) g; INSERT INTO nokey SELECT g FROM generate_series(1, 500) g";
    let mut own = server.database("many", schema);
    install(&mut own).unwrap();
    let mut client = server.connect("many");
    let start = content(&mut own);
    let work = "UPDATE wide SET v = v || '!' WHERE id <= 1000; DELETE FROM wide WHERE id > 4800; UPDATE small SET v = v + 1; INSERT INTO nokey SELECT g, 'new' FROM generate_series(1, 100) g";
    let size = "SELECT pg_database_size('many')";
    let mut times = Vec::new();
    let mut sizes = Vec::new();
    for _ in 0..100 {
        times.push(timed(&mut own, &mut client, work));
        sizes.push(value(&mut own, size).parse::<f64>().unwrap());
    }
    assert_same(&content(&mut own), &start, "after a hundred resets");
    let (first, last) = (median(times[..20].to_vec()), median(times[80..].to_vec()));
    println!("first {first:?}, last {last:?}, sizes {} to {}", sizes[10], sizes[99]);
    // The machine may be busy with other tests, so the time is only looked at for an order of magnitude; the size is exact.
    assert!(last < first * 3, "{times:?}");
    assert!(sizes[99] < sizes[10] * 1.2, "{sizes:?}");
}

#[test]
fn the_cost_follows_the_changes() {
    let Some(server) = Server::start() else { return };
    let mut measured = Vec::new();
    for tables in [20, 500] {
        let name = format!("t{tables}");
        let mut own = server.database(
            &name,
            "CREATE TABLE big (id int PRIMARY KEY, v text, at timestamptz DEFAULT now()); CREATE TABLE nokey (a int, v text)",
        );
        own.batch_execute(&format!(
            "DO $$ BEGIN FOR n IN 1..{tables} LOOP EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, v text, at timestamptz)', n); END LOOP; END $$;
             INSERT INTO big SELECT g, 'row ' || g FROM generate_series(1, 100000) g; INSERT INTO nokey SELECT g, 'row' FROM generate_series(1, 100000) g"
        ))
        .unwrap();
        install(&mut own).unwrap();
        let mut client = server.connect(&name);
        for (rows, times) in [(5, 9), (300, 7), (1000, 7), (30_000, 3)] {
            let work = format!("UPDATE big SET v = v || '!' WHERE id <= {rows}");
            let times = (0..times).map(|_| timed(&mut own, &mut client, &work)).collect();
            measured.push((tables, rows, median(times)));
        }
        let work = "INSERT INTO nokey SELECT g, 'new' FROM generate_series(1, 300) g";
        let times = (0..7).map(|_| timed(&mut own, &mut client, work)).collect();
        measured.push((tables, 300, median(times)));
    }
    for (tables, rows, took) in &measured {
        println!("{tables} tables, {rows} rows: {took:?}");
    }
    let of = |tables: i32, rows: i32| measured.iter().find(|(t, r, _)| (*t, *r) == (tables, rows)).unwrap().2;
    assert!(of(20, 5) * 20 < of(20, 30_000));
    assert!(of(500, 1000) < of(20, 1000) * 3 + Duration::from_millis(20));
}
