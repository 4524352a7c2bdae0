//! What is known of the statements of a query text: for the log, and for the question whether anything may have been written.

use super::catalog::Catalog;
use crate::lane::lock;
use mori_model::{Operation, StatementFacts, Strategy};
use mori_query::postgres::{self as query, Access, Session, Syntax, Touch, Transaction};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Texts remembered; an application has fewer, a text with literals in it is not met again.
const TEXTS_MAX: usize = 2000;
/// A longer text is not remembered.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// What a statement may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Rows of the tables it names, if it counts any.
    Named,
    /// As `Named`, and by triggers, rules or foreign keys those of other tables.
    Spreads,
    /// Anything.
    Unknown,
}

/// One statement.
#[derive(Debug)]
pub struct Classified {
    pub facts: StatementFacts,
    /// As records name them: the facts' verb and tables.
    pub verb: Arc<str>,
    pub tables: Arc<[String]>,
    /// Known without looking at what is dirty.
    pub strategy: Option<Strategy>,
    pub transaction: Option<Transaction>,
    pub effect: Effect,
    /// What it does is not seen by the capture, or lies outside the database.
    pub is_coarse: bool,
    /// The prepared statement that an EXECUTE runs.
    pub executes: Option<String>,
    /// The name under which a PREPARE keeps its statement, and the statement.
    pub prepares: Option<(String, Arc<Classified>)>,
    /// Reads or writes rows of a relation that the catalog does not have.
    names_unknown: bool,
    text: Arc<[u8]>,
    span: Range<usize>,
}

impl Classified {
    fn of(verb: &str, operation: Operation, effect: Effect) -> Classified {
        Classified {
            verb: verb.into(),
            tables: [].into(),
            facts: StatementFacts {
                operation,
                verb: verb.to_owned(),
                reads: BTreeSet::new(),
                writes: BTreeSet::new(),
                is_join: false,
                is_upsert: false,
            },
            strategy: None,
            transaction: None,
            effect,
            is_coarse: false,
            executes: None,
            prepares: None,
            names_unknown: false,
            text: Arc::from([]),
            span: 0..0,
        }
    }

    /// A text without a statement.
    pub fn empty() -> Arc<Classified> {
        Arc::new(Classified::of("", Operation::Session, Effect::None))
    }

    /// A statement whose text we have not seen.
    pub fn unknown() -> Arc<Classified> {
        Arc::new(Classified::of("EXECUTE", Operation::Write, Effect::Unknown))
    }

    /// The fast path, which libpq uses for large objects.
    pub fn function_call() -> Arc<Classified> {
        let call = Classified::of("FUNCTION CALL", Operation::Write, Effect::Unknown);
        Arc::new(Classified { is_coarse: true, ..call })
    }

    /// The statement's own text, for logs.
    pub fn sql(&self) -> String {
        String::from_utf8_lossy(self.text.get(self.span.clone()).unwrap_or_default()).into_owned()
    }

    pub fn is_write(&self) -> bool {
        matches!(self.facts.operation, Operation::Write | Operation::Ddl) || !self.facts.writes.is_empty()
    }

    /// This EXECUTE, as the statement it runs.
    pub fn executing(&self, prepared: &Classified) -> Arc<Classified> {
        Arc::new(Classified {
            verb: self.verb.clone(),
            tables: prepared.tables.clone(),
            facts: StatementFacts {
                verb: self.facts.verb.clone(),
                ..prepared.facts.clone()
            },
            strategy: prepared.strategy,
            transaction: None,
            effect: prepared.effect,
            is_coarse: prepared.is_coarse,
            executes: None,
            prepares: None,
            names_unknown: false,
            text: self.text.clone(),
            span: self.span.clone(),
        })
    }
}

/// The statements of one text.
pub type Statements = Arc<[Arc<Classified>]>;

/// Classifies texts by a catalog, and remembers them.
pub struct Classifier {
    catalog: RwLock<Arc<Catalog>>,
    /// DDL has made the catalog an old one.
    is_stale: AtomicBool,
    known: Mutex<HashMap<Box<[u8]>, Statements>>,
}

impl Classifier {
    pub fn new(catalog: Arc<Catalog>) -> Classifier {
        Classifier {
            catalog: RwLock::new(catalog),
            is_stale: AtomicBool::new(false),
            known: Mutex::default(),
        }
    }

    /// The catalog has changed: names may mean something else.
    pub fn forget(&self) {
        self.is_stale.store(true, Ordering::Release);
        lock(&self.known).clear();
    }

    /// Another layer lies below.
    pub fn replace(&self, catalog: Arc<Catalog>) {
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = catalog;
        self.is_stale.store(false, Ordering::Release);
        lock(&self.known).clear();
    }

