//! The attribute `#[mori::test]`: parse, then check into a model, then expand.
//!
//! The expansion holds no logic: it states what the user wrote as a `Spec` and hands it, with the test's function, to
//! `mori::__private`. Everything that decides anything is ordinary code of the crate `mori`.

mod expand;
mod model;
mod parse;
mod suggest;

use proc_macro::TokenStream;

/// Makes a function a test that holds a lane for each of its arguments.
///
/// The function may be `async` or not, returns `()` or `Result<(), E>` with `E: Debug`, and takes at least one argument of a
/// type that implements `mori::FromLane`. An argument may name its connection: `#[mori(db = "cache")] cache: mori::Redis`.
///
/// Keys, all optional:
///
/// - `db = "billing"`: the connection of `mori.yaml` for the arguments that name none.
/// - `migrations = "path"` or `false`: a folder of SQL files, relative to the package; without the key, `migrations/` if there is one.
/// - `fixtures("users", "./sql/orders.sql")`, `fixtures(path = "sql", scripts("users"))`: SQL files, relative to the source file.
/// - `seed = path::to::function`: an `async fn(&mori::Db) -> Result<(), E>`; what it writes is not part of the test's delta.
/// - `isolation = "cow"` or `"clone"`, `read_only`, `keep = "on-failure"`, `"always"` or `"never"`.
/// - `timeout = "30s"`, `max_connections = 5`, `max_statements = 40`.
/// - `requires(env = "STAGING_URL", docker, engine = "postgres")`.
/// - `tokio(flavor = "multi_thread", worker_threads = 4)`.
///
/// Seed goes to the lane of the first argument, migrations and SQL fixtures to the first that is not Redis, fixtures that end in `.redis` to the first that is.
#[proc_macro_attribute]
pub fn test(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand::test(attribute.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
