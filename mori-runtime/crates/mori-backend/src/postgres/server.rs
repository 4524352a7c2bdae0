//! A small server of our own on a data directory, on a Unix socket in a private folder.

use super::account::Account;
use super::binaries::Binaries;
use super::cluster;
use super::error::{PostgresError, Result};
use super::pid_file::{self, PidFile};
use crate::process::Supervisor;
use postgres::{Client, Config, NoTls};
use rustix::process::Signal;
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Replaying the log after a crash takes its time.
const START_WAIT: Duration = Duration::from_secs(60);
const STOP_WAIT: Duration = Duration::from_secs(60);
/// A server that is told to drop everything ends within milliseconds.
const QUIT_WAIT: Duration = Duration::from_secs(5);
/// The previous server of a directory ends by itself when its owner does.
const PREDECESSOR_WAIT: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(2);
/// It is in the socket's name only: no TCP port is opened.
const PORT: u16 = 5432;
/// A Unix socket's path must fit in `sockaddr_un`.
const SOCKET_PATH_BYTES_MAX: usize = 100;
const LOG_TAIL_BYTES: u64 = 4096;

/// What a server is for; it decides what happens to it when its owner is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Makes a layer: much is written, and all of it is lost if the owner dies.
    Build,
    /// A lane that nobody needs after its owner.
    Throwaway,
    /// A lane that is used again: it is shut down in order.
    Durable,
}

/// How a server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// Transactions are rolled back and all is written to the data directory.
    Fast,
    /// Everything is dropped; the next start recovers from the log.
    Immediate,
}

impl StopMode {
    pub(super) fn signal_name(self) -> &'static str {
        match self {
            StopMode::Fast => "INT",
            StopMode::Immediate => "QUIT",
        }
    }
}

impl Purpose {
    /// How the server ends if nobody says so any more.
    pub(super) fn last_stop(self) -> StopMode {
        match self {
            Purpose::Build | Purpose::Throwaway => StopMode::Immediate,
            Purpose::Durable => StopMode::Fast,
        }
    }
}

/// A running server. Dropped, or if this process dies in whatever way, it ends.
///
/// It has no TCP port, lets everybody in who can reach its socket, and keeps the socket in a folder that only we can enter. It does not wait for the
/// disk. What a durable server has committed survives the death of every process, but not the loss of power.
#[derive(Debug)]
pub struct Server {
    supervisor: Supervisor,
    data: PathBuf,
    socket_dir: PathBuf,
    port: u16,
    log: PathBuf,
    major: u32,
    superuser: String,
    purpose: Purpose,
}

impl Server {
    /// Starts a server on the data directory `data` and waits until it answers. `run` is a folder for its log and socket; it is made if it is not
    /// there. If its path is too long for a socket, or closed to the server's user, the socket gets a private folder in the temporary
    /// folder, which is removed with the server.
    ///
    /// Errors: `InUse` if another server is at work on `data`; `Start`, with the end of the log, if it does not answer within a minute.
    pub fn start(binaries: &Binaries, data: &Path, run: &Path, purpose: Purpose) -> Result<Server> {
        Server::start_on_port(binaries, data, run, purpose, PORT, &[])
    }

