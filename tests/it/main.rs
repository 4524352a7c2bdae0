//! One binary: what the product must hold across its rooms.
//!
//! - `oracle`: seeded random programs, on a private copy and through Mori.
//! - `fidelity`: statement by statement, and message by message, as on a private copy.
//! - `drivers`: the clients people use.
//! - `lanes`: what a test leaves, and what the next one meets.
//! - `faults`: kills, bad input, full disks.
//! - `statements`: statements that fail half-way, and schemas that change under them.
//! - `passwords`: lanes that ask their clients for one.
//! - `prod_images`: copies of a prod that others write.
//! - `postgres`: PostgreSQL lanes beside private full copies, message by message.
//! - `rooms`: the rules between the rooms.

#![allow(clippy::unwrap_used, reason = "a test may panic, and its helpers with it")]

mod drivers;
mod faults;
mod fidelity;
mod lanes;
mod oracle;
mod passwords;
mod postgres;
mod prod_images;
mod redis;
mod rooms;
mod statements;
