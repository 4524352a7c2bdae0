//! The locks of one lane's file, among the connections of this process: SQLite's five lock levels and the wal-index.
//!
//! <https://www.sqlite.org/lockingv3.html> and `sqlite3_io_methods` say what is asked of them. No other process opens a
//! lane's file, so memory is all it takes.

use libsqlite3_sys as ffi;
use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const SHM_LOCKS: usize = ffi::SQLITE_SHM_NLOCK as usize;
/// The wal-index locks 0, of the writer, and 1, of the checkpointer; <https://www.sqlite.org/walformat.html#wal_locks>.
const SHM_WRITE_OR_CHECKPOINT: u16 = 0b11;

/// How long a connection waits for readers that are for bookkeeping before it is refused after all; what a client's own waiting for
/// locks comes to by default.
const BOOKKEEPING_WAIT_MAX: Duration = Duration::from_secs(5);

/// Words of `WalIndexHdr`, <https://www.sqlite.org/walformat.html#the_wal_index_header>.
const HEADER_WORDS: usize = 12;
/// The word behind the two copies of the header: how many frames are in the database file.
const BACKFILL_WORD: usize = 2 * HEADER_WORDS;

/// A lock that another connection holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Busy;

#[derive(Debug, Default)]
struct FileLocks {
    shared: u32,
    /// Those of `shared` that are for bookkeeping.
    bookkeeping: u32,
    reserved: bool,
    /// Set while a connection waits for readers to leave, and while it is alone.
    pending: bool,
    exclusive: bool,
}

/// One region of the wal-index, 8-byte aligned, zeroed.
#[derive(Debug)]
struct Region(*mut u64, usize);

// SAFETY: the region is plain memory that only SQLite reads and writes, under the wal-index's own protocol.
unsafe impl Send for Region {}

impl Region {
    fn new(bytes: usize) -> Region {
        let words = bytes.div_ceil(8);
        Region(Box::into_raw(vec![0u64; words].into_boxed_slice()).cast(), words)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        let slice = std::ptr::slice_from_raw_parts_mut(self.0, self.1);
        // SAFETY: the pointer and length are those of the boxed slice taken apart in `new`.
        drop(unsafe { Box::from_raw(slice) });
    }
}

/// What the wal-index says of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalState {
    /// How many frames of the log are committed.
    pub frames: u32,
    /// How many of them are in the database file as well.
    pub backfilled: u32,
    /// Drawn anew each time the log is written from its start again.
    salts: [u32; 2],
}

impl WalState {
    /// Whether nothing was committed between the two.
    pub fn is_same_commit(&self, other: &WalState) -> bool {
        (self.frames, self.salts) == (other.frames, other.salts)
    }
}

/// The wal-index header, if it is whole: a writer changes its second copy first, so equal copies with the right checksum are one header.
fn wal_header(index: &[AtomicU32]) -> Option<[u32; HEADER_WORDS]> {
    let copy = |first: usize| std::array::from_fn(|word| index[first + word].load(Ordering::Acquire));
    let header: [u32; HEADER_WORDS] = copy(0);
    fence(Ordering::SeqCst);
    let is_initialized = header[3].to_ne_bytes()[0] != 0;
    let sums = header[..10].chunks_exact(2).fold((0u32, 0u32), |(first, second), pair| {
        let first = first.wrapping_add(pair[0]).wrapping_add(second);
        (first, second.wrapping_add(pair[1]).wrapping_add(first))
    });
    (is_initialized && header == copy(HEADER_WORDS) && sums == (header[10], header[11])).then_some(header)
}

#[derive(Debug, Default)]
struct Shm {
    regions: Vec<Region>,
    /// Number of shared holders, or -1 for one exclusive holder.
    locks: [i32; SHM_LOCKS],
    /// The shared holders that are for bookkeeping.
    bookkeeping: [i32; SHM_LOCKS],
    connections: u32,
}

/// All locks of one file.
#[derive(Debug, Default)]
pub struct Locks {
    file: Mutex<FileLocks>,
    /// Told when a reader for bookkeeping has left.
    bookkeeping_left: Condvar,
    shm: Mutex<Shm>,
    /// Told when a reader for bookkeeping has let go of the wal-index.
    shm_bookkeeping_left: Condvar,
}

