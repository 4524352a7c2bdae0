//! The assertion macros. They only turn what is written into values; the comparison is in `check`.

/// Asserts what the test inserted and updated, exactly: a table that is changed and not stated fails.
///
/// ```
/// # fn example(db: mori::Sqlite) {
/// mori::assert_delta!(db, orders: { inserted: 1, updated: 2 }, users: [1, 7], "Line items": { deleted: 3 });
/// # }
/// ```
///
/// On Redis, the keys of the connection's database alone: `assert_delta!(cache, ["cart:17"])`. Those of others are in tables `db0`, `db1`, ….
///
/// Counts that are left out are 0; `deleted` is compared where it is stated. Keys are anything that is `Into<mori::Key>`, tuples for
/// composite keys.
#[macro_export]
macro_rules! assert_delta {
    ($db:expr, [$($key:expr),* $(,)?] $(,)?) => {{
        let db = &$db;
        let keys = $crate::__private::StatedTable::Keys(::std::vec![$($crate::Key::from($key)),*]);
        $crate::__private::assert_delta(db, [($crate::__private::keyspace(db), keys)])
    }};
    ($db:expr, $($($table:tt).+ : $stated:tt),+ $(,)?) => {
        $crate::__private::assert_delta(&$db, [$(($crate::__table!($($table).+), $crate::__stated!($stated))),+])
    };
}

/// Asserts that the test inserted and updated nothing.
#[macro_export]
macro_rules! assert_no_delta {
    ($db:expr $(,)?) => {
        $crate::__private::assert_no_delta(&$db)
    };
}

/// Asserts which rows the test deleted, exactly: `assert_tombstones!(db, orders: [17, 18])`; on Redis `assert_tombstones!(cache, ["cart:17"])`.
#[macro_export]
macro_rules! assert_tombstones {
    ($db:expr, [$($key:expr),* $(,)?] $(,)?) => {{
        let db = &$db;
        $crate::__private::assert_tombstones(
            db,
            [($crate::__private::keyspace(db), ::std::vec![$($crate::Key::from($key)),*])],
        )
    }};
    ($db:expr, $($($table:tt).+ : [$($key:expr),* $(,)?]),+ $(,)?) => {
        $crate::__private::assert_tombstones(
            &$db,
            [$(($crate::__table!($($table).+), ::std::vec![$($crate::Key::from($key)),*])),+],
        )
    };
}

/// Asserts that the test deleted nothing.
#[macro_export]
macro_rules! assert_no_tombstones {
    ($db:expr $(,)?) => {
        $crate::__private::assert_no_tombstones(&$db)
    };
}

/// Asserts how many statements the test executed: `assert_statements!(db, <= 6)`; also `<`, `==`, `>=` and `>`.
#[macro_export]
macro_rules! assert_statements {
    ($db:expr, <= $limit:expr $(,)?) => {
        $crate::__private::assert_statements(&$db, $crate::__private::Bound::AtMost, $limit)
    };
    ($db:expr, < $limit:expr $(,)?) => {
        $crate::__private::assert_statements(&$db, $crate::__private::Bound::Below, $limit)
    };
    ($db:expr, == $limit:expr $(,)?) => {
        $crate::__private::assert_statements(&$db, $crate::__private::Bound::Exactly, $limit)
    };
    ($db:expr, >= $limit:expr $(,)?) => {
        $crate::__private::assert_statements(&$db, $crate::__private::Bound::AtLeast, $limit)
    };
    ($db:expr, > $limit:expr $(,)?) => {
        $crate::__private::assert_statements(&$db, $crate::__private::Bound::Above, $limit)
    };
}

/// Asserts how explicit transactions ended: `assert_transactions!(db, committed: 1, rolled_back: 0)`.
#[macro_export]
macro_rules! assert_transactions {
    ($db:expr, $($end:ident : $count:expr),+ $(,)?) => {
        $crate::__private::assert_transactions(&$db, $crate::__private::StatedTransactions::default()$(.$end($count))+)
    };
}

/// Compares the test's statements, and how each was answered, with a snapshot of insta, file or inline.
///
/// Takes a handle or a [`Routing`](crate::Routing), a name before it, or an inline text behind it:
/// `assert_routing_snapshot!("refund", db.routing().sorted())`.
#[macro_export]
macro_rules! assert_routing_snapshot {
    ($of:expr $(,)?) => {
        $crate::__private::insta::assert_snapshot!($of.__routing_text())
    };
    ($of:expr, @$inline:literal $(,)?) => {
        $crate::__private::insta::assert_snapshot!($of.__routing_text(), @$inline)
    };
    ($name:expr, $of:expr $(,)?) => {
        $crate::__private::insta::assert_snapshot!($name, $of.__routing_text())
    };
}

/// Compares the test's delta with a snapshot of insta, file or inline. Takes a handle or a [`Delta`](crate::Delta), a name before
/// it, or an inline text behind it.
#[macro_export]
macro_rules! assert_delta_snapshot {
    ($of:expr $(,)?) => {
        $crate::__private::insta::assert_snapshot!($of.__delta_text())
    };
    ($of:expr, @$inline:literal $(,)?) => {
        $crate::__private::insta::assert_snapshot!($of.__delta_text(), @$inline)
    };
    ($name:expr, $of:expr $(,)?) => {
        $crate::__private::insta::assert_snapshot!($name, $of.__delta_text())
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __table {
    ($name:literal) => {
        ::std::string::String::from($name)
    };
    ($($part:ident).+) => {
        $crate::__private::table_name(&[$(::core::stringify!($part)),+])
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __stated {
    ({ $($kind:ident : $count:expr),* $(,)? }) => {
        $crate::__private::StatedTable::Counts($crate::__private::StatedCounts::default()$(.$kind($count))*)
    };
    ([$($key:expr),* $(,)?]) => {
        $crate::__private::StatedTable::Keys(::std::vec![$($crate::Key::from($key)),*])
    };
}

/// What the compiler knows of a test's place, at the test.
#[doc(hidden)]
#[macro_export]
macro_rules! __source {
    ($name:expr) => {
        $crate::__private::Source {
            package: ::core::env!("CARGO_PKG_NAME"),
            target: $crate::__private::Target::of(::core::option_env!("CARGO_TARGET_TMPDIR"), ::core::option_env!("CARGO_BIN_NAME")),
            module_path: ::core::module_path!(),
            name: $name,
            file: ::core::file!(),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
        }
    };
}
