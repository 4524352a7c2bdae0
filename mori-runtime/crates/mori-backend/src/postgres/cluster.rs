//! Data directories as `initdb` makes them, and their configuration files.
//!
//! `initdb` takes about half a second, copying its result a tenth of that, so results are kept in the user's cache folder.

use super::account::{Account, data_home, hex};
use super::binaries::Binaries;
use super::error::{PostgresError, Result};
use super::server::clear_environment;
use super::staging::{Staging, copy_data};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// In every data directory of ours: the name of the user it was made with.
const SUPERUSER_FILE: &str = "mori.superuser";

/// Who compares and sorts texts, and by which rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locale {
    pub provider: LocaleProvider,
    /// LC_COLLATE of the operating system.
    pub collate: String,
    /// LC_CTYPE of the operating system.
    pub ctype: String,
    /// The locale of a provider other than the operating system.
    pub name: Option<String>,
    /// Additional rules of ICU.
    pub rules: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LocaleProvider {
    Libc,
    Icu,
    Builtin,
}

impl Default for Locale {
    /// Texts are compared byte by byte, which every machine can do.
    fn default() -> Locale {
        Locale {
            provider: LocaleProvider::Libc,
            collate: "C".to_owned(),
            ctype: "C".to_owned(),
            name: None,
            rules: None,
        }
    }
}

/// What `initdb` decides for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClusterOptions {
    pub(super) superuser: String,
    pub(super) encoding: String,
    pub(super) locale: Locale,
}

/// Makes the data directory `data`, which must not be there. `settings` are the lines of its configuration file.
pub(super) fn create(binaries: &Binaries, data: &Path, options: &ClusterOptions, settings: &[(String, String)]) -> Result<()> {
    let account = Account::of_server()?;
    match template(binaries, options, &account) {
        Ok(template) => copy_data(&template, data, &account)?,
        // Without a place to keep it, it is made each time.
        Err(PostgresError::Io { .. } | PostgresError::NotTraversable { .. } | PostgresError::DiskFull { .. }) => {
            initdb(binaries, data, options, &account)?;
        }
        Err(error) => return Err(error),
    }
    configure(data, settings)
}

/// Replaces the configuration file. A server that runs heeds it from its next start on.
pub(super) fn configure(data: &Path, settings: &[(String, String)]) -> Result<()> {
    Account::of_server()?.write(&data.join("postgresql.conf"), &configuration(settings))
}

/// The user that a data directory of ours was made with.
pub(super) fn superuser(data: &Path) -> Result<String> {
    let path = data.join(SUPERUSER_FILE);
    fs::read_to_string(&path).map_err(PostgresError::io("read", &path))
}

