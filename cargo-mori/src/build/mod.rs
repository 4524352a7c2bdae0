//! Cargo's part: the workspace, the build, and the environment that cargo gives a test.

mod cargo_args;
mod compile;
mod environment;
mod workspace;

pub use cargo_args::CargoArgs;
pub use compile::{BuildError, Built, TestBinary, compile};
pub use workspace::{Workspace, WorkspaceError, target_dir};

#[cfg(test)]
mod tests;
