//! Selection on a workspace of one package with two binaries.

use super::listing::{TestCase, name};
use super::partition::{Partitioner, xxh64};
use super::*;
use crate::build::TestBinary;
use guppy::graph::PackageGraph;
use guppy::graph::cargo::BuildPlatform;
use guppy::{CargoMetadata, PackageId};
use nextest_metadata::{RustBinaryId, RustTestBinaryKind};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

const PACKAGE_ID: &str = "path+file:///shop#0.1.0";

/// The package `shop` with a library and the integration test `orders`, as `cargo metadata` tells it.
fn graph() -> PackageGraph {
    let target = |name: &str, kind: &str, path: &str| {
        json!({ "name": name, "kind": [kind], "crate_types": [if kind == "lib" { "lib" } else { "bin" }], "src_path": path,
                "edition": "2024", "doctest": false, "test": true, "doc": true })
    };
    let metadata = json!({
        "packages": [{
            "name": "shop", "version": "0.1.0", "id": PACKAGE_ID, "license": null, "license_file": null, "description": null,
            "source": null, "dependencies": [], "features": {}, "manifest_path": "/shop/Cargo.toml", "metadata": null,
            "publish": null, "authors": [], "categories": [], "keywords": [], "readme": null, "repository": null,
            "homepage": null, "documentation": null, "edition": "2024", "links": null, "default_run": null, "rust_version": null,
            "targets": [target("shop", "lib", "/shop/src/lib.rs"), target("orders", "test", "/shop/tests/orders.rs")],
        }],
        "workspace_members": [PACKAGE_ID], "workspace_default_members": [PACKAGE_ID],
        "resolve": { "nodes": [{ "id": PACKAGE_ID, "dependencies": [], "deps": [], "features": [] }], "root": PACKAGE_ID },
        "target_directory": "/shop/target", "version": 1, "workspace_root": "/shop", "metadata": null,
    });
    CargoMetadata::parse_json(metadata.to_string()).unwrap().build_graph().unwrap()
}

fn suite(kind: RustTestBinaryKind, name: &str, cases: &[&str]) -> Suite {
    let binary = TestBinary {
        id: RustBinaryId::from_parts("shop", &kind, name),
        package_id: PackageId::new(PACKAGE_ID),
        package: "shop".to_owned(),
        name: name.to_owned(),
        kind,
        platform: BuildPlatform::Target,
        path: PathBuf::from("/shop/target/debug/deps/shop-0"),
        cwd: PathBuf::from("/shop"),
    };
    let case = |text: &&str| TestCase {
        name: text.trim_end_matches('!').to_owned(),
        ignored: text.ends_with('!'),
    };
    Suite {
        binary: Arc::new(binary),
        cases: cases.iter().map(case).collect(),
    }
}

/// An exclamation mark ends the name of an ignored test.
fn suites() -> Vec<Suite> {
    vec![
        suite(RustTestBinaryKind::LIB, "shop", &["price::adds", "price::rounds", "slow!"]),
        suite(RustTestBinaryKind::TEST, "orders", &["refund", "refund_twice", "ship"]),
    ]
}

fn criteria(filters: &[&str], filtersets: &[&str], binary_args: &[&str]) -> Criteria {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let binary_args = BinaryArgs::parse(&owned(binary_args)).unwrap();
    Criteria {
        filters: owned(filters),
        filtersets: Filtersets::parse(&owned(filtersets), &graph()).unwrap(),
        run_ignored: binary_args.run_ignored.unwrap_or_default(),
        binary_args,
        partition: None,
    }
}

#[track_caller]
fn check(criteria: &Criteria, expected: &[&str]) {
    let selection = select(&suites(), criteria);
    let names: Vec<String> = selection
        .tests
        .iter()
        .map(|test| format!("{} {}", test.binary.id, test.name))
        .collect();
    assert_eq!(names, expected);
    assert_eq!(selection.tests.len() + selection.skipped, 6);
}

#[test]
fn without_filters_all_but_the_ignored_run() {
    let all = [
        "shop price::adds",
        "shop price::rounds",
        "shop::orders refund",
        "shop::orders refund_twice",
        "shop::orders ship",
    ];
    check(&criteria(&[], &[], &[]), &all);
}

#[test]
fn substrings_add_up() {
    check(
        &criteria(&["refund", "adds"], &[], &[]),
        &["shop price::adds", "shop::orders refund", "shop::orders refund_twice"],
    );
}

