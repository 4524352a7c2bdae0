//! Seeded random programs of two clients, on a lane and on a private copy.
//!
//! Every answer is compared message by message; then the content of all tables and sequences, the lane's delta with the difference of the copy
//! computed here, and, after a reset, the lane with a new copy. `MORI_POSTGRES_PROGRAMS` sets how many, `MORI_POSTGRES_SEED` where they begin: a
//! failing program prints its seed and its statements.

mod delta;
mod generate;
mod run;

pub use generate::{Via, program};
