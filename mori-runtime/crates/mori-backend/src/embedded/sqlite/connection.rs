//! One SQLite connection to a lane.

use super::authorizer::{Authorizer, StatementAccess};
use super::error::{SqliteError, SqliteResult};
use super::functions;
use super::lane_file::LaneFile;
use super::statement::{Statement, Step};
use super::vfs;
use libsqlite3_sys as ffi;
use mori_model::Value;
use std::ffi::{CString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How a connection behaves where SQLite leaves a choice.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    pub foreign_keys: bool,
    /// How long a statement waits for another connection's lock.
    pub busy_timeout: Duration,
    /// Refuses every write, whatever the connection is told later.
    pub read_only: bool,
    /// A look of our own at the lane, not a client: whoever wants the file for itself waits for it instead of being refused.
    pub is_bookkeeping: bool,
}

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions {
            foreign_keys: true,
            busy_timeout: Duration::from_secs(5),
            read_only: false,
            is_bookkeeping: false,
        }
    }
}

/// The handle, closed when the connection and its last statement are gone. Neither Send nor Sync: `Connection` and `Statement` say
/// under which rule it goes to another thread.
pub(super) struct RawConnection {
    raw: *mut ffi::sqlite3,
    interrupt: Interrupt,
    /// Asked by SQLite for as long as the handle lives.
    authorizer: Box<Authorizer>,
    /// Keeps the file that the VFS finds by its path.
    file: Arc<LaneFile>,
}

impl RawConnection {
    pub fn raw(&self) -> *mut ffi::sqlite3 {
        self.raw
    }
}

impl Drop for RawConnection {
    fn drop(&mut self) {
        // From here on nobody interrupts: whoever does at this moment is waited for.
        self.interrupt.lock().take();
        // SAFETY: the handle is open.
        if unsafe { ffi::sqlite3_is_interrupted(self.raw) } != 0 {
            // SQLite forgets an interrupt when the next statement begins. The close, which copies the log into the file, heeds it.
            // SAFETY: the handle is open, the text NUL-terminated; a null callback drops the row.
            unsafe { ffi::sqlite3_exec(self.raw, c"SELECT 1".as_ptr(), None, std::ptr::null_mut(), std::ptr::null_mut()) };
        }
        // SAFETY: statements hold the connection, so none is left; the handle is not used afterwards.
        unsafe { ffi::sqlite3_close(self.raw) };
    }
}

/// An open connection. Used, with all statements of it, by one thread at a time; see `Statement`.
pub struct Connection {
    inner: Arc<RawConnection>,
}

// SAFETY: SQLite (`SQLITE_OPEN_NOMUTEX`) lets a handle go from thread to thread as long as no two use it at once. A `Connection` is not
// Sync, so that it has one user; its statements follow the rule that `Statement` gives.
unsafe impl Send for Connection {}

/// Stops the running statement of a connection, from any thread. Does nothing once the connection is closed, and does not keep it open.
#[derive(Clone)]
pub struct Interrupt(Arc<Mutex<Option<OpenHandle>>>);

/// A handle that is open for as long as it is in its cell.
struct OpenHandle(*mut ffi::sqlite3);

// SAFETY: the pointer is given to nothing but `sqlite3_interrupt`, which any thread may call while the handle is open.
unsafe impl Send for OpenHandle {}

