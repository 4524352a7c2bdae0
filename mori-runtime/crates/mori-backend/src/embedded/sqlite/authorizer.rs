//! What a statement touches, as SQLite itself says while it prepares it: looked through views, triggers, foreign-key actions
//! and sub-selects. And what no statement may do.
//!
//! <https://www.sqlite.org/c3ref/set_authorizer.html>

use libsqlite3_sys as ffi;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::{CStr, c_char, c_int, c_void};

/// Everything the authorizer was asked while one statement was prepared. Tables read and written are those of the lane's database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementAccess {
    pub reads: BTreeSet<String>,
    pub inserts: BTreeSet<String>,
    pub updates: BTreeSet<String>,
    pub deletes: BTreeSet<String>,
    /// Tables that DDL makes, drops or alters.
    pub ddl: BTreeSet<String>,
    pub is_ddl: bool,
    pub is_transaction: bool,
    pub savepoint: Option<(String, String)>,
    pub pragma: Option<(String, Option<String>)>,
    /// The table or view that the statement itself writes, not a trigger or a foreign key of it; of any database.
    pub target: Option<String>,
    /// Why the statement is refused.
    pub refused: Option<&'static str>,
}

/// State of a connection's authorizer.
#[derive(Debug, Default)]
pub(super) struct Authorizer {
    pub access: RefCell<StatementAccess>,
}

impl Authorizer {
    /// Installs the callback on a connection.
    ///
    /// # Safety
    /// `db` must be open, `self` must stay where it is until `db` is closed.
    pub unsafe fn install(&self, db: *mut ffi::sqlite3) -> c_int {
        let state = std::ptr::from_ref(self).cast_mut().cast::<c_void>();
        // SAFETY: the caller's promise.
        unsafe { ffi::sqlite3_set_authorizer(db, Some(callback), state) }
    }
}

unsafe extern "C" fn callback(
    state: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    database: *const c_char,
    _accessor: *const c_char,
) -> c_int {
    // SAFETY: `install` was given a state that outlives the connection.
    let authorizer = unsafe { &*state.cast::<Authorizer>() };
    // A second borrow cannot happen: the callback calls nothing that prepares a statement.
    let Ok(mut access) = authorizer.access.try_borrow_mut() else {
        return ffi::SQLITE_DENY;
    };
    // SAFETY: all are null or strings that live for the call.
    let (first, second, database) = unsafe { (text(first), text(second), text(database)) };
    access.note(action, first, second, database)
}

/// # Safety
/// `pointer` must be null or a NUL-terminated string that lives for `'a`.
unsafe fn text<'a>(pointer: *const c_char) -> Option<&'a str> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(pointer) }.to_str().ok()
}

fn is_internal(table: &str) -> bool {
    table.len() >= 7 && table.as_bytes()[..7].eq_ignore_ascii_case(b"sqlite_")
}

