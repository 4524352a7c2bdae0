//! The broker of a test run: suites of lanes, leased to tests over the control socket.

mod background;
mod broker;
mod clients;
mod control;
mod folder;
pub mod kept;
mod layers;
mod recipe;
mod serve;
mod suite;

pub use recipe::{ProdStamp, Recipe};
pub use serve::{BrokerOptions, IDLE_MAX, run_broker};
