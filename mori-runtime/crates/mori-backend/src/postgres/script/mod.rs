//! SQL files as psql reads them: migrations, fixtures, and what pg_dump writes.

mod apply;
mod split;

pub(super) use apply::{apply, digest};
