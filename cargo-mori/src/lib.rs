//! `cargo mori` and `mori`: arguments, one file a command, the test runner and its reports. No engine logic.

mod args;
mod build;
mod command;
mod control;
mod dispatch;
mod error;
pub mod exit_code;
mod output;
mod project;
mod report;
mod runner;
mod settings;
mod suite;

pub use dispatch::main;
