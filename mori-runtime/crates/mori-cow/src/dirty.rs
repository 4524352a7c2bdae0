//! Which tables have local changes: those of committed transactions, and those of a connection's open one.
//!
//! Table names are compared as they are; the classifier has brought them to the spelling of the schema.

use std::collections::BTreeSet;

/// The tables of a lane that committed statements have written since the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirtyTables {
    committed: BTreeSet<String>,
}

impl DirtyTables {
    /// Adds what a transaction wrote, usually the result of [`Stage::commit`].
    pub fn mark(&mut self, tables: impl IntoIterator<Item = String>) {
        self.committed.extend(tables);
    }

    pub fn contains(&self, table: &str) -> bool {
        self.committed.contains(table)
    }

    /// All dirty tables, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.committed.iter().map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.committed.is_empty()
    }

    /// Forgets everything: the lane was reset.
    pub fn clear(&mut self) {
        self.committed.clear();
    }
}

/// The tables that one connection has written since its last commit, by savepoint.
///
/// Savepoints are those of SQLite (<https://www.sqlite.org/lang_savepoint.html>): they nest, names are compared without regard to ASCII case,
/// and of several with one name the innermost is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stage {
    /// Written outside all savepoints.
    base: BTreeSet<String>,
    savepoints: Vec<Savepoint>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Savepoint {
    name: String,
    /// Written since this savepoint and before the next one.
    tables: BTreeSet<String>,
}

/// The engine refuses such a statement too, so the stage is left as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such savepoint: {name}")]
pub struct NoSuchSavepoint {
    pub name: String,
}

impl Stage {
    /// Notes that a statement has written a table.
    pub fn stage(&mut self, table: impl Into<String>) {
        self.top().insert(table.into());
    }

    /// Whether the connection has written a table since its last commit.
    pub fn contains(&self, table: &str) -> bool {
        self.base.contains(table) || self.savepoints.iter().any(|savepoint| savepoint.tables.contains(table))
    }

    /// SAVEPOINT.
    pub fn savepoint(&mut self, name: impl Into<String>) {
        self.savepoints.push(Savepoint {
            name: name.into(),
            tables: BTreeSet::new(),
        });
    }

    /// ROLLBACK TO: forgets what was written since the savepoint, which stays open.
    pub fn rollback_to(&mut self, name: &str) -> Result<(), NoSuchSavepoint> {
        let innermost = self.innermost(name)?;
        self.savepoints.truncate(innermost + 1);
        self.savepoints[innermost].tables.clear();
        Ok(())
    }

    /// RELEASE: what was written since the savepoint belongs to what encloses it.
    ///
    /// Releasing the outermost savepoint commits if there was no BEGIN. The stage cannot know; a caller that finds the connection in
    /// autocommit mode afterwards calls [`Stage::commit`].
    pub fn release(&mut self, name: &str) -> Result<(), NoSuchSavepoint> {
        let innermost = self.innermost(name)?;
        let released = self.savepoints.split_off(innermost);
        let enclosing = self.top();
        enclosing.extend(released.into_iter().flat_map(|savepoint| savepoint.tables));
        Ok(())
    }

    /// COMMIT, or a statement in autocommit mode: ends all savepoints and gives what was written, sorted.
    pub fn commit(&mut self) -> Vec<String> {
        let Stage { mut base, savepoints } = std::mem::take(self);
        base.extend(savepoints.into_iter().flat_map(|savepoint| savepoint.tables));
        base.into_iter().collect()
    }

    /// ROLLBACK: ends all savepoints and forgets everything.
    pub fn rollback(&mut self) {
        *self = Stage::default();
    }

    fn top(&mut self) -> &mut BTreeSet<String> {
        self.savepoints.last_mut().map_or(&mut self.base, |savepoint| &mut savepoint.tables)
    }

    fn innermost(&self, name: &str) -> Result<usize, NoSuchSavepoint> {
        self.savepoints
            .iter()
            .rposition(|savepoint| savepoint.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| NoSuchSavepoint { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a script on an empty stage: `+t` writes table `t`, the rest are savepoint statements. Then commits.
    #[track_caller]
    fn check(script: &str, committed: &[&str]) {
        let mut stage = Stage::default();
        for step in script.split_whitespace() {
            match step.split_at(1) {
                ("+", table) => stage.stage(table),
                ("S", name) => stage.savepoint(name),
                ("B", name) => stage.rollback_to(name).unwrap(),
                ("R", name) => stage.release(name).unwrap(),
                ("X", _) => stage.rollback(),
                _ => panic!("no step {step}"),
            }
        }
        assert_eq!(stage.commit(), committed, "{script}");
        assert_eq!(stage, Stage::default());
    }

    #[test]
    fn savepoints_nest_as_in_sqlite() {
        check("", &[]);
        check("+b +a +b", &["a", "b"]);
        check("+a X", &[]);
        check("+a Ss +b X +c", &["c"]);
        check("+a Ss +b", &["a", "b"]);
        check("+a Ss +b Bs", &["a"]);
        check("+a Ss +b Bs +c Bs +d", &["a", "d"]);
        check("+a Ss +b Rs", &["a", "b"]);
        check("Ss +a St +b Bs", &[]);
        check("Ss +a St +b Bt", &["a"]);
        check("Ss +a St +b Rs", &["a", "b"]);
        check("Ss +a St +b Rt Bs", &[]);
        check("Ss +a Ss +b Bs", &["a"]);
        check("Ss +a Ss +b Rs Bs", &[]);
        check("SName +a BNAME", &[]);
        check("SName +a Rname", &["a"]);
    }

    #[test]
    fn an_unknown_savepoint_changes_nothing() {
        let mut stage = Stage::default();
        stage.savepoint("s");
        stage.stage("a");
        stage.release("s").unwrap();
        let before = stage.clone();
        assert_eq!(stage.rollback_to("s").unwrap_err().to_string(), "no such savepoint: s");
        assert!(stage.release("s").is_err());
        assert_eq!(stage, before);
    }

    #[test]
    fn a_connection_sees_its_own_stage_and_what_is_committed() {
        let mut dirty = DirtyTables::default();
        let mut stage = Stage::default();
        stage.stage("users");
        stage.savepoint("s");
        stage.stage("orders");
        assert!(stage.contains("users") && stage.contains("orders") && !stage.contains("carts"));
        assert!(dirty.is_empty());
        dirty.mark(stage.commit());
        assert!(dirty.contains("users") && !stage.contains("users"));
        assert_eq!(dirty.iter().collect::<Vec<_>>(), ["orders", "users"]);
        dirty.clear();
        assert!(dirty.is_empty());
    }
}
