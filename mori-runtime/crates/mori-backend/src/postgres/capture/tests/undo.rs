//! Ways back: to marks, from what cannot be put back, after crashes, and with sequences.

use super::support::{Server, assert_same, content, rows, value};
use crate::postgres::capture::{Undone, counts, dirty_tables, install, is_coarse, mark, read, seal, undo};
use postgres::Client;

const SCHEMA: &str = "
    CREATE TABLE users (id serial PRIMARY KEY, name text);
    CREATE SEQUENCE cached CACHE 20;
    CREATE SEQUENCE untouched;
    CREATE SEQUENCE down INCREMENT -5 MINVALUE -1000 MAXVALUE 100 START 7;
    CREATE UNLOGGED TABLE scratch (id int PRIMARY KEY);
    INSERT INTO users (name) SELECT 'user ' || g FROM generate_series(1, 20) g;
    INSERT INTO scratch VALUES (1);
";

fn captured(server: &Server) -> Client {
    let mut own = server.database("captured", SCHEMA);
    install(&mut own).unwrap();
    own
}

#[track_caller]
fn undone(own: &mut Client, rows: u64) {
    match undo(own, None).unwrap() {
        Undone::Rows { rows: found, .. } => assert_eq!(found, rows),
        Undone::Coarse { reason } => panic!("{reason}"),
    }
}

#[track_caller]
fn coarse(own: &mut Client, expected: &str) {
    assert!(is_coarse(own).unwrap());
    let Undone::Coarse { reason } = undo(own, None).unwrap() else {
        panic!("put back")
    };
    assert!(reason.contains(expected), "{reason}");
}

#[test]
fn marks_nest_and_hold_transactions_apart() {
    let Some(server) = Server::start() else { return };
    let mut own = captured(&server);
    let mut client = server.connect("captured");
    let mut other = server.connect("captured");
    let start = content(&mut own);
    client
        .batch_execute("UPDATE users SET name = 'one' WHERE id = 1; DELETE FROM users WHERE id = 2")
        .unwrap();
    // Begun before the mark and committed after it: not part of the marked state.
    other
        .batch_execute("BEGIN; UPDATE users SET name = 'late' WHERE id = 9; SAVEPOINT s; DELETE FROM users WHERE id = 10")
        .unwrap();
    let first = (mark(&mut own).unwrap(), content(&mut own));
    other.batch_execute("COMMIT").unwrap();
    client
        .batch_execute("UPDATE users SET name = 'two' WHERE id IN (1, 3); INSERT INTO users (name) VALUES ('new'), ('newer')")
        .unwrap();
    let second = (mark(&mut own).unwrap(), content(&mut own));
    client
        .batch_execute("TRUNCATE users RESTART IDENTITY; INSERT INTO users (name) VALUES ('only')")
        .unwrap();
    for (mark, expected) in [&second, &second, &first, &first] {
        assert!(matches!(undo(&mut own, Some(mark)).unwrap(), Undone::Rows { .. }));
        assert_same(&content(&mut own), expected, "mark");
        client
            .batch_execute("UPDATE users SET name = name || '?'; SELECT nextval('users_id_seq'), nextval('down')")
            .unwrap();
    }
    assert_eq!(dirty_tables(&mut own).unwrap(), ["users"]);
    undo(&mut own, None).unwrap();
    assert_same(&content(&mut own), &start, "seal");
    assert_eq!(dirty_tables(&mut own).unwrap(), [""; 0]);
}

