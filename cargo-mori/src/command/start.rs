//! `start`: serves a connection until SIGINT or SIGTERM, or in the background.

use crate::args::ConnectionArgs;
use crate::error::CliError;
use crate::exit_code;
use crate::output::print;
use crate::project;
use crate::runner::{READY, Signals, ready_line};
use clap::Args;
use mori_broker::config::{Connection, MoriYaml};
use mori_broker::{Proxy, ProxyOptions};
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

#[derive(Debug, Args)]
pub struct StartArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Port to listen on, 0 for any that is free
    #[arg(short, long, value_name = "PORT", default_value_t = 9002)]
    pub port: u16,

    /// Print every statement and how it is routed
    #[arg(short, long)]
    pub verbose: bool,

    /// Where the shadow's server comes from: `local` takes the binaries on this machine, and `auto` does so too
    #[arg(long, value_name = "PROVIDER", default_value = "auto")]
    pub shadow: String,

    /// Return once connections are accepted, and go on in the background
    #[arg(short, long)]
    pub detach: bool,
}

pub fn run(args: &StartArgs) -> Result<u8, CliError> {
    let (yaml, connection) = project::select(&args.connection)?;
    check_provider(&args.shadow)?;
    if args.detach {
        detach(args, &yaml, &connection)
    } else {
        serve(args, &yaml, connection)
    }
}

/// The providers of the design that are there.
fn check_provider(shadow: &str) -> Result<(), CliError> {
    match shadow.split_once('=').map_or(shadow, |(provider, _)| provider) {
        "auto" | "local" => Ok(()),
        "docker" | "external" => Err(CliError::Usage {
            message: format!("the shadow provider `{shadow}` is not in this version"),
            remedy: "leave --shadow out: the server's binaries on this machine are used".to_owned(),
        }),
        _ => Err(CliError::Usage {
            message: format!("there is no shadow provider `{shadow}`"),
            remedy: "known are auto and local".to_owned(),
        }),
    }
}

fn serve(args: &StartArgs, yaml: &MoriYaml, connection: Connection) -> Result<u8, CliError> {
    let (sender, signals) = mpsc::channel::<i32>();
    // From here on a signal ends the proxy in an orderly way, even one that comes while it starts.
    let _signals = Signals::forward(sender).map_err(|source| CliError::file("handle signals of", Path::new("this process"), source))?;
    let options = ProxyOptions {
        project_dir: yaml.folder().to_owned(),
        connection,
        port: args.port,
        verbose: args.verbose,
    };
    let proxy = Proxy::start(options)?;
    let stop = proxy.stop_handle();
    thread::spawn(move || {
        if signals.recv().is_ok() {
            stop.stop();
        }
        if signals.recv().is_ok() {
            // Who asks twice does not want to wait. The state on disk is whole at any instant.
            std::process::exit(exit_code::INTERRUPTED.into());
        }
    });
    print(&format!("{READY}{}\n", proxy.url()))?;
    proxy.wait()?;
    Ok(exit_code::OK)
}

/// Starts this program again, without `--detach`, in a process group of its own, and passes its one line on.
fn detach(args: &StartArgs, yaml: &MoriYaml, connection: &Connection) -> Result<u8, CliError> {
    let log_dir = project::log_dir(yaml.folder(), connection);
    let log_path = log_dir.join("start.log");
    let in_file = |source: io::Error| CliError::file("write", &log_path, source);
    fs::create_dir_all(&log_dir).map_err(in_file)?;
    let log = File::create(&log_path).map_err(in_file)?;
    let program = std::env::current_exe().map_err(|source| CliError::file("find", Path::new("this program"), source))?;
    let mut command = Command::new(&program);
    command
        .args(["start", &connection.name, "--port", &args.port.to_string()])
        .arg("--project")
        .arg(yaml.folder());
    if args.verbose {
        command.arg("--verbose");
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .process_group(0)
        .spawn()
        .map_err(|source| CliError::file("start", &program, source))?;
    if let Some(url) = ready_line(&mut child).map_err(in_file)? {
        print(&format!("{READY}{url}\n"))?;
        return Ok(exit_code::OK);
    }
    let code = child
        .wait()
        .map_err(in_file)?
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(exit_code::FAILED);
    let said = fs::read_to_string(&log_path).map_err(in_file)?;
    Err(CliError::Child { said, code })
}
