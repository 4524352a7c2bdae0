//! A PostgreSQL server of a test's own, and the little of its protocol that simple queries need: the drivers hide command tags.

use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub struct Server {
    bin: PathBuf,
    folder: tempfile::TempDir,
    owner: Option<(u32, u32)>,
    /// Stops the server when the test ends, however it ends.
    guard: Option<Child>,
}

impl Server {
    /// `None` where PostgreSQL is not installed.
    pub fn start() -> Option<Server> {
        let bin = binaries()?;
        let folder = tempfile::tempdir().unwrap();
        let owner = owner();
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let mut server = Server {
            bin,
            folder,
            owner,
            guard: None,
        };
        let data = server.path("data");
        let initdb = format!("-D {data} -U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions");
        server.run("initdb", &initdb.split(' ').collect::<Vec<_>>());
        let options = format!(
            "-c listen_addresses= -c unix_socket_directories={} -c fsync=off -c autovacuum=off -c max_prepared_transactions=0 -c wal_level=logical",
            server.path("")
        );
        server.run(
            "pg_ctl",
            &["-D", &data, "-w", "-s", "-l", &server.path("log"), "-o", &options, "start"],
        );
        server.guard = Some(server.guard(&data));
        Some(server)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.bin.join(program);
        let status = self.command(&program).args(arguments).stdin(Stdio::null()).status().unwrap();
        assert!(status.success(), "{}", program.display());
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).stdout(Stdio::null());
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    /// Waits for the end of its input, which the end of this process is as well.
    fn guard(&self, data: &str) -> Child {
        let mut shell = self.command(Path::new("/bin/sh"));
        shell.args(["-c", "trap '' INT TERM HUP; read -r _; exec \"$0\" -D \"$1\" -s -m immediate stop"]);
        shell.arg(self.bin.join("pg_ctl")).arg(data).stdin(Stdio::piped()).spawn().unwrap()
    }

    pub fn connect(&self) -> Connection {
        let stream = UnixStream::connect(self.path(".s.PGSQL.5432")).unwrap();
        let mut connection = Connection { stream };
        let parameters = b"user\0postgres\0database\0postgres\0\0";
        let len = u32::try_from(8 + parameters.len()).unwrap();
        connection.stream.write_all(&len.to_be_bytes()).unwrap();
        connection.stream.write_all(&196_608_u32.to_be_bytes()).unwrap();
        connection.stream.write_all(parameters).unwrap();
        assert_eq!(connection.answer().error, None);
        connection
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(guard) = &mut self.guard {
            drop(guard.stdin.take());
            let _ = guard.wait();
        }
    }
}

/// The folder with the server's programs: one of PATH, or Debian's newest.
fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut installed: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    installed.sort();
    folders.extend(installed.into_iter().rev());
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// The user to run as, where we are root: the server refuses to be.
fn owner() -> Option<(u32, u32)> {
    (std::fs::metadata(Path::new("/proc/self")).ok()?.uid() == 0).then_some(())?;
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let user = |name: &str| {
        let fields: Vec<&str> = users
            .lines()
            .find(|line| line.starts_with(&format!("{name}:")))?
            .split(':')
            .collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    user("postgres").or_else(|| user("nobody"))
}

pub struct Connection {
    stream: UnixStream,
}

#[derive(Debug, Default)]
pub struct Answer {
    /// Without the counts.
    pub tags: Vec<String>,
    /// The first columns of the rows.
    pub values: Vec<String>,
    pub error: Option<String>,
}

impl Connection {
    pub fn query(&mut self, sql: &str) -> Answer {
        let body = [sql.as_bytes(), b"\0"].concat();
        self.send(b'Q', &body);
        self.answer()
    }

    #[track_caller]
    pub fn succeed(&mut self, sql: &str) -> Answer {
        let answer = self.query(sql);
        assert_eq!(answer.error, None, "{sql}");
        answer
    }

    fn send(&mut self, tag: u8, body: &[u8]) {
        let len = u32::try_from(4 + body.len()).unwrap();
        self.stream.write_all(&[&[tag], &len.to_be_bytes()[..], body].concat()).unwrap();
    }

    /// All up to ReadyForQuery. A COPY FROM STDIN gets no rows.
    fn answer(&mut self) -> Answer {
        let mut answer = Answer::default();
        loop {
            let mut head = [0; 5];
            self.stream.read_exact(&mut head).unwrap();
            let len = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
            let mut body = vec![0; usize::try_from(len - 4).unwrap()];
            self.stream.read_exact(&mut body).unwrap();
            match head[0] {
                b'Z' => return answer,
                b'C' => answer.tags.push(tag(&body)),
                b'D' => answer.values.extend(first_column(&body)),
                b'E' => answer.error = Some(String::from_utf8_lossy(&body).replace('\0', " ")),
                b'G' => self.send(b'c', b""),
                _ => {}
            }
        }
    }
}

fn tag(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len() - 1]);
    let words: Vec<&str> = text.split(' ').filter(|word| word.parse::<u64>().is_err()).collect();
    words.join(" ")
}

fn first_column(body: &[u8]) -> Option<String> {
    let len = i32::from_be_bytes(body.get(2..6)?.try_into().ok()?);
    let len = usize::try_from(len).ok()?;
    Some(String::from_utf8_lossy(&body[6..6 + len]).into_owned())
}
