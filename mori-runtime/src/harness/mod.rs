//! One test from the attribute's words to its verdict: lanes, set-up, body, checks, end of the lease, report.

mod lanes;
mod paths;
mod requires;
mod run;
mod settings;
mod spec;
mod verdict;
mod watch;

pub(crate) use watch::note_snapshot;

pub use lanes::Lanes;
pub(crate) use paths::{fixture_path, source_folder};
pub use run::{run_async, run_sync, run_sync_within};
pub(crate) use settings::Settings;
pub(crate) use spec::test_name_of_thread;
pub use spec::{Access, Argument, Ending, Flavor, Migrations, Requirement, Source, Spec, Target};
pub use verdict::TestReturn;
