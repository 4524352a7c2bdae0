//! What the expansion looks like, printed; and what is said about misuse, without a compiler run.

use super::test;
use quote::quote;

#[track_caller]
fn expanded(attribute: proc_macro2::TokenStream, item: proc_macro2::TokenStream) -> String {
    let tokens = test(attribute, item).expect("the test expands");
    prettyplease::unparse(&syn::parse2(tokens).expect("the expansion is Rust"))
}

/// The messages, one a line, in the order reported.
#[track_caller]
fn refused(attribute: proc_macro2::TokenStream, item: proc_macro2::TokenStream) -> Vec<String> {
    let errors = test(attribute, item).expect_err("the test is refused");
    errors.into_iter().map(|error| error.to_string()).collect()
}

#[test]
fn the_smallest_test() {
    insta::assert_snapshot!(expanded(
        quote!(),
        quote!(
            async fn reads(db: mori::Db) {
                look(db).await
            }
        )
    ));
}

#[test]
fn every_key_and_two_databases() {
    let attribute = quote!(
        db = "billing",
        migrations = "sql/migrations",
        fixtures("users", "./sql/orders.sql", "plain.sql"),
        fixtures(path = "../shared", scripts("carts")),
        seed = crate::seeds::month_end,
        isolation = "clone",
        read_only,
        keep = "always",
        timeout = "1500ms",
        max_connections = 5,
        max_statements = 40,
        requires(docker, engine = "sqlite", env = "STAGING_URL"),
        tokio(flavor = "multi_thread", worker_threads = 4),
    );
    let item = quote! {
        /// Twice is once too often.
        #[ignore = "slow"]
        #[should_panic(expected = "twice")]
        pub(crate) async fn refund_twice(db: mori::Sqlite, #[mori(db = "cache")] mut cache: mori::Redis) -> Result<(), shop::Error> {
            shop::refund(&db, &mut cache).await
        }
    };
    insta::assert_snapshot!(expanded(attribute, item));
}

#[test]
fn a_blocking_test_with_a_limit_runs_on_a_thread() {
    let text = expanded(
        quote!(timeout = "2m", migrations = false),
        quote!(
            fn blocks(db: mori::Sqlite) {}
        ),
    );
    assert!(text.contains("run_sync_within::<"), "{text}");
    let text = text.replace(['\n', ' '], "");
    assert!(text.contains("Duration::from_millis(120000u64)"), "{text}");
    assert!(text.contains("migrations:::mori::__private::Migrations::Off"), "{text}");
}

#[test]
fn everything_wrong_is_said_at_once() {
    let attribute = quote!(
        fixture("users"),
        keep = "on-fail",
        timeout = "30",
        migrator = "crate::M",
        read_only = true,
        db = "a",
        db = "b"
    );
    assert_eq!(
        refused(
            attribute,
            quote!(
                fn t() {}
            )
        ),
        [
            "unknown key `fixture`; did you mean `fixtures`?",
            "`keep` cannot be `on-fail`; did you mean `on-failure`?",
            "`timeout` takes a duration such as \"30s\", \"500ms\" or \"2m\"",
            "`migrator` is not supported yet; name the folder: `migrations = \"path\"`",
            "`read_only` stands alone: write `read_only`",
            "`db` is given twice",
            "a mori test takes at least one argument, such as `db: mori::Db`; without one, `#[test]` is enough",
        ]
    );
}

#[test]
fn nested_keys_are_checked_too() {
    let item = || {
        quote!(
            async fn t(db: mori::Db) {}
        )
    };
    assert_eq!(
        refused(quote!(requires(dokcer)), item()),
        ["unknown key `dokcer`; did you mean `docker`?"]
    );
    assert_eq!(
        refused(quote!(requires(engine = "postgres>=15")), item()),
        ["an engine's version cannot be required yet; name the engine alone"]
    );
    assert_eq!(
        refused(quote!(tokio(worker_threads = 2)), item()),
        ["`worker_threads` needs `flavor = \"multi_thread\"`"]
    );
    assert_eq!(
        refused(quote!(max_connections = 0), item()),
        ["`max_connections` takes a whole number from 1 to 4294967295"]
    );
    assert_eq!(
        refused(quote!(fixtures("sql/users")), item()),
        ["a fixture's path ends in `.sql`; a bare name stands for `fixtures/<name>.sql`"]
    );
}

#[test]
fn the_function_must_fit_a_test() {
    assert_eq!(
        refused(
            quote!(),
            quote!(
                async fn t<T>(db: T) {}
            )
        ),
        ["a test cannot be generic"]
    );
    assert_eq!(
        refused(
            quote!(tokio(flavor = "multi_thread")),
            quote!(
                fn t(db: mori::Db) {}
            )
        ),
        ["`tokio(…)` needs an `async fn`"]
    );
    assert_eq!(
        refused(
            quote!(),
            quote!(
                #[tokio::test]
                async fn t(db: mori::Db) {}
            )
        ),
        ["`#[mori::test]` makes the function a test already; remove this attribute"]
    );
    assert_eq!(
        refused(
            quote!(),
            quote!(
                fn t(#[mori(name = "cache")] db: mori::Db) {}
            )
        ),
        ["unknown key `name`; known are `db`"]
    );
}
