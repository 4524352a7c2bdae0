//! Tests with the attribute, in processes of their own: what the user sees, from libtest's verdict to the printed report.
//!
//! The tests under test are functions inside functions, which libtest does not collect. Each is run by a `…_child` test that does
//! nothing unless its parent, a test here, has started this executable again with a fake broker in the environment.

#![cfg(unix)]

#[path = "../../src/broker/fake.rs"]
#[allow(dead_code, reason = "shared with the unit tests, which use the rest")]
mod fake;

mod attribute;
mod child;
