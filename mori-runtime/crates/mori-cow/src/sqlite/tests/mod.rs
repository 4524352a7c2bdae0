//! Tests of the comparison against SQLite itself.

mod corrupt;
mod cost;
mod overflow;
mod programs;
mod support;
mod wal;
