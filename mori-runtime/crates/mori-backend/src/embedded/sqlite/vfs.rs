//! The VFS `mori`: lane files are ours, everything else (journals, logs, temporary files) is the operating system's.
//!
//! A main database that is not a registered lane cannot be opened, so that no statement reaches another file.
//! <https://www.sqlite.org/c3ref/vfs.html>, <https://www.sqlite.org/c3ref/io_methods.html>

use super::lane_file::LaneFile;
use super::locks::Held;
use libsqlite3_sys as ffi;
use std::collections::HashMap;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// The name to open a lane with.
pub const VFS_NAME: &CStr = c"mori";

/// A file control of ours: the connection is one for bookkeeping. SQLite passes on what it does not know.
pub const FCNTL_BOOKKEEPING: c_int = 0x6d6f_7269;

/// All lanes of the process by path.
static LANES: LazyLock<Mutex<HashMap<PathBuf, Weak<LaneFile>>>> = LazyLock::new(Mutex::default);

fn lanes() -> MutexGuard<'static, HashMap<PathBuf, Weak<LaneFile>>> {
    LANES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a lane's file known under its path.
///
/// Errors: `AlreadyExists` if a lane of that path is still open.
pub(super) fn register_lane(path: PathBuf, file: &Arc<LaneFile>) -> io::Result<()> {
    install()?;
    let mut lanes = lanes();
    lanes.retain(|_, file| file.strong_count() > 0);
    if lanes.contains_key(&path) {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the lane is open already"));
    }
    lanes.insert(path, Arc::downgrade(file));
    Ok(())
}

pub(super) fn forget_lane(path: &Path) {
    lanes().remove(path);
}

/// One open lane file, in the memory SQLite provides.
#[repr(C)]
struct OpenFile {
    base: ffi::sqlite3_file,
    handle: *mut Handle,
}

struct Handle {
    file: Arc<LaneFile>,
    held: Held,
}

/// The VFS we stand in front of. A pointer to a static of SQLite.
struct DefaultVfs(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite's VFS objects are meant to be used from any thread.
unsafe impl Send for DefaultVfs {}
// SAFETY: as above.
unsafe impl Sync for DefaultVfs {}

static DEFAULT: OnceLock<DefaultVfs> = OnceLock::new();

/// Registers the VFS, once a process.
fn install() -> io::Result<()> {
    static INSTALLED: OnceLock<c_int> = OnceLock::new();
    let code = *INSTALLED.get_or_init(|| {
        // SAFETY: a null name asks for the default VFS, which lives as long as the process.
        let default = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
        if default.is_null() {
            return ffi::SQLITE_ERROR;
        }
        DEFAULT.get_or_init(|| DefaultVfs(default));
        // SAFETY: `default` points to an initialised object; its fields are plain values and function pointers.
        let mut vfs = unsafe { *default };
        vfs.zName = VFS_NAME.as_ptr();
        vfs.szOsFile = vfs.szOsFile.max(size_of::<OpenFile>() as c_int);
        vfs.pNext = std::ptr::null_mut();
        vfs.xOpen = Some(x_open);
        vfs.xDelete = Some(x_delete);
        vfs.xAccess = Some(x_access);
        vfs.xFullPathname = Some(x_full_pathname);
        // The remaining methods (randomness, sleep, time, dl*) take nothing from the VFS object they are called on.
        // SAFETY: the object is leaked, so it lives as long as the process, as SQLite demands.
        unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0) }
    });
    if code == ffi::SQLITE_OK {
        Ok(())
    } else {
        Err(io::Error::other(format!("sqlite3_vfs_register: code {code}")))
    }
}

