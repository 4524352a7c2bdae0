//! A small server of our own, on a Unix socket in a private folder.

use super::binaries::Binaries;
use super::client::Client;
use super::error::{RedisError, Result};
use crate::process::Supervisor;
use mori_wire::resp::command;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The user that our own connections log in as.
pub const ADMIN_USER: &str = "mori";

/// Loading a dump takes its time.
const START_WAIT: Duration = Duration::from_secs(120);
const STOP_WAIT: Duration = Duration::from_secs(10);
/// The previous server of a folder ends by itself when its owner does.
const PREDECESSOR_WAIT: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(1);
/// A Unix socket's path must fit in `sockaddr_un`.
const SOCKET_PATH_BYTES_MAX: usize = 100;
const SOCKET: &str = "redis.sock";
const PID_FILE: &str = "server.pid";
const CONFIG: &str = "redis.conf";

/// Commands that would connect the server to another: to prod, for one. They are not there, not even for scripts.
const ABSENT: [&str; 3] = ["MIGRATE", "REPLICAOF", "SLAVEOF"];

/// What clients may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whatever a client of prod may.
    Full,
    /// Read, by the server's own flags.
    ReadOnly,
}

/// What a server is to be.
#[derive(Clone, Debug)]
pub struct ServerOptions<'a> {
    /// Settings taken over from prod.
    pub settings: &'a [(String, String)],
    /// Users taken over from prod, as `ACL LIST` shows them.
    pub users: &'a [String],
    pub access: Access,
    /// What clients that are none of these users must know; nothing is asked of them where there is none.
    pub password: Option<&'a str>,
    /// Whether what is written is in the append-only file before it is answered.
    pub keeps_changes: bool,
}

/// A running server. Dropped, or if this process dies in whatever way, it ends.
///
/// It has no TCP port and keeps its socket in a folder that only we can enter. It does not wait for the disk: what it has acknowledged survives the death of
/// every process, but not the loss of power.
#[derive(Debug)]
pub struct Server {
    supervisor: Supervisor,
    dir: PathBuf,
    socket: PathBuf,
    own_folder: Option<PathBuf>,
    secret: String,
    major: u32,
    /// Clients are asked for a password.
    has_password: bool,
    /// Whether a connection can be made as it was at its beginning (`RESET`, since 6.2).
    has_reset: bool,
}

impl Server {
    /// Starts a server in `dir`, which holds its data, and waits until it has loaded them.
    ///
    /// Errors: `Start`, with the end of the log; `InUse` if another server is at work in the folder.
    pub fn start(binaries: &Binaries, dir: &Path, options: &ServerOptions<'_>) -> Result<Server> {
        let dir = dir.canonicalize().map_err(RedisError::io("open", dir))?;
        wait_for_predecessor(&dir)?;
        let (socket, own_folder) = socket_path(&dir)?;
        let secret = secret()?;
        let config = config(&dir, &socket, &secret, binaries.version.major, options);
        let path = dir.join(CONFIG);
        write_private(&path, &config).map_err(RedisError::io("write", &path))?;
        let log = dir.join("server.log");
        let mut command = Command::new(&binaries.program);
        command.arg(&path);
        let mut open = OpenOptions::new();
        open.write(true).create(true).truncate(true).mode(0o600);
        let supervisor = open
            .open(&log)
            .and_then(|log| Supervisor::start(&command, "KILL", own_folder.as_deref(), log, |_| {}))
            .map_err(RedisError::io("start a server with the log", &log))?;
        let server = Server {
            supervisor,
            dir,
            socket,
            own_folder,
            secret,
            major: binaries.version.major,
            has_password: options.password.is_some(),
            has_reset: (binaries.version.major, binaries.version.minor) >= (6, 2),
        };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&self) -> Result<()> {
        let deadline = Instant::now() + START_WAIT;
        loop {
            match self.connect() {
                Ok(mut client) => match client.ask(&["PING"]) {
                    Ok(_) => return Ok(()),
                    Err(RedisError::Server { message, .. }) if message.starts_with("LOADING") => {}
                    Err(error) => return Err(error),
                },
                Err(RedisError::Server { message, .. }) if !message.starts_with("LOADING") => return Err(self.start_error(&message)),
                Err(_) => {}
            }
            if !self.is_alive() {
                return Err(self.start_error("it ended"));
            }
            if Instant::now() > deadline {
                return Err(self.start_error(&format!("it does not answer after {} seconds", START_WAIT.as_secs())));
            }
            std::thread::sleep(STEP);
        }
    }

    fn start_error(&self, reason: &str) -> RedisError {
        let log = fs::read_to_string(self.dir.join("server.log")).unwrap_or_default();
        if log.contains("No space left on device") {
            return RedisError::DiskFull { path: self.dir.clone() };
        }
        let lines: Vec<&str> = log.lines().rev().take(8).collect();
        RedisError::Start {
            dir: self.dir.clone(),
            reason: reason.to_owned(),
            log: lines.into_iter().rev().collect::<Vec<_>>().join("\n"),
        }
    }

