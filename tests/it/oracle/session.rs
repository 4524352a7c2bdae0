//! Random transaction control and settings.

use super::generator::Generator;
use super::program::Statement;

const SAVEPOINTS: [&str; 4] = ["s1", "s2", "\"Save Point\"", "S1"];

impl Generator<'_> {
    /// `in_transaction`: what fits then, most of the time.
    pub fn transaction(&mut self, in_transaction: bool) -> Statement {
        let fits = self.chance(92);
        if in_transaction != fits {
            return match self.number(8) {
                0..=3 => Statement::new("BEGIN", self.word(&["BEGIN", "BEGIN TRANSACTION", "BEGIN DEFERRED"])),
                4 | 5 => Statement::new("BEGIN", "BEGIN IMMEDIATE"),
                6 => Statement::new("BEGIN", "BEGIN EXCLUSIVE TRANSACTION"),
                _ => Statement::new("SAVEPOINT", format!("SAVEPOINT {}", self.random.pick(&SAVEPOINTS))),
            };
        }
        let name = *self.random.pick(&SAVEPOINTS);
        match self.number(12) {
            0..=2 => Statement::new("COMMIT", self.word(&["COMMIT", "END", "COMMIT TRANSACTION", "END TRANSACTION"])),
            3 => Statement::new("ROLLBACK", self.word(&["ROLLBACK", "ROLLBACK TRANSACTION"])),
            4..=6 => Statement::new("SAVEPOINT", format!("SAVEPOINT {name}")),
            7 | 8 => Statement::new("ROLLBACK", format!("ROLLBACK TO {}{name}", self.maybe(50, "SAVEPOINT "))),
            9 | 10 => Statement::new("RELEASE", format!("RELEASE {}{name}", self.maybe(50, "SAVEPOINT "))),
            _ => Statement::new("PRAGMA", "PRAGMA defer_foreign_keys = ON"),
        }
    }

    /// A PRAGMA that reads, or sets what holds for the connection or the file.
    pub fn pragma(&mut self) -> Statement {
        let table = self
            .catalog
            .readable()
            .first()
            .map(|table| super::generator::quote(&table.name))
            .unwrap_or_default();
        let sql = match self.number(34) {
            0 => format!("PRAGMA table_info({table})"),
            1 => format!("PRAGMA table_xinfo({table})"),
            2 => format!("PRAGMA foreign_key_list({table})"),
            3 => format!("PRAGMA index_list({table})"),
            // Its `ncol` says what the connection happens to have looked at: that of a view is 0 until it is used.
            4 => "SELECT schema, name, type, wr, strict FROM pragma_table_list ORDER BY 1, 2".to_owned(),
            5 => "PRAGMA foreign_key_check".to_owned(),
            6 => "PRAGMA integrity_check".to_owned(),
            7 => "PRAGMA quick_check".to_owned(),
            8 => "PRAGMA user_version".to_owned(),
            9 => format!("PRAGMA user_version = {}", self.number(1000)),
            10 => "PRAGMA schema_version".to_owned(),
            11 => "PRAGMA page_count".to_owned(),
            12 => "PRAGMA freelist_count".to_owned(),
            13 => "PRAGMA page_size".to_owned(),
            14 => "PRAGMA journal_mode".to_owned(),
            15 => "PRAGMA foreign_keys".to_owned(),
            16 => format!("PRAGMA foreign_keys = {}", self.word(&["ON", "OFF", "ON"])),
            17 => format!("PRAGMA recursive_triggers = {}", self.word(&["ON", "OFF", "OFF"])),
            18 => format!("PRAGMA case_sensitive_like = {}", self.word(&["ON", "OFF"])),
            19 => format!("PRAGMA reverse_unordered_selects = {}", self.word(&["ON", "OFF"])),
            20 => format!("PRAGMA ignore_check_constraints = {}", self.word(&["ON", "OFF"])),
            21 => format!("PRAGMA cache_size = {}", self.word(&["5", "10", "2000"])),
            22 => format!(
                "PRAGMA journal_mode = {}",
                self.word(&["WAL", "DELETE", "TRUNCATE", "PERSIST", "MEMORY"])
            ),
            23 => format!("PRAGMA wal_checkpoint({})", self.word(&["PASSIVE", "FULL", "TRUNCATE"])),
            24 => format!("PRAGMA incremental_vacuum({})", self.number(6)),
            25 => "PRAGMA auto_vacuum".to_owned(),
            26 => format!("PRAGMA auto_vacuum = {}", self.word(&["NONE", "FULL", "INCREMENTAL"])),
            27 => format!("PRAGMA page_size = {}", self.word(&["512", "1024", "4096", "8192"])),
            28 => format!("PRAGMA application_id = {}", self.number(1000)),
            29 => format!("PRAGMA query_only = {}", self.word(&["ON", "OFF", "OFF", "OFF"])),
            30 => "PRAGMA encoding".to_owned(),
            31 => "PRAGMA optimize".to_owned(),
            32 => "PRAGMA collation_list".to_owned(),
            _ => format!("PRAGMA secure_delete = {}", self.word(&["ON", "OFF", "FAST"])),
        };
        Statement::new(if sql.starts_with("SELECT") { "SELECT" } else { "PRAGMA" }, sql)
    }
}
