//! `rm`: takes a connection out of `mori.yaml`.

use crate::args::ProjectArgs;
use crate::control::ControlClient;
use crate::error::CliError;
use crate::exit_code;
use crate::output::print;
use crate::project;
use clap::Args;
use mori_broker::offline;
use mori_control::Role;

#[derive(Debug, Args)]
pub struct RmArgs {
    /// Connection of mori.yaml
    #[arg(value_name = "NAME")]
    pub name: String,

    #[command(flatten)]
    pub project: ProjectArgs,
}

pub fn run(args: &RmArgs) -> Result<u8, CliError> {
    let mut yaml = project::load(&args.project)?;
    let connection = yaml.get(&args.name)?.clone();
    let socket = offline::control_socket(yaml.folder(), &connection);
    if ControlClient::connect(&socket, Role::Tool, None)?.is_some() {
        return Err(CliError::State {
            message: format!("`{}` is being served", args.name),
            remedy: Some(format!("stop it first: `cargo mori stop {}`", args.name)),
        });
    }
    yaml.remove(&args.name)?;
    yaml.save()?;
    print(&format!("removed `{}` from {}\n", args.name, yaml.path().display()))?;
    let state = yaml.folder().join(".mori").join(&args.name);
    if state.exists() {
        print(&format!("its local changes are still in {}\n", state.display()))?;
    }
    Ok(exit_code::OK)
}