    pub fn socket_path(&self) -> &Path {
        &self.socket
    }

    /// Where its data are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A connection of our own, which may do everything.
    pub fn connect(&self) -> Result<Client> {
        let mut client = Client::new(UnixStream::connect(&self.socket)?).with_major(self.major);
        client.ask(&["AUTH", ADMIN_USER, &self.secret])?;
        // Looking at a key is not using it. Servers before 7.2 cannot tell.
        let _ = client.ask(&["CLIENT", "NO-TOUCH", "ON"]);
        let _ = client.ask(&["CLIENT", "SETNAME", ADMIN_USER]);
        Ok(client)
    }

    /// A connection for a client, and the server's number of it. With the number the server is known to have accepted it, so that it can be ended; a server
    /// that asks for a password and has no `RESET` does not tell.
    pub fn connect_client(&self) -> io::Result<(UnixStream, Option<i64>)> {
        let mut stream = UnixStream::connect(&self.socket)?;
        let id = command(&["CLIENT", "ID"]);
        let (asked, line) = match self.has_password {
            true if !self.has_reset => return Ok((stream, None)),
            true => ([command(&["AUTH", ADMIN_USER, &self.secret]), id, command(&["RESET"])].concat(), 1),
            false => (id, 0),
        };
        stream.write_all(&asked)?;
        // Lines, and nothing behind them: nothing else was asked for.
        let mut lines = BufReader::new(&stream).lines();
        let told: Vec<String> = lines.by_ref().take(2 * line + 1).collect::<io::Result<_>>()?;
        let id = told.get(line).and_then(|told| told.strip_prefix(':')?.parse().ok());
        Ok((stream, id))
    }

    pub fn is_alive(&self) -> bool {
        self.supervisor.is_alive()
    }

    /// Ends the server and waits for it. What was acknowledged is in its files.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // All that a server in order would do at its end is done: its changes are in the file before they are answered.
        self.supervisor.stop("KILL", STOP_WAIT);
        if let Some(folder) = &self.own_folder {
            let _ = fs::remove_dir_all(folder);
        }
        let _ = fs::remove_file(&self.socket);
        let _ = fs::remove_file(self.dir.join(PID_FILE));
    }
}

/// The configuration file. Its own settings come last: they are not prod's to choose.
fn config(dir: &Path, socket: &Path, secret: &str, major: u32, options: &ServerOptions<'_>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name} {}", quoted(value));
    };
    for (name, value) in options.settings {
        line(name, value);
    }
    line("port", "0");
    line("unixsocket", &socket.to_string_lossy());
    line("unixsocketperm", "700");
    line("dir", &dir.to_string_lossy());
    line("pidfile", &dir.join(PID_FILE).to_string_lossy());
    line("daemonize", "no");
    line("supervised", "no");
    line("logfile", "");
    line("protected-mode", "no");
    line("tcp-backlog", "16");
    line("save", "");
    line("dbfilename", super::layer::DUMP);
    line("appendonly", if options.keeps_changes { "yes" } else { "no" });
    line("appendfsync", "no");
    line("aof-use-rdb-preamble", "yes");
    line("auto-aof-rewrite-percentage", "0");
    for command in ABSENT {
        let _ = writeln!(text, "rename-command {command} \"\"");
    }
    let default = options.users.iter().find_map(|user| user.strip_prefix("user default "));
    let _ = writeln!(text, "user default {}", default_rules(default, options, major));
    for user in options.users.iter().filter(|user| !user.starts_with("user default ")) {
        if options.access == Access::Full && !user.starts_with(&format!("user {ADMIN_USER} ")) {
            let _ = writeln!(text, "{}", without_absent(user));
        }
    }
    let _ = writeln!(text, "user {ADMIN_USER} on #{} ~* &* +@all", digest(secret));
    text
}