#[test]
fn a_truncate_under_an_old_snapshot_takes_what_it_does_not_see() {
    let Some(server) = Server::start() else { return };
    let mut own = captured(&server);
    let mut client = server.connect("captured");
    let mut other = server.connect("captured");
    let start = content(&mut own);
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        // 2 is there at the seal and gone before the TRUNCATE, 21 comes before it: neither is seen to do so. Without `other` running,
        // its writes behind the TRUNCATE would look as if they had been before.
        client
            .batch_execute(&format!("BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM users"))
            .unwrap();
        other
            .batch_execute("INSERT INTO users (name) VALUES ('unseen'); UPDATE users SET name = 'changed' WHERE id = 1; DELETE FROM users WHERE id = 2")
            .unwrap();
        let marked = (mark(&mut own).unwrap(), content(&mut own));
        other.batch_execute("BEGIN; INSERT INTO scratch VALUES (2)").unwrap();
        client
            .batch_execute(
                "TRUNCATE users; INSERT INTO users VALUES (100, 'own'); TRUNCATE users; INSERT INTO users VALUES (101, 'own'); COMMIT",
            )
            .unwrap();
        other
            .batch_execute("INSERT INTO users VALUES (200, 'behind'); DELETE FROM users WHERE id = 200; INSERT INTO users VALUES (201, 'behind'); COMMIT; INSERT INTO users VALUES (202, 'later')")
            .unwrap();
        // The three rows of users and that of scratch, less the twenty of the seal.
        let found = counts(&mut own).unwrap();
        assert_eq!((found.delta_rows, found.tombstones), (4, 20), "{level}");
        assert!(matches!(undo(&mut own, Some(&marked.0)).unwrap(), Undone::Rows { .. }), "{level}");
        assert_same(&content(&mut own), &marked.1, level);
        let found = counts(&mut own).unwrap();
        assert_eq!((found.delta_rows, found.tombstones), (2, 1), "{level}");
        undone(&mut own, 4);
        assert_same(&content(&mut own), &start, level);
    }
}

#[test]
fn a_truncate_under_a_snapshot_older_than_another_truncate() {
    let Some(server) = Server::start() else { return };
    let mut own = captured(&server);
    let mut client = server.connect("captured");
    let mut other = server.connect("captured");
    let start = content(&mut own);
    for level in ["READ COMMITTED", "REPEATABLE READ"] {
        client
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM scratch")
            .unwrap();
        // The rows from before the other TRUNCATE are gone already, those from behind it are taken by this one.
        for statement in [
            "UPDATE users SET name = 'before' WHERE id = 3; INSERT INTO users VALUES (200, 'before')",
            &format!("BEGIN ISOLATION LEVEL {level}; INSERT INTO users VALUES (201, 'before'); TRUNCATE users"),
            "INSERT INTO users VALUES (202, 'behind'); COMMIT",
            "INSERT INTO users VALUES (203, 'behind'); UPDATE users SET name = 'again' WHERE id = 202",
        ] {
            other.batch_execute(statement).unwrap();
        }
        client
            .batch_execute("TRUNCATE users; INSERT INTO users VALUES (300, 'own'); COMMIT")
            .unwrap();
        let found = counts(&mut own).unwrap();
        assert_eq!((found.delta_rows, found.tombstones), (1, 20), "{level}");
        undone(&mut own, 21);
        assert_same(&content(&mut own), &start, level);
    }
}

/// What the TRUNCATE took is put back, and a trigger that fires even for replicas hears nothing of it.
#[test]
fn a_truncate_that_saw_no_row_wakes_no_trigger_when_it_is_undone() {
    let Some(server) = Server::start() else { return };
    let schema = "CREATE TABLE empty (id int PRIMARY KEY); CREATE TABLE heard (id int);
        CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO heard VALUES (NEW.id); RETURN NULL; END';
        CREATE TRIGGER always AFTER INSERT ON empty FOR EACH ROW EXECUTE FUNCTION hear();
        ALTER TABLE empty ENABLE ALWAYS TRIGGER always";
    let mut own = server.database("heard", schema);
    install(&mut own).unwrap();
    let mut client = server.connect("heard");
    let mut other = server.connect("heard");
    client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM empty")
        .unwrap();
    other.batch_execute("INSERT INTO empty VALUES (1)").unwrap();
    let marked = (mark(&mut own).unwrap(), content(&mut own));
    client.batch_execute("TRUNCATE empty; COMMIT").unwrap();
    assert!(matches!(undo(&mut own, Some(&marked.0)).unwrap(), Undone::Rows { .. }));
    assert_same(&content(&mut own), &marked.1, "mark");
}