impl Interrupt {
    pub fn interrupt(&self) {
        if let Some(handle) = &*self.lock() {
            // SAFETY: whoever closes the handle takes it out of the cell before, and the cell is locked.
            unsafe { ffi::sqlite3_interrupt(handle.0) };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<OpenHandle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A statement and what SQLite said of it.
pub struct Prepared {
    /// None if the text holds only white space and comments.
    pub statement: Option<Statement>,
    /// How many bytes of the text the statement takes, its semicolon included.
    pub taken_bytes: usize,
    pub access: StatementAccess,
}

impl Connection {
    pub fn open(file: &Arc<LaneFile>, options: &OpenOptions) -> SqliteResult<Connection> {
        let path = CString::new(file.path().as_os_str().as_bytes()).map_err(|_| SqliteError::misuse("a path with a NUL byte"))?;
        let mut raw = std::ptr::null_mut();
        let mode = if options.read_only {
            ffi::SQLITE_OPEN_READONLY
        } else {
            ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE
        };
        let flags = mode | ffi::SQLITE_OPEN_NOMUTEX | ffi::SQLITE_OPEN_EXRESCODE;
        // SAFETY: path and VFS name are NUL-terminated, `raw` is writable.
        let code = unsafe { ffi::sqlite3_open_v2(path.as_ptr(), &mut raw, flags, vfs::VFS_NAME.as_ptr()) };
        if raw.is_null() {
            return Err(SqliteError {
                code: ffi::SQLITE_NOMEM,
                message: "out of memory".to_owned(),
                offset: None,
            });
        }
        let interrupt = Interrupt(Arc::new(Mutex::new(Some(OpenHandle(raw)))));
        #[expect(
            clippy::arc_with_non_send_sync,
            reason = "its owners, not the handle, say under which rule they go to other threads"
        )]
        let inner = Arc::new(RawConnection {
            raw,
            interrupt,
            authorizer: Box::default(),
            file: file.clone(),
        });
        if code != ffi::SQLITE_OK {
            // SAFETY: the handle is open for error queries even then.
            return Err(unsafe { SqliteError::last(raw) });
        }
        if options.is_bookkeeping {
            let (main, nothing) = (c"main".as_ptr(), std::ptr::null_mut());
            // SAFETY: the handle is open; the operation takes no argument.
            unsafe { ffi::sqlite3_file_control(raw, main, vfs::FCNTL_BOOKKEEPING, nothing) };
        }
        let timeout_ms = c_int::try_from(options.busy_timeout.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the handle is open.
        unsafe { ffi::sqlite3_busy_timeout(raw, timeout_ms) };
        // SAFETY: the authorizer is boxed beside the handle and dropped after it is closed.
        unsafe { inner.authorizer.install(raw) };
        functions::register(raw)?;
        let connection = Connection { inner };
        connection.execute(if options.foreign_keys {
            "PRAGMA foreign_keys = ON"
        } else {
            "PRAGMA foreign_keys = OFF"
        })?;
        if !file.is_durable() {
            connection.execute("PRAGMA synchronous = OFF")?;
        }
        if options.read_only {
            connection.execute("PRAGMA query_only = ON")?;
        }
        Ok(connection)
    }

    pub fn interrupt_handle(&self) -> Interrupt {
        self.inner.interrupt.clone()
    }

    /// Prepares the first statement of `sql`.
    pub fn prepare(&self, sql: &str) -> SqliteResult<Prepared> {
        let len = c_int::try_from(sql.len()).map_err(|_| SqliteError {
            code: ffi::SQLITE_TOOBIG,
            message: "statement too long".to_owned(),
            offset: None,
        })?;
        let start: *const c_char = sql.as_ptr().cast();
        let (mut raw, mut tail) = (std::ptr::null_mut(), std::ptr::null());
        *self.inner.authorizer.access.borrow_mut() = StatementAccess::default();
        // SAFETY: `sql` has `len` bytes, the out parameters are writable. PERSISTENT keeps it out of the lookaside memory.
        let code = unsafe { ffi::sqlite3_prepare_v3(self.inner.raw, start, len, ffi::SQLITE_PREPARE_PERSISTENT, &mut raw, &mut tail) };
        let access = self.inner.authorizer.access.take();
        if code != ffi::SQLITE_OK {
            let error = self.last_error();
            return Err(match access.refused {
                Some(why) => SqliteError {
                    message: why.to_owned(),
                    ..error
                },
                None => error,
            });
        }
        // SAFETY: on success `tail` points into `sql` or to its end.
        let taken_bytes = usize::try_from(unsafe { tail.offset_from(start) }).unwrap_or(sql.len());
        // SAFETY: a non-null statement is ours to finalize.
        let statement = (!raw.is_null()).then(|| unsafe { Statement::new(raw, self.inner.clone()) });
        Ok(Prepared {
            statement,
            taken_bytes,
            access,
        })
    }

    /// Runs every statement of `sql`, and drops their rows.
    pub fn execute(&self, sql: &str) -> SqliteResult<()> {
        let mut rest = sql;
        while !rest.is_empty() {
            let prepared = self.prepare(rest)?;
            if let Some(mut statement) = prepared.statement {
                while statement.step()? == Step::Row {}
            }
            rest = &rest[prepared.taken_bytes..];
        }
        Ok(())
    }

    /// All rows of one statement.
    pub fn query(&self, sql: &str, parameters: &[Value]) -> SqliteResult<Vec<Vec<Value>>> {
        let Some(mut statement) = self.prepare(sql)?.statement else {
            return Ok(Vec::new());
        };
        for (index, value) in parameters.iter().enumerate() {
            statement.bind(index + 1, value)?;
        }
        let mut rows = Vec::new();
        while statement.step()? == Step::Row {
            rows.push(
                (0..statement.column_count())
                    .map(|index| statement.value(index).to_value())
                    .collect(),
            );
        }
        Ok(rows)
    }

    /// The first value of the first row.
    pub fn query_value(&self, sql: &str, parameters: &[Value]) -> SqliteResult<Option<Value>> {
        Ok(self
            .query(sql, parameters)?
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next()))
    }

    /// Copies the database, as this connection sees it, to a plain file.
    pub fn copy_to(&self, path: &Path) -> SqliteResult<()> {
        let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| SqliteError::misuse("a path with a NUL byte"))?;
        let mut target = std::ptr::null_mut();
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE | ffi::SQLITE_OPEN_EXRESCODE;
        // SAFETY: the name is NUL-terminated, `target` is writable; a null VFS is the default one.
        let code = unsafe { ffi::sqlite3_open_v2(name.as_ptr(), &mut target, flags, std::ptr::null()) };
        let mut result = if code == ffi::SQLITE_OK {
            Ok(())
        } else {
            Err(SqliteError::of_code(code))
        };
        if result.is_ok() {
            let main = c"main".as_ptr();
            // SAFETY: both connections are open, and used by this thread only.
            let backup = unsafe { ffi::sqlite3_backup_init(target, main, self.inner.raw, main) };
            if !backup.is_null() {
                // SAFETY: the backup is live until it is finished below.
                unsafe { ffi::sqlite3_backup_step(backup, -1) };
                // SAFETY: as above; it is not used afterwards.
                unsafe { ffi::sqlite3_backup_finish(backup) };
            }
            // SAFETY: the connection is open.
            let code = unsafe { ffi::sqlite3_extended_errcode(target) };
            if code != ffi::SQLITE_OK {
                result = Err(SqliteError::of_code(code));
            }
        }
        // SAFETY: the handle, which may be null, is not used afterwards.
        unsafe { ffi::sqlite3_close(target) };
        result
    }

