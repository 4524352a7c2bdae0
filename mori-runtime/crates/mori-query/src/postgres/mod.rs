//! PostgreSQL text, of the servers 15 to 18: what a statement is, for the routing log, and whether it may have changed anything.
//!
//! PostgreSQL itself runs each statement, on a private copy, so nothing here decides what an answer is. What is said of writes must
//! hold nevertheless: what is not known to be a read is a write. Everything works on tokens, in one pass and without recursion, so any
//! bytes may be given, of any size and depth, in any client encoding.
//!
//! What a text cannot tell, and the owner of the catalog has to add: what views, rules, triggers, defaults, policies, foreign keys and
//! partitions reach; what the database's own functions do ([`Outline::functions`] names those that are called), those behind its own
//! operators, casts and types included, and those that are called like a column (`t.f` for `f(t)`; [`touches`] has the name).

mod copy;
mod cursor;
mod definition;
mod function;
mod keyword;
mod literal;
mod name;
mod outline;
mod scan;
mod session;
mod shared;
mod split;
mod token;
mod touch;
mod transaction;
mod verb;
mod with;

pub use name::{Access, QualifiedName, RelationUse};
pub use outline::{Outline, outline};
pub use session::{Discard, Session, SetScope};
pub use split::split;
pub use token::{Syntax, Token, TokenKind, Tokens, tokens};
pub use touch::{Touch, touches};
pub use transaction::{Isolation, Transaction};
