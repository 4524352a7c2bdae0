//! PostgreSQL: the same bytes sent to a lane and to a private full copy give the same bytes back.
//!
//! `scripts` runs the same on both; each of the other files is one subject. Where PostgreSQL is not installed, the tests say so and prove nothing.

mod leases;
mod plans;
mod prod_server;
mod programs;
mod protocol;
mod queries;
mod schema;
mod scripts;
mod sessions;
mod types;
mod writes;
