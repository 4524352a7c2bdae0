//! The binary for those who do not build with cargo.

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_mori::main("mori", std::env::args_os().collect())
}
