//! What a client can notice: the same statements on a database with the capture and on one without, answer for answer.

use super::support::{Server, binaries, rows, value};
use crate::postgres::capture::{Counts, counts, install, is_coarse};
use postgres::{Client, SimpleQueryMessage};
use std::process::Command;

const SCHEMA: &str = "
    CREATE TABLE users (id serial PRIMARY KEY, name text UNIQUE, born date);
    CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users DEFERRABLE INITIALLY DEFERRED, note text);
    CREATE TABLE lonely (id int PRIMARY KEY, v text);
    CREATE TABLE part (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
    CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
    CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (10) TO (20);
    CREATE TABLE depths (depth int, found bool);
    CREATE VIEW names AS SELECT id, name FROM users;
    CREATE FUNCTION note_depth() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO depths VALUES (pg_trigger_depth(), FOUND); RETURN NULL; END $$;
    CREATE TRIGGER note_depth AFTER INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note_depth();
    INSERT INTO users (name) SELECT 'user ' || g FROM generate_series(1, 5) g;
    INSERT INTO orders SELECT g, g FROM generate_series(1, 5) g;
    INSERT INTO lonely SELECT g FROM generate_series(1, 5) g;
    INSERT INTO part SELECT g FROM generate_series(0, 15) g;
    COMMIT;
    DO $$ DECLARE t regclass; BEGIN
        FOR t IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p', 'v') AND relnamespace = 'public'::regnamespace LOOP
            EXECUTE format('ALTER TABLE %s OWNER TO app', t);
        END LOOP;
    END $$;
    GRANT ALL ON SCHEMA public TO app;
    GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app;
    ALTER SEQUENCE users_id_seq OWNED BY NONE;
";

/// Two databases that differ in the capture alone, with a connection of `user` each.
struct Pair {
    server: Server,
    clients: [Client; 2],
}

impl Pair {
    fn start(user: &str) -> Option<Pair> {
        let server = Server::start()?;
        server.connect("postgres").batch_execute("CREATE ROLE app LOGIN").unwrap();
        server
            .database("plain", SCHEMA)
            .batch_execute("GRANT CREATE ON DATABASE plain TO app")
            .unwrap();
        let mut captured = server.database("captured", SCHEMA);
        captured.batch_execute("GRANT CREATE ON DATABASE captured TO app").unwrap();
        install(&mut captured).unwrap();
        let clients = ["plain", "captured"].map(|name| server.connect_as(user, name));
        Some(Pair { server, clients })
    }

    /// Runs the statements on both sides; they must answer the same.
    #[track_caller]
    fn same(&mut self, statements: &[&str]) {
        for sql in statements {
            let [plain, captured] = self.clients.each_mut().map(|client| answer(client, sql));
            assert_eq!(captured, plain, "{sql}");
        }
    }
}

/// All that a statement answers: rows, counts, or the error with all its fields.
fn answer(client: &mut Client, sql: &str) -> Vec<String> {
    match client.simple_query(sql) {
        Ok(messages) => messages
            .iter()
            .map(|message| match message {
                SimpleQueryMessage::Row(row) => format!("{:?}", (0..row.len()).map(|index| row.get(index)).collect::<Vec<_>>()),
                SimpleQueryMessage::CommandComplete(count) => format!("done {count}"),
                _ => "columns".to_owned(),
            })
            .collect(),
        Err(error) => {
            let error = error.as_db_error().expect("the server's error");
            // Constraint triggers have their oid in their name.
            let message = error.message().replace(|character: char| character.is_ascii_digit(), "");
            let fields = (
                error.code(),
                message,
                error.detail(),
                error.hint(),
                error.table(),
                error.constraint(),
                error.where_(),
            );
            vec![format!("{fields:?}")]
        }
    }
}

/// What psql asks for `\d`, in version 15.
const DESCRIBE: &str = "SELECT t.tgname, pg_get_triggerdef(t.oid, true), t.tgenabled, t.tgisinternal FROM pg_trigger t WHERE t.tgrelid = 'lonely'::regclass
    AND (NOT t.tgisinternal OR (t.tgisinternal AND t.tgenabled = 'D') OR EXISTS (SELECT 1 FROM pg_depend WHERE objid = t.oid AND refclassid = 'pg_trigger'::regclass))";

const DML: &[&str] = &[
    "INSERT INTO users (name) VALUES ('a'), ('b') RETURNING id, name",
    "SELECT lastval(), currval('users_id_seq')",
    "INSERT INTO users (name) VALUES ('a') ON CONFLICT (name) DO UPDATE SET born = '2000-01-01' RETURNING id, born, xmax = 0",
    "INSERT INTO users (name) VALUES ('a') ON CONFLICT DO NOTHING",
    "INSERT INTO users (name) VALUES ('a')",
    "UPDATE users SET name = name || '!' WHERE id < 3 RETURNING *",
    "WITH gone AS (DELETE FROM lonely WHERE id = 1 RETURNING *) INSERT INTO lonely SELECT id + 100 FROM gone RETURNING id",
    "MERGE INTO lonely l USING (VALUES (2), (77)) v (id) ON l.id = v.id WHEN MATCHED THEN UPDATE SET v = 'm' WHEN NOT MATCHED THEN INSERT VALUES (v.id)",
    "UPDATE part SET k = k + 10 WHERE k IN (1, 2) RETURNING tableoid::regclass, k",
    "UPDATE part SET k = k + 10 WHERE k = 3 RETURNING tableoid::regclass, k",
    "UPDATE names SET name = 'view' WHERE id = 4 RETURNING *",
    "SELECT * FROM depths",
    "DO $$ DECLARE n int; BEGIN UPDATE lonely SET v = 'x' WHERE id = -1; IF FOUND THEN RAISE 'found'; END IF;
        UPDATE lonely SET v = 'x'; GET DIAGNOSTICS n = ROW_COUNT; RAISE '%', n; END $$",
    "BEGIN",
    "INSERT INTO orders VALUES (50, 500)",
    "SET CONSTRAINTS ALL IMMEDIATE",
    "ROLLBACK",
    "BEGIN",
    "INSERT INTO orders VALUES (50, 500)",
    "COMMIT",
    "BEGIN",
    "INSERT INTO orders VALUES (50, 500)",
    "ALTER TABLE orders ADD COLUMN more int",
    "ROLLBACK",
    "BEGIN",
    "INSERT INTO lonely VALUES (50)",
    "ALTER TABLE lonely ADD COLUMN more int",
    "SELECT * FROM lonely WHERE id = 50",
    "ROLLBACK",
    "DELETE FROM users WHERE id = 2",
    "DELETE FROM orders WHERE user_id = 2",
    "DELETE FROM users WHERE id = 2",
    "BEGIN READ ONLY",
    "INSERT INTO lonely VALUES (51)",
    "ROLLBACK",
    "BEGIN",
    "INSERT INTO lonely VALUES (52)",
    "SET TRANSACTION READ ONLY",
    "INSERT INTO lonely VALUES (53)",
    "COMMIT",
    "BEGIN",
    "DECLARE c CURSOR FOR SELECT * FROM lonely ORDER BY id FOR UPDATE",
    "FETCH 2 FROM c",
    "UPDATE lonely SET v = 'current' WHERE CURRENT OF c",
    "DELETE FROM lonely WHERE CURRENT OF c",
    "FETCH c",
    "COMMIT",
    "SELECT * FROM lonely ORDER BY id",
    "TRUNCATE users",
    "TRUNCATE users CASCADE",
    "TRUNCATE part_1, lonely RESTART IDENTITY",
    "SELECT count(*) FROM part",
    "SELECT * FROM pg_mori_log",
    "TRUNCATE users RESTART IDENTITY CASCADE",
    "SELECT txid_current_if_assigned() IS NULL",
];

const DDL: &[&str] = &[
    "ALTER TABLE lonely DISABLE TRIGGER USER",
    "ALTER TABLE lonely ENABLE TRIGGER USER",
    "ALTER TABLE users DISABLE TRIGGER ALL",
    "BEGIN",
    "TRUNCATE lonely",
    "COPY lonely (id) FROM PROGRAM 'echo 61' (FREEZE)",
    "SELECT * FROM lonely",
    "COMMIT",
    "ALTER TABLE lonely ADD COLUMN extra timestamptz DEFAULT '2026-01-01', ALTER COLUMN v TYPE varchar(20)",
    "INSERT INTO lonely VALUES (60)",
    "ALTER TABLE lonely DROP COLUMN v",
    "ALTER TABLE lonely RENAME COLUMN extra TO other",
    "ALTER TABLE lonely ALTER COLUMN other TYPE text",
    "UPDATE lonely SET other = 'text' RETURNING *",
    "ALTER TABLE lonely RENAME TO alone",
    "ALTER TABLE alone SET UNLOGGED",
    "ALTER TABLE alone SET LOGGED",
    "CREATE SCHEMA more",
    "ALTER TABLE alone SET SCHEMA more",
    "CLUSTER more.alone USING lonely_pkey",
    "ALTER TABLE more.alone CLUSTER ON lonely_pkey",
    "CREATE TABLE copied (LIKE more.alone INCLUDING ALL)",
    "SELECT tgname FROM pg_trigger WHERE tgrelid = 'copied'::regclass AND NOT tgisinternal",
    "ALTER TABLE part DETACH PARTITION part_2",
    "UPDATE part_2 SET v = 'alone'",
    "ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES FROM (10) TO (20)",
    "CREATE TRIGGER whole AFTER INSERT ON part FOR EACH ROW EXECUTE FUNCTION note_depth()",
    "INSERT INTO part VALUES (9), (19)",
    "ALTER TABLE part DISABLE TRIGGER whole",
    "ALTER TABLE part_1 ENABLE TRIGGER whole",
    "DROP TRIGGER whole ON part",
    "CREATE TABLE kid () INHERITS (copied)",
    "ALTER TABLE kid NO INHERIT copied",
    "ALTER TABLE kid INHERIT copied",
    "DROP TABLE copied",
    "DROP TABLE copied CASCADE",
    "CREATE INDEX CONCURRENTLY ON orders (note)",
    "REINDEX TABLE CONCURRENTLY orders",
    "VACUUM FULL orders",
    "ALTER TABLE orders REPLICA IDENTITY FULL",
    "CREATE TABLE selected AS SELECT g FROM generate_series(1, 3) g",
    "SELECT g INTO selected_too FROM generate_series(1, 3) g",
    "BEGIN",
    "CREATE TABLE frozen (a int)",
    "COPY frozen FROM PROGRAM 'echo 1' (FREEZE)",
    "COMMIT",
    "BEGIN",
    "TRUNCATE orders",
    "ALTER TABLE orders ALTER COLUMN note SET NOT NULL",
    "COMMIT",
    "CREATE TEMP TABLE passing (a int)",
    "INSERT INTO passing VALUES (1)",
    "DROP TABLE passing",
    "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
    "DROP TABLE users",
    "DROP TABLE users CASCADE",
    "DROP SCHEMA more CASCADE",
    "DROP TABLE part",
    "CREATE TABLE to_view (a int)",
    "ALTER TABLE orders DISABLE TRIGGER ALL",
    "ALTER TABLE orders ENABLE TRIGGER ALL",
    "ALTER TABLE orders ENABLE REPLICA TRIGGER ALL",
    "DROP TRIGGER pg_mori_capture ON absent",
    "DROP OWNED BY app",
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1",
];

const CATALOGS: &[&str] = &[
    DESCRIBE,
    "SELECT trigger_name, event_object_table FROM information_schema.triggers ORDER BY 1, 2",
    "SELECT nspname FROM pg_namespace ORDER BY 1",
    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2",
    "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2",
    "SELECT relname FROM pg_stat_user_tables ORDER BY 1",
    "SELECT relname, relhasrules, relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
    "SELECT routine_name FROM information_schema.routines WHERE routine_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
    "SELECT extname, extversion FROM pg_extension ORDER BY 1",
    "EXPLAIN (COSTS OFF) UPDATE users SET name = 'x' WHERE id = 1",
];

#[test]
fn statements_answer_the_same_for_a_superuser() {
    let Some(mut pair) = Pair::start("postgres") else { return };
    pair.same(CATALOGS);
    let log_is_theirs = |sql: &&&str| !sql.contains("pg_mori_log");
    let dml: Vec<&str> = DML.iter().filter(log_is_theirs).copied().collect();
    pair.same(&dml);
    pair.same(&[
        "SET session_replication_role = replica",
        "INSERT INTO orders VALUES (90, 900)",
        "DELETE FROM orders WHERE id = 90",
        "RESET session_replication_role",
    ]);
    pair.same(&[
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "SELECT count(*) FROM orders",
        "INSERT INTO lonely VALUES (901)",
        "COMMIT",
    ]);
    pair.same(DDL);
}

#[test]
fn statements_answer_the_same_for_an_owner_who_is_no_superuser() {
    let Some(mut pair) = Pair::start("app") else { return };
    pair.same(CATALOGS);
    // That the log exists at all is told to one who asks for it by name.
    let log_is_theirs = |sql: &&&str| !sql.contains("pg_mori_log");
    let dml: Vec<&str> = DML.iter().filter(log_is_theirs).copied().collect();
    pair.same(&dml);
    let [_, captured] = &mut pair.clients;
    assert!(answer(captured, "SELECT * FROM pg_mori_log")[0].contains("permission denied"));
    for sql in [
        "INSERT INTO pg_mori_log VALUES ('1', 1)",
        "TRUNCATE pg_mori_log",
        "SELECT pg_mori_seal()",
        "SELECT * FROM pg_mori_undo(NULL, NULL, NULL, NULL)",
    ] {
        assert!(captured.batch_execute(sql).is_err(), "{sql}");
    }
    pair.same(&[
        "ALTER TABLE lonely DISABLE TRIGGER ALL",
        "alter table only public.\"lonely\" enable trigger all",
        "BEGIN",
        "ALTER TABLE part DISABLE TRIGGER ALL",
        "INSERT INTO part VALUES (7)",
        "ALTER TABLE lonely DISABLE TRIGGER ALL; ALTER TABLE part_1 ENABLE TRIGGER ALL",
        "COMMIT",
        "DO $$ BEGIN EXECUTE 'ALTER TABLE public.' || 'lonely DISABLE TRIGGER ALL'; END $$",
        "CREATE TABLE unrelated ()",
    ]);
    pair.same(CATALOGS);
    let mut own = pair.server.connect("captured");
    assert_eq!(
        value(
            &mut own,
            "SELECT count(*) FROM pg_trigger WHERE tgname ~ 'pg_mori' AND (NOT tgisinternal OR tgenabled <> 'A') AND tgrelid >= 16384
        AND tgrelid <> 'pg_mori_template'::regclass"
        ),
        "0"
    );
    pair.same(DDL);
}

/// Serializable transactions that touch different tables do not meet in the log.
#[test]
fn the_log_raises_no_serialization_failures() {
    let Some(server) = Server::start() else { return };
    server.connect("postgres").batch_execute("CREATE ROLE app LOGIN").unwrap();
    let mut own = server.database("captured", SCHEMA);
    install(&mut own).unwrap();
    let mut clients = [server.connect("captured"), server.connect("captured"), server.connect("captured")];
    for (index, client) in clients.iter_mut().enumerate() {
        client.batch_execute("BEGIN ISOLATION LEVEL SERIALIZABLE").unwrap();
        client
            .batch_execute(
                [
                    "SELECT * FROM orders WHERE id = 1",
                    "SELECT * FROM part WHERE k = 1",
                    "SELECT * FROM lonely WHERE id = 1",
                ][index],
            )
            .unwrap();
    }
    for (index, client) in clients.iter_mut().enumerate() {
        client
            .batch_execute(
                [
                    "INSERT INTO depths VALUES (1)",
                    "INSERT INTO depths VALUES (2)",
                    "INSERT INTO depths VALUES (3)",
                ][index],
            )
            .unwrap();
    }
    own.batch_execute("SET default_transaction_isolation = serializable").unwrap();
    assert_eq!(counts(&mut own).unwrap(), Counts::default());
    assert!(!is_coarse(&mut own).unwrap());
    for client in &mut clients {
        client.batch_execute("COMMIT").unwrap();
    }
    assert_eq!(counts(&mut own).unwrap().delta_rows, 3);
}

#[test]
fn a_dump_has_nothing_of_the_capture() {
    let Some(mut pair) = Pair::start("postgres") else { return };
    pair.clients[1].batch_execute("INSERT INTO lonely VALUES (800)").unwrap();
    pair.clients[0].batch_execute("INSERT INTO lonely VALUES (800)").unwrap();
    let Some(program) = binaries().map(|folder| folder.join("pg_dump")).filter(|program| program.is_file()) else {
        return;
    };
    let dump = |database: &str| {
        let mut command = Command::new(&program);
        let output = command
            .args(["-U", "postgres", "-h"])
            .arg(pair.server.folder())
            .arg(database)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Each dump has a key of its own against injected meta-commands.
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let (plain, captured) = (dump("plain"), dump("captured"));
    assert!(plain.contains("CREATE TABLE public.lonely"));
    assert_eq!(captured, plain);
}

/// The differences that there are.
#[test]
fn what_a_client_can_still_notice() {
    let Some(mut pair) = Pair::start("postgres") else { return };
    let [_, captured] = &mut pair.clients;
    // The line of EXPLAIN ANALYZE that every row trigger has.
    let plan = rows(
        captured,
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) INSERT INTO lonely VALUES (700)",
    );
    let triggers: Vec<_> = plan
        .iter()
        .flatten()
        .flatten()
        .filter(|line| line.starts_with("Trigger "))
        .collect();
    assert_eq!(triggers, ["Trigger pg_mori_capture: calls=1"]);
    // The event triggers, in their catalog.
    assert_eq!(
        value(captured, "SELECT string_agg(evtname, ' ' ORDER BY evtname) FROM pg_event_trigger"),
        "pg_mori_before_ddl pg_mori_on_ddl pg_mori_on_drop"
    );
    // An event trigger of the client that lists what a DROP takes along.
    captured
        .batch_execute(
            "CREATE TABLE dropped (what text);
             CREATE FUNCTION on_drop() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
                 INSERT INTO dropped SELECT object_identity FROM pg_event_trigger_dropped_objects() WHERE object_type = 'trigger'; END $$;
             CREATE EVENT TRIGGER on_drop ON sql_drop EXECUTE FUNCTION on_drop();
             DROP TABLE lonely",
        )
        .unwrap();
    assert_eq!(value(captured, "SELECT count(*) FROM dropped"), "2");
    // Who drops the trigger by its name can do so. The lane is coarse then.
    captured.batch_execute("DROP EVENT TRIGGER on_drop").unwrap();
    captured.batch_execute("SELECT pg_mori_seal()").unwrap();
    assert!(!is_coarse(captured).unwrap());
    captured.batch_execute("DROP TRIGGER pg_mori_capture ON orders").unwrap();
    assert!(is_coarse(captured).unwrap());
}
