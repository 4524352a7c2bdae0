//! The commands of Redis and Valkey: what they are, which keys they name, what they change. Pure, and total: what is not known is a write.

mod keys;
mod outline;
mod pattern;
mod table;
mod touched;

pub use keys::{Keys, keys_of};
pub use outline::{Effect, Outline, Special, outline};
pub use pattern::key_pattern;
pub use table::{CommandInfo, CommandTable};
pub use touched::{StreamReader, Touched};
