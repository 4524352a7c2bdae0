//! Nextest's filter language. The one place that knows `nextest-filtering`, whose interface changes often.

use crate::build::TestBinary;
use guppy::graph::PackageGraph;
use miette::Diagnostic;
use nextest_filtering::errors::ParseSingleError;
use nextest_filtering::{BinaryQuery, CompiledExpr, EvalContext, Filterset, FiltersetKind, GroupLookup, KnownGroups, NameMatcher};
use nextest_filtering::{ParseContext, TestQuery};
use nextest_metadata::TestCaseName;
use std::collections::HashSet;

/// A filterset that does not parse, or names what is not there.
#[derive(Debug, thiserror::Error)]
#[error("filterset `{input}` is not valid{}", problems.iter().map(|problem| format!("\n  {problem}")).collect::<String>())]
pub struct FiltersetError {
    pub input: String,
    /// Each with the part of the input it is about.
    pub problems: Vec<String>,
}

/// Expressions of which a test must match one. No expression matches every test.
#[derive(Debug)]
pub struct Filtersets {
    expressions: Vec<Filterset>,
}

impl Filtersets {
    pub fn parse(inputs: &[String], graph: &PackageGraph) -> Result<Filtersets, FiltersetError> {
        let context = ParseContext::new(graph);
        // There are no test groups here: `group(@global)` is the only one that matches.
        let groups = KnownGroups::Known {
            custom_groups: HashSet::new(),
        };
        let parse = |input: &String| {
            Filterset::parse(input.clone(), &context, FiltersetKind::Test, &groups).map_err(|errors| FiltersetError {
                input: errors.input.clone(),
                problems: errors.errors.iter().map(|error| describe(&errors.input, error)).collect(),
            })
        };
        Ok(Filtersets {
            expressions: inputs.iter().map(parse).collect::<Result<_, _>>()?,
        })
    }

    /// Whether a test is meant.
    pub fn matches(&self, binary: &TestBinary, test: &str) -> bool {
        if self.expressions.is_empty() {
            return true;
        }
        let test_name = TestCaseName::new(test);
        let query = TestQuery {
            binary_query: query_of(binary),
            test_name: &test_name,
        };
        let context = EvalContext {
            default_filter: &CompiledExpr::ALL,
        };
        self.expressions
            .iter()
            .any(|expression| expression.matches_test_with_groups(&query, &context, &GlobalGroupOnly))
    }

    /// Whether a binary may hold a test that is meant: others need not be listed.
    pub fn may_match(&self, binary: &TestBinary) -> bool {
        let context = EvalContext {
            default_filter: &CompiledExpr::ALL,
        };
        self.expressions.is_empty()
            || self
                .expressions
                .iter()
                .any(|expression| expression.matches_binary(&query_of(binary), &context) != Some(false))
    }
}

/// The problem, its help, and the words of the input it points at.
fn describe(input: &str, error: &ParseSingleError) -> String {
    let mut text = error.to_string();
    for label in error.labels().into_iter().flatten() {
        // Counted in letters: the offset is one of bytes, and may lie at the end of the input.
        let column = input.get(..label.offset()).map_or(0, |before| before.chars().count());
        let carets = "^".repeat(
            input
                .get(label.offset()..label.offset() + label.len())
                .map_or(1, |part| part.chars().count().max(1)),
        );
        let message = label.label().unwrap_or_default();
        text.push_str(&format!("\n    {input}\n    {:column$}{carets} {message}", ""));
    }
    if let Some(help) = error.help() {
        text.push_str(&format!("\n    {help}"));
    }
    text
}

fn query_of(binary: &TestBinary) -> BinaryQuery<'_> {
    BinaryQuery {
        package_id: &binary.package_id,
        binary_id: &binary.id,
        binary_name: &binary.name,
        kind: &binary.kind,
        platform: binary.platform,
    }
}

/// Every test is in the group `@global`.
#[derive(Debug)]
struct GlobalGroupOnly;

impl GroupLookup for GlobalGroupOnly {
    fn is_member_test(&self, _: &TestQuery<'_>, matcher: &NameMatcher) -> bool {
        matcher.is_match(nextest_metadata::GLOBAL_TEST_GROUP)
    }
}
