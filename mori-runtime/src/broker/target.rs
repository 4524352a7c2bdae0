//! The target folder a test executable was built in: where all tests of a workspace meet.

use crate::HarnessError;
use std::path::{Path, PathBuf};

/// Cargo writes this file into every target folder.
const TAG: &str = "CACHEDIR.TAG";

pub(crate) fn folder() -> Result<PathBuf, HarnessError> {
    let executable = executable()?;
    folder_of(&executable, std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from)).ok_or(HarnessError::NoTargetFolder { executable })
}

/// The running test executable: `<target>/<profile>/deps/<name>-<hash>`.
pub(crate) fn executable() -> Result<PathBuf, HarnessError> {
    std::env::current_exe().map_err(|source| HarnessError::File {
        action: "find",
        path: PathBuf::from("the test executable"),
        source,
    })
}

/// The nearest folder above with Cargo's tag, else the configured one, else the one above `<profile>/deps`.
fn folder_of(executable: &Path, configured: Option<PathBuf>) -> Option<PathBuf> {
    let tagged = executable.ancestors().skip(1).find(|folder| folder.join(TAG).is_file());
    let above_deps = || {
        let deps = executable.parent().filter(|folder| folder.ends_with("deps"))?;
        deps.parent()?.parent().map(Path::to_owned)
    };
    tagged.map(Path::to_owned).or(configured).or_else(above_deps)
}

#[cfg(test)]
mod tests {
    use super::folder_of;
    use std::fs;
    use std::path::{Path, PathBuf};

    #[test]
    fn the_tag_wins_over_everything() {
        let root = tempfile::tempdir().expect("a folder");
        let deps = root.path().join("target/debug/deps");
        fs::create_dir_all(&deps).expect("created");
        fs::write(root.path().join("target/CACHEDIR.TAG"), "").expect("written");
        assert_eq!(
            folder_of(&deps.join("orders-1"), Some(PathBuf::from("/elsewhere"))),
            Some(root.path().join("target"))
        );
    }

    #[test]
    fn without_a_tag_the_variable_then_the_layout() {
        let executable = Path::new("/no/such/target/debug/deps/orders-1");
        assert_eq!(
            folder_of(executable, Some(PathBuf::from("/elsewhere"))),
            Some(PathBuf::from("/elsewhere"))
        );
        assert_eq!(folder_of(executable, None), Some(PathBuf::from("/no/such/target")));
        assert_eq!(folder_of(Path::new("/usr/bin/orders"), None), None);
    }
}
