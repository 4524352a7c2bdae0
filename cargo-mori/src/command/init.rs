//! `init`: adds a connection to `mori.yaml`.

use crate::args::ProjectArgs;
use crate::error::CliError;
use crate::exit_code;
use crate::output::{note, print};
use crate::project::start_dir;
use clap::Args;
use mori_broker::config::{ConfigError, Connection, FILE_NAME, MoriYaml, NewConnection, Prod, sqlite_path};
use mori_model::Engine;
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::Path;

/// The first bytes of every SQLite database that is not empty (<https://www.sqlite.org/fileformat.html#magic_header_string>).
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

#[derive(Debug, Args)]
pub struct InitArgs {
    /// URL of prod, with the engine as scheme: sqlite:data/app.db, postgres://user@host/database
    #[arg(short, long, value_name = "URL")]
    pub from: Option<String>,

    /// Name of the connection [default: the name of the database]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Container image of the shadow
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,

    #[command(flatten)]
    pub project: ProjectArgs,
}

pub fn run(args: &InitArgs) -> Result<u8, CliError> {
    let mut yaml = open(args)?;
    let url = match &args.from {
        Some(url) => relative_to_yaml(url, yaml.folder())?,
        None if io::stdin().is_terminal() => ask_for_url()?,
        None => {
            return Err(CliError::Usage {
                message: "there is no terminal to ask on".to_owned(),
                remedy: "name prod with --from, for example `cargo mori init --from sqlite:data/app.db`".to_owned(),
            });
        }
    };
    let name = match &args.name {
        Some(name) => name.clone(),
        None => name_of(&url),
    };
    let connection = yaml
        .add(NewConnection {
            name,
            url: Some(url),
            engine: None,
            image: args.image.clone(),
        })?
        .clone();
    check_file(&connection)?;
    yaml.save()?;
    print(&format!(
        "added `{}` ({}) to {}\n",
        connection.name,
        connection.redacted_url(),
        yaml.path().display()
    ))?;
    if let Err(unsupported @ ConfigError::Unsupported { .. }) = connection.require_supported() {
        note(&format!("warning: {unsupported}; {}\n", unsupported.remedy()));
    }
    Ok(exit_code::OK)
}

/// The file that governs the folder, or a new one in it.
fn open(args: &InitArgs) -> Result<MoriYaml, CliError> {
    let start = start_dir(&args.project);
    match MoriYaml::find(&start) {
        Ok(path) => Ok(MoriYaml::load(&path)?),
        Err(ConfigError::NotFound { .. }) => {
            let folder = start.canonicalize().map_err(|source| CliError::file("open", &start, source))?;
            Ok(MoriYaml::empty(folder.join(FILE_NAME)))
        }
        Err(error) => Err(error.into()),
    }
}

/// What is typed is relative to the current folder, what is written to the folder of `mori.yaml`.
fn relative_to_yaml(url: &str, folder: &Path) -> Result<String, CliError> {
    let Some(path) = sqlite_path(url).filter(|path| path.is_relative()) else {
        return Ok(url.to_owned());
    };
    let here = Path::new(".")
        .canonicalize()
        .map_err(|source| CliError::file("open", Path::new("."), source))?;
    let path = here.join(path);
    // Without `..` and links where the file is there; the check that it is comes later.
    let path = path.canonicalize().unwrap_or(path);
    let folder = folder.canonicalize().map_err(|source| CliError::file("open", folder, source))?;
    let written = path.strip_prefix(&folder).unwrap_or(&path);
    Ok(format!("sqlite:{}", written.display()))
}

/// The last part of the URL's path without its ending, which is the database's name with every engine; else the engine's name.
pub(super) fn name_of(url: &str) -> String {
    let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let path = match rest.strip_prefix("//") {
        // The authority of a server's URL may hold a password, and is no name.
        Some(rest) if scheme != "sqlite" && scheme != "duckdb" => rest.split_once('/').map_or("", |(_, path)| path),
        Some(rest) => rest,
        None => rest,
    };
    let stem = Path::new(path)
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    let engine = Engine::from_scheme(scheme).map_or("db", Engine::name);
    if stem.is_empty() {
        engine.to_owned()
    } else {
        stem.replace(|letter: char| !letter.is_ascii_alphanumeric() && !"-_.".contains(letter), "-")
    }
}

/// A SQLite file that is not there, or is something else, is a mistake better told now than at the first start.
fn check_file(connection: &Connection) -> Result<(), CliError> {
    let Prod::SqliteFile(path) = &connection.prod else {
        return Ok(());
    };
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(SQLITE_MAGIC.len() as u64).read_to_end(&mut head))
        .map_err(|source| not_readable(path, source))?;
    // SQLite itself takes an empty file for an empty database.
    if head.is_empty() || head == SQLITE_MAGIC {
        return Ok(());
    }
    Err(CliError::Usage {
        message: format!("{} is not a SQLite database", path.display()),
        remedy: "name the database file itself".to_owned(),
    })
}

fn not_readable(path: &Path, source: io::Error) -> CliError {
    if source.kind() != io::ErrorKind::NotFound {
        return CliError::file("open", path, source);
    }
    CliError::Usage {
        message: format!("there is no file {}", path.display()),
        remedy: "name the database file; a relative path starts in the current folder".to_owned(),
    }
}

fn ask_for_url() -> Result<String, CliError> {
    let engine = ask(&format!("engine ({}) [sqlite]: ", Engine::ALL.map(Engine::name).join(", ")))?;
    let engine = if engine.is_empty() { "sqlite".to_owned() } else { engine };
    let engine: Engine = engine.parse().map_err(|error: mori_model::UnknownEngine| CliError::Usage {
        message: error.to_string(),
        remedy: "run `cargo mori init` again".to_owned(),
    })?;
    match engine {
        Engine::Sqlite | Engine::DuckDb => Ok(format!("{engine}:{}", ask("path of the database file: ")?)),
        _ => ask(&format!("URL ({engine}://user:password@host:port/database): ")),
    }
}

fn ask(question: &str) -> Result<String, CliError> {
    note(question);
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|source| CliError::file("read from", Path::new("the terminal"), source))?;
    Ok(answer.trim().to_owned())
}
