//! A SQLite lane as the rest of the broker sees it.

use super::SqliteLane;
use crate::error::BrokerError;
use crate::lane::{Lane, LaneCommon, LaneShape, LaneUrl, postgres_url};
use crate::sqlite::session;
use mori_backend::embedded::sqlite::{self, Layer};
use mori_model::LaneDelta;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The image of prod in the folder of a kept state.
pub const KEPT_IMAGE: &str = "prod.db";

impl Lane for SqliteLane {
    fn common(&self) -> &LaneCommon {
        &self.common
    }

    fn serve(self: Arc<Self>, stream: TcpStream) {
        session::serve(&self, stream);
    }

    fn url(&self, url: &LaneUrl) -> String {
        postgres_url(&self.common.database, "mori", url)
    }

    fn delta(&self) -> Result<LaneDelta, BrokerError> {
        SqliteLane::delta(self)
    }

    fn shape(&self) -> Result<LaneShape, BrokerError> {
        let (below, now) = self.schemas_of_both_sides()?;
        let (tables, mut dropped) = (sqlite::tables(&now), sqlite::tables(&below));
        dropped.retain(|name, _| !tables.contains_key(name));
        Ok(LaneShape {
            registry: sqlite::schema_registry(&below, &now),
            sequences: self.sequences()?,
            tables,
            dropped,
        })
    }

    fn reset(&self) -> Result<(), BrokerError> {
        SqliteLane::reset(self)
    }

    fn finish(&self) -> Result<(u64, u64), BrokerError> {
        SqliteLane::finish(self)
    }

    fn snapshot(&self) -> Result<u64, BrokerError> {
        SqliteLane::snapshot(self)
    }

    fn restore(&self, id: u64) -> Result<(), BrokerError> {
        SqliteLane::restore(self, id)
    }

    fn disconnect(&self) -> Result<(), BrokerError> {
        SqliteLane::close(self)
    }

    fn close(&self) -> Result<(), BrokerError> {
        SqliteLane::close(self)
    }

    fn export(&self) -> Result<PathBuf, BrokerError> {
        SqliteLane::export(self)
    }

    fn keep_into(&self, dir: &Path) -> Result<(), BrokerError> {
        if let Some(image) = Layer::image_path(&self.file.below()) {
            let target = dir.join(KEPT_IMAGE);
            // An image of the run goes with the run, so that the kept state needs its own name for it; one file, where links are possible.
            std::fs::hard_link(image, &target)
                .or_else(|_| std::fs::copy(image, &target).map(drop))
                .map_err(BrokerError::io("write", target))?;
        }
        self.file
            .flatten_into(dir)
            .map_err(BrokerError::io("write the pages of the lane to", dir))
    }
}
