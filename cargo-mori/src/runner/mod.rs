//! Running the selected tests: one process a test, a few at a time. Tells what happens as events and prints nothing.

mod broker;
mod broker_file;
mod dispatch;
mod event;
mod outcome;
mod process;
mod signals;
mod snapshots;

pub use broker::{BrokerLife, BrokerProcess, BrokerStartError, READY, RunBroker, ready_line};
pub use broker_file::{BrokerFile, running_broker};
pub use dispatch::{Capture, Message, RunPlan, RunnerError, run};
pub use event::{Attempt, AttemptOutcome, FinishedTest, LostTest, RunEvent, RunReport, TestId};
#[cfg(test)]
pub use event::{CancelReason, RunCounts};
pub use outcome::exit_code;
pub use signals::Signals;
pub use snapshots::pending_snapshots;

#[cfg(test)]
mod tests;