    /// As `start`, with another number in the socket's name, and more settings.
    pub(super) fn start_on_port(
        binaries: &Binaries,
        data: &Path,
        run: &Path,
        purpose: Purpose,
        port: u16,
        more: &[(&str, &str)],
    ) -> Result<Server> {
        let account = Account::of_server()?;
        let data = data.canonicalize().map_err(PostgresError::io("open", data))?;
        leave_to_us(&data)?;
        let superuser = cluster::superuser(&data)?;
        fs::create_dir_all(run).map_err(PostgresError::io("create", run))?;
        let socket_dir = socket_folder(run, &data, &account)?;
        let log = run.join("server.log");

        let mut command = Command::new(binaries.tool("postgres")?);
        command.arg("-D").arg(&data);
        let mut all = settings(purpose, binaries.major());
        let folder = socket_dir.to_string_lossy().into_owned();
        all.push(("unix_socket_directories", &folder));
        all.extend_from_slice(more);
        for (name, value) in all {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        clear_environment(&mut command);
        // What SQL in the lane connects to without naming a host, as with dblink, is the lane.
        command
            .env("PGHOST", &socket_dir)
            .env("PGPORT", port.to_string())
            .env("PGUSER", &superuser);
        account.apply(&mut command);

        let mut options = OpenOptions::new();
        // It holds statements that failed, with their values.
        options.write(true).create(true).truncate(true).mode(0o600);
        let supervisor = options
            .open(&log)
            .and_then(|log| {
                let own_folder = pid_file::is_socket_folder(&socket_dir).then_some(&*socket_dir);
                Supervisor::start(&command, purpose.last_stop().signal_name(), own_folder, log, |command| {
                    account.apply(command)
                })
            })
            .inspect_err(|_| pid_file::remove_socket_folder(&socket_dir))
            .map_err(PostgresError::io("start a server with the log", &log))?;
        let server = Server {
            supervisor,
            data,
            socket_dir,
            port,
            log,
            major: binaries.major(),
            superuser,
            purpose,
        };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&self) -> Result<()> {
        let deadline = Instant::now() + START_WAIT;
        loop {
            // The state in the file is what PostgreSQL's own pg_ctl waits for.
            if PidFile::read(&self.data).is_some_and(|file| file.is_ready) && UnixStream::connect(self.socket_path()).is_ok() {
                return Ok(());
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

    fn start_error(&self, reason: &str) -> PostgresError {
        let log = tail(&self.log);
        if log.contains("No space left on device") {
            return PostgresError::DiskFull { path: self.data.clone() };
        }
        // invalid value for parameter "lc_time": "de_DE.UTF-8"
        if let Some((_, value)) = log.split_once("invalid value for parameter \"lc_")
            && let Some(locale) = value.split('"').nth(2)
        {
            return PostgresError::MissingLocale { locale: locale.to_owned() };
        }
        PostgresError::Start {
            data: self.data.clone(),
            reason: reason.to_owned(),
            log,
        }
    }

    /// The folder of the socket, as libpq takes it for a host.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The number in the socket's name, as libpq takes it for a port.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn socket_path(&self) -> PathBuf {
        self.socket_dir.join(format!(".s.PGSQL.{}", self.port))
    }

    /// The user the cluster was made with.
    pub fn superuser(&self) -> &str {
        &self.superuser
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What the server writes about itself.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// For example 15.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Connects as the superuser. Settings of roles and databases that would get in the way of our own work, such as timeouts and read-only
    /// transactions, do not hold in this session.
    pub fn connect(&self, database: &str) -> Result<Client> {
        let mut config = self.config(&self.superuser, database);
        config.application_name("mori").options(&self.own_options());
        Ok(config.connect(NoTls)?)
    }

    /// Connects as a client would, with all settings of its role and database.
    pub fn connect_as(&self, user: &str, database: &str) -> Result<Client> {
        Ok(self.config(user, database).connect(NoTls)?)
    }

    fn config(&self, user: &str, database: &str) -> Config {
        let mut config = Config::new();
        config.host_path(&self.socket_dir).port(self.port).user(user).dbname(database);
        config
    }

    /// Settings of a session of ours, in the form of libpq's `options`.
    pub(super) fn own_options(&self) -> String {
        let mut options = String::from(
            "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off \
             -c default_transaction_isolation=read\\ committed -c standard_conforming_strings=on -c client_min_messages=warning \
             -c session_preload_libraries= -c local_preload_libraries=",
        );
        for (since, option) in [(14, "idle_session_timeout"), (17, "transaction_timeout")] {
            if self.major >= since {
                options.push_str(&format!(" -c {option}=0"));
            }
        }
        options
    }

    /// Whether the server still runs.
    pub fn is_alive(&self) -> bool {
        self.supervisor.is_alive()
    }

    /// Ends the server and waits for it. Errors: `Stop` if it did not end in order although it was to.
    pub fn stop(self, mode: StopMode) -> Result<()> {
        let patience = match mode {
            StopMode::Fast => STOP_WAIT,
            StopMode::Immediate => QUIT_WAIT,
        };
        let failed = match self.supervisor.stop(mode.signal_name(), patience) {
            Some(status) if status.success() || mode == StopMode::Immediate => return Ok(()),
            Some(status) => format!("{status}"),
            None => format!("it has not ended after {} seconds", patience.as_secs()),
        };
        // Dropping it waits for this, and uses force after that.
        if let Some(file) = PidFile::live(&self.data) {
            pid_file::signal(file.pid, Signal::QUIT);
        }
        Err(PostgresError::Stop {
            data: self.data.clone(),
            reason: failed,
            log: tail(&self.log),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = PidFile::live(&self.data).map(|file| file.pid);
        let ended = self.supervisor.stop(self.purpose.last_stop().signal_name(), QUIT_WAIT);
        if let (None, Some(pid)) = (ended, pid) {
            pid_file::signal(pid, Signal::KILL);
            self.supervisor.stop(StopMode::Immediate.signal_name(), QUIT_WAIT);
        }
        pid_file::remove_socket_folder(&self.socket_dir);
    }
}

/// The settings that make a server small and quick. All but the first four cannot be told apart by a client that does not ask for them.
fn settings(purpose: Purpose, major: u32) -> Vec<(&'static str, &'static str)> {
    let mut settings = vec![
        ("max_connections", "200"),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        ("shared_buffers", if purpose == Purpose::Build { "128MB" } else { "32MB" }),
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("logging_collector", "off"),
        ("log_destination", "stderr"),
    ];
    if purpose == Purpose::Build {
        // What is committed may stay in the server's memory for a while, and is lost if the server crashes.
        settings.push(("synchronous_commit", "off"));
    }
    if purpose == Purpose::Build {
        settings.extend([("maintenance_work_mem", "256MB"), ("max_wal_size", "1GB"), ("autovacuum", "off")]);
        if major < 13 {
            // Later versions let the session that installs the capture say so.
            settings.push(("allow_system_table_mods", "on"));
        }
    }
    if major >= 12 {
        // Old segments are removed instead of kept for later, so that a layer's copy has no more than one or two.
        settings.extend([("wal_recycle", "off"), ("wal_init_zero", "off")]);
    }
    settings
}

/// Makes sure that no server is at work on the directory, and that what a dead one left is not taken for the new one's.
fn leave_to_us(data: &Path) -> Result<()> {
    if let Some(file) = PidFile::live(data)
        && !pid_file::wait_until_gone(file.pid, data, PREDECESSOR_WAIT)
    {
        return Err(PostgresError::InUse {
            data: data.to_owned(),
            pid: file.pid,
        });
    }
    pid_file::reap(data)
}

/// Removes what would make PostgreSQL's programs connect elsewhere or speak another language.
pub(super) fn clear_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
    command.env_remove("LANGUAGE").env("LC_ALL", "C");
}

fn socket_folder(run: &Path, data: &Path, account: &Account) -> Result<PathBuf> {
    let wanted = std::path::absolute(run.join("pg")).map_err(PostgresError::io("resolve", run))?;
    let len = wanted.as_os_str().len() + "/.s.PGSQL.5432".len();
    // PostgreSQL takes a list of folders, in which a comma separates and quotes would be needed.
    let is_plain = !wanted.to_string_lossy().contains([',', '"', ' ']) && wanted.to_str().is_some();
    if len <= SOCKET_PATH_BYTES_MAX && is_plain && account.can_reach(run) {
        account.private_dir(&wanted)?;
        return Ok(wanted);
    }
    let digest = Sha256::digest(data.as_os_str().as_encoded_bytes());
    let name = format!(
        "{}{}-{}",
        pid_file::SOCKET_FOLDER_PREFIX,
        super::account::hex(&digest, 6),
        std::process::id()
    );
    let own = std::env::temp_dir();
    let mut failed = None;
    for parent in [own.as_path(), Path::new("/tmp")] {
        let folder = parent.join(&name);
        // It must be new: a folder of somebody else's could be watched by him.
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) if account.can_reach(parent) => {
                account.private_dir(&folder)?;
                return Ok(folder);
            }
            Ok(()) => {
                let _ = fs::remove_dir(&folder);
            }
            Err(error) => failed = Some((folder, error)),
        }
    }
    let (folder, error) = failed.unwrap_or_else(|| (own.join(&name), io::ErrorKind::PermissionDenied.into()));
    Err(PostgresError::io("create", &folder)(error))
}

fn tail(log: &Path) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(LOG_TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).trim().to_owned()
}
