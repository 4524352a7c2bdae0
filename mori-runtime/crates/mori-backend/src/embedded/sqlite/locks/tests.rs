//! Who waits for whom, and who is refused.

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
    assert_eq!(
        locks.lock(&mut late, ffi::SQLITE_LOCK_SHARED),
        Err(Busy),
        "PENDING keeps new readers out"
    );
    locks.unlock(&mut reader, ffi::SQLITE_LOCK_NONE);
    locks.lock(&mut writer, ffi::SQLITE_LOCK_EXCLUSIVE).unwrap();
    locks.unlock(&mut writer, ffi::SQLITE_LOCK_NONE);
    locks.lock(&mut late, ffi::SQLITE_LOCK_SHARED).unwrap();
    assert!(!locks.is_reserved());
}

#[test]
fn a_writer_is_not_refused_for_a_reader_of_ours() {
    let locks = Locks::default();
    let (mut reader, mut client) = (
        Held {
            is_bookkeeping: true,
            ..Held::default()
        },
        Held::default(),
    );
    let mut writer = Held::default();
    locks.lock(&mut reader, ffi::SQLITE_LOCK_SHARED).unwrap();
    locks.lock(&mut client, ffi::SQLITE_LOCK_SHARED).unwrap();
    locks.lock(&mut writer, ffi::SQLITE_LOCK_SHARED).unwrap();
    assert_eq!(
        locks.lock(&mut writer, ffi::SQLITE_LOCK_EXCLUSIVE),
        Err(Busy),
        "a client reads as well"
    );
    locks.unlock(&mut client, ffi::SQLITE_LOCK_NONE);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| locks.lock(&mut writer, ffi::SQLITE_LOCK_EXCLUSIVE));
        locks.unlock(&mut reader, ffi::SQLITE_LOCK_NONE);
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn nobody_waits_for_bookkeeping_for_ever() {
    let locks = Locks::default();
    let (mut reader, mut writer) = (
        Held {
            is_bookkeeping: true,
            ..Held::default()
        },
        Held::default(),
    );
    locks.lock(&mut reader, ffi::SQLITE_LOCK_SHARED).unwrap();
    locks.lock(&mut writer, ffi::SQLITE_LOCK_SHARED).unwrap();
    writer.waits_until = Some(Instant::now());
    assert_eq!(locks.lock(&mut writer, ffi::SQLITE_LOCK_EXCLUSIVE), Err(Busy));
    // It has PENDING, and gets on as soon as the reader is gone.
    locks.unlock(&mut reader, ffi::SQLITE_LOCK_NONE);
    locks.lock(&mut writer, ffi::SQLITE_LOCK_EXCLUSIVE).unwrap();
    assert_eq!(writer.waits_until, None, "the next wait is counted anew");

    let (shared, exclusive) = (
        ffi::SQLITE_SHM_LOCK | ffi::SQLITE_SHM_SHARED,
        ffi::SQLITE_SHM_LOCK | ffi::SQLITE_SHM_EXCLUSIVE,
    );
    locks.shm_lock(&mut reader, 4, 1, shared).unwrap();
    locks.shm_lock(&mut writer, 0, 1, exclusive).unwrap();
    writer.waits_until = Some(Instant::now());
    assert_eq!(locks.shm_lock(&mut writer, 4, 1, exclusive), Err(Busy));
}

#[test]
fn wal_index_locks_are_shared_or_exclusive() {
    let locks = Locks::default();
    let (mut a, mut b) = (Held::default(), Held::default());
    locks.shm_region(&mut a, 0, 32768, true);
    locks.shm_region(&mut b, 0, 32768, true);
    let (shared, exclusive) = (
        ffi::SQLITE_SHM_LOCK | ffi::SQLITE_SHM_SHARED,
        ffi::SQLITE_SHM_LOCK | ffi::SQLITE_SHM_EXCLUSIVE,
    );
    locks.shm_lock(&mut a, 3, 1, shared).unwrap();
    locks.shm_lock(&mut b, 3, 1, shared).unwrap();
    assert_eq!(locks.shm_lock(&mut b, 0, 8, exclusive), Err(Busy));
    locks.shm_close(&mut a);
    locks
        .shm_lock(&mut b, 3, 1, ffi::SQLITE_SHM_UNLOCK | ffi::SQLITE_SHM_SHARED)
        .unwrap();
    locks.shm_lock(&mut b, 0, 8, exclusive).unwrap();
}

#[test]
fn a_checkpoint_waits_for_a_reader_of_ours_and_other_connections_do_not() {
    let locks = Locks::default();
    let mut reader = Held {
        is_bookkeeping: true,
        ..Held::default()
    };
    let (mut client, mut checkpointer) = (Held::default(), Held::default());
    let (shared, exclusive) = (
        ffi::SQLITE_SHM_LOCK | ffi::SQLITE_SHM_SHARED,
        ffi::SQLITE_SHM_LOCK | ffi::SQLITE_SHM_EXCLUSIVE,
    );
    locks.shm_lock(&mut reader, 4, 1, shared).unwrap();
    let refused = locks.shm_lock(&mut client, 4, 1, exclusive);
    assert_eq!(refused, Err(Busy), "a reader that looks for a mark of its own takes another");
    locks.shm_lock(&mut checkpointer, 1, 1, exclusive).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| locks.shm_lock(&mut checkpointer, 4, 1, exclusive));
        locks
            .shm_lock(&mut reader, 4, 1, ffi::SQLITE_SHM_UNLOCK | ffi::SQLITE_SHM_SHARED)
            .unwrap();
        waiting.join().unwrap().unwrap();
    });
}