impl StatementAccess {
    /// All tables the statement may change rows of.
    pub fn writes(&self) -> BTreeSet<String> {
        [&self.inserts, &self.updates, &self.deletes]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    fn note(&mut self, action: c_int, first: Option<&str>, second: Option<&str>, database: Option<&str>) -> c_int {
        let table = |name: Option<&str>| name.filter(|name| !is_internal(name)).map(str::to_owned);
        // A temporary table, or one attached, is none of the lane's, though it may have the name of one.
        let is_of_lane = database.is_none_or(|database| database.eq_ignore_ascii_case("main"));
        match action {
            ffi::SQLITE_READ if !is_of_lane => {}
            ffi::SQLITE_READ => self.reads.extend(table(first)),
            ffi::SQLITE_INSERT | ffi::SQLITE_UPDATE | ffi::SQLITE_DELETE => {
                let Some(name) = table(first) else { return ffi::SQLITE_OK };
                // SQLite asks for the statement's own table before it looks at triggers and foreign keys.
                self.target.get_or_insert_with(|| name.clone());
                if !is_of_lane {
                    return ffi::SQLITE_OK;
                }
                match action {
                    ffi::SQLITE_INSERT => self.inserts.insert(name),
                    ffi::SQLITE_UPDATE => self.updates.insert(name),
                    _ => self.deletes.insert(name),
                };
            }
            ffi::SQLITE_TRANSACTION => self.is_transaction = true,
            ffi::SQLITE_SAVEPOINT => {
                self.is_transaction = true;
                self.savepoint = first.zip(second).map(|(operation, name)| (operation.to_owned(), name.to_owned()));
            }
            ffi::SQLITE_PRAGMA => {
                let name = first.unwrap_or_default().to_ascii_lowercase();
                let is_exclusive = name == "locking_mode" && second.is_some_and(|mode| mode.eq_ignore_ascii_case("exclusive"));
                if is_exclusive {
                    return self.refuse("PRAGMA locking_mode = EXCLUSIVE is refused: it would shut out the lane's own bookkeeping");
                }
                if matches!(name.as_str(), "temp_store_directory" | "data_store_directory") {
                    return self.refuse("this PRAGMA is refused: it names a folder outside the lane");
                }
                self.pragma = Some((name, second.map(str::to_owned)));
            }
            // A lane reaches no file but its own: a database attached by name could be prod.
            ffi::SQLITE_ATTACH if !matches!(first, Some("" | ":memory:")) => {
                return self.refuse("only an in-memory database can be attached: a lane reaches no other file");
            }
            ffi::SQLITE_CREATE_TABLE | ffi::SQLITE_DROP_TABLE | ffi::SQLITE_CREATE_VTABLE | ffi::SQLITE_DROP_VTABLE => {
                self.is_ddl = true;
                self.ddl.extend(table(first));
            }
            ffi::SQLITE_ALTER_TABLE | ffi::SQLITE_CREATE_INDEX | ffi::SQLITE_DROP_INDEX => {
                self.is_ddl = true;
                self.ddl.extend(table(second));
            }
            ffi::SQLITE_CREATE_TRIGGER | ffi::SQLITE_DROP_TRIGGER => {
                self.is_ddl = true;
                self.ddl.extend(table(second));
            }
            ffi::SQLITE_CREATE_VIEW | ffi::SQLITE_DROP_VIEW | ffi::SQLITE_ANALYZE | ffi::SQLITE_REINDEX => self.is_ddl = true,
            ffi::SQLITE_CREATE_TEMP_TABLE
            | ffi::SQLITE_DROP_TEMP_TABLE
            | ffi::SQLITE_CREATE_TEMP_INDEX
            | ffi::SQLITE_DROP_TEMP_INDEX
            | ffi::SQLITE_CREATE_TEMP_VIEW
            | ffi::SQLITE_DROP_TEMP_VIEW
            | ffi::SQLITE_CREATE_TEMP_TRIGGER
            | ffi::SQLITE_DROP_TEMP_TRIGGER => self.is_ddl = true,
            _ => {}
        }
        ffi::SQLITE_OK
    }

    fn refuse(&mut self, why: &'static str) -> c_int {
        self.refused = Some(why);
        ffi::SQLITE_DENY
    }
}

#[cfg(test)]
mod tests {
    use crate::embedded::sqlite::{Connection, LaneFile, Layer, OpenOptions};
    use std::sync::Arc;

    #[test]
    fn a_temporary_table_is_not_the_table_it_shadows() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = LaneFile::volatile(dir.path(), Arc::new(Layer::Empty)).expect("opens");
        let connection = Connection::open(&file, &OpenOptions::default()).expect("opens");
        connection
            .execute("CREATE TABLE t (a); CREATE TEMP TABLE t (a); ATTACH ':memory:' AS other; CREATE TABLE other.t (a)")
            .expect("valid");
        for sql in [
            "INSERT INTO t SELECT a FROM t",
            "UPDATE t SET a = 1",
            "DELETE FROM t WHERE a = 1",
            "INSERT INTO other.t VALUES (1)",
        ] {
            let access = connection.prepare(sql).expect("valid").access;
            assert_eq!(
                (access.reads.len(), access.writes().len(), access.target.as_deref()),
                (0, 0, Some("t")),
                "{sql}"
            );
        }
        let access = connection.prepare("INSERT INTO t SELECT a FROM main.t").expect("valid").access;
        assert_eq!((access.reads.len(), access.writes().len()), (1, 0));
        let access = connection.prepare("INSERT INTO main.t VALUES (1)").expect("valid").access;
        assert_eq!((access.inserts.len(), access.target.as_deref()), (1, Some("t")));
        // What a temporary trigger writes in the lane counts.
        connection
            .execute("CREATE TABLE log (a); CREATE TEMP TRIGGER g AFTER INSERT ON temp.t BEGIN INSERT INTO log VALUES (new.a); END")
            .expect("valid");
        let access = connection.prepare("INSERT INTO t VALUES (1)").expect("valid").access;
        assert_eq!(access.inserts.iter().map(String::as_str).collect::<Vec<_>>(), ["log"]);
    }
}
