//! From all tests to those that run.

use super::partition::Partitioner;
use super::{BinaryArgs, Filtersets, Partition, RunIgnored, Suite};
use crate::build::TestBinary;
use std::sync::Arc;

/// One test that runs.
#[derive(Clone, Debug)]
pub struct SelectedTest {
    pub binary: Arc<TestBinary>,
    pub name: String,
    /// Has `#[ignore]`, and runs only if its binary is told to run such tests.
    pub ignored: bool,
}

/// The tests that run, in the order of their binaries and names, and the number of those that do not.
#[derive(Debug, Default)]
pub struct Selection {
    pub tests: Vec<SelectedTest>,
    pub skipped: usize,
}

/// What selects tests, once parsed.
#[derive(Debug)]
pub struct Criteria {
    pub filters: Vec<String>,
    pub binary_args: BinaryArgs,
    pub filtersets: Filtersets,
    pub run_ignored: RunIgnored,
    pub partition: Option<Partition>,
}

impl Criteria {
    fn takes(&self, binary: &TestBinary, name: &str, ignored: bool) -> bool {
        let by_ignored = match self.run_ignored {
            RunIgnored::Default => !ignored,
            RunIgnored::Only => ignored,
            RunIgnored::All => true,
        };
        by_ignored && self.takes_name(name) && self.filtersets.matches(binary, name)
    }

    /// `--exact` is about the arguments behind `--` only, as with libtest.
    fn takes_name(&self, name: &str) -> bool {
        let args = &self.binary_args;
        let fits = |pattern: &String| {
            if args.exact {
                name == pattern
            } else {
                name.contains(pattern.as_str())
            }
        };
        let no_filter = self.filters.is_empty() && args.filters.is_empty();
        let wanted = no_filter || self.filters.iter().any(|filter| name.contains(filter.as_str())) || args.filters.iter().any(fits);
        wanted && !args.skip.iter().any(fits)
    }
}

/// Filters first, then the partition, so that parts are of equal size whatever was filtered.
pub fn select(suites: &[Suite], criteria: &Criteria) -> Selection {
    let mut partitioner = criteria.partition.map(Partitioner::new);
    let mut selection = Selection::default();
    for suite in suites {
        for case in &suite.cases {
            let taken = criteria.takes(&suite.binary, &case.name, case.ignored)
                && partitioner
                    .as_mut()
                    .is_none_or(|partitioner| partitioner.takes(suite.binary.id.as_str(), &case.name, case.ignored));
            if taken {
                selection.tests.push(SelectedTest {
                    binary: Arc::clone(&suite.binary),
                    name: case.name.clone(),
                    ignored: case.ignored,
                });
            } else {
                selection.skipped += 1;
            }
        }
    }
    selection
}
