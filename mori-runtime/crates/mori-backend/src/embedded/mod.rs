//! Engines that run inside the broker's process. The only room of the project with unsafe code.

pub mod sqlite;
