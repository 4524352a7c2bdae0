//! The broker: lanes, their listeners and sessions, the control API, and the proxy for use by hand.

pub mod config;
mod error;
mod lane;
mod proxy;
mod run;
mod session;

pub use error::BrokerError;
pub use proxy::{Proxy, ProxyOptions, StopHandle, offline};
pub use run::{BrokerOptions, IDLE_MAX, kept, run_broker};