#[test]
fn filtersets_add_up_and_narrow_substrings() {
    check(
        &criteria(&[], &["test(=refund)", "test(/ship$/)"], &[]),
        &["shop::orders refund", "shop::orders ship"],
    );
    check(&criteria(&["r"], &["kind(lib)"], &[]), &["shop price::adds", "shop price::rounds"]);
    check(
        &criteria(&[], &["package(shop) & binary(orders) - test(refund)"], &[]),
        &["shop::orders ship"],
    );
    check(&criteria(&[], &["none()"], &[]), &[]);
}

#[test]
fn binaries_that_cannot_match_need_no_listing() {
    let filtersets = Filtersets::parse(&["binary(orders) & test(x)".to_owned()], &graph()).unwrap();
    let may_match: Vec<bool> = suites().iter().map(|suite| filtersets.may_match(&suite.binary)).collect();
    assert_eq!(may_match, [false, true]);
}

#[test]
fn libtests_arguments_are_understood() {
    check(&criteria(&[], &[], &["refund", "--exact"]), &["shop::orders refund"]);
    check(&criteria(&[], &[], &["refund", "--skip", "twice"]), &["shop::orders refund"]);
    check(&criteria(&[], &[], &["--ignored"]), &["shop slow"]);
    check(
        &criteria(&[], &[], &["--include-ignored", "s"]),
        &["shop price::adds", "shop price::rounds", "shop slow", "shop::orders ship"],
    );
    let passed_on = BinaryArgs::parse(&["--color=always".to_owned()]).unwrap().passed_on;
    assert_eq!(passed_on, ["--color=always"]);
    assert!(BinaryArgs::parse(&["--skip".to_owned()]).is_err());
    assert!(BinaryArgs::parse(&["--ignored".to_owned(), "--include-ignored".to_owned()]).is_err());
}

#[test]
fn a_wrong_filterset_shows_the_place() {
    let error = Filtersets::parse(&["test(a) & binary(nothing)".to_owned()], &graph()).unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"
    filterset `test(a) & binary(nothing)` is not valid
      operator didn't match any binary names
        test(a) & binary(nothing)
                         ^^^^^^^ no binary names matched this
    ");
    assert!(Filtersets::parse(&["test(a".to_owned()], &graph()).is_err());
}

#[test]
fn partitions_split_without_overlap() {
    for kind in ["slice", "count", "hash"] {
        let mut taken: Vec<String> = Vec::new();
        for shard in 1..=3 {
            let mut criteria = criteria(&[], &[], &[]);
            criteria.partition = Some(format!("{kind}:{shard}/3").parse().unwrap());
            taken.extend(select(&suites(), &criteria).tests.into_iter().map(|test| test.name));
        }
        taken.sort();
        assert_eq!(taken, ["price::adds", "price::rounds", "refund", "refund_twice", "ship"], "{kind}");
    }
}

#[test]
fn a_slice_goes_on_where_a_count_begins_anew() {
    let first_of = |kind: &str| {
        let mut partitioner = Partitioner::new(format!("{kind}:1/2").parse().unwrap());
        ["a", "b", "b"].map(|binary| partitioner.takes(binary, "test", false))
    };
    assert_eq!(first_of("slice"), [true, false, true]);
    assert_eq!(first_of("count"), [true, true, false]);
}

#[test]
fn malformed_partitions_are_refused() {
    for wrong in [
        "",
        "slice",
        "slice:1",
        "slice:0/2",
        "slice:3/2",
        "part:1/2",
        "hash:1/n",
        "hash:1/2/3",
    ] {
        assert!(wrong.parse::<Partition>().is_err(), "{wrong}");
    }
}

#[test]
fn the_hash_is_xxh64() {
    // The values are those of the reference implementation, one for each way through the function.
    assert_eq!(xxh64(b""), 0xEF46_DB37_51D8_E999);
    assert_eq!(xxh64(b"a"), 0xD24E_C4F1_A98C_6E5B);
    assert_eq!(xxh64(b"abc"), 0x44BC_2CF5_AD77_0999);
    assert_eq!(xxh64(b"Nobody inspects the spammish repetition"), 0xFBCE_A83C_8A37_8BF1);
}

#[test]
fn lines_of_a_listing() {
    assert_eq!(name("orders::refund: test", "shop").unwrap(), "orders::refund");
    assert_eq!(name("sum: benchmark", "shop").unwrap(), "sum");
    let error = name("Hello", "shop").unwrap_err();
    assert_eq!(
        error.to_string(),
        "list the tests of shop: the line `Hello` does not end with `: test` or `: benchmark`"
    );
}
