//! Reading prod. What can be said to prod is a type of its own: commands that read, and nothing else.

mod reader;
mod url;

pub use reader::{ProdOptions, Progress, Reader, prod_version};
