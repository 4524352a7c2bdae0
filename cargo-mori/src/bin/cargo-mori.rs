//! The subcommand: cargo calls `cargo-mori mori <arguments>`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|word| word == "mori") {
        arguments.remove(1);
    }
    cargo_mori::main("cargo mori", arguments)
}
