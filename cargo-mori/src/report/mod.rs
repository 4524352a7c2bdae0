//! From events to what a user reads: text, a progress line, JSON lines, JUnit.
//!
//! The renderers are pure; [`Reporter`] is what writes.

mod display;
mod json;
mod junit;
mod lost;
mod progress;
mod reporter;
mod summary;
mod tax;

pub use json::event_json;
pub use junit::junit_report;
pub use reporter::{Reporter, ReporterOptions};
pub use summary::{render_summary, render_timings};

#[cfg(test)]
mod tests;
