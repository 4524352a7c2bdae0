//! The broker: lanes, their listeners and sessions, the control API, and the proxy for use by hand.

pub mod config;
mod error;
mod lane;
mod outside;
mod postgres;
mod proxy;
mod run;
mod sqlite;

pub use error::BrokerError;
pub use postgres::found_server;
pub use proxy::{Proxy, ProxyOptions, StopHandle, offline};
pub use run::{BrokerOptions, IDLE_MAX, kept, run_broker};
