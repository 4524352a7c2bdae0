//! Where migrations and fixtures lie, from what the compiler saw.

use super::spec::{Migrations, Spec};
use crate::HarnessError;
use std::path::{Path, PathBuf};

/// The folder of the test's source file.
///
/// `file!()` is relative to wherever Cargo ran the compiler: the workspace's folder for members, the package's own otherwise. So
/// the manifest's folder and then those above it are tried.
pub(crate) fn source_folder(file: &str, manifest_dir: &Path) -> Result<PathBuf, HarnessError> {
    let found = manifest_dir.ancestors().map(|folder| folder.join(file)).find(|path| path.is_file());
    found
        .as_deref()
        .and_then(Path::parent)
        .map(Path::to_owned)
        .ok_or_else(|| HarnessError::SourceFile {
            file: file.to_owned(),
            manifest_dir: manifest_dir.to_owned(),
        })
}

/// Checked here, where the attribute's rule for names can be told; what is in the file is the broker's business.
pub(crate) fn fixture_path(folder: &Path, relative: &str) -> Result<PathBuf, HarnessError> {
    let path = folder.join(relative);
    if path.is_file() {
        Ok(path)
    } else {
        Err(HarnessError::FixtureMissing { path })
    }
}

/// A file of commands, not of SQL.
pub(super) fn is_for_redis(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "redis")
}

pub(super) fn fixtures(spec: &Spec) -> Result<Vec<PathBuf>, HarnessError> {
    if spec.fixtures.is_empty() {
        return Ok(Vec::new());
    }
    let folder = source_folder(spec.source.file, Path::new(spec.source.manifest_dir))?;
    spec.fixtures.iter().map(|relative| fixture_path(&folder, relative)).collect()
}

pub(super) fn migrations(spec: &Spec) -> Option<PathBuf> {
    let manifest_dir = Path::new(spec.source.manifest_dir);
    match spec.migrations {
        Migrations::Off => None,
        Migrations::Folder(folder) => Some(manifest_dir.join(folder)),
        Migrations::ByConvention => Some(manifest_dir.join("migrations")).filter(|folder| folder.is_dir()),
    }
}

#[cfg(test)]
mod tests {
    use super::{fixtures, migrations, source_folder};
    use crate::harness::spec::tests::REFUND;
    use crate::harness::{Migrations, Source, Spec};
    use std::fs;
    use std::path::{Path, PathBuf};

    fn workspace() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().expect("a folder");
        let package = root.path().join("apps/shop");
        fs::create_dir_all(package.join("tests/fixtures")).expect("created");
        fs::write(package.join("tests/orders.rs"), "").expect("written");
        fs::write(package.join("tests/fixtures/users.sql"), "").expect("written");
        (root, package)
    }

    #[test]
    fn a_file_is_found_from_the_package_and_from_the_workspace() {
        let (_root, package) = workspace();
        for file in ["tests/orders.rs", "apps/shop/tests/orders.rs"] {
            assert_eq!(source_folder(file, &package).expect("found"), package.join("tests"));
        }
        let error = source_folder("tests/none.rs", &package).expect_err("missing").to_string();
        assert!(error.starts_with("the source file tests/none.rs is not found above "), "{error}");
    }

    #[test]
    fn fixtures_lie_beside_the_source_and_migrations_beside_the_manifest() {
        let (_root, package) = workspace();
        // A spec lives as long as the program, as the constants of real tests do.
        let manifest_dir: &'static str = Box::leak(package.to_string_lossy().into_owned().into_boxed_str());
        let source = Source { manifest_dir, ..REFUND };
        let spec = Spec {
            fixtures: &["fixtures/users.sql"],
            ..Spec::new(source, &[])
        };
        assert_eq!(fixtures(&spec).expect("found"), [package.join("tests/fixtures/users.sql")]);
        let error = fixtures(&Spec {
            fixtures: &["fixtures/ghosts.sql"],
            ..spec
        })
        .expect_err("missing")
        .to_string();
        assert!(error.contains("fixtures/ghosts.sql does not exist\n  remedy: "), "{error}");

        assert_eq!(migrations(&spec), None);
        fs::create_dir(package.join("migrations")).expect("created");
        assert_eq!(migrations(&spec), Some(package.join("migrations")));
        assert_eq!(
            migrations(&Spec {
                migrations: Migrations::Off,
                ..spec
            }),
            None
        );
        assert_eq!(
            migrations(&Spec {
                migrations: Migrations::Folder("sql"),
                ..spec
            }),
            Some(Path::new(manifest_dir).join("sql"))
        );
    }
}
