//! What a lane costs, beside what it replaces, in one run: `cargo bench -p mori-tests`.
//!
//! Reads: through Mori on a clean and on a dirty table, against the same statement on a private copy behind the same front (a
//! lane that owns all its pages), and on a plain file without any front. Reset: after 0, 5 and 1000 changed rows, with 20 and 500
//! tables, against copying the file. Ratios are printed at the end.

mod ratios;
mod reads;
mod reset;

use criterion::Criterion;
use std::time::Duration;

fn main() {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    reads::run(&mut criterion);
    reset::run(&mut criterion);
    criterion.final_summary();
    ratios::print();
}
