//! Server binaries on this machine.

use super::error::{RedisError, Result};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where servers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    Redis,
    Valkey,
}

impl Flavour {
    fn program(self) -> &'static str {
        match self {
            Flavour::Redis => "redis-server",
            Flavour::Valkey => "valkey-server",
        }
    }
}

/// What a server is: `Redis 7.0.15`, `Valkey 8.1.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Version {
    pub flavour: Flavour,
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

impl Version {
    /// From a text such as `7.0.15`.
    pub fn parse(flavour: Flavour, text: &str) -> Option<Version> {
        let mut numbers = text.trim().split(['.', '-']).map(|number| number.parse().ok());
        Some(Version {
            flavour,
            major: numbers.next()??,
            minor: numbers.next().flatten().unwrap_or(0),
            patch: numbers.next().flatten().unwrap_or(0),
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.flavour {
            Flavour::Redis => "Redis",
            Flavour::Valkey => "Valkey",
        };
        write!(f, "{name} {}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A server's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    pub program: PathBuf,
    pub version: Version,
}

/// Where servers are besides the PATH.
const FOLDERS: [&str; 4] = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/redis/bin"];

/// Older ones lack what a lane needs.
const MAJOR_MIN: u32 = 6;

impl Binaries {
    /// The server that comes closest to `wanted`: of its version, else of its major version, else a newer one, which can read its keys. Without `wanted`, the
    /// newest Redis, or else Valkey.
    ///
    /// Looked for in `MORI_REDIS_BIN`, the PATH and the usual folders. Errors: `NoBinaries`.
    pub fn find(wanted: Option<Version>) -> Result<Binaries> {
        let all = Binaries::all();
        let best = match wanted {
            None => all
                .iter()
                .min_by_key(|found| (found.version.flavour, std::cmp::Reverse(found.version))),
            Some(wanted) => all
                .iter()
                .filter_map(|found| Some((distance(found.version, wanted)?, found)))
                .min_by_key(|(distance, _)| *distance)
                .map(|(_, found)| found),
        };
        best.cloned().ok_or_else(|| RedisError::NoBinaries {
            wanted: wanted.map_or_else(|| "Redis or Valkey".to_owned(), |wanted| format!("{wanted} or newer")),
            found: all
                .iter()
                .map(|found| format!("{} ({})", found.version, found.program.display()))
                .collect(),
        })
    }

    /// Every server on this machine. Where `MORI_REDIS_BIN` is set, those of that folder only.
    pub fn all() -> Vec<Binaries> {
        let folders: Vec<PathBuf> = match std::env::var_os("MORI_REDIS_BIN") {
            Some(folder) => vec![PathBuf::from(folder)],
            None => {
                let path = std::env::var_os("PATH").unwrap_or_default();
                std::env::split_paths(&path).chain(FOLDERS.map(PathBuf::from)).collect()
            }
        };
        let mut all: Vec<Binaries> = Vec::new();
        for folder in folders {
            for flavour in [Flavour::Redis, Flavour::Valkey] {
                let program = folder.join(flavour.program());
                let is_known = |known: &Binaries| known.program.canonicalize().ok() == program.canonicalize().ok();
                if !program.is_file() || all.iter().any(is_known) {
                    continue;
                }
                if let Some(version) = version_of(&program).filter(|version| version.major >= MAJOR_MIN) {
                    all.push(Binaries { program, version });
                }
            }
        }
        all
    }
}

/// How well a server stands in for another: none if it cannot read its keys.
fn distance(found: Version, wanted: Version) -> Option<(u32, bool, u32, u32)> {
    let is_other = found.flavour != wanted.flavour;
    // Valkey branched off at 7.2; the formats of both went their own ways from there.
    if is_other && (wanted.major, wanted.minor) > (7, 2) {
        return None;
    }
    let number = |version: Version| (version.major, version.minor);
    if !is_other && number(found) < number(wanted) {
        // A dump of a newer minor version is read by most of its major version's servers; it is tried.
        return (found.major == wanted.major).then_some((1, is_other, wanted.minor.abs_diff(found.minor), 0));
    }
    let rank = match number(found) == number(wanted) {
        true => 0,
        false if found.major == wanted.major => 1,
        false => 2,
    };
    Some((
        rank,
        is_other,
        found.major.abs_diff(wanted.major),
        found.minor.abs_diff(wanted.minor),
    ))
}

/// `Redis server v=7.0.15 sha=…`, `Valkey server v=8.1.1 sha=…`.
fn version_of(program: &Path) -> Option<Version> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let flavour = if text.starts_with("Valkey") {
        Flavour::Valkey
    } else {
        Flavour::Redis
    };
    let number = text.split_whitespace().find_map(|word| word.strip_prefix("v="))?;
    Version::parse(flavour, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(flavour: Flavour, text: &str) -> Version {
        Version::parse(flavour, text).expect("a version")
    }

    #[test]
    fn the_closest_server_is_taken() {
        let redis = |text| version(Flavour::Redis, text);
        let rank = |found, wanted| distance(redis(found), redis(wanted));
        assert!(rank("7.0.15", "7.0.2") < rank("7.2.0", "7.0.2"));
        assert!(rank("7.2.0", "7.0.2") < rank("8.0.0", "7.0.2"));
        assert!(rank("7.0.0", "7.2.0").is_some(), "tried");
        assert_eq!(rank("6.2.0", "7.0.0"), None);
        assert_eq!(distance(version(Flavour::Valkey, "8.1.0"), redis("8.0.0")), None);
        assert!(distance(version(Flavour::Valkey, "8.1.0"), redis("7.0.0")).is_some());
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(version(Flavour::Valkey, "8.1.1").to_string(), "Valkey 8.1.1");
        assert_eq!(version(Flavour::Redis, "8.0-rc1").to_string(), "Redis 8.0.0");
        assert_eq!(Version::parse(Flavour::Redis, "x"), None);
    }
}
