//! The few functions of PostgreSQL that its drivers and tools call on every server.

use super::error::{SqliteError, SqliteResult};
use libsqlite3_sys as ffi;
use std::ffi::{CStr, c_int, c_void};

type Callback = unsafe extern "C" fn(*mut ffi::sqlite3_context, c_int, *mut *mut ffi::sqlite3_value);

/// What `version()` says: drivers read the number behind the first word, people the rest.
const VERSION: &CStr = c"PostgreSQL 15.0 (Mori, SQLite)";

/// Registers the functions on an open connection.
pub(super) fn register(db: *mut ffi::sqlite3) -> SqliteResult<()> {
    let functions: [(&CStr, c_int, Callback); 6] = [
        (c"version", 0, version),
        (c"current_schema", 0, current_schema),
        (c"current_database", 0, current_database),
        (c"pg_backend_pid", 0, zero),
        (c"pg_advisory_unlock_all", 0, null),
        (c"pg_is_in_recovery", 0, zero),
    ];
    for (name, arguments, callback) in functions {
        let flags = ffi::SQLITE_UTF8 | ffi::SQLITE_DETERMINISTIC;
        let no_state: *mut c_void = std::ptr::null_mut();
        // SAFETY: the name is NUL-terminated, the callback has the demanded signature and takes no state.
        let code =
            unsafe { ffi::sqlite3_create_function_v2(db, name.as_ptr(), arguments, flags, no_state, Some(callback), None, None, None) };
        if code != ffi::SQLITE_OK {
            // SAFETY: the connection is open and used by this thread.
            return Err(unsafe { SqliteError::last(db) });
        }
    }
    Ok(())
}

unsafe fn result_text(context: *mut ffi::sqlite3_context, text: &'static CStr) {
    // SAFETY: the context is the call's own; the text is static, so SQLite need not copy it.
    unsafe { ffi::sqlite3_result_text(context, text.as_ptr(), -1, ffi::SQLITE_STATIC()) };
}

unsafe extern "C" fn version(context: *mut ffi::sqlite3_context, _: c_int, _: *mut *mut ffi::sqlite3_value) {
    // SAFETY: SQLite calls with a live context.
    unsafe { result_text(context, VERSION) };
}

unsafe extern "C" fn current_schema(context: *mut ffi::sqlite3_context, _: c_int, _: *mut *mut ffi::sqlite3_value) {
    // SAFETY: SQLite calls with a live context.
    unsafe { result_text(context, c"main") };
}

unsafe extern "C" fn current_database(context: *mut ffi::sqlite3_context, _: c_int, _: *mut *mut ffi::sqlite3_value) {
    // SAFETY: SQLite calls with a live context.
    unsafe { result_text(context, c"main") };
}

unsafe extern "C" fn zero(context: *mut ffi::sqlite3_context, _: c_int, _: *mut *mut ffi::sqlite3_value) {
    // SAFETY: SQLite calls with a live context.
    unsafe { ffi::sqlite3_result_int(context, 0) };
}

unsafe extern "C" fn null(context: *mut ffi::sqlite3_context, _: c_int, _: *mut *mut ffi::sqlite3_value) {
    // SAFETY: SQLite calls with a live context.
    unsafe { ffi::sqlite3_result_null(context) };
}
