//! The built binaries, from the outside: whole projects, real processes, kills.
//!
//! - `run`: `cargo mori test` and its kin on a small project of a user.
//! - `plain`: the same tests under `cargo test` and `cargo nextest run`.
//! - `kills`: what is left when the runner, the broker or a test dies.
//! - `hand`: `mori init`, `start`, `status` and the others; bad input; full disks.
//! - `crash`: a proxy that is killed again and again, against what its clients were told.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic, and its helpers with it")]

mod crash;
mod hand;
mod kills;
mod plain;
mod run;
mod support;