/// A password as rules hold it.
fn digest(password: &str) -> String {
    Sha256::digest(password).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The rules of the user that clients are without logging in, and that those are who are not known. Nobody is asked for a password of prod.
fn default_rules(prod: Option<&str>, options: &ServerOptions<'_>, major: u32) -> String {
    if options.access == Access::ReadOnly {
        // By the server's own flags: what only reads, and what belongs to the connection.
        // Servers before 7 cannot take a command's part away, only give it.
        let client = match major {
            7.. => "-client|kill -client|pause",
            _ => {
                "-client +client|id +client|info +client|list +client|getname +client|setname +client|reply +client|tracking +client|trackinginfo +client|caching +client|getredir"
            }
        };
        return format!("on nopass ~* &* -@all +@read +@connection +info +command +time -script {client}");
    }
    let rules = without_absent(prod.unwrap_or("~* &* +@all"));
    let kept: Vec<&str> = rules
        .split_whitespace()
        .filter(|rule| {
            !matches!(*rule, "on" | "off" | "nopass" | "sanitize-payload" | "skip-sanitize-payload")
                && !rule.starts_with(['#', '>', '<', '!'])
        })
        .collect();
    let password = options
        .password
        .map_or_else(|| "nopass".to_owned(), |password| format!("#{}", digest(password)));
    format!("on {password} {}", kept.join(" "))
}

/// A user's rules without those on commands that the server has not: it would not start with them.
fn without_absent(rules: &str) -> String {
    let is_absent = |rule: &str| {
        let name = rule.strip_prefix(['+', '-']).unwrap_or_default();
        ABSENT.iter().any(|absent| absent.eq_ignore_ascii_case(name))
    };
    rules.split(' ').filter(|rule| !is_absent(rule)).collect::<Vec<_>>().join(" ")
}

/// A value as the configuration file takes it.
fn quoted(value: &str) -> String {
    let is_plain = !value.is_empty()
        && value
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\' | b'#'));
    // Lists such as those of `save` and of the output buffers are several words.
    let is_words = !value.is_empty()
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'.'));
    if is_plain || is_words {
        return value.to_owned();
    }
    let mut text = String::from("\"");
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' => {
                text.push('\\');
                text.push(char::from(byte));
            }
            b' '..=b'~' => text.push(char::from(byte)),
            other => {
                let _ = write!(text, "\\x{other:02x}");
            }
        }
    }
    text.push('"');
    text
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// A word that nobody guesses.
fn secret() -> Result<String> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 16];
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(RedisError::io("read", source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Where the socket goes: into the folder, unless its path is too long for one. Then it gets a folder of its own, which goes with the server.
fn socket_path(dir: &Path) -> Result<(PathBuf, Option<PathBuf>)> {
    let wanted = dir.join(SOCKET);
    if wanted.as_os_str().len() <= SOCKET_PATH_BYTES_MAX && wanted.to_str().is_some() {
        let _ = fs::remove_file(&wanted);
        return Ok((wanted, None));
    }
    let digest: String = Sha256::digest(dir.as_os_str().as_encoded_bytes())
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let folder = PathBuf::from("/tmp").join(format!("mori-redis-{digest}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    // It must be new: a folder of somebody else's could be watched by him.
    DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .map_err(RedisError::io("create", &folder))?;
    Ok((folder.join(SOCKET), Some(folder)))
}

/// The server of an owner that was killed ends on its own. It must not write to the folder any more when the next one reads it.
fn wait_for_predecessor(dir: &Path) -> Result<()> {
    let pid_file = dir.join(PID_FILE);
    let Some(pid) = fs::read_to_string(&pid_file).ok().and_then(|text| text.trim().parse::<i32>().ok()) else {
        return Ok(());
    };
    let deadline = Instant::now() + PREDECESSOR_WAIT;
    while is_server_in(pid, dir) {
        if Instant::now() > deadline {
            return Err(RedisError::InUse {
                dir: dir.to_owned(),
                pid: pid.unsigned_abs(),
            });
        }
        std::thread::sleep(STEP);
    }
    let _ = fs::remove_file(pid_file);
    Ok(())
}

/// Whether the process is a server whose working directory this is: numbers of processes are used again.
fn is_server_in(pid: i32, dir: &Path) -> bool {
    let proc = PathBuf::from(format!("/proc/{pid}"));
    if proc.is_dir() {
        return fs::read_link(proc.join("cwd")).is_ok_and(|folder| folder == dir);
    }
    let is_alive = rustix::process::Pid::from_raw(pid).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok());
    is_alive && !Path::new("/proc/self").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_where_they_must_be() {
        let check = |value, expected| assert_eq!(quoted(value), expected);
        check("allkeys-lru", "allkeys-lru");
        check("", "\"\"");
        check("normal 0 0 0 slave 1 2 3", "normal 0 0 0 slave 1 2 3");
        check("/a b/\"c", "\"/a b/\\\"c\"");
        check("a\nb", "\"a\\x0ab\"");
    }

    #[test]
    fn nobody_is_asked_for_a_password_of_prod() {
        let rules = |prod, access, password, major| {
            let options = ServerOptions {
                settings: &[],
                users: &[],
                access,
                password,
                keeps_changes: false,
            };
            default_rules(prod, &options, major)
        };
        let prod = Some("on sanitize-payload #abc ~app:* resetchannels -@all +get");
        assert_eq!(rules(None, Access::Full, None, 7), "on nopass ~* &* +@all");
        assert_eq!(rules(prod, Access::Full, None, 7), "on nopass ~app:* resetchannels -@all +get");
        let sha256_of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let expected = format!("on #{sha256_of_abc} ~app:* resetchannels -@all +get");
        assert_eq!(rules(prod, Access::Full, Some("abc"), 7), expected);
        assert!(rules(None, Access::ReadOnly, Some("abc"), 7).contains("on nopass ~* &* -@all +@read"));
        assert!(!rules(None, Access::ReadOnly, None, 6).contains("-client|"));
    }
}