fn default_vfs() -> Option<*mut ffi::sqlite3_vfs> {
    DEFAULT.get().map(|default| default.0)
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(x_close),
    xRead: Some(x_read),
    xWrite: Some(x_write),
    xTruncate: Some(x_truncate),
    xSync: Some(x_sync),
    xFileSize: Some(x_file_size),
    xLock: Some(x_lock),
    xUnlock: Some(x_unlock),
    xCheckReservedLock: Some(x_check_reserved_lock),
    xFileControl: Some(x_file_control),
    xSectorSize: Some(x_sector_size),
    xDeviceCharacteristics: Some(x_device_characteristics),
    xShmMap: Some(x_shm_map),
    xShmLock: Some(x_shm_lock),
    xShmBarrier: Some(x_shm_barrier),
    xShmUnmap: Some(x_shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn x_open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    if flags & ffi::SQLITE_OPEN_MAIN_DB == 0 {
        let Some(default) = default_vfs() else {
            return ffi::SQLITE_CANTOPEN;
        };
        // SAFETY: the arguments are SQLite's own, and `file` has room for the default VFS's file (see `szOsFile`).
        return unsafe {
            (*default)
                .xOpen
                .map_or(ffi::SQLITE_CANTOPEN, |open| open(default, name, file, flags, out_flags))
        };
    }
    let open_file = file.cast::<OpenFile>();
    // SAFETY: `file` is writable memory of at least szOsFile bytes. Null methods tell SQLite not to call xClose after a failure.
    unsafe { (*open_file).base.pMethods = std::ptr::null() };
    if name.is_null() {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: a non-null name is a NUL-terminated string that outlives the call.
    let path = PathBuf::from(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()));
    let Some(lane) = lanes().get(&path).and_then(Weak::upgrade) else {
        return ffi::SQLITE_CANTOPEN;
    };
    let granted = if lane.is_sealed() {
        flags & !(ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE) | ffi::SQLITE_OPEN_READONLY
    } else {
        flags
    };
    let handle = Box::into_raw(Box::new(Handle {
        file: lane,
        held: Held::default(),
    }));
    // SAFETY: as above; the handle is taken back in x_close.
    unsafe { (*open_file).handle = handle };
    // SAFETY: as above.
    unsafe { (*open_file).base.pMethods = &METHODS };
    if !out_flags.is_null() {
        // SAFETY: a non-null out parameter is writable.
        unsafe { *out_flags = granted };
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_delete(_vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    let Some(default) = default_vfs() else {
        return ffi::SQLITE_IOERR_DELETE;
    };
    // SAFETY: the arguments are SQLite's own.
    unsafe {
        (*default)
            .xDelete
            .map_or(ffi::SQLITE_IOERR_DELETE, |delete| delete(default, name, sync_dir))
    }
}

unsafe extern "C" fn x_access(_vfs: *mut ffi::sqlite3_vfs, name: *const c_char, flags: c_int, out: *mut c_int) -> c_int {
    let Some(default) = default_vfs() else {
        return ffi::SQLITE_IOERR_ACCESS;
    };
    // SAFETY: the arguments are SQLite's own.
    unsafe {
        (*default)
            .xAccess
            .map_or(ffi::SQLITE_IOERR_ACCESS, |access| access(default, name, flags, out))
    }
}

unsafe extern "C" fn x_full_pathname(_vfs: *mut ffi::sqlite3_vfs, name: *const c_char, len: c_int, out: *mut c_char) -> c_int {
    let Some(default) = default_vfs() else {
        return ffi::SQLITE_CANTOPEN;
    };
    // SAFETY: the arguments are SQLite's own.
    unsafe {
        (*default)
            .xFullPathname
            .map_or(ffi::SQLITE_CANTOPEN, |full| full(default, name, len, out))
    }
}

/// The handle of a file that x_open has opened.
///
/// # Safety
/// `file` must be a file of this VFS that has not been closed, and SQLite must not use it from two threads at a time.
unsafe fn handle<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Handle {
    // SAFETY: x_open stored a boxed handle, which lives until x_close.
    unsafe { &mut *(*file.cast::<OpenFile>()).handle }
}

fn code_of(error: &io::Error, otherwise: c_int) -> c_int {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => ffi::SQLITE_FULL,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ffi::SQLITE_READONLY,
        _ => otherwise,
    }
}

fn done(result: io::Result<()>, otherwise: c_int) -> c_int {
    match result {
        Ok(()) => ffi::SQLITE_OK,
        Err(error) => code_of(&error, otherwise),
    }
}

unsafe extern "C" fn x_close(file: *mut ffi::sqlite3_file) -> c_int {
    let open_file = file.cast::<OpenFile>();
    // SAFETY: x_open stored the handle; SQLite closes a file once.
    let mut handle = unsafe { Box::from_raw((*open_file).handle) };
    handle.file.locks.shm_close(&mut handle.held);
    handle.file.locks.unlock(&mut handle.held, ffi::SQLITE_LOCK_NONE);
    // SAFETY: as above; a closed file has no methods.
    unsafe { (*open_file).base.pMethods = std::ptr::null() };
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_read(file: *mut ffi::sqlite3_file, buffer: *mut c_void, amount: c_int, offset: ffi::sqlite3_int64) -> c_int {
    let (Ok(len), Ok(offset)) = (usize::try_from(amount), u64::try_from(offset)) else {
        return ffi::SQLITE_IOERR_READ;
    };
    // SAFETY: the file is open; SQLite gives a buffer of `amount` bytes.
    let (handle, buffer) = unsafe { (handle(file), std::slice::from_raw_parts_mut(buffer.cast::<u8>(), len)) };
    match handle.file.read_at(offset, buffer) {
        Ok(inside) if inside == len => ffi::SQLITE_OK,
        Ok(_) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(error) => code_of(&error, ffi::SQLITE_IOERR_READ),
    }
}

unsafe extern "C" fn x_write(file: *mut ffi::sqlite3_file, buffer: *const c_void, amount: c_int, offset: ffi::sqlite3_int64) -> c_int {
    let (Ok(len), Ok(offset)) = (usize::try_from(amount), u64::try_from(offset)) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    // SAFETY: the file is open; SQLite gives `amount` bytes.
    let (handle, bytes) = unsafe { (handle(file), std::slice::from_raw_parts(buffer.cast::<u8>(), len)) };
    done(handle.file.write_at(offset, bytes), ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn x_truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    let Ok(size) = u64::try_from(size) else {
        return ffi::SQLITE_IOERR_TRUNCATE;
    };
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    done(handle.file.truncate(size), ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn x_sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    done(handle.file.sync(), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn x_file_size(file: *mut ffi::sqlite3_file, size: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    let Ok(len) = i64::try_from(handle.file.len_bytes()) else {
        return ffi::SQLITE_IOERR_FSTAT;
    };
    // SAFETY: SQLite gives a writable out parameter.
    unsafe { *size = len };
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    handle
        .file
        .locks
        .lock(&mut handle.held, level)
        .map_or(ffi::SQLITE_BUSY, |()| ffi::SQLITE_OK)
}

unsafe extern "C" fn x_unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    handle.file.locks.unlock(&mut handle.held, level);
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_check_reserved_lock(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: the file is open, and the out parameter is writable.
    unsafe { *out = c_int::from(handle(file).file.locks.is_reserved()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_file_control(file: *mut ffi::sqlite3_file, op: c_int, _arg: *mut c_void) -> c_int {
    if op != FCNTL_BOOKKEEPING {
        return ffi::SQLITE_NOTFOUND;
    }
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    handle.held.is_bookkeeping = true;
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_sector_size(_file: *mut ffi::sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn x_device_characteristics(_file: *mut ffi::sqlite3_file) -> c_int {
    // What SQLite's own Unix VFS says: a write changes no byte outside its range.
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn x_shm_map(file: *mut ffi::sqlite3_file, region: c_int, size: c_int, extend: c_int, out: *mut *mut c_void) -> c_int {
    let (Ok(region), Ok(size)) = (usize::try_from(region), usize::try_from(size)) else {
        return ffi::SQLITE_IOERR_SHMMAP;
    };
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    let pointer = handle.file.locks.shm_region(&mut handle.held, region, size, extend != 0);
    // SAFETY: the out parameter is writable; a region stays where it is until its last user has closed.
    unsafe { *out = pointer.cast() };
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_shm_lock(file: *mut ffi::sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    let (Ok(first), Ok(count)) = (usize::try_from(first), usize::try_from(count)) else {
        return ffi::SQLITE_IOERR_SHMLOCK;
    };
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    handle
        .file
        .locks
        .shm_lock(&mut handle.held, first, count, flags)
        .map_or(ffi::SQLITE_BUSY, |()| ffi::SQLITE_OK)
}

unsafe extern "C" fn x_shm_barrier(_file: *mut ffi::sqlite3_file) {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

unsafe extern "C" fn x_shm_unmap(file: *mut ffi::sqlite3_file, _delete: c_int) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    handle.file.locks.shm_close(&mut handle.held);
    ffi::SQLITE_OK
}
