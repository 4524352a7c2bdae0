//! One file a command: its arguments, and what it does.

pub mod broker;
pub mod config;
pub mod diff;
pub mod doctor;
pub mod down;
pub mod drop;
pub mod init;
pub mod inspect;
pub mod kept;
pub mod list;
pub mod log;
pub mod ls;
pub mod plan;
pub mod ps;
pub mod reset;
pub mod rm;
pub mod setup;
pub mod shell;
pub mod start;
pub mod status;
pub mod stop;
pub mod test;
pub mod up;

mod delta;
mod discover;

#[cfg(test)]
mod tests;
