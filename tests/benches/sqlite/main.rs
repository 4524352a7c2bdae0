//! What a lane costs, beside what it replaces, in one run: `cargo bench -p mori-tests`.
//!
//! Reads: through Mori on a clean and on a dirty table, against the same statement on a private copy behind the same front (a
//! lane that owns all its pages), and on a plain file without any front. Reset: after 0, 5 and 1000 changed rows, with 20 and 500
//! tables, against copying the file. Ratios are printed at the end.

#[path = "../ratios.rs"]
mod ratios;
mod reads;
mod reset;

use criterion::Criterion;
use std::time::Duration;

const RATIOS: [ratios::Ratio; 14] = [
    ("point read", "clean", "private copy", 1.1),
    ("point read", "dirty", "private copy", 1.1),
    ("scan 10k", "clean", "private copy", 1.1),
    ("scan 10k", "dirty", "private copy", 3.0),
    ("aggregate 10k", "clean", "private copy", 1.1),
    ("aggregate 10k", "dirty", "private copy", 3.0),
    ("reset, 20 tables", "0 rows", "copy the file", 1.0),
    ("reset, 20 tables", "5 rows", "copy the file", 1.0),
    ("reset, 20 tables", "1000 rows", "copy the file", 1.0),
    ("reset, 500 tables", "0 rows", "copy the file", 1.0),
    ("reset, 500 tables", "5 rows", "copy the file", 1.0),
    ("reset, 500 tables", "1000 rows", "copy the file", 1.0),
    ("reset, 500 tables", "5 rows", "reset, 20 tables/5 rows", 1.2),
    ("reset, 500 tables", "1000 rows", "reset, 20 tables/1000 rows", 1.2),
];

fn main() {
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
