//! What the attribute said, as a constant of the test's crate.

use mori_control::{Isolation, Keep};
use mori_model::Engine;
use std::time::Duration;

/// One test. Made by the expansion of `#[mori::test]`.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    pub source: Source,
    /// In the order of the function's arguments; at least one.
    pub arguments: &'static [Argument],
    pub migrations: Migrations,
    /// Relative to the folder of the source file.
    pub fixtures: &'static [&'static str],
    pub isolation: Isolation,
    pub access: Access,
    pub keep: Option<Keep>,
    pub timeout: Option<Duration>,
    pub max_connections: Option<u32>,
    pub max_statements: Option<u32>,
    pub requires: &'static [Requirement],
    pub flavor: Flavor,
    pub ending: Ending,
}

impl Spec {
    /// A test whose attribute has no keys.
    pub const fn new(source: Source, arguments: &'static [Argument]) -> Spec {
        Spec {
            source,
            arguments,
            migrations: Migrations::ByConvention,
            fixtures: &[],
            isolation: Isolation::Cow,
            access: Access::ReadWrite,
            keep: None,
            timeout: None,
            max_connections: None,
            max_statements: None,
            requires: &[],
            flavor: Flavor::CurrentThread,
            ending: Ending::Return,
        }
    }
}

/// Where the test is, as the compiler saw it.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    pub package: &'static str,
    pub target: Target,
    /// `orders::refunds`: the crate, then modules.
    pub module_path: &'static str,
    pub name: &'static str,
    /// As `file!()` gives it: relative to the workspace's or the package's folder.
    pub file: &'static str,
    pub manifest_dir: &'static str,
}

/// The kind of Cargo target the test is compiled into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Library,
    Integration,
    Binary(&'static str),
}

impl Target {
    /// From variables Cargo sets for the compiler: the first for integration tests only, the second for binaries only.
    pub const fn of(target_tmpdir: Option<&str>, bin_name: Option<&'static str>) -> Target {
        match (target_tmpdir, bin_name) {
            (Some(_), _) => Target::Integration,
            (None, Some(name)) => Target::Binary(name),
            (None, None) => Target::Library,
        }
    }
}

impl Source {
    /// nextest's name of the test executable: `shop`, `shop::orders`, `shop::bin/shopd`.
    pub fn binary_id(&self) -> String {
        match self.target {
            Target::Library => self.package.to_owned(),
            Target::Integration => format!("{}::{}", self.package, self.split_path().0),
            Target::Binary(name) => format!("{}::bin/{name}", self.package),
        }
    }

    /// libtest's name of the test: modules and function.
    pub fn test_name(&self) -> String {
        match self.split_path().1 {
            "" => self.name.to_owned(),
            modules => format!("{modules}::{}", self.name),
        }
    }

    /// `orders::refunds::refund_twice`: what the test is called towards the broker, in kept states and in errors.
    pub fn path(&self) -> String {
        format!("{}::{}", self.module_path, self.name)
    }

    /// The crate, and the modules in it.
    fn split_path(&self) -> (&'static str, &'static str) {
        self.module_path.split_once("::").unwrap_or((self.module_path, ""))
    }
}

/// libtest names a test's thread after the test.
pub(crate) fn test_name_of_thread() -> String {
    std::thread::current().name().unwrap_or("unnamed").to_owned()
}

/// One argument of the test: which lane it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    pub db: Option<&'static str>,
    pub engine: Option<Engine>,
}

impl Argument {
    pub const fn named(db: &'static str, engine: Option<Engine>) -> Argument {
        Argument { db: Some(db), engine }
    }

    pub const fn unnamed(engine: Option<Engine>) -> Argument {
        Argument { db: None, engine }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrations {
    /// `migrations/` beside the manifest, if it exists.
    ByConvention,
    /// Relative to the manifest's folder.
    Folder(&'static str),
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    ReadWrite,
    /// The test fails if it leaves a delta.
    ReadOnly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// A variable that is set and not empty.
    Env(&'static str),
    /// The engine of at least one of the test's lanes.
    Engine(&'static str),
    Docker,
}

/// The tokio runtime of an async test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    CurrentThread,
    /// Without a number, one worker a processor.
    MultiThread {
        worker_threads: Option<u32>,
    },
}

/// How the test is meant to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Return,
    /// `#[should_panic]`.
    Panic,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Source, Target};

    pub(crate) const REFUND: Source = Source {
        package: "shop",
        target: Target::Integration,
        module_path: "orders::refunds",
        name: "refund_twice",
        file: "tests/orders.rs",
        manifest_dir: "/src/shop",
    };

    #[test]
    fn names_are_those_of_nextest() {
        assert_eq!(
            (REFUND.binary_id(), REFUND.test_name()),
            ("shop::orders".to_owned(), "refunds::refund_twice".to_owned())
        );
        let library = Source {
            target: Target::of(None, None),
            module_path: "shop",
            ..REFUND
        };
        assert_eq!(
            (library.binary_id(), library.test_name()),
            ("shop".to_owned(), "refund_twice".to_owned())
        );
        let binary = Source {
            target: Target::of(None, Some("shopd")),
            module_path: "shopd::tests",
            ..REFUND
        };
        assert_eq!(
            (binary.binary_id(), binary.path()),
            ("shop::bin/shopd".to_owned(), "shopd::tests::refund_twice".to_owned())
        );
        assert_eq!(Target::of(Some("/t"), Some("shopd")), Target::Integration);
    }
}
