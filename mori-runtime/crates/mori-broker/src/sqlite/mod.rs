//! SQLite: lanes made of pages, sessions that execute on them, layers and images of prod.

mod lane;
mod layers;
mod project;
mod refresh;
mod session;
mod shadow;

pub use layers::{SqliteBase, SqliteLayers, pinned_prod};
pub use shadow::{discard, open_kept, open_shadow};
