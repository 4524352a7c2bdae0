//! The catalog and the plans made with it, read once and shared by the lane's connections.
//!
//! As long as no DDL ran on the lane there is one schema. After DDL each connection reads for itself, and nothing is shared until the lane
//! is reset: SQLite's schema version would not do, for after a rollback the same number can come again with another schema.

use crate::sqlite::session::{Plan, PlanKey};
use mori_backend::embedded::sqlite::Schema;
use std::collections::HashMap;
use std::sync::Arc;

/// Texts remembered; an application has fewer, a text with literals in it is not met again.
const PLANS_MAX: usize = 2000;
/// A longer text is not remembered.
const PLAN_TEXT_BYTES_MAX: usize = 16 << 10;

#[derive(Debug, Default)]
pub struct SchemaCache {
    schema: Option<Arc<Schema>>,
    plans: HashMap<PlanKey, Arc<Plan>>,
    has_ddl: bool,
}

impl SchemaCache {
    /// The schema of the lane and of the layer below, if no DDL ran on the lane and anyone has read it.
    pub fn shared(&self) -> Option<Arc<Schema>> {
        self.schema.clone().filter(|_| !self.has_ddl)
    }

    /// Remembers a schema that was read just now.
    pub fn keep(&mut self, schema: Schema) -> Arc<Schema> {
        let schema = Arc::new(schema);
        self.schema = Some(schema.clone());
        schema
    }

    /// The schema that was read last, which may have changed since.
    pub fn last(&self) -> Arc<Schema> {
        self.schema.clone().unwrap_or_default()
    }

    pub fn plan(&self, key: &PlanKey) -> Option<Arc<Plan>> {
        self.plans.get(key).cloned()
    }

    pub fn add_plan(&mut self, plan: &Arc<Plan>) {
        if self.has_ddl || plan.key.sql.len() > PLAN_TEXT_BYTES_MAX {
            return;
        }
        if self.plans.len() >= PLANS_MAX {
            self.plans.clear();
        }
        self.plans.insert(plan.key.clone(), plan.clone());
    }

    pub fn note_ddl(&mut self) {
        self.has_ddl = true;
        self.plans.clear();
    }

    /// The lane stands on another layer below.
    pub fn rebase(&mut self) {
        *self = SchemaCache::default();
    }

    /// The lane is back at the layer below, whose schema stays known.
    pub fn reset(&mut self) {
        if self.has_ddl {
            *self = SchemaCache::default();
        }
    }
}