#[test]
fn a_net_difference_of_nothing_is_nothing() {
    let Some(server) = Server::start() else { return };
    let mut own = captured(&server);
    let mut client = server.connect("captured");
    client.batch_execute("UPDATE users SET name = 'x'; UPDATE users SET name = 'user ' || id; INSERT INTO users VALUES (100); DELETE FROM users WHERE id = 100").unwrap();
    assert!(read(&mut own).unwrap().delta().unwrap().is_empty());
    assert_eq!((counts(&mut own).unwrap().delta_rows, counts(&mut own).unwrap().tombstones), (0, 0));
    assert_eq!(dirty_tables(&mut own).unwrap(), ["users"]);
    undone(&mut own, 0);
}

#[test]
fn sequences_go_back_however_they_were_moved() {
    let Some(server) = Server::start() else { return };
    let mut own = captured(&server);
    let mut client = server.connect("captured");
    let start = content(&mut own);
    let moves = [
        "SELECT nextval('users_id_seq'), nextval('down')",
        "SELECT setval('users_id_seq', 5, false)",
        "SELECT setval('untouched', 5, false)",
        "SELECT setval('untouched', 1)",
        "TRUNCATE users RESTART IDENTITY",
        "ALTER SEQUENCE users_id_seq RESTART WITH 900",
        "ALTER SEQUENCE down RESTART",
        "BEGIN; SELECT nextval('untouched'); ROLLBACK",
        "SELECT nextval('cached')",
    ];
    for sql in moves {
        client.batch_execute(sql).unwrap();
        assert!(!is_coarse(&mut own).unwrap(), "{sql}");
        assert!(matches!(undo(&mut own, None).unwrap(), Undone::Rows { .. }), "{sql}");
        assert_same(&content(&mut own), &start, sql);
    }
    // The session had twenty values in store.
    assert_eq!(value(&mut client, "SELECT nextval('cached')"), "1");
    client.batch_execute("SELECT nextval('down')").unwrap();
    let changed: Vec<_> = read(&mut own)
        .unwrap()
        .sequences
        .into_iter()
        .map(|sequence| (sequence.name, sequence.sealed, sequence.current))
        .collect();
    assert_eq!(changed, [("cached".to_owned(), None, Some(20)), ("down".to_owned(), None, Some(7))]);
    undone(&mut own, 0);
    client.batch_execute("ALTER SEQUENCE down INCREMENT -1").unwrap();
    coarse(&mut own, "ALTER SEQUENCE public.down");
}

#[test]
fn what_cannot_be_put_back_is_coarse_and_stays_as_it_is() {
    let Some(server) = Server::start() else { return };
    let mut own = captured(&server);
    let mut client = server.connect("captured");
    let cases = [
        ("ALTER TABLE users ADD COLUMN age int", "ALTER TABLE public.users"),
        ("DROP TABLE scratch", "DROP TABLE public.scratch"),
        ("CREATE TABLE fresh AS SELECT 1 AS a", "CREATE TABLE AS public.fresh"),
        (
            "DO $$ BEGIN EXECUTE 'CREATE VIEW hidden AS SELECT 1'; END $$",
            "CREATE VIEW public.hidden",
        ),
        ("GRANT SELECT ON users TO PUBLIC", "GRANT"),
        ("CREATE INDEX CONCURRENTLY by_name ON users (name)", "CREATE INDEX public.by_name"),
        ("SELECT lo_from_bytea(4711, 'large')", "large objects"),
        ("SELECT lo_put(4711, 0, 'other')", "large objects"),
        ("SELECT lo_unlink(4711)", "large objects"),
        (
            "CREATE FUNCTION admit() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'CREATE ' || 'ROLE admitted'; END $$; \
             CREATE FUNCTION expel() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DROP ' || 'ROLE admitted'; END $$",
            "CREATE FUNCTION",
        ),
        ("SELECT admit()", "roles or databases"),
        ("ALTER ROLE admitted SET work_mem = '1MB'", "roles or databases"),
        ("COMMENT ON ROLE admitted IS 'by a function'", "roles or databases"),
        ("SELECT expel()", "roles or databases"),
    ];
    for (sql, reason) in cases {
        client.batch_execute(sql).unwrap();
        client.batch_execute("UPDATE users SET name = 'x' WHERE id = 1").unwrap();
        let before = content(&mut own);
        coarse(&mut own, reason);
        assert_same(&content(&mut own), &before, sql);
        seal(&mut own).unwrap();
        assert!(!is_coarse(&mut own).unwrap());
    }
    // What leaves nothing is nothing.
    let nothing = [
        "BEGIN; ALTER TABLE users ADD COLUMN more int; SELECT lo_from_bytea(0, 'x'); ROLLBACK",
        "CREATE TEMP TABLE passing (id serial PRIMARY KEY); CREATE INDEX ON passing (id); ALTER TABLE passing ADD COLUMN a int; INSERT INTO passing DEFAULT VALUES",
        "CREATE FUNCTION pg_temp.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; CREATE TRIGGER t AFTER INSERT ON passing EXECUTE FUNCTION pg_temp.f()",
        "DROP TABLE passing; CREATE TEMP TABLE other ON COMMIT DROP AS SELECT 1; CREATE TABLE IF NOT EXISTS users (id int)",
        "VACUUM users",
        "ANALYZE users",
        "DISCARD ALL",
    ];
    for sql in nothing {
        client.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let notes = rows(&mut own, "SELECT * FROM pg_mori_ddl");
        assert!(!is_coarse(&mut own).unwrap(), "{sql}: {notes:?}");
    }
}

