//! A prepared statement that can be stepped across messages: what a portal needs, and a borrowed row cursor cannot be.

use super::connection::RawConnection;
use super::error::{SqliteError, SqliteResult};
use libsqlite3_sys as ffi;
use mori_model::Value;
use std::ffi::{CStr, c_char, c_int};
use std::sync::Arc;

/// A prepared statement. Keeps its connection open.
pub struct Statement {
    raw: *mut ffi::sqlite3_stmt,
    connection: Arc<RawConnection>,
}

// SAFETY: SQLite lets a statement go from thread to thread as long as no two threads use its handle at once. The handle is that of the
// connection and of all its statements, so the rule is for all of them: whoever has a connection keeps its statements under the same
// owner or the same lock, and they go to another thread together, or while nobody uses the others. Dropping one is a use of the handle,
// too. A session keeps them in one slot behind one mutex; a statement is not Sync, so that nothing but a move breaks the rule.
unsafe impl Send for Statement {}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Row,
    Done,
}

/// A column's value in the current row, until the next step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    Null,
    Int(i64),
    Real(f64),
    /// As stored: UTF-8 unless something wrote other bytes.
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

impl ValueRef<'_> {
    pub fn to_value(self) -> Value {
        match self {
            ValueRef::Null => Value::Null,
            ValueRef::Int(value) => Value::Int(value),
            ValueRef::Real(value) => Value::Real(value),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Value::Text(text.to_owned()),
                Err(_) => Value::Blob(bytes.to_vec()),
            },
            ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        }
    }
}

impl Statement {
    /// # Safety
    /// `raw` must be a statement of `connection` that nobody else finalizes.
    pub(super) unsafe fn new(raw: *mut ffi::sqlite3_stmt, connection: Arc<RawConnection>) -> Statement {
        Statement { raw, connection }
    }

    /// True if the statement writes nothing to the database file. BEGIN, COMMIT and the like count as read-only here.
    pub fn is_read_only(&self) -> bool {
        // SAFETY: the statement is live.
        unsafe { ffi::sqlite3_stmt_readonly(self.raw) != 0 }
    }

    pub fn column_count(&self) -> usize {
        // SAFETY: the statement is live.
        unsafe { ffi::sqlite3_column_count(self.raw) as usize }
    }

    pub fn column_name(&self, index: usize) -> String {
        // SAFETY: the statement is live; a wrong index gives null.
        unsafe { copied(ffi::sqlite3_column_name(self.raw, index as c_int)) }.unwrap_or_default()
    }

    /// The declared type of the table column this result column is, if it is one.
    pub fn declared_type(&self, index: usize) -> Option<String> {
        // SAFETY: as above.
        unsafe { copied(ffi::sqlite3_column_decltype(self.raw, index as c_int)) }
    }

    pub fn parameter_count(&self) -> usize {
        // SAFETY: the statement is live.
        unsafe { ffi::sqlite3_bind_parameter_count(self.raw) as usize }
    }

    /// The name of parameter `index` (from 1) with its sigil, if it has one.
    pub fn parameter_name(&self, index: usize) -> Option<String> {
        // SAFETY: the statement is live; a wrong index gives null.
        unsafe { copied(ffi::sqlite3_bind_parameter_name(self.raw, index as c_int)) }
    }

    /// Binds parameter `index`, from 1.
    pub fn bind(&mut self, index: usize, value: &Value) -> SqliteResult<()> {
        let at = index as c_int;
        let code = match value {
            // SAFETY: the statement is live; SQLite checks the index.
            Value::Null => unsafe { ffi::sqlite3_bind_null(self.raw, at) },
            // SAFETY: as above.
            Value::Int(value) => unsafe { ffi::sqlite3_bind_int64(self.raw, at, *value) },
            // SAFETY: as above.
            Value::Real(value) => unsafe { ffi::sqlite3_bind_double(self.raw, at, *value) },
            // SAFETY: as above; SQLITE_TRANSIENT makes SQLite copy the bytes before the call returns.
            Value::Text(text) => unsafe {
                let transient = ffi::SQLITE_TRANSIENT();
                ffi::sqlite3_bind_text64(
                    self.raw,
                    at,
                    text.as_ptr().cast(),
                    text.len() as u64,
                    transient,
                    ffi::SQLITE_UTF8 as u8,
                )
            },
            // SAFETY: as above.
            Value::Blob(bytes) => unsafe {
                ffi::sqlite3_bind_blob64(self.raw, at, bytes.as_ptr().cast(), bytes.len() as u64, ffi::SQLITE_TRANSIENT())
            },
        };
        self.check(code)
    }

    /// Runs to the next row or to the end.
    pub fn step(&mut self) -> SqliteResult<Step> {
        // SAFETY: the statement is live.
        match unsafe { ffi::sqlite3_step(self.raw) } {
            ffi::SQLITE_ROW => Ok(Step::Row),
            ffi::SQLITE_DONE => Ok(Step::Done),
            code => {
                let error = self.check(code).err().unwrap_or_else(|| SqliteError::misuse("step"));
                self.reset();
                Err(error)
            }
        }
    }

    /// Back to the start; keeps the bindings. Ends the statement's hold on the database.
    pub fn reset(&mut self) {
        // SAFETY: the statement is live. The code repeats the error of the last step, which was reported there.
        unsafe { ffi::sqlite3_reset(self.raw) };
    }

    pub fn clear_bindings(&mut self) {
        // SAFETY: the statement is live.
        unsafe { ffi::sqlite3_clear_bindings(self.raw) };
    }

    /// The value of column `index` in the current row.
    pub fn value(&self, index: usize) -> ValueRef<'_> {
        let at = index as c_int;
        // SAFETY: the statement is live; a wrong index gives NULL. Pointers stay valid until the next call on this statement
        // that converts or steps, and the borrow of `self` keeps `step` and `reset` away until then.
        unsafe {
            match ffi::sqlite3_column_type(self.raw, at) {
                ffi::SQLITE_INTEGER => ValueRef::Int(ffi::sqlite3_column_int64(self.raw, at)),
                ffi::SQLITE_FLOAT => ValueRef::Real(ffi::sqlite3_column_double(self.raw, at)),
                ffi::SQLITE_TEXT => {
                    let bytes = ffi::sqlite3_column_text(self.raw, at);
                    ValueRef::Text(bytes_of(bytes, ffi::sqlite3_column_bytes(self.raw, at)))
                }
                ffi::SQLITE_BLOB => {
                    let bytes = ffi::sqlite3_column_blob(self.raw, at).cast();
                    ValueRef::Blob(bytes_of(bytes, ffi::sqlite3_column_bytes(self.raw, at)))
                }
                _ => ValueRef::Null,
            }
        }
    }

    fn check(&self, code: c_int) -> SqliteResult<()> {
        if code == ffi::SQLITE_OK {
            return Ok(());
        }
        // SAFETY: the connection is open, for this statement holds it, and used by this thread only.
        Err(unsafe { SqliteError::last(self.connection.raw()) })
    }
}

/// # Safety
/// `pointer` must be null or point to `len` bytes that live for `'a`.
unsafe fn bytes_of<'a>(pointer: *const u8, len: c_int) -> &'a [u8] {
    match usize::try_from(len) {
        // SAFETY: the caller's promise.
        Ok(len) if len > 0 && !pointer.is_null() => unsafe { std::slice::from_raw_parts(pointer, len) },
        _ => &[],
    }
}

/// # Safety
/// `pointer` must be null or a NUL-terminated string.
unsafe fn copied(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: the statement is live and not used afterwards.
        unsafe { ffi::sqlite3_finalize(self.raw) };
    }
}
