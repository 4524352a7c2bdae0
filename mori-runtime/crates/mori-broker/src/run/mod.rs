//! The broker of a test run: suites of lanes, leased to tests over the control socket.

mod broker;
mod clients;
mod control;
mod folder;
pub mod kept;
mod layers;
mod serve;
mod suite;

pub use layers::take_prod;
pub use serve::{BrokerOptions, IDLE_MAX, run_broker};
