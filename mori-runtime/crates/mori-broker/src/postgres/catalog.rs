//! What the classifier must know of a database: what names mean, and what reading or writing a table may do besides.

use crate::error::BrokerError;
use mori_backend::postgres::schema::{NameResolver, Resolved, Schema, Volatility};
use std::collections::BTreeSet;

pub struct Catalog {
    resolver: NameResolver,
    roles: BTreeSet<String>,
    /// A SELECT without any function may run code that writes.
    pub reads_may_write: bool,
    /// Tables whose writes may change others, by shown name: through triggers, rules, or the actions of foreign keys.
    spreading: BTreeSet<String>,
}

/// Tables with triggers or rules of the user, and tables that foreign keys with an action refer to.
const SPREADING: &str = "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname !~ '^pg_' AND (EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) \
    OR EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1') \
    OR EXISTS (SELECT FROM pg_catalog.pg_constraint f WHERE f.confrelid = c.oid AND f.contype = 'f' \
        AND (f.confdeltype IN ('c', 'n', 'd') OR f.confupdtype IN ('c', 'n', 'd'))))";

/// What [`Catalog::new`] needs besides the schema.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct CatalogFacts {
    roles: BTreeSet<String>,
    spreading: Vec<(String, String)>,
}

impl CatalogFacts {
    pub fn read(client: &mut postgres::Client) -> Result<CatalogFacts, BrokerError> {
        let mut facts = CatalogFacts::default();
        for row in client.query("SELECT rolname FROM pg_catalog.pg_roles", &[])? {
            facts.roles.insert(row.try_get(0)?);
        }
        for row in client.query(SPREADING, &[])? {
            facts.spreading.push((row.try_get(0)?, row.try_get(1)?));
        }
        Ok(facts)
    }
}

impl Catalog {
    pub fn new(schema: &Schema, facts: CatalogFacts) -> Catalog {
        let resolver = NameResolver::new(schema);
        let shown = |(schema, name): &(String, String)| resolver.resolve(Some(schema), name).tables.clone();
        let spreading = facts.spreading.iter().flat_map(shown).collect();
        Catalog {
            reads_may_write: schema.reads_may_write,
            roles: facts.roles,
            spreading,
            resolver,
        }
    }

    /// The catalog as it is now. Errors: somebody holds a lock; nothing is waited for.
    pub fn read(client: &mut postgres::Client) -> Result<Catalog, BrokerError> {
        Ok(Catalog::new(&Schema::read_unless_locked(client)?, CatalogFacts::read(client)?))
    }

    pub fn has_role(&self, name: &str) -> bool {
        self.roles.contains(name)
    }

    pub fn resolve(&self, schema: Option<&str>, name: &str) -> &Resolved {
        self.resolver.resolve(schema, name)
    }

    /// Whether a function of the user has this name, in whatever schema, that may change anything.
    pub fn is_volatile(&self, name: &str) -> bool {
        matches!(self.resolver.volatility(None, name), Some(Volatility::Volatile))
    }

    /// Whether a write to this table may change others.
    pub fn spreads(&self, table: &str) -> bool {
        self.spreading.contains(table)
    }
}
