//! What the network can do to a proxy: bytes that mean nothing, clients that vanish, clients that do not read, many at once. The
//! proxy serves the next client as if nothing had been. (Kills and full disks need a process to kill: `cargo-mori/tests/it`.)

mod bytes;
mod panics;
mod slow_reader;
mod vanishing;
