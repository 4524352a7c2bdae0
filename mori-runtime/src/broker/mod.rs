//! Reaching the broker: finding the one that serves this run, starting one if there is none, and talking to it.

mod client;
mod discover;
mod executable;
mod start;
mod target;

#[cfg(test)]
pub(crate) mod fake;

pub(crate) use client::{Client, unexpected};
pub(crate) use discover::connect;
