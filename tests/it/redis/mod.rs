//! Redis: a client of a lane is told what a client of a private full copy is told.
//!
//! `programs` runs seeded random programs on both. Where Redis is not installed, the tests say so and prove nothing.

mod programs;
