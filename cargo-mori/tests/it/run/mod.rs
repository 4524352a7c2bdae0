//! `cargo mori test`, `list`, `plan`, and what is kept after failures.

mod kept;
mod outcomes;
mod output;
mod report;
mod selection;
