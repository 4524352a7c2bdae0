//! A Redis lane as the rest of the broker sees it.

use super::lane::RedisLane;
use super::session;
use crate::error::BrokerError;
use crate::lane::{BELOW_SUFFIX, LEASE_USER, Lane, LaneCommon, LaneShape, LaneUrl};
use mori_backend::redis::delta;
use mori_model::{LaneDelta, TableInfo};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The layer in the folder of a kept state.
pub const KEPT_LAYER: &str = "layer";

/// What clients send as a password with the name of a lease; nobody looks at it.
const ANY_PASSWORD: &str = "mori";

impl Lane for RedisLane {
    fn common(&self) -> &LaneCommon {
        &self.common
    }

    fn serve(self: Arc<Self>, stream: TcpStream) {
        session::serve(&self, stream);
    }

    fn url(&self, url: &LaneUrl) -> String {
        let database = self.base().meta().login.database;
        let address = format!("127.0.0.1:{}/{database}", url.port);
        let below = if url.is_below { BELOW_SUFFIX } else { "" };
        match url.lease {
            Some(lease) => format!("redis://{LEASE_USER}{lease}{below}:{ANY_PASSWORD}@{address}"),
            None if url.is_below => format!("redis://mori{below}:{ANY_PASSWORD}@{address}"),
            None => format!("redis://{address}"),
        }
    }

    fn delta(&self) -> Result<LaneDelta, BrokerError> {
        if !self.may_have_written.load(Ordering::Acquire) {
            return Ok(LaneDelta::default());
        }
        self.read_changes()?;
        let touched = crate::lane::lock(&self.changes).touched.clone();
        let base = self.base();
        self.with_admin(|lane| base.with_below(|below| Ok(delta(&touched, lane, below)?)))
    }

    fn shape(&self) -> Result<LaneShape, BrokerError> {
        let keyspace = self.with_admin(|client| Ok(client.ask(&["INFO", "keyspace"])?))?;
        let keyspace = keyspace.to_text().unwrap_or_default();
        let names = keyspace.lines().filter_map(|line| Some(line.split_once(":keys=")?.0.to_owned()));
        let changed = self.delta()?.tables.into_keys();
        let info = TableInfo {
            pk_columns: vec!["key".to_owned()],
            pk_type: "text".to_owned(),
        };
        let tables = names.chain(changed).chain(["db0".to_owned()]);
        Ok(LaneShape {
            tables: tables.map(|name| (name, info.clone())).collect(),
            ..LaneShape::default()
        })
    }

    fn reset(&self) -> Result<(), BrokerError> {
        RedisLane::reset(self)
    }

    fn finish(&self) -> Result<(u64, u64), BrokerError> {
        RedisLane::finish(self)
    }

    fn is_spoilt(&self) -> bool {
        self.is_coarse.load(Ordering::Acquire)
    }

    fn refresh(&self) -> Result<(), BrokerError> {
        self.rebuild()
    }

    fn snapshot(&self) -> Result<u64, BrokerError> {
        RedisLane::snapshot(self)
    }

    fn restore(&self, id: u64) -> Result<(), BrokerError> {
        RedisLane::restore(self, id)
    }

    fn disconnect(&self) -> Result<(), BrokerError> {
        RedisLane::disconnect(self)
    }

    fn close(&self) -> Result<(), BrokerError> {
        RedisLane::close(self);
        Ok(())
    }

    fn export(&self) -> Result<PathBuf, BrokerError> {
        Err(BrokerError::Unsupported {
            what: "a Redis lane is no file".to_owned(),
            remedy: "connect to `url()`".to_owned(),
        })
    }

    fn keep_into(&self, dir: &Path) -> Result<(), BrokerError> {
        self.base().layer.copy_to(&dir.join(KEPT_LAYER))?;
        for entry in std::fs::read_dir(&self.common.dir)
            .map_err(BrokerError::io("read", &self.common.dir))?
            .flatten()
        {
            if entry.file_name().to_string_lossy().starts_with("appendonly") {
                let to = dir.join(entry.file_name());
                std::fs::rename(entry.path(), &to).map_err(BrokerError::io("move the lane's files to", to))?;
            }
        }
        Ok(())
    }
}
