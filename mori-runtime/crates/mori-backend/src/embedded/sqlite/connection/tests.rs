//! Connections that may not write, and interrupts.

use super::*;
use crate::embedded::sqlite::Layer;

/// A prod file with one table of one row, in a journal mode.
fn image(dir: &Path, journal_mode: &str) -> Arc<Layer> {
    let path = dir.join("prod.db");
    let prod = rusqlite::Connection::open(&path).expect("opens");
    prod.execute_batch(&format!(
        "PRAGMA journal_mode = {journal_mode}; CREATE TABLE t (a); INSERT INTO t VALUES (1)"
    ))
    .expect("valid SQL");
    drop(prod);
    Arc::new(Layer::open_image(&path).expect("opens"))
}

#[test]
fn nothing_a_connection_is_told_makes_a_layer_writable() {
    for journal_mode in ["delete", "wal"] {
        let dir = tempfile::tempdir().expect("a folder");
        let below = image(dir.path(), journal_mode);
        let file = LaneFile::sealed(dir.path(), below.clone()).expect("opens");
        for read_only in [true, false] {
            let connection = Connection::open(
                &file,
                &OpenOptions {
                    read_only,
                    ..OpenOptions::default()
                },
            )
            .expect("opens");
            let mode = connection.query_value("PRAGMA journal_mode", &[]).expect("reads");
            assert_eq!(mode, Some(Value::Text(journal_mode.to_owned())));
            assert_eq!(connection.query_value("SELECT a FROM t", &[]).expect("reads"), Some(Value::Int(1)));
            connection.execute("PRAGMA query_only = OFF").expect("SQLite allows that");
            for sql in ["PRAGMA user_version = 77", "INSERT INTO t VALUES (2)", "DROP TABLE t", "VACUUM"] {
                let error = connection.execute(sql).expect_err(sql);
                assert_eq!(error.primary(), ffi::SQLITE_READONLY, "{journal_mode}: {sql}: {error}");
            }
            // What it says to a change of mode differs; that nothing is written does not.
            let _ = connection.execute("PRAGMA journal_mode = delete; PRAGMA journal_mode = wal; PRAGMA wal_checkpoint(truncate)");
            assert_eq!(
                connection.query_value("SELECT count(*) FROM t", &[]).expect("reads"),
                Some(Value::Int(1))
            );
        }
        assert!(file.is_clean(), "{journal_mode}");
        assert_eq!(
            file.write_at(0, &[1]).expect_err("sealed").kind(),
            std::io::ErrorKind::ReadOnlyFilesystem
        );
        assert_eq!(file.truncate(0).expect_err("sealed").kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    }
}

#[test]
fn a_read_only_connection_to_a_lane_reads_what_others_commit() {
    for journal_mode in ["delete", "wal"] {
        let dir = tempfile::tempdir().expect("a folder");
        let file = LaneFile::volatile(dir.path(), image(dir.path(), journal_mode)).expect("opens");
        let reader = Connection::open(
            &file,
            &OpenOptions {
                read_only: true,
                ..OpenOptions::default()
            },
        )
        .expect("opens");
        let writer = Connection::open(&file, &OpenOptions::default()).expect("opens");
        writer.execute("INSERT INTO t VALUES (2)").expect("writes");
        assert_eq!(
            reader.query_value("SELECT count(*) FROM t", &[]).expect("reads"),
            Some(Value::Int(2))
        );
        drop(writer);
        // The last to close leaves no log behind, though it may not write itself.
        drop(reader);
        assert!(!file.has_journal(), "{journal_mode}");
        let again = Connection::open(&file, &OpenOptions::default()).expect("opens");
        assert_eq!(
            again.query_value("SELECT count(*) FROM t", &[]).expect("reads"),
            Some(Value::Int(2))
        );
    }
}

#[test]
fn an_interrupt_neither_keeps_a_connection_open_nor_spoils_its_close() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = LaneFile::volatile(dir.path(), image(dir.path(), "wal")).expect("opens");
    let connection = Connection::open(&file, &OpenOptions::default()).expect("opens");
    let interrupt = connection.interrupt_handle();
    connection.execute("INSERT INTO t VALUES (2)").expect("writes");
    // A statement that does not end on its own, stopped from another thread.
    let mut endless = connection
        .prepare("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i % 100000 = 0")
        .expect("valid")
        .statement
        .expect("a statement");
    assert_eq!(endless.step().expect("the first row"), Step::Row);
    let own = interrupt.clone();
    std::thread::spawn(move || own.interrupt()).join().expect("ends");
    while let Ok(Step::Row) = endless.step() {}
    drop(endless);
    interrupt.interrupt();
    assert!(file.has_journal());
    drop(connection);
    assert!(!file.has_journal(), "the log was copied into the file");
    interrupt.interrupt();
    // Only the test holds the file: no connection is left.
    assert_eq!(Arc::strong_count(&file), 1);
}

#[test]
fn a_connection_is_for_one_thread_at_a_time() {
    /// One answer for all types, and a second for those that are Sync: asking a Sync type is ambiguous, and does not compile.
    trait IsNotSync<Answer> {
        fn holds() {}
    }
    impl<T: ?Sized> IsNotSync<()> for T {}
    impl<T: ?Sized + Sync> IsNotSync<u8> for T {}
    fn is_send<T: Send>() {}
    <Connection as IsNotSync<_>>::holds();
    <Statement as IsNotSync<_>>::holds();
    is_send::<Connection>();
    is_send::<Statement>();
    is_send::<Interrupt>();
}
