//! The broker: lanes, their listeners and sessions, the control API, and the proxy for use by hand.

pub mod config;
mod error;
mod lane;
mod login;
mod outside;
mod postgres;
mod proxy;
mod redis;
mod relay;
mod run;
mod sqlite;
mod wire;

pub use error::BrokerError;
pub use postgres::found_server as found_postgres;
pub use proxy::{Proxy, ProxyOptions, StopHandle, offline};
pub use redis::found_server as found_redis;
pub use run::{BrokerOptions, IDLE_MAX, kept, run_broker};
