//! The catalog and the plans made with it, read once and shared by the lane's connections.
//!
//! SQLite's schema version names a schema as long as no DDL ran on the lane: after a rollback the same number can come again with
//! another schema. So after DDL each connection reads for itself, and nothing is shared until the lane is reset.

use crate::session::{Plan, PlanKey};
use mori_backend::embedded::sqlite::{Connection, Schema, SqliteResult};
use std::collections::HashMap;
use std::sync::Arc;

/// Texts remembered; an application has fewer, a text with literals in it is not met again.
const PLANS_MAX: usize = 2000;

#[derive(Debug, Default)]
pub struct SchemaCache {
    schema: Option<Arc<Schema>>,
    plans: HashMap<PlanKey, Arc<Plan>>,
    has_ddl: bool,
}

impl SchemaCache {
    pub fn get(&mut self, connection: &Connection) -> SqliteResult<Arc<Schema>> {
        if self.has_ddl {
            return Schema::read(connection).map(Arc::new);
        }
        let version = Schema::version_of(connection)?;
        if let Some(schema) = self.schema.as_ref().filter(|schema| schema.version == version) {
            return Ok(schema.clone());
        }
        let schema = Arc::new(Schema::read(connection)?);
        self.schema = Some(schema.clone());
        Ok(schema)
    }

    /// The schema of the lane and of the layer below, if no DDL ran on the lane and anyone has read it.
    pub fn shared(&self) -> Option<Arc<Schema>> {
        self.schema.clone().filter(|_| !self.has_ddl)
    }

    pub fn plan(&self, key: &PlanKey) -> Option<Arc<Plan>> {
        self.plans.get(key).cloned()
    }

    pub fn add_plan(&mut self, plan: &Arc<Plan>) {
        if self.has_ddl {
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

    /// The lane is back at the layer below, whose schema stays known.
    pub fn reset(&mut self) {
        if self.has_ddl {
            *self = SchemaCache::default();
        }
    }
}
