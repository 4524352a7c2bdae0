//! What the tests share: running the binaries, a user's project, a proxy, and the processes of this machine.

mod processes;
mod program;
mod redact;
mod served;
mod skip;
mod user_project;

pub use processes::{Background, assert_nothing_left, is_alive, kill, processes_with, signal, until};
pub use program::{Ran, cargo_mori, clean, mori, run, text_of};
pub use redact::redact;
pub use served::{Proxy, Served, WAL, told};
pub use skip::skipped;
pub use user_project::{Workspace, nextest};
