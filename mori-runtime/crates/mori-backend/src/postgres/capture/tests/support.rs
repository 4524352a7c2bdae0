//! A server of the machine's PostgreSQL for one test, and a look at a database's content that shares nothing with the capture.

use postgres::{Client, Config, NoTls, SimpleQueryMessage};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server; ends with the value.
pub struct Server {
    process: Child,
    folder: tempfile::TempDir,
    major: u32,
}

/// The folder of `initdb` and `postgres`: the one that `MORI_TEST_POSTGRES` names, or that of the newest version that is installed.
pub fn binaries() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("MORI_TEST_POSTGRES") {
        return Some(folder.into());
    }
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"));
    let found = versions.filter(|folder| folder.join("initdb").is_file()).max();
    found.or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
    })
}

impl Server {
    /// Starts a server with an empty cluster; `None`, with a line that says so, where PostgreSQL is not installed.
    pub fn start() -> Option<Server> {
        let Some(binaries) = binaries() else {
            println!("skipped: PostgreSQL is not installed");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("mori-pg").tempdir_in("/tmp").unwrap();
        let command = |name: &str| {
            let mut command = Command::new(binaries.join(name));
            command.current_dir(folder.path()).env("LC_ALL", "C").stdout(Stdio::null());
            // The server refuses to run as root.
            if fs::metadata(folder.path()).unwrap().uid() == 0 || is_root() {
                let (user, group) = unprivileged();
                chown(folder.path(), Some(user), Some(group)).unwrap();
                command.uid(user).gid(group);
            }
            command
        };
        let data = folder.path().join("data");
        let options = [
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "--wal-segsize=1",
            "-D",
        ];
        assert!(command("initdb").args(options).arg(&data).status().unwrap().success());
        let settings = [
            "listen_addresses=",
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "max_connections=50",
            "max_prepared_transactions=2",
            "shared_buffers=32MB",
            "autovacuum=off",
            "wal_level=minimal",
            "max_wal_senders=0",
            "log_min_messages=fatal",
        ];
        let mut server = command("postgres");
        server.arg("-D").arg(&data).args(["-k".as_ref(), folder.path().as_os_str()]);
        server
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .stderr(Stdio::null());
        let major = fs::read_to_string(data.join("PG_VERSION")).unwrap().trim().parse().unwrap();
        if major < 13 {
            server.args(["-c", "allow_system_table_mods=on"]);
        }
        let process = server.spawn().unwrap();
        let server = Server { process, folder, major };
        server.until_up();
        Some(server)
    }

    pub fn major(&self) -> u32 {
        self.major
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn until_up(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(error) = self.try_connect("postgres", "postgres") {
            assert!(Instant::now() < deadline, "the server does not come up: {error}");
            std::thread::yield_now();
        }
    }

    /// A connection as soon as the server, which has crashed, takes one again.
    pub fn connect_after_crash(&self, database: &str) -> Client {
        self.until_up();
        self.connect(database)
    }

    fn try_connect(&self, user: &str, database: &str) -> Result<Client, postgres::Error> {
        Config::new()
            .host_path(self.folder.path())
            .user(user)
            .dbname(database)
            .connect(NoTls)
    }

    /// A connection of the superuser.
    pub fn connect(&self, database: &str) -> Client {
        self.connect_as("postgres", database)
    }

    pub fn connect_as(&self, user: &str, database: &str) -> Client {
        self.try_connect(user, database).unwrap()
    }

    /// A new database in which `schema` has been executed, and a connection of the superuser.
    pub fn database(&self, name: &str, schema: &str) -> Client {
        self.connect("postgres").batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        let mut client = self.connect(name);
        client.batch_execute(schema).unwrap();
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Immediate shutdown: the files are thrown away.
        let _ = Command::new("kill").args(["-QUIT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// The user and group of `postgres`, or of `nobody`.
fn unprivileged() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let mut fields = users
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?
            .split(':')
            .skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody")).expect("a user that is not root")
}

/// All rows of a query as text.
pub fn rows(client: &mut Client, sql: &str) -> Vec<Vec<Option<String>>> {
    let messages = client.simple_query(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|index| row.get(index).map(str::to_owned)).collect()),
        _ => None,
    });
    rows.collect()
}

/// The one value of a query.
pub fn value(client: &mut Client, sql: &str) -> String {
    rows(client, sql).swap_remove(0).swap_remove(0).unwrap_or_default()
}

/// A table's rows, by name of the table.
pub type Content = BTreeMap<String, Vec<String>>;

/// The whole content of a database: every table's rows as sorted texts, and every sequence, in one snapshot.
pub fn content(client: &mut Client) -> Content {
    client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL \"DateStyle\" = 'ISO'; SET LOCAL \"TimeZone\" = 'UTC'; SET LOCAL extra_float_digits = 3")
        .unwrap();
    let relations = "SELECT oid::regclass, relkind FROM pg_class WHERE relkind IN ('r', 'S', 'm') AND relpersistence <> 't'
        AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) ORDER BY 1";
    let mut content = Content::new();
    for relation in rows(client, relations) {
        let (name, kind) = (relation[0].clone().unwrap(), relation[1].clone().unwrap());
        let columns = if kind == "S" { "ROW(r.last_value, r.is_called)" } else { "r" };
        let mut lines: Vec<String> = rows(client, &format!("SELECT ({columns})::text FROM ONLY {name} r"))
            .into_iter()
            .map(|mut row| row.swap_remove(0).unwrap_or_default())
            .collect();
        lines.sort();
        content.insert(name, lines);
    }
    client.batch_execute("COMMIT").unwrap();
    content
}

/// Says where two contents differ, and fails.
#[track_caller]
pub fn assert_same(found: &Content, expected: &Content, context: &str) {
    for name in found.keys().chain(expected.keys()) {
        assert_eq!(found.get(name), expected.get(name), "{name}: {context}");
    }
}

/// A generator of numbers; the same seed gives the same numbers.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    pub fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len() as u64) as usize]
    }
}
