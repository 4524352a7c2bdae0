//! SQLite text, as it reaches us over the PostgreSQL protocol.
//!
//! SQLite itself prepares and runs each statement. Here is what it cannot tell: where statements end before they are
//! prepared, which command tag a statement has, what the PostgreSQL-only statements of drivers mean, and the PostgreSQL
//! types of parameters and of computed result columns.

mod classify;
mod cursor;
mod infer;
mod session;
mod split;
mod token;
mod transaction;
mod types;

pub use classify::{Kind, Outline, outline};
pub use infer::{Catalog, Inference, infer, infer_with_params, parameter_number, pragma_column};
pub use session::{Discard, Session, SetScope};
pub use split::split;
pub use token::{Token, TokenKind, Tokens, tokens};
pub use transaction::Transaction;
pub use types::ColumnType;
