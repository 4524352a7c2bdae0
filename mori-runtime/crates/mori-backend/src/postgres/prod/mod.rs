//! Images of prod: read with pg_dump in read-only sessions, restored into a server of ours.

mod facts;
mod foreign;
mod restore;
mod roles;
mod source;
mod tls;
mod url;

pub(super) use source::Source;
pub use source::{Phase, ProdFingerprint, ProdOptions, Progress, prod_major};
