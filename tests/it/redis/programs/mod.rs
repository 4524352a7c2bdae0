//! Seeded random programs of one to three clients, on a private copy of prod and on a lane.
//!
//! Some of the keys are in prod before the copy is made, others are written by a client first: how a key came to be must not show. Every reply is
//! compared byte by byte, pushes and the end of a connection too; where Redis leaves an order or a time open, in a form that does not have it. At the
//! end all keys are compared, with their encodings and expiry times, and prod must hold what it held before.
//!
//! - `program`: what a program is. `generate`: makes one up. `keyspace`: what is there before it. `commands`: its commands, type by type.
//! - `compare`: one reply against the other. `side`: the connections to one server. `run`: a program on two servers.
//! - `search`: many programs. `minimize`: what is printed of a mismatch.
//! - `plain`: two plain servers, which need no lane and show that the programs mean the same everywhere.
//!
//! `MORI_REDIS_PROGRAMS` sets the number of programs, `MORI_REDIS_SEED` the first seed: both are printed with a mismatch.

mod commands;
mod compare;
mod generate;
mod keyspace;
mod lanes;
mod minimize;
mod plain;
mod program;
mod run;
mod search;
mod side;
