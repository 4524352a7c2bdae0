//! The exit codes. They are stable, and nextest's where nextest has one.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | everything went well |
//! | 1 | a failure that no other code names: a file, a lost connection |
//! | 4 | no test was selected |
//! | 94 | a filterset (`-E`) is not valid |
//! | 96 | usage or configuration: arguments, `mori.yaml`, `.config/mori.toml`, an engine that is not served |
//! | 100 | a test failed |
//! | 101 | the build failed |
//! | 102 | `cargo metadata` failed |
//! | 104 | a test binary could not be listed |
//! | 105 | the broker, a shadow, prod, migrations or fixtures could not be set up |
//! | 120 | safety stop: a write was aimed at prod |
//! | 121 | isolation broken: a test wrote after it had ended |
//! | 122 | snapshots are pending review |
//! | 130 | interrupted |
//!
//! Where several apply to a test run, the first of 130, 100, 121, 122 is taken.

/// Everything went well.
pub const OK: u8 = 0;
/// A failure that no other code names.
pub const FAILED: u8 = 1;
/// No test was selected.
pub const NO_TESTS_RUN: u8 = 4;
/// A filterset is not valid.
pub const INVALID_FILTERSET: u8 = 94;
/// Arguments or configuration are wrong.
pub const SETUP_ERROR: u8 = 96;
/// One test or more failed.
pub const TEST_RUN_FAILED: u8 = 100;
/// Building the tests failed.
pub const BUILD_FAILED: u8 = 101;
/// `cargo metadata` failed.
pub const CARGO_METADATA_FAILED: u8 = 102;
/// A test binary could not be listed.
pub const TEST_LIST_CREATION_FAILED: u8 = 104;
/// The broker, a shadow, prod, migrations or fixtures could not be set up.
pub const ENVIRONMENT_FAILED: u8 = 105;
/// A write was aimed at prod.
pub const SAFETY_STOP: u8 = 120;
/// A test wrote after it had ended.
pub const ISOLATION_BROKEN: u8 = 121;
/// Snapshots are pending review.
pub const PENDING_SNAPSHOTS: u8 = 122;
/// Ended by SIGINT or SIGTERM.
pub const INTERRUPTED: u8 = 130;