    /// The statements of a text, without empty ones.
    ///
    /// After DDL the catalog is read anew only when a statement names what is not known: a lane with DDL is not clean, so that nothing but the
    /// names in the log depends on it. Without an answer from `read` the old one serves on.
    pub fn classify(&self, sql: &[u8], read: impl FnOnce() -> Option<Catalog>) -> Statements {
        if let Some(known) = lock(&self.known).get(sql) {
            return known.clone();
        }
        let text: Arc<[u8]> = Arc::from(sql);
        let mut classified = classify_all(&self.catalog(), &text);
        if self.is_stale.load(Ordering::Acquire) && classified.iter().any(|statement| statement.names_unknown) {
            // Set back first: DDL that comes while the catalog is read makes it an old one again.
            self.is_stale.store(false, Ordering::Release);
            match read() {
                Some(catalog) => *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog),
                None => self.is_stale.store(true, Ordering::Release),
            }
            classified = classify_all(&self.catalog(), &text);
        }
        if sql.len() <= TEXT_BYTES_MAX {
            let mut known = lock(&self.known);
            if known.len() >= TEXTS_MAX {
                known.clear();
            }
            known.insert(Box::from(sql), classified.clone());
        }
        classified
    }

    fn catalog(&self) -> Arc<Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn classify_all(catalog: &Catalog, text: &Arc<[u8]>) -> Statements {
    query::split(text, Syntax::default())
        .map(|span| Arc::new(classify(catalog, text, span, false)))
        .collect()
}

/// `is_held`: the statement is that of a PREPARE, which holds no other.
fn classify(catalog: &Catalog, text: &Arc<[u8]>, span: Range<usize>, is_held: bool) -> Classified {
    let outline = query::outline(&text[span.clone()], Syntax::default());
    let mut facts = StatementFacts {
        operation: outline.operation,
        verb: outline.verb,
        reads: BTreeSet::new(),
        writes: BTreeSet::new(),
        is_join: outline.is_join,
        is_upsert: outline.is_upsert,
    };
    let mut reads_are_pure = !catalog.reads_may_write;
    let mut names_unknown = false;
    for relation in &outline.relations {
        let resolved = catalog.resolve(relation.name.schema.as_deref(), &relation.name.name);
        let mut tables = resolved.tables.clone();
        if !resolved.is_known {
            if facts.operation != Operation::Ddl {
                names_unknown = true;
            } else if relation.access == Access::Write {
                // What is made is not known yet, and is to be named all the same.
                tables.push(relation.name.name.clone());
            }
        }
        reads_are_pure &= !resolved.may_write;
        match relation.access {
            Access::Read => facts.reads.extend(tables),
            Access::Write => facts.writes.extend(tables),
        }
    }
    // By every word of the text: a function can be called like a column, and from a literal.
    let calls_volatile = match query::touches(&text[span.clone()], Syntax::default()) {
        Touch::Names(names) => names.iter().any(|name| catalog.is_volatile(name)),
        Touch::All => true,
    };
    let is_contained = reads_are_pure && !calls_volatile && !outline.may_run_dynamic_sql;
    let effect = match facts.operation {
        // They outlive the session, and what they change shows later.
        Operation::Transaction
            if matches!(
                outline.transaction,
                Some(Transaction::Prepare { .. } | Transaction::CommitPrepared { .. } | Transaction::RollbackPrepared { .. })
            ) =>
        {
            Effect::Unknown
        }
        Operation::Transaction => Effect::None,
        Operation::Session if outline.may_run_dynamic_sql || matches!(outline.session, Some(Session::Fetch { .. })) => Effect::Unknown,
        Operation::Session => Effect::None,
        Operation::Read if outline.is_pure_read && is_contained => Effect::None,
        Operation::Write if is_contained && facts.writes.iter().any(|table| catalog.spreads(table)) => Effect::Spreads,
        Operation::Write if is_contained && !facts.writes.is_empty() => Effect::Named,
        _ => Effect::Unknown,
    };
    let (mut executes, mut prepares, mut strategy) = (None, None, None);
    match outline.session {
        Some(Session::Execute { name }) => executes = Some(name),
        Some(Session::Prepare { name, statement }) if !is_held => {
            let statement = span.start + statement.start..span.start + statement.end;
            prepares = Some((name, Arc::new(classify(catalog, text, statement, true))));
        }
        Some(Session::Listen { .. } | Session::Unlisten { .. } | Session::Notify { .. }) => strategy = Some(Strategy::ListenOnly),
        _ => {}
    }
    Classified {
        verb: facts.verb.as_str().into(),
        tables: facts.tables().into(),
        facts,
        strategy,
        transaction: outline.transaction,
        effect,
        is_coarse: outline.cluster_wide,
        executes,
        prepares,
        names_unknown,
        text: text.clone(),
        span,
    }
}