    /// False inside BEGIN … COMMIT, or in a savepoint outside of it.
    pub fn is_autocommit(&self) -> bool {
        // SAFETY: the handle is open.
        unsafe { ffi::sqlite3_get_autocommit(self.inner.raw) != 0 }
    }

    /// Whether a read or write transaction is open on the file, so that another read adds no lock and no later moment to it. BEGIN
    /// alone opens none.
    pub fn holds_snapshot(&self) -> bool {
        // SAFETY: the handle is open, the name NUL-terminated.
        unsafe { ffi::sqlite3_txn_state(self.inner.raw, c"main".as_ptr()) != ffi::SQLITE_TXN_NONE }
    }

    /// Drops what this connection remembers of the schema if it is no longer that of the file. SQLite itself looks only when a statement
    /// is stepped: until then one is prepared, and its columns named, by the old schema. Takes no lock that outlives the call.
    pub fn refresh_schema(&self) {
        // SQLite compares the schemas when a name is not found, without keeping a lock. The error is what was asked for.
        let _ = self.prepare("SELECT 1 FROM \"no table is called\nthis\"");
    }

    /// Another connection to the same file, for a look at what is committed. It waits for nobody, and nobody is refused for it.
    pub fn glance(&self) -> SqliteResult<Connection> {
        let options = OpenOptions {
            busy_timeout: Duration::ZERO,
            is_bookkeeping: true,
            ..OpenOptions::default()
        };
        Connection::open(&self.inner.file, &options)
    }

    /// Rows the last INSERT, UPDATE or DELETE changed, triggers left out.
    pub fn changes(&self) -> u64 {
        // SAFETY: the handle is open.
        u64::try_from(unsafe { ffi::sqlite3_changes64(self.inner.raw) }).unwrap_or(0)
    }

    /// Rows changed since the connection was opened, by triggers and foreign-key actions too.
    pub fn total_changes(&self) -> u64 {
        // SAFETY: the handle is open.
        u64::try_from(unsafe { ffi::sqlite3_total_changes64(self.inner.raw) }).unwrap_or(0)
    }

    fn last_error(&self) -> SqliteError {
        // SAFETY: the handle is open and used by this thread.
        unsafe { SqliteError::last(self.inner.raw) }
    }
}

#[cfg(test)]
mod tests;
