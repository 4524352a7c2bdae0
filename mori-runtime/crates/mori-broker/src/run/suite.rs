//! A suite: the tests that share a connection and the layers below it, and their lanes.

use crate::config::Connection;
use crate::error::BrokerError;
use crate::lane::{Lane, Listener};
use mori_backend::embedded::sqlite::{LaneFile, Layer, OpenOptions};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

pub struct Suite {
    pub connection: Connection,
    pub below: Arc<Layer>,
    /// `migrations`, `fixtures users, orders`.
    pub layer_names: Vec<String>,
    idle: Mutex<Vec<SuiteLane>>,
}

/// A lane with its port.
pub struct SuiteLane {
    pub lane: Arc<Lane>,
    pub listener: Listener,
    /// The lane's number in reports.
    pub slot: u32,
}

impl Suite {
    pub fn new(connection: Connection, below: Arc<Layer>, layer_names: Vec<String>) -> Suite {
        Suite {
            connection,
            below,
            layer_names,
            idle: Mutex::default(),
        }
    }

    /// An idle lane, the one with the lowest number, so that a test run alone meets the same lane each time.
    pub fn take_idle(&self) -> Option<SuiteLane> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let lowest = idle.iter().enumerate().min_by_key(|(_, lane)| lane.slot).map(|(index, _)| index)?;
        Some(idle.swap_remove(lowest))
    }

    pub fn give_back(&self, lane: SuiteLane) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
    }

    /// What leaked connections tried on the idle lanes.
    pub fn late_writes(&self) -> Vec<String> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().flat_map(|lane| lane.lane.late_writes()).collect()
    }

    pub fn new_lane(&self, dir: &Path, slot: u32) -> Result<SuiteLane, BrokerError> {
        fs::create_dir_all(dir).map_err(BrokerError::io("create", dir))?;
        let file = LaneFile::volatile(dir, self.below.clone()).map_err(BrokerError::io("create a lane in", dir))?;
        let options = OpenOptions {
            foreign_keys: self.connection.foreign_keys,
            ..OpenOptions::default()
        };
        let lane = Arc::new(Lane::new(self.connection.name.clone(), dir.to_owned(), file, options, None));
        lane.lend();
        let listener = Listener::bind(&lane, 0)?;
        Ok(SuiteLane { lane, listener, slot })
    }
}
