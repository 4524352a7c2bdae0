//! A PostgreSQL server for one test: a data directory in a temporary folder, a Unix socket in it, no TCP.

use postgres::{Client, NoTls};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

pub struct Server {
    programs: PathBuf,
    folder: TempDir,
}

impl Server {
    /// None where PostgreSQL is not installed. `MORI_POSTGRES_BIN` names the folder of another version's programs.
    pub fn start() -> Option<Server> {
        let programs = programs()?;
        let folder = tempfile::tempdir().unwrap();
        if let Some((user, group)) = unprivileged() {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let data = folder.path().join("data");
        let init = command(&programs.join("initdb"), folder.path())
            .args([
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
            ])
            .arg(&data)
            .output()
            .unwrap();
        assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
        let options = "-c listen_addresses= -c fsync=off -c shared_buffers=16MB -c autovacuum=off";
        let server = Server { programs, folder };
        let options = format!("-k '{}' {options}", server.folder.path().display());
        let log = server.folder.path().join("log");
        let is_up = server.control(&["start", "-w", "-o", &options, "-l", &log.display().to_string()]);
        assert!(is_up, "{}", std::fs::read_to_string(&log).unwrap_or_default());
        Some(server)
    }

    /// A connection to the database `postgres`.
    pub fn connect(&self) -> Client {
        let mut config = postgres::Config::new();
        config.host_path(self.folder.path()).user("postgres").dbname("postgres");
        config.connect(NoTls).unwrap()
    }

    fn control(&self, arguments: &[&str]) -> bool {
        let mut command = command(&self.programs.join("pg_ctl"), self.folder.path());
        // The server keeps what it inherits, so a pipe would not end before the server does.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.arg("-D").arg(self.folder.path().join("data")).args(arguments);
        command.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.control(&["stop", "-m", "immediate"]);
    }
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", "/usr/bin:/bin");
    if let Some((user, group)) = unprivileged() {
        command.uid(user).gid(group);
    }
    command
}

fn programs() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("MORI_POSTGRES_BIN") {
        return Some(PathBuf::from(folder));
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let programs = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    programs.filter(|folder| folder.join("initdb").exists()).max()
}

/// PostgreSQL refuses to run as root: then the user `postgres`, which its packages make.
fn unprivileged() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let user = users.lines().find(|line| line.starts_with("postgres:")).expect("a user postgres");
    let ids: Vec<u32> = user.split(':').skip(2).take(2).map(|id| id.parse().unwrap()).collect();
    Some((ids[0], ids[1]))
}
