//! The arguments reach cargo under cargo's names.

use super::CargoArgs;
use clap::Parser;

#[derive(Parser)]
struct Wrapper {
    #[command(flatten)]
    cargo: CargoArgs,
}

#[track_caller]
fn check(given: &str, build: &str, metadata: &str) {
    let cargo = Wrapper::try_parse_from(std::iter::once("test").chain(given.split_whitespace()))
        .unwrap()
        .cargo;
    let join = |words: Vec<std::ffi::OsString>| words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ");
    assert_eq!(
        (join(cargo.for_build()).as_str(), join(cargo.for_metadata()).as_str()),
        (build, metadata)
    );
}

#[test]
fn words_are_handed_on() {
    check("", "", "");
    check("-p a -p b --lib --test x", "--package a --package b --lib --test x", "");
    check(
        "--workspace --exclude a -F x,y",
        "--workspace --exclude a --features x,y",
        "--features x,y",
    );
    check("--cargo-profile ci -j 2 --target t", "--profile ci --target t --jobs 2", "");
    check(
        "--manifest-path a/Cargo.toml --locked",
        "--manifest-path a/Cargo.toml --locked",
        "--manifest-path a/Cargo.toml --locked",
    );
}

#[test]
fn contradictions_are_refused() {
    for wrong in ["--release --cargo-profile ci", "--exclude a"] {
        assert!(
            Wrapper::try_parse_from(std::iter::once("test").chain(wrong.split_whitespace())).is_err(),
            "{wrong}"
        );
    }
}
