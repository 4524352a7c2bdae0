//! Use by hand: a prod file, a `mori.yaml`, a proxy, and the commands around it.

mod bad_input;
mod commands;
mod full_disk;
mod processes;
mod state_files;
