//! Random DDL other than CREATE TABLE: views, indexes, triggers, ALTER, DROP.

use super::catalog::{Column, Kind, Table};
use super::generator::{Generator, quote};
use super::program::Statement;
use super::values::Hint;

impl Generator<'_> {
    /// A statement that changes the schema.
    pub fn define(&mut self) -> Statement {
        let made = match self.number(24) {
            0..=2 => Some(self.create_table()),
            3 => Some(self.create_table_as()),
            4..=6 => self.create_index(),
            7 | 8 => Some(self.create_view()),
            9 | 10 => self.create_trigger(),
            11 => self.create_virtual(),
            12 | 13 => self.add_column(),
            14 => self.drop_column(),
            15 => self.rename_column(),
            16 => self.rename_table(),
            17 | 18 => self.drop_table(),
            19 => self.drop_named("INDEX", &self.catalog.indexes.clone()),
            20 => self.drop_named("TRIGGER", &self.catalog.triggers.clone()),
            21 => self.drop_view(),
            22 => Some(self.maintain()),
            _ => Some(self.create_temporary()),
        };
        made.unwrap_or_else(|| self.create_table())
    }

    fn create_table_as(&mut self) -> Statement {
        let name = self.fresh_name(&["copied", "report"]);
        let (temp, name) = (self.maybe(15, "TEMP "), self.name(&name));
        let query = self.query(1);
        Statement::new("CREATE TABLE", format!("CREATE {temp}TABLE {name} AS {query}"))
    }

    /// What goes with the connection. It may hide a table of the database.
    fn create_temporary(&mut self) -> Statement {
        let name = if self.chance(25) {
            self.pick_table(Kind::Table)
                .map_or_else(|| "scratch".to_owned(), |table| table.name)
        } else {
            "scratch".to_owned()
        };
        let (name, number) = (self.name(&name), self.number(100));
        match self.number(3) {
            0 => Statement::new(
                "CREATE TABLE",
                format!("CREATE TEMP TABLE {name} (id INTEGER PRIMARY KEY, note TEXT)"),
            ),
            1 => Statement::new("INSERT", format!("INSERT INTO temp.{name} (note) VALUES ('n{number}')")),
            _ => Statement::new("DROP TABLE", format!("DROP TABLE IF EXISTS temp.{name}")),
        }
    }

    pub fn create_index(&mut self) -> Option<Statement> {
        let table = self.pick_table(Kind::Table)?;
        let scope = self.scope(&table, "");
        let unique = self.maybe(30, "UNIQUE ");
        let exists = self.maybe(20, "IF NOT EXISTS ");
        let count = 1 + self.number(2);
        let terms: Vec<String> = (0..count)
            .map(|_| {
                let column = self.pick_column(&table).name.clone();
                let column = self.name(&column);
                match self.number(7) {
                    0 => format!("lower({column})"),
                    1 => format!("{column} COLLATE NOCASE"),
                    2 => format!("{column} DESC"),
                    3 => format!("length({column}) + 1"),
                    _ => column,
                }
            })
            .collect();
        let partial = if self.chance(25) {
            let column = self.reference(&scope);
            match self.number(2) {
                0 => format!(" WHERE {} IS NOT NULL", column.sql),
                _ => format!(" WHERE {} > {}", column.sql, self.literal(column.hint)),
            }
        } else {
            String::new()
        };
        let number = self.number(40);
        let (index, on) = (self.name(&format!("index_{number}")), self.name(&table.name));
        Some(Statement::new(
            "CREATE INDEX",
            format!("CREATE {unique}INDEX {exists}{index} ON {on} ({}){partial}", terms.join(", ")),
        ))
    }

    pub fn create_view(&mut self) -> Statement {
        let name = self.fresh_name(&["summary", "view_of", "recent"]);
        let name = self.name(&name);
        let query = self.query(1);
        Statement::new(
            "CREATE VIEW",
            format!("CREATE VIEW {}{name} AS {query}", self.maybe(20, "IF NOT EXISTS ")),
        )
    }

    /// A trigger whose body writes other tables, or refuses.
    pub fn create_trigger(&mut self) -> Option<Statement> {
        let on_view = self.chance(20);
        let table = self.pick_table(if on_view { Kind::View } else { Kind::Table })?;
        let target = self.pick_table(Kind::Table)?;
        let event = self.word(&["INSERT", "UPDATE", "DELETE"]);
        let of = if event == "UPDATE" && self.chance(30) {
            let column = self.pick_column(&table).name.clone();
            format!(" OF {}", self.name(&column))
        } else {
            String::new()
        };
        let time = match (on_view, self.number(3)) {
            (true, _) => "INSTEAD OF",
            (false, 0) => "BEFORE",
            (false, _) => "AFTER",
        };
        let side = if event == "DELETE" { "OLD" } else { "NEW" };
        let scope = self.scope(&table, side);
        let when = if self.chance(30) {
            format!(" WHEN {}", self.condition(&scope, 1))
        } else {
            String::new()
        };
        let mut body = Vec::new();
        for _ in 0..=self.number(2) {
            body.push(self.trigger_statement(&table, &target, side));
        }
        let number = self.number(30);
        let (trigger, on) = (self.name(&format!("trigger_{number}")), self.name(&table.name));
        let sql = format!(
            "CREATE TRIGGER {trigger} {time} {event}{of} ON {on}{when} BEGIN {}; END",
            body.join("; ")
        );
        Some(Statement::new("CREATE TRIGGER", sql))
    }

    fn trigger_statement(&mut self, table: &Table, target: &Table, side: &str) -> String {
        let scope = self.scope(table, side);
        // The body of a trigger takes no qualified and no parameterized names.
        let name = quote(&target.name);
        let columns: Vec<Column> = target.writable().into_iter().cloned().collect();
        let column = self.random.pick(&columns).clone();
        let (set, value) = (self.name(&column.name), self.expression(&scope, 1));
        match self.number(7) {
            0..=2 => {
                let mut names = Vec::new();
                let mut values = Vec::new();
                for column in &columns {
                    if column.key_position > 0 && column.declared.eq_ignore_ascii_case("INTEGER") && self.chance(80) {
                        continue;
                    }
                    names.push(self.name(&column.name));
                    values.push(if self.chance(60) {
                        self.reference(&scope).sql
                    } else {
                        self.literal(column.hint())
                    });
                }
                let conflict = self.word(&["", " OR IGNORE", " OR REPLACE"]);
                if names.is_empty() {
                    return format!("INSERT{conflict} INTO {name} ({set}) VALUES ({value})");
                }
                format!("INSERT{conflict} INTO {name} ({}) VALUES ({})", names.join(", "), values.join(", "))
            }
            3 | 4 => {
                let key = self.random.pick(&columns).clone();
                let (key, from) = (self.name(&key.name), self.reference(&scope).sql);
                format!(
                    "UPDATE {}{name} SET {set} = {value} WHERE {key} = {from}",
                    self.word(&["", "OR IGNORE ", "OR REPLACE "])
                )
            }
            5 => {
                let (key, from) = (self.name(&column.name), self.reference(&scope).sql);
                format!("DELETE FROM {name} WHERE {key} = {from}")
            }
            _ => {
                let how = self.word(&["ABORT, 'refused'", "FAIL, 'failed'", "IGNORE", "ROLLBACK, 'rolled back'"]);
                format!(
                    "SELECT RAISE({how}) WHERE {} = {}",
                    self.reference(&scope).sql,
                    self.literal(Hint::Key)
                )
            }
        }
    }

    pub fn create_virtual(&mut self) -> Option<Statement> {
        if self.chance(20) {
            let name = self.fresh_name(&["areas"]);
            let sql = format!("CREATE VIRTUAL TABLE {} USING rtree(id, minx, maxx, miny, maxy)", self.name(&name));
            return Some(Statement::new("CREATE VIRTUAL TABLE", sql));
        }
        let name = self.fresh_name(&["search", "docs"]);
        let name = self.name(&name);
        let options = match self.number(8) {
            0 => ", tokenize = 'porter'".to_owned(),
            1 => ", prefix = '2'".to_owned(),
            2 => ", content = ''".to_owned(),
            3 => ", tokenize = 'trigram'".to_owned(),
            4 => ", detail = 'none'".to_owned(),
            _ => String::new(),
        };
        Some(Statement::new(
            "CREATE VIRTUAL TABLE",
            format!("CREATE VIRTUAL TABLE {name} USING fts5(title, body{options})"),
        ))
    }

    fn add_column(&mut self) -> Option<Statement> {
        let table = self.pick_table(Kind::Table)?;
        let number = self.number(10);
        let column = self.name(&format!("added_{number}"));
        let (declared, default) = (self.word(&["INTEGER", "TEXT", "REAL", "BLOB"]), self.literal(Hint::Any));
        let first = table.columns[0].name.clone();
        let rest = match self.number(7) {
            0 => format!(" DEFAULT {default}"),
            1 => format!(" NOT NULL DEFAULT {default}"),
            2 => format!(" AS (length({})) VIRTUAL", quote(&first)),
            3 => format!(" CHECK ({column} IS NULL OR length({column}) < 100)"),
            4 => " COLLATE NOCASE".to_owned(),
            5 => " REFERENCES items(id) DEFAULT NULL".to_owned(),
            _ => String::new(),
        };
        Some(Statement::new(
            "ALTER TABLE",
            format!("ALTER TABLE {} ADD COLUMN {column} {declared}{rest}", self.name(&table.name)),
        ))
    }

    fn drop_column(&mut self) -> Option<Statement> {
        let table = self.pick_table(Kind::Table)?;
        let column = self.pick_column(&table).name.clone();
        Some(Statement::new(
            "ALTER TABLE",
            format!("ALTER TABLE {} DROP COLUMN {}", self.name(&table.name), self.name(&column)),
        ))
    }

    fn rename_column(&mut self) -> Option<Statement> {
        let table = self.pick_table(Kind::Table)?;
        let column = self.pick_column(&table).name.clone();
        let number = self.number(10);
        let to = self.name(&format!("renamed_{number}"));
        Some(Statement::new(
            "ALTER TABLE",
            format!(
                "ALTER TABLE {} RENAME COLUMN {} TO {to}",
                self.name(&table.name),
                self.name(&column)
            ),
        ))
    }

    fn rename_table(&mut self) -> Option<Statement> {
        let table = self.pick_table_or_virtual(10)?;
        let to = self.fresh_name(&["moved", "old"]);
        Some(Statement::new(
            "ALTER TABLE",
            format!("ALTER TABLE {} RENAME TO {}", self.name(&table.name), self.name(&to)),
        ))
    }

    /// Drops a table; now and then the next CREATE makes one of its name again.
    fn drop_table(&mut self) -> Option<Statement> {
        let table = self.pick_table_or_virtual(15)?;
        Some(Statement::new(
            "DROP TABLE",
            format!("DROP TABLE {}{}", self.maybe(30, "IF EXISTS "), self.name(&table.name)),
        ))
    }

    fn drop_view(&mut self) -> Option<Statement> {
        let view = self.pick_table(Kind::View)?;
        Some(Statement::new("DROP VIEW", format!("DROP VIEW {}", self.name(&view.name))))
    }

    fn drop_named(&mut self, what: &str, names: &[String]) -> Option<Statement> {
        if names.is_empty() {
            return None;
        }
        let name = self.random.pick(names).clone();
        let verb = if what == "INDEX" { "DROP INDEX" } else { "DROP TRIGGER" };
        Some(Statement::new(verb, format!("DROP {what} {}", self.name(&name))))
    }

    pub fn maintain(&mut self) -> Statement {
        let table = self.pick_table(Kind::Table).map(|table| self.name(&table.name)).unwrap_or_default();
        match self.number(6) {
            0 | 1 => Statement::new("VACUUM", "VACUUM"),
            2 => Statement::new("ANALYZE", "ANALYZE"),
            3 => Statement::new("ANALYZE", format!("ANALYZE {table}")),
            4 => Statement::new("REINDEX", "REINDEX"),
            _ => Statement::new("REINDEX", format!("REINDEX {table}")),
        }
    }
}
