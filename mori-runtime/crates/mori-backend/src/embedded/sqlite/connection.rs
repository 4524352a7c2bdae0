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
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How a connection behaves where SQLite leaves a choice.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    pub foreign_keys: bool,
    /// How long a statement waits for another connection's lock.
    pub busy_timeout: Duration,
    /// Refuses every write.
    pub read_only: bool,
    /// A look of our own at the lane, not a client: whoever wants the file for itself waits for it instead of being refused.
    pub is_bookkeeping: bool,
}

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions { foreign_keys: true, busy_timeout: Duration::from_secs(5), read_only: false, is_bookkeeping: false }
    }
}

/// The handle, closed when its last user is gone.
pub(super) struct RawConnection {
    raw: *mut ffi::sqlite3,
    /// Asked by SQLite for as long as the handle lives.
    authorizer: Box<Authorizer>,
    /// Keeps the file that the VFS finds by its path.
    _file: Arc<LaneFile>,
}

// SAFETY: SQLite is built threadsafe; the handle is used by the thread that has the `Connection`, except for
// `sqlite3_interrupt`, which any thread may call while the handle is open.
unsafe impl Send for RawConnection {}
// SAFETY: as above.
unsafe impl Sync for RawConnection {}

impl RawConnection {
    pub fn raw(&self) -> *mut ffi::sqlite3 {
        self.raw
    }
}

impl Drop for RawConnection {
    fn drop(&mut self) {
        // SAFETY: statements hold the connection, so none is left; the handle is not used afterwards.
        unsafe { ffi::sqlite3_close(self.raw) };
    }
}

/// An open connection. Used by one thread at a time.
pub struct Connection {
    inner: Arc<RawConnection>,
}

/// Stops the running statement of a connection, from any thread.
#[derive(Clone)]
pub struct Interrupt(Weak<RawConnection>);

impl Interrupt {
    pub fn interrupt(&self) {
        if let Some(connection) = self.0.upgrade() {
            // SAFETY: the handle is open, for we hold it.
            unsafe { ffi::sqlite3_interrupt(connection.raw) };
        }
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
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE | ffi::SQLITE_OPEN_NOMUTEX | ffi::SQLITE_OPEN_EXRESCODE;
        // SAFETY: path and VFS name are NUL-terminated, `raw` is writable.
        let code = unsafe { ffi::sqlite3_open_v2(path.as_ptr(), &mut raw, flags, vfs::VFS_NAME.as_ptr()) };
        if raw.is_null() {
            return Err(SqliteError { code: ffi::SQLITE_NOMEM, message: "out of memory".to_owned(), offset: None });
        }
        let inner = Arc::new(RawConnection { raw, authorizer: Box::default(), _file: file.clone() });
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
        connection.execute(if options.foreign_keys { "PRAGMA foreign_keys = ON" } else { "PRAGMA foreign_keys = OFF" })?;
        if !file.is_durable() {
            connection.execute("PRAGMA synchronous = OFF")?;
        }
        if options.read_only {
            connection.execute("PRAGMA query_only = ON")?;
        }
        Ok(connection)
    }

    pub fn interrupt_handle(&self) -> Interrupt {
        Interrupt(Arc::downgrade(&self.inner))
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
        let code = unsafe {
            ffi::sqlite3_prepare_v3(self.inner.raw, start, len, ffi::SQLITE_PREPARE_PERSISTENT as u32, &mut raw, &mut tail)
        };
        let access = self.inner.authorizer.access.take();
        if code != ffi::SQLITE_OK {
            let error = self.last_error();
            return Err(match access.refused {
                Some(why) => SqliteError { message: why.to_owned(), ..error },
                None => error,
            });
        }
        // SAFETY: on success `tail` points into `sql` or to its end.
        let taken_bytes = usize::try_from(unsafe { tail.offset_from(start) }).unwrap_or(sql.len());
        // SAFETY: a non-null statement is ours to finalize.
        let statement = (!raw.is_null()).then(|| unsafe { Statement::new(raw, self.inner.clone()) });
        Ok(Prepared { statement, taken_bytes, access })
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
        let Some(mut statement) = self.prepare(sql)?.statement else { return Ok(Vec::new()) };
        for (index, value) in parameters.iter().enumerate() {
            statement.bind(index + 1, value)?;
        }
        let mut rows = Vec::new();
        while statement.step()? == Step::Row {
            rows.push((0..statement.column_count()).map(|index| statement.value(index).to_value()).collect());
        }
        Ok(rows)
    }

    /// The first value of the first row.
    pub fn query_value(&self, sql: &str, parameters: &[Value]) -> SqliteResult<Option<Value>> {
        Ok(self.query(sql, parameters)?.into_iter().next().and_then(|row| row.into_iter().next()))
    }

    /// Copies the database, as this connection sees it, to a plain file.
    pub fn copy_to(&self, path: &Path) -> SqliteResult<()> {
        let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| SqliteError::misuse("a path with a NUL byte"))?;
        let mut target = std::ptr::null_mut();
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE | ffi::SQLITE_OPEN_EXRESCODE;
        // SAFETY: the name is NUL-terminated, `target` is writable; a null VFS is the default one.
        let code = unsafe { ffi::sqlite3_open_v2(name.as_ptr(), &mut target, flags, std::ptr::null()) };
        let mut result = if code == ffi::SQLITE_OK { Ok(()) } else { Err(SqliteError::of_code(code)) };
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