/// The settings of a cluster that is not made after prod: the same on every machine.
pub(super) fn neutral_settings() -> Vec<(String, String)> {
    [
        ("TimeZone", "UTC"),
        ("DateStyle", "ISO, MDY"),
        ("lc_messages", "C"),
        ("lc_monetary", "C"),
        ("lc_numeric", "C"),
        ("lc_time", "C"),
        ("default_text_search_config", "pg_catalog.english"),
        ("max_prepared_transactions", "10"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The text of a configuration file. Sizes of the log are stated because the built-in ones are made for segments of 16 MB.
fn configuration(settings: &[(String, String)]) -> String {
    let mut text = String::from("min_wal_size = '2MB'\nmax_wal_size = '64MB'\nlog_timezone = 'UTC'\n");
    for (name, value) in settings {
        let mut escaped = String::with_capacity(value.len());
        for character in value.chars() {
            match character {
                '\'' => escaped.push_str("''"),
                '\\' => escaped.push_str("\\\\"),
                '\n' => escaped.push_str("\\n"),
                '\r' => escaped.push_str("\\r"),
                other => escaped.push(other),
            }
        }
        text.push_str(&format!("{name} = '{escaped}'\n"));
    }
    text
}

/// The kept result of `initdb`, made if it is not there.
fn template(binaries: &Binaries, options: &ClusterOptions, account: &Account) -> Result<PathBuf> {
    let mut digest = Sha256::new();
    // Two builds of one version may differ in what they were built with.
    for part in [binaries.version(), &binaries.bindir().to_string_lossy(), &format!("{options:?}")] {
        digest.update(part);
        digest.update([0]);
    }
    let folder = cache_home().join(format!("mori/postgres/{}-{}", binaries.major(), hex(&digest.finalize(), 8)));
    let folder = data_home(&folder, "postgres cluster");
    let data = folder.join("data");
    if !data.is_dir() {
        let staging = Staging::new(&folder, account)?;
        initdb(binaries, &staging.path().join("data"), options, account)?;
        staging.finish()?;
    }
    Ok(data)
}

fn cache_home() -> PathBuf {
    let set = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    set.or_else(|| env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(".cache")))
        .unwrap_or_else(|| env::temp_dir().join(format!("mori-cache-{}", rustix::process::geteuid().as_raw())))
}

fn initdb(binaries: &Binaries, data: &Path, options: &ClusterOptions, account: &Account) -> Result<()> {
    account.private_dir(data)?;
    let program = binaries.tool("initdb")?;
    let mut command = Command::new(&program);
    command
        .arg("-D")
        .arg(data)
        .args(["-A", "trust", "--no-sync", "-U", &options.superuser, "-E", &options.encoding]);
    command.args(locale_arguments(&options.locale, binaries.major()));
    if binaries.major() >= 11 {
        command.arg("--wal-segsize=1");
    }
    clear_environment(&mut command);
    account.apply(&mut command);
    let output = command
        .current_dir("/")
        .output()
        .map_err(|source| PostgresError::Run { program, source })?;
    if !output.status.success() {
        return Err(initdb_error(&String::from_utf8_lossy(&output.stderr), data));
    }
    account.write(&data.join("pg_hba.conf"), "local all all trust\n")?;
    account.write(&data.join(SUPERUSER_FILE), &options.superuser)
}

fn locale_arguments(locale: &Locale, major: u32) -> Vec<String> {
    let mut arguments = vec![
        "--locale=C".to_owned(),
        format!("--lc-collate={}", locale.collate),
        format!("--lc-ctype={}", locale.ctype),
    ];
    let name = locale.name.as_deref().unwrap_or_default();
    match locale.provider {
        // Said only where it can be asked for, and where it is the default.
        LocaleProvider::Libc if major >= 15 => arguments.push("--locale-provider=libc".to_owned()),
        LocaleProvider::Libc => {}
        LocaleProvider::Icu => arguments.extend(["--locale-provider=icu".to_owned(), format!("--icu-locale={name}")]),
        LocaleProvider::Builtin => arguments.extend(["--locale-provider=builtin".to_owned(), format!("--builtin-locale={name}")]),
    }
    arguments.extend(locale.rules.iter().map(|rules| format!("--icu-rules={rules}")));
    arguments
}

fn initdb_error(stderr: &str, data: &Path) -> PostgresError {
    if stderr.contains("No space left on device") {
        return PostgresError::DiskFull { path: data.to_owned() };
    }
    // initdb: error: invalid locale name "de_DE.UTF-8"
    match stderr
        .split_once("invalid locale name \"")
        .and_then(|(_, rest)| rest.split('"').next())
    {
        Some(locale) => PostgresError::MissingLocale { locale: locale.to_owned() },
        None => PostgresError::Initdb {
            message: stderr.trim().to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_for_the_configuration_file() {
        let settings = [("search_path".to_owned(), "\"$user\", 'a\\b'\n".to_owned())];
        let text = configuration(&settings);
        assert_eq!(text.lines().last(), Some(r#"search_path = '"$user", ''a\\b''\n'"#));
    }

    #[test]
    fn a_locale_that_initdb_does_not_know_is_named() {
        let error = initdb_error("initdb: error: invalid locale name \"xx_XX\"\n", Path::new("/d"));
        assert!(
            matches!(error, PostgresError::MissingLocale { ref locale } if locale == "xx_XX"),
            "{error}"
        );
    }
}
