//! What could stand in the way of an undo, and must not.

use super::support::{Server, assert_same, content};
use crate::postgres::capture::{Undone, install, is_coarse, mark, read, seal, undo};

const SCHEMA: &str = r#"
    CREATE SCHEMA app;
    CREATE TABLE app.guarded (id int PRIMARY KEY, v text);
    CREATE TABLE app.always (id int PRIMARY KEY, v text);
    CREATE TABLE app.replica (id int PRIMARY KEY, v text);
    CREATE TABLE app.ruled (id int PRIMARY KEY, v text);
    CREATE TABLE app.secret (id int PRIMARY KEY, v text);
    CREATE TABLE app.parent (id int PRIMARY KEY);
    CREATE TABLE app.child (id int PRIMARY KEY, parent int NOT NULL REFERENCES app.parent);
    CREATE TABLE app.checked (id int PRIMARY KEY, v text CHECK (v <> 'bad'));
    CREATE TABLE app.ident (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text, up text GENERATED ALWAYS AS (upper(v)) STORED);
    CREATE TABLE app.nulls (id int PRIMARY KEY, v text[]);
    CREATE TABLE app.wide ();
    CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF current_setting('application_name') <> 'client' THEN RAISE 'refused'; END IF; RETURN coalesce(NEW, OLD); END $$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON app.guarded FOR EACH ROW EXECUTE FUNCTION app.refuse();
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON app.always FOR EACH ROW EXECUTE FUNCTION app.refuse();
    ALTER TABLE app.always ENABLE ALWAYS TRIGGER refuse;
    CREATE TRIGGER refuse AFTER INSERT OR UPDATE OR DELETE ON app.replica FOR EACH STATEMENT EXECUTE FUNCTION app.refuse();
    ALTER TABLE app.replica ENABLE REPLICA TRIGGER refuse;
    CREATE RULE nothing AS ON DELETE TO app.ruled DO INSTEAD NOTHING;
    CREATE RULE nothing_new AS ON INSERT TO app.ruled WHERE NEW.v = 'ruled' DO INSTEAD NOTHING;
    ALTER TABLE app.ruled ENABLE ALWAYS RULE nothing;
    ALTER TABLE app.ruled ENABLE REPLICA RULE nothing_new;
    ALTER TABLE app.secret ENABLE ROW LEVEL SECURITY;
    ALTER TABLE app.secret FORCE ROW LEVEL SECURITY;
    CREATE FUNCTION app.no_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        IF current_setting('application_name') <> 'client' THEN RAISE 'no DDL here'; END IF; END $$;
    CREATE EVENT TRIGGER no_ddl ON ddl_command_start EXECUTE FUNCTION app.no_ddl();
    CREATE EVENT TRIGGER no_ddl_at_all ON ddl_command_end EXECUTE FUNCTION app.no_ddl();
    ALTER EVENT TRIGGER no_ddl_at_all ENABLE ALWAYS;
    SET session_replication_role = replica;
    INSERT INTO app.guarded SELECT g, 'guarded' FROM generate_series(1, 5) g;
    SET application_name = 'client';
    INSERT INTO app.always SELECT g, 'always' FROM generate_series(1, 5) g;
    INSERT INTO app.replica SELECT g, 'replica' FROM generate_series(1, 5) g;
    RESET session_replication_role;
    INSERT INTO app.ruled SELECT g, 'ruled' FROM generate_series(1, 5) g;
    INSERT INTO app.secret SELECT g, 'secret' FROM generate_series(1, 5) g;
    INSERT INTO app.parent SELECT g FROM generate_series(1, 5) g;
    INSERT INTO app.child SELECT g, g FROM generate_series(1, 5) g;
    INSERT INTO app.checked VALUES (1, 'good');
    INSERT INTO app.ident (v) VALUES ('a'), ('b');
    INSERT INTO app.nulls VALUES (1, ARRAY[NULL, 'NULL', 'x']);
    INSERT INTO app.wide DEFAULT VALUES;
    ALTER DATABASE stubborn SET default_transaction_read_only = on;
    ALTER DATABASE stubborn SET default_transaction_isolation = serializable;
    ALTER DATABASE stubborn SET statement_timeout = '30';
    ALTER DATABASE stubborn SET "DateStyle" = 'German';
    ALTER DATABASE stubborn SET search_path = app;
    ALTER DATABASE stubborn SET array_nulls = off;
    ALTER DATABASE stubborn SET standard_conforming_strings = off;
    ALTER DATABASE stubborn SET plpgsql.variable_conflict = use_column;
    ALTER DATABASE stubborn SET check_function_bodies = off;
    ALTER DATABASE stubborn SET row_security = off;
    ALTER DATABASE stubborn SET quote_all_identifiers = on;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO pg_monitor;
"#;