/// What one connection holds of a file's locks.
#[derive(Debug, Default)]
pub struct Held {
    /// One of `SQLITE_LOCK_*`.
    pub level: i32,
    /// Set before the first lock is taken.
    pub is_bookkeeping: bool,
    shm_open: bool,
    shm_shared: u16,
    shm_exclusive: u16,
    /// Until when it waits for bookkeeping: set by the first wait for a lock, however often SQLite asks for that lock.
    waits_until: Option<Instant>,
}

impl Held {
    /// How long it still waits for bookkeeping; None if it has waited long enough.
    fn patience(&mut self) -> Option<Duration> {
        let until = *self.waits_until.get_or_insert_with(|| Instant::now() + BOOKKEEPING_WAIT_MAX);
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Locks {
    /// Raises `held` to `level`. On `Busy` for EXCLUSIVE, PENDING may be held, as SQLite allows.
    pub fn lock(&self, held: &mut Held, level: i32) -> Result<(), Busy> {
        if held.level >= level {
            return Ok(());
        }
        let mut file = lock(&self.file);
        match level {
            ffi::SQLITE_LOCK_SHARED => {
                if file.pending || file.exclusive {
                    return Err(Busy);
                }
                file.shared += 1;
                file.bookkeeping += u32::from(held.is_bookkeeping);
            }
            ffi::SQLITE_LOCK_RESERVED => {
                if file.reserved || file.pending || file.exclusive {
                    return Err(Busy);
                }
                file.reserved = true;
            }
            _ => {
                if held.level < ffi::SQLITE_LOCK_PENDING {
                    let by_other = file.pending || file.exclusive || (file.reserved && held.level < ffi::SQLITE_LOCK_RESERVED);
                    if by_other {
                        return Err(Busy);
                    }
                    file.pending = true;
                    held.level = ffi::SQLITE_LOCK_PENDING;
                }
                if level == ffi::SQLITE_LOCK_EXCLUSIVE {
                    // A client must not be told of readers that a private copy does not have. They wait for nobody, and PENDING
                    // keeps new ones out, so they are soon gone.
                    while file.shared > 1 && file.shared - 1 == file.bookkeeping - u32::from(held.is_bookkeeping) {
                        let Some(left) = held.patience() else { break };
                        file = self
                            .bookkeeping_left
                            .wait_timeout(file, left)
                            .unwrap_or_else(PoisonError::into_inner)
                            .0;
                    }
                    if file.shared > 1 {
                        return Err(Busy);
                    }
                    held.waits_until = None;
                    file.exclusive = true;
                }
            }
        }
        held.level = level;
        Ok(())
    }

    /// Lowers `held` to SHARED or NONE.
    pub fn unlock(&self, held: &mut Held, level: i32) {
        if held.level <= level {
            return;
        }
        let mut file = lock(&self.file);
        if held.level >= ffi::SQLITE_LOCK_PENDING {
            file.pending = false;
            file.exclusive = false;
        }
        if held.level >= ffi::SQLITE_LOCK_RESERVED {
            // A connection that rolled back a hot journal went from SHARED to EXCLUSIVE: nobody else can hold RESERVED then.
            file.reserved = false;
        }
        if level < ffi::SQLITE_LOCK_SHARED {
            file.shared = file.shared.saturating_sub(1);
            if held.is_bookkeeping {
                file.bookkeeping = file.bookkeeping.saturating_sub(1);
                self.bookkeeping_left.notify_all();
            }
        }
        held.level = level;
        held.waits_until = None;
    }

    /// Whether any connection intends to write.
    pub fn is_reserved(&self) -> bool {
        let file = lock(&self.file);
        file.reserved || file.pending || file.exclusive
    }

    /// A pointer to region `index` of the wal-index, or null where it does not exist and `extend` is false.
    pub fn shm_region(&self, held: &mut Held, index: usize, bytes: usize, extend: bool) -> *mut u8 {
        let mut shm = lock(&self.shm);
        if !held.shm_open {
            held.shm_open = true;
            shm.connections += 1;
        }
        if shm.regions.len() <= index && !extend {
            return std::ptr::null_mut();
        }
        while shm.regions.len() <= index {
            shm.regions.push(Region::new(bytes));
        }
        shm.regions[index].0.cast()
    }

    /// Takes or releases `count` wal-index locks from `first` on, as `xShmLock` is told by `flags`.
    pub fn shm_lock(&self, held: &mut Held, first: usize, count: usize, flags: i32) -> Result<(), Busy> {
        let mut shm = lock(&self.shm);
        let range = first..(first + count).min(SHM_LOCKS);
        let mask: u16 = range.clone().map(|index| 1 << index).sum();
        if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
            for index in range {
                if held.shm_exclusive & (1 << index) != 0 {
                    shm.locks[index] = 0;
                } else if held.shm_shared & (1 << index) != 0 {
                    shm.locks[index] -= 1;
                    if held.is_bookkeeping {
                        shm.bookkeeping[index] -= 1;
                        self.shm_bookkeeping_left.notify_all();
                    }
                }
            }
            held.shm_exclusive &= !mask;
            held.shm_shared &= !mask;
            if mask & SHM_WRITE_OR_CHECKPOINT != 0 {
                held.waits_until = None;
            }
        } else if flags & ffi::SQLITE_SHM_SHARED != 0 {
            if held.shm_shared & mask == mask {
                return Ok(());
            }
            if range.clone().any(|index| shm.locks[index] < 0) {
                return Err(Busy);
            }
            for index in range {
                shm.locks[index] += 1;
                shm.bookkeeping[index] += i32::from(held.is_bookkeeping);
            }
            held.shm_shared |= mask;
        } else {
            let own = held.shm_exclusive;
            let is_free = |shm: &Shm, index: usize| shm.locks[index] == 0 || own & (1 << index) != 0;
            // A writer or checkpointer would get on less far for a reader of ours, which the client could see; it waits for nobody.
            let waits = own & SHM_WRITE_OR_CHECKPOINT != 0;
            let is_ours = |shm: &Shm, index: usize| shm.locks[index] > 0 && shm.locks[index] == shm.bookkeeping[index];
            while waits
                && range.clone().any(|index| is_ours(&shm, index))
                && range.clone().all(|index| is_free(&shm, index) || is_ours(&shm, index))
            {
                let Some(left) = held.patience() else { break };
                shm = self
                    .shm_bookkeeping_left
                    .wait_timeout(shm, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
            if !range.clone().all(|index| is_free(&shm, index)) {
                return Err(Busy);
            }
            range.for_each(|index| shm.locks[index] = -1);
            held.shm_exclusive |= mask;
        }
        Ok(())
    }

    /// The connection no longer uses the wal-index. It is freed with its last user: what it said can be read off the log.
    pub fn shm_close(&self, held: &mut Held) {
        if !held.shm_open {
            return;
        }
        let _ = self.shm_lock(held, 0, SHM_LOCKS, ffi::SQLITE_SHM_UNLOCK);
        held.shm_open = false;
        let mut shm = lock(&self.shm);
        shm.connections = shm.connections.saturating_sub(1);
        if shm.connections == 0 {
            shm.regions.clear();
        }
    }

    /// What the wal-index says at this moment. None if no connection uses a log.
    ///
    /// Errors: `Busy` while the wal-index is being made, or changes faster than it can be read.
    pub fn wal_state(&self) -> Result<Option<WalState>, Busy> {
        let shm = lock(&self.shm);
        let Some(region) = shm.regions.first() else { return Ok(None) };
        // SAFETY: a region is 32 KiB of 8-byte aligned memory, which lives while `shm` is locked; it is shared with SQLite, hence atomic.
        let index = unsafe { std::slice::from_raw_parts(region.0.cast::<AtomicU32>(), BACKFILL_WORD + 1) };
        for _ in 0..1000 {
            if let Some(header) = wal_header(index) {
                let backfilled = index[BACKFILL_WORD].load(Ordering::Acquire);
                // A log that starts anew has its header changed before `backfilled`: the same header says that the two belong together.
                if wal_header(index) == Some(header) {
                    return Ok(Some(WalState {
                        frames: header[4],
                        backfilled,
                        salts: [header[8], header[9]],
                    }));
                }
            }
            std::hint::spin_loop();
        }
        Err(Busy)
    }
}

#[cfg(test)]
mod tests;
