//! The locks of one lane's file, among the connections of this process: SQLite's five lock levels and the wal-index.
//!
//! <https://www.sqlite.org/lockingv3.html> and `sqlite3_io_methods` say what is asked of them. No other process opens a
//! lane's file, so memory is all it takes.

use libsqlite3_sys as ffi;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

const SHM_LOCKS: usize = ffi::SQLITE_SHM_NLOCK as usize;

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

#[derive(Debug, Default)]
struct Shm {
    regions: Vec<Region>,
    /// Number of shared holders, or -1 for one exclusive holder.
    locks: [i32; SHM_LOCKS],
    connections: u32,
}

/// All locks of one file.
#[derive(Debug, Default)]
pub struct Locks {
    file: Mutex<FileLocks>,
    /// Told when a reader for bookkeeping has left.
    bookkeeping_left: Condvar,
    shm: Mutex<Shm>,
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
                        file = self.bookkeeping_left.wait(file).unwrap_or_else(PoisonError::into_inner);
                    }
                    if file.shared > 1 {
                        return Err(Busy);
                    }
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
                }
            }
            held.shm_exclusive &= !mask;
            held.shm_shared &= !mask;
        } else if flags & ffi::SQLITE_SHM_SHARED != 0 {
            if held.shm_shared & mask == mask {
                return Ok(());
            }
            if range.clone().any(|index| shm.locks[index] < 0) {
                return Err(Busy);
            }
            range.for_each(|index| shm.locks[index] += 1);
            held.shm_shared |= mask;
        } else {
            let free = |index: usize| shm.locks[index] == 0 || held.shm_exclusive & (1 << index) != 0;
            if !range.clone().all(free) {
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

    /// `mxFrame` of the wal-index header: how many frames of the log are committed. None while no connection uses the log.
    /// Offsets are those of `WalIndexHdr`, <https://www.sqlite.org/walformat.html#the_wal_index_header>.
    pub fn wal_frames(&self) -> Option<u32> {
        let shm = lock(&self.shm);
        let region = shm.regions.first()?;
        let word = |index: usize| {
            // SAFETY: the header is 136 bytes at the start of a region of 32 KiB; the read is volatile, for SQLite may write it.
            unsafe { region.0.cast::<u32>().add(index).read_volatile() }
        };
        // The header is there twice; a writer changes the second copy last, so equal copies are a whole header.
        for _ in 0..1000 {
            let copies: Vec<u32> = (0..24).map(word).collect();
            if copies[..12] == copies[12..] {
                let is_initialized = copies[3].to_ne_bytes()[0] != 0;
                return is_initialized.then_some(copies[4]);
            }
            std::hint::spin_loop();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_waits_for_readers_and_keeps_new_ones_out() {
        let locks = Locks::default();
        let (mut reader, mut writer, mut late) = (Held::default(), Held::default(), Held::default());
        locks.lock(&mut reader, ffi::SQLITE_LOCK_SHARED).unwrap();
        locks.lock(&mut writer, ffi::SQLITE_LOCK_SHARED).unwrap();
        locks.lock(&mut writer, ffi::SQLITE_LOCK_RESERVED).unwrap();
        assert!(locks.is_reserved());
        assert_eq!(locks.lock(&mut reader, ffi::SQLITE_LOCK_RESERVED), Err(Busy));
        assert_eq!(locks.lock(&mut writer, ffi::SQLITE_LOCK_EXCLUSIVE), Err(Busy));
        assert_eq!(locks.lock(&mut late, ffi::SQLITE_LOCK_SHARED), Err(Busy), "PENDING keeps new readers out");
        locks.unlock(&mut reader, ffi::SQLITE_LOCK_NONE);
        locks.lock(&mut writer, ffi::SQLITE_LOCK_EXCLUSIVE).unwrap();
        locks.unlock(&mut writer, ffi::SQLITE_LOCK_NONE);
        locks.lock(&mut late, ffi::SQLITE_LOCK_SHARED).unwrap();
        assert!(!locks.is_reserved());
    }

    #[test]
    fn a_writer_is_not_refused_for_a_reader_of_ours() {
        let locks = Locks::default();
        let (mut reader, mut client) = (Held { is_bookkeeping: true, ..Held::default() }, Held::default());
        let mut writer = Held::default();
        locks.lock(&mut reader, ffi::SQLITE_LOCK_SHARED).unwrap();
        locks.lock(&mut client, ffi::SQLITE_LOCK_SHARED).unwrap();
        locks.lock(&mut writer, ffi::SQLITE_LOCK_SHARED).unwrap();
        assert_eq!(locks.lock(&mut writer, ffi::SQLITE_LOCK_EXCLUSIVE), Err(Busy), "a client reads as well");
        locks.unlock(&mut client, ffi::SQLITE_LOCK_NONE);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| locks.lock(&mut writer, ffi::SQLITE_LOCK_EXCLUSIVE));
            locks.unlock(&mut reader, ffi::SQLITE_LOCK_NONE);
            waiting.join().unwrap().unwrap();
        });
    }

    #[test]
    fn wal_index_locks_are_shared_or_exclusive() {
        let locks = Locks::default();
        let (mut a, mut b) = (Held::default(), Held::default());
        locks.shm_region(&mut a, 0, 32768, true);
        locks.shm_region(&mut b, 0, 32768, true);
        let (shared, exclusive) = (ffi::SQLITE_SHM_LOCK | ffi::SQLITE_SHM_SHARED, ffi::SQLITE_SHM_LOCK | ffi::SQLITE_SHM_EXCLUSIVE);
        locks.shm_lock(&mut a, 3, 1, shared).unwrap();
        locks.shm_lock(&mut b, 3, 1, shared).unwrap();
        assert_eq!(locks.shm_lock(&mut b, 0, 8, exclusive), Err(Busy));
        locks.shm_close(&mut a);
        locks.shm_lock(&mut b, 3, 1, ffi::SQLITE_SHM_UNLOCK | ffi::SQLITE_SHM_SHARED).unwrap();
        locks.shm_lock(&mut b, 0, 8, exclusive).unwrap();
    }
}
