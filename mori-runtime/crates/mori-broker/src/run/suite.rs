//! A suite: the tests that share a connection and the layers below it, and their lanes.

use super::background::Background;
use crate::config::Connection;
use crate::error::BrokerError;
use crate::lane::{Lane, LaneBase, Listener};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub struct Suite {
    pub connection: Connection,
    below: Arc<dyn LaneBase>,
    /// `migrations`, `fixtures users, orders`.
    pub layer_names: Vec<String>,
    idle: Mutex<Vec<SuiteLane>>,
    /// Lanes that there are, or that are being made.
    lanes: AtomicUsize,
    background: Arc<Background>,
}

/// A lane with its port.
pub struct SuiteLane {
    pub lane: Arc<dyn Lane>,
    pub listener: Listener,
    /// The lane's number in reports.
    pub slot: u32,
}

impl Suite {
    pub fn new(connection: Connection, below: Arc<dyn LaneBase>, layer_names: Vec<String>, background: Arc<Background>) -> Suite {
        Suite {
            connection,
            below,
            layer_names,
            idle: Mutex::default(),
            lanes: AtomicUsize::new(0),
            background,
        }
    }

    /// An idle lane, the one with the lowest number, so that a test run alone meets the same lane each time.
    pub fn take_idle(&self) -> Option<SuiteLane> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let lowest = idle.iter().enumerate().min_by_key(|(_, lane)| lane.slot).map(|(index, _)| index)?;
        Some(idle.swap_remove(lowest))
    }

    /// Takes a lane back after a lease. One that must be made anew is so in the background, while others serve.
    pub fn give_back(self: &Arc<Self>, lane: SuiteLane) {
        if !lane.lane.is_spoilt() {
            self.put(lane);
            return;
        }
        let suite = self.clone();
        self.background.spawn(move || match lane.lane.refresh() {
            Ok(()) => suite.put(lane),
            // Without it a new lane is made when one is needed; closed, it holds nothing.
            Err(_) => {
                suite.forget_lane();
                drop(lane.lane.close());
            }
        });
    }

    /// A lane is not used again.
    pub fn forget_lane(&self) {
        self.lanes.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether a lane should be made before it is asked for: it takes a while, none is idle, and more tests than there are lanes may run.
    pub fn wants_spare(&self) -> bool {
        let tests_max = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.below.is_slow()
            && self.lanes.load(Ordering::Relaxed) <= tests_max
            && self.idle.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Makes an idle lane while the tests go on.
    pub fn make_spare(self: &Arc<Self>, dir: PathBuf, slot: u32) {
        let suite = self.clone();
        self.background.spawn(move || {
            // A test that needs the lane makes its own, and is told what is wrong.
            if let Ok(lane) = suite.new_lane(&dir, slot) {
                suite.put(lane);
            }
        });
    }

    /// Ends all idle lanes.
    pub fn close(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(idle);
    }

    fn put(&self, lane: SuiteLane) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
    }

    /// What leaked connections tried on the idle lanes.
    pub fn late_writes(&self) -> Vec<String> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().flat_map(|lane| lane.lane.common().late_writes()).collect()
    }

    pub fn new_lane(&self, dir: &Path, slot: u32) -> Result<SuiteLane, BrokerError> {
        fs::create_dir_all(dir).map_err(BrokerError::io("create", dir))?;
        self.lanes.fetch_add(1, Ordering::Relaxed);
        let lane = self.below.new_lane(&self.connection, dir).inspect_err(|_| self.forget_lane())?;
        lane.common().lend();
        let listener = Listener::bind(&lane, 0)?;
        Ok(SuiteLane { lane, listener, slot })
    }
}