const WORK: &str = "
    UPDATE app.guarded SET v = 'x' WHERE id < 3; DELETE FROM app.guarded WHERE id = 4;
    UPDATE app.always SET v = 'x' WHERE id < 3; DELETE FROM app.always WHERE id = 4; INSERT INTO app.always VALUES (9);
    UPDATE app.replica SET v = 'x' WHERE id < 3; DELETE FROM app.replica WHERE id = 4; INSERT INTO app.replica VALUES (9);
    UPDATE app.ruled SET v = 'x' WHERE id < 3; INSERT INTO app.ruled VALUES (9, 'y');
    UPDATE app.secret SET v = 'x' WHERE id < 3; DELETE FROM app.secret WHERE id = 4;
    DELETE FROM app.child WHERE id = 2; DELETE FROM app.parent WHERE id = 2; INSERT INTO app.parent VALUES (7); INSERT INTO app.child VALUES (7, 7);
    UPDATE app.checked SET v = 'better';
    DELETE FROM app.ident WHERE id = 1; INSERT INTO app.ident (v) VALUES ('c'); UPDATE app.ident SET v = 'bb' WHERE v = 'b';
    DELETE FROM app.nulls;
    DELETE FROM app.wide; INSERT INTO app.wide DEFAULT VALUES; INSERT INTO app.wide DEFAULT VALUES;
";

#[test]
fn nothing_of_the_client_stands_in_the_way() {
    let Some(server) = Server::start() else { return };
    let mut setup = server.connect("postgres");
    setup.batch_execute("CREATE DATABASE stubborn").unwrap();
    server.connect("stubborn").batch_execute(SCHEMA).unwrap();
    let mut own = server.connect("stubborn");
    // For the look at the content; the capture's own functions do without.
    let relax = "SET statement_timeout = 0";
    own.batch_execute(relax).unwrap();
    install(&mut own).unwrap();
    // A second time is only a seal.
    install(&mut own).unwrap();
    let start = content(&mut own);
    for round in 0..3 {
        let mut client = server.connect("stubborn");
        for sql in [
            "SET statement_timeout = 0",
            "SET application_name = 'client'",
            "SET default_transaction_read_only = off",
            WORK,
        ] {
            client.batch_execute(sql).unwrap();
        }
        assert!(read(&mut own).unwrap().delta().unwrap().tables.len() >= 9);
        let mut fresh = server.connect("stubborn");
        if round == 2 {
            let marked = mark(&mut fresh).unwrap();
            let middle = content(&mut own);
            client.batch_execute("UPDATE app.always SET v = v || '!'").unwrap();
            assert!(matches!(undo(&mut fresh, Some(&marked)).unwrap(), Undone::Rows { tables: 1, .. }));
            assert_same(&content(&mut own), &middle, "to the mark");
        }
        let outcome = undo(&mut fresh, None).unwrap();
        assert!(matches!(outcome, Undone::Rows { .. }), "{outcome:?}");
        assert_same(&content(&mut own), &start, "undone");
    }
    // The triggers, rules and event triggers are as they were.
    let modes = "SELECT (SELECT string_agg(tgenabled, '' ORDER BY tgrelid) FROM pg_trigger WHERE tgname = 'refuse') ||
        (SELECT string_agg(ev_enabled, '' ORDER BY rulename) FROM pg_rewrite WHERE rulename ~ '^nothing') || (SELECT string_agg(evtenabled, '' ORDER BY evtname) FROM pg_event_trigger WHERE evtname ~ '^no_')";
    assert_eq!(super::support::value(&mut own, modes), "OARAROA");
    assert!(!is_coarse(&mut own).unwrap());
    seal(&mut own).unwrap();
}

/// A row that was valid once and would not be now makes the lane coarse, not wrong.
#[test]
fn a_row_that_is_no_longer_valid_makes_the_lane_coarse() {
    let Some(server) = Server::start() else { return };
    let schema = "CREATE TABLE events (id int PRIMARY KEY, at timestamptz CHECK (at > clock_timestamp()));
        INSERT INTO events VALUES (1, clock_timestamp() + interval '200 milliseconds')";
    let mut own = server.database("timed", schema);
    install(&mut own).unwrap();
    while super::support::value(&mut own, "SELECT at < clock_timestamp() FROM events") != "t" {}
    own.batch_execute("DELETE FROM events").unwrap();
    let Undone::Coarse { reason } = undo(&mut own, None).unwrap() else {
        panic!("put back")
    };
    assert!(reason.contains("violates check constraint"), "{reason}");
    assert_eq!(super::support::value(&mut own, "SELECT count(*) FROM events"), "0");
}

/// A prepared transaction outlives the connection it was made in: its locks and rows are not for the next user of the lane.
#[test]
fn a_prepared_transaction_makes_the_lane_coarse() {
    let Some(server) = Server::start() else { return };
    let mut own = server.database(
        "two_phases",
        "CREATE TABLE notes (id int PRIMARY KEY); INSERT INTO notes VALUES (1)",
    );
    install(&mut own).unwrap();
    let mut client = server.connect("two_phases");
    for sql in ["BEGIN", "SELECT FROM notes", "PREPARE TRANSACTION 'left behind'"] {
        client.batch_execute(sql).unwrap();
    }
    drop(client);
    let Undone::Coarse { reason } = undo(&mut own, None).unwrap() else {
        panic!("put back")
    };
    assert_eq!(reason, "prepared transaction left behind");
    assert!(is_coarse(&mut own).unwrap());
    own.batch_execute("ROLLBACK PREPARED 'left behind'").unwrap();
    assert!(!is_coarse(&mut own).unwrap());
}
