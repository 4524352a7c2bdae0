//! Redis: a client of a lane is told what a client of a private full copy is told.
//!
//! `programs` runs seeded random programs on both, `leases` holds lanes as tests do, `prod` looks at the server behind a lane. Where Redis is not
//! installed, the tests say so and prove nothing.

mod drivers;
mod lane;
mod leases;
mod prod;
mod programs;