#[test]
fn a_session_that_still_holds_rows_makes_it_coarse_and_loses_nothing() {
    let Some(server) = Server::start() else { return };
    let mut own = captured(&server);
    own.batch_execute("ALTER FUNCTION pg_mori_undo SET lock_timeout = '100ms'; SELECT pg_mori_seal()")
        .unwrap();
    let mut client = server.connect("captured");
    client.batch_execute("UPDATE users SET name = 'x' WHERE id = 1").unwrap();
    client.batch_execute("BEGIN; UPDATE users SET name = 'y' WHERE id = 1").unwrap();
    let Undone::Coarse { reason } = undo(&mut own, None).unwrap() else {
        panic!("put back")
    };
    assert!(reason.contains("lock timeout"), "{reason}");
    client.batch_execute("ROLLBACK").unwrap();
    undone(&mut own, 2);
}

/// The log is emptied when all is put back. A writer that came in between would be forgotten with it.
#[test]
fn who_writes_during_an_undo_is_not_forgotten() {
    let Some(server) = Server::start() else { return };
    let mut own = captured(&server);
    // Putting a row back waits for whoever holds the advisory lock.
    own.batch_execute(
        "CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
         PERFORM pg_advisory_lock(7); PERFORM pg_advisory_unlock(7); RETURN true; END $$; \
         CREATE TABLE slow (id int PRIMARY KEY CHECK (slow())); INSERT INTO slow VALUES (1); SELECT pg_mori_seal()",
    )
    .unwrap();
    let start = content(&mut own);
    let mut holder = server.connect("captured");
    holder.batch_execute("DELETE FROM slow; SELECT pg_advisory_lock(7)").unwrap();
    let mut writer = server.connect("captured");
    let writer_pid = value(&mut writer, "SELECT pg_backend_pid()");
    std::thread::scope(|scope| {
        let undoing = scope.spawn(|| undo(&mut own, None).unwrap());
        let waits = |what: &str| format!("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND {what}");
        until(&mut holder, &waits("wait_event = 'advisory'"), "1");
        let writing = scope.spawn(|| writer.batch_execute("INSERT INTO users (name) VALUES ('meanwhile')").unwrap());
        let done =
            format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {writer_pid} AND (state = 'idle' OR wait_event_type = 'Lock')");
        until(&mut holder, &done, "1");
        holder.batch_execute("SELECT pg_advisory_unlock(7)").unwrap();
        assert!(matches!(undoing.join().unwrap(), Undone::Rows { .. }));
        writing.join().unwrap();
    });
    let delta = read(&mut own).unwrap().delta().unwrap();
    assert_eq!(delta.delta_rows(), 1, "the row that is there is in the delta");
    undone(&mut own, 1);
    assert_same(&content(&mut own), &start, "the second undo");
}

/// Asks until the answer comes.
fn until(client: &mut Client, sql: &str, expected: &str) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while value(client, sql) != expected {
        assert!(std::time::Instant::now() < deadline, "{sql}");
        std::thread::yield_now();
    }
}

/// TRUNCATE … RESTART IDENTITY locks its sequences until its transaction ends, which may be that of the one who asks for the delta.
#[test]
fn a_sequence_that_is_being_restarted_is_not_waited_for() {
    let Some(server) = Server::start() else { return };
    let mut own = captured(&server);
    let mut client = server.connect("captured");
    client
        .batch_execute("UPDATE users SET name = 'x' WHERE id = 1; SELECT nextval('down')")
        .unwrap();
    client.batch_execute("BEGIN; TRUNCATE users RESTART IDENTITY").unwrap();
    own.batch_execute("SET lock_timeout = '10ms'").unwrap();
    let state = read(&mut own).unwrap();
    assert_eq!(state.delta().unwrap().delta_rows(), 1);
    let names: Vec<_> = state.sequences.iter().map(|sequence| sequence.name.as_str()).collect();
    assert_eq!(names, ["down"]);
}

#[test]
fn rows_changed_behind_the_log_are_found_out() {
    let Some(server) = Server::start() else { return };
    let mut own = captured(&server);
    let mut client = server.connect("captured");
    client
        .batch_execute("UPDATE users SET name = 'x' WHERE id = 1; SET pg_mori.undo = 'on'; UPDATE users SET name = 'y' WHERE id = 1")
        .unwrap();
    let Undone::Coarse { reason } = undo(&mut own, None).unwrap() else {
        panic!("put back")
    };
    assert_eq!(reason, "rows of public.users are not as they were logged");
    assert_eq!(value(&mut own, "SELECT name FROM users WHERE id = 1"), "y");
}

#[test]
fn a_crash_leaves_what_was_committed() {
    let Some(server) = Server::start() else { return };
    let mut own = captured(&server);
    let mut client = server.connect("captured");
    let start = content(&mut own);
    client
        .batch_execute("SET synchronous_commit = on; UPDATE users SET name = 'committed' WHERE id = 1")
        .unwrap();
    client
        .batch_execute("BEGIN; DELETE FROM users; SAVEPOINT s; INSERT INTO users VALUES (500); CREATE TABLE lost (id int)")
        .unwrap();
    let pid = value(&mut client, "SELECT pg_backend_pid()");
    assert!(std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    // The other sessions end when the server notices.
    while own.is_valid(std::time::Duration::from_secs(1)).is_ok() {}
    let mut own = server.connect_after_crash("captured");
    let delta = read(&mut own).unwrap().delta().unwrap();
    assert_eq!((delta.delta_rows(), delta.tombstones()), (1, 0));
    // The crash has emptied the unlogged table, which no log tells.
    coarse(&mut own, "crash recovery emptied the unlogged tables");
    own.batch_execute(
        "SELECT set_config('pg_mori.undo', 'on', false); INSERT INTO scratch VALUES (1); INSERT INTO pg_mori_alive DEFAULT VALUES",
    )
    .unwrap();
    undone(&mut own, 2);
    assert_same(&content(&mut own), &start, "after the crash");
}

/// A trigger sees a virtual generated column as NULL, a query does not.
#[test]
fn virtual_generated_columns_do_not_disturb() {
    let Some(server) = Server::start() else { return };
    if value(&mut server.connect("postgres"), "SHOW server_version_num")
        .parse::<u32>()
        .unwrap()
        < 180_000
    {
        return;
    }
    let schema = "CREATE TABLE keyed (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2), v text);
        CREATE TABLE nokey (a int, twice int GENERATED ALWAYS AS (a * 2)); INSERT INTO keyed (id, v) VALUES (1, 'a'), (2, 'b'); INSERT INTO nokey VALUES (1), (1)";
    let mut own = server.database("virtual", schema);
    install(&mut own).unwrap();
    let start = content(&mut own);
    for work in [
        "UPDATE keyed SET v = 'x'; DELETE FROM nokey",
        "TRUNCATE keyed, nokey",
        "INSERT INTO keyed VALUES (3); INSERT INTO nokey VALUES (1)",
    ] {
        server.connect("virtual").batch_execute(work).unwrap();
        assert!(!read(&mut own).unwrap().delta().unwrap().is_empty());
        assert!(matches!(undo(&mut own, None).unwrap(), Undone::Rows { .. }), "{work}");
        assert_same(&content(&mut own), &start, work);
    }
}
