//! Random queries.

use super::catalog::{Kind, Table};
use super::generator::{Generator, Reference, Scope};
use super::program::Statement;
use super::values::{Hint, literal, search_word};

/// Rows that a join or a recursion may give.
const ROWS_MAX: u64 = 60;

impl Generator<'_> {
    /// A statement that reads.
    pub fn read(&mut self) -> Statement {
        if self.chance(4) {
            let select = self.without_params(|generator| generator.query(1));
            return Statement::new("EXPLAIN", format!("EXPLAIN QUERY PLAN {select}"));
        }
        let sql = self.query(2);
        self.finish("SELECT", sql)
    }

    /// A query of any kind. `depth`: how far queries may nest.
    pub fn query(&mut self, depth: u32) -> String {
        let made = match self.number(20) {
            0..=5 => self.simple_select(),
            6..=9 => self.join_select(),
            10..=12 => self.aggregate_select(),
            13 => self.window_select(),
            14 if depth > 0 => self.with_select(depth),
            15 if depth > 0 => self.compound_select(depth),
            16 if depth > 0 => self.derived_select(depth),
            17 => self.search_select(),
            18 => self.json_select(),
            _ => self.odd_select(),
        };
        made.unwrap_or_else(|| "SELECT 1, 'one' AS two, NULL".to_owned())
    }

    fn simple_select(&mut self) -> Option<String> {
        let table = self.pick_readable()?;
        let name = self.name(&table.name);
        let scope = self.scope(&table, "");
        let list = if self.chance(25) {
            "*".to_owned()
        } else {
            self.result_list(&scope)
        };
        let distinct = self.maybe(10, "DISTINCT ");
        let index = self.maybe(4, " NOT INDEXED");
        let filter = self.filter(&scope);
        let order = self.order(&scope);
        let limit = self.limit(30);
        Some(format!("SELECT {distinct}{list} FROM {name}{index}{filter}{order}{limit}"))
    }

    /// Up to four expressions, some with a name.
    fn result_list(&mut self, scope: &Scope) -> String {
        let count = 1 + self.number(4);
        let items: Vec<String> = (0..count)
            .map(|index| {
                let item = if self.chance(50) {
                    self.reference(scope).sql
                } else {
                    self.expression(scope, 2)
                };
                match self.number(4) {
                    0 => format!("{item} AS c{index}"),
                    _ => item,
                }
            })
            .collect();
        items.join(", ")
    }

    pub fn filter(&mut self, scope: &Scope) -> String {
        if self.chance(65) {
            format!(" WHERE {}", self.condition(scope, 2))
        } else {
            String::new()
        }
    }

    fn order(&mut self, scope: &Scope) -> String {
        if !self.chance(50) {
            return String::new();
        }
        let count = 1 + self.number(2);
        let terms: Vec<String> = (0..count)
            .map(|_| {
                let term = if self.chance(15) {
                    "1".to_owned()
                } else {
                    self.reference(scope).sql
                };
                let direction = self.word(&["", "", " DESC", " ASC", " COLLATE NOCASE", " NULLS LAST", " DESC NULLS FIRST"]);
                format!("{term}{direction}")
            })
            .collect();
        format!(" ORDER BY {}", terms.join(", "))
    }

    fn limit(&mut self, percent: u64) -> String {
        if !self.chance(percent) {
            return String::new();
        }
        let offset = if self.chance(40) {
            format!(" OFFSET {}", self.number(6))
        } else {
            String::new()
        };
        format!(" LIMIT {}{offset}", self.number(12))
    }

    /// Two or three sources under aliases, with their columns.
    fn sources(&mut self) -> Option<(String, Scope)> {
        let first = self.pick_readable()?;
        let mut scope = self.scope(&first, "a");
        let mut sql = format!("{} AS a", self.name(&first.name));
        let count = 1 + self.number(2);
        for alias in ["b", "c"].into_iter().take(usize::try_from(count).expect("one or two")) {
            let table = self.pick_readable()?;
            let name = self.name(&table.name);
            let inner = self.scope(&table, alias);
            let join = self.word(&[
                "JOIN",
                "JOIN",
                "LEFT JOIN",
                "LEFT JOIN",
                "CROSS JOIN",
                "RIGHT JOIN",
                "FULL JOIN",
                "NATURAL JOIN",
                ",",
            ]);
            sql.push_str(&if join == "," {
                format!(", {name} AS {alias}")
            } else {
                format!(" {join} {name} AS {alias}")
            });
            if !matches!(join, "," | "NATURAL JOIN" | "CROSS JOIN") {
                let condition = self.join_condition(&first, &table, alias, &scope, &inner);
                sql.push_str(&format!(" ON {condition}"));
            }
            scope = scope.join(inner);
        }
        Some((sql, scope))
    }

    /// Along a foreign key where there is one.
    fn join_condition(&mut self, first: &Table, table: &Table, alias: &str, outer: &Scope, inner: &Scope) -> String {
        let to_first = table
            .columns
            .iter()
            .find(|column| column.parent.as_ref().is_some_and(|(parent, _)| *parent == first.name));
        if let Some((child, (_, key))) = to_first.and_then(|child| Some((child.name.clone(), child.parent.clone()?)))
            && first.columns.iter().any(|column| column.name == key)
        {
            return format!("{alias}.{} = a.{}", self.name(&child), self.name(&key));
        }
        let (a, b) = (self.reference(outer), self.reference(inner));
        format!("{} = {}", a.sql, b.sql)
    }

    fn join_select(&mut self) -> Option<String> {
        let (sources, scope) = self.sources()?;
        let list = match self.number(6) {
            0 => "*".to_owned(),
            1 => "a.*".to_owned(),
            _ => self.result_list(&scope),
        };
        let filter = self.filter(&scope);
        let order = self.order(&scope);
        Some(format!(
            "SELECT {list} FROM {sources}{filter}{order} LIMIT {}",
            1 + self.number(ROWS_MAX)
        ))
    }

    fn aggregate(&mut self, scope: &Scope) -> String {
        let item = self.expression(scope, 1);
        match self.number(11) {
            0 | 1 => "count(*)".to_owned(),
            2 => format!("sum({item})"),
            3 => format!("min({item})"),
            4 => format!("max({item})"),
            5 => format!("avg({item})"),
            6 => format!("group_concat({item}, '; ')"),
            7 => format!("count(DISTINCT {item})"),
            8 => format!("total({item}) FILTER (WHERE {})", self.condition(scope, 1)),
            9 => format!("json_group_array({item})"),
            _ => format!("string_agg({item}, '-' ORDER BY {item})"),
        }
    }

    fn aggregate_select(&mut self) -> Option<String> {
        let (sources, scope) = if self.chance(35) {
            self.sources()?
        } else {
            let table = self.pick_readable()?;
            let name = self.name(&table.name);
            (name, self.scope(&table, ""))
        };
        let filter = self.filter(&scope);
        let first = self.aggregate(&scope);
        let second = self.aggregate(&scope);
        if self.chance(40) {
            return Some(format!("SELECT {first} AS total, {second} FROM {sources}{filter}"));
        }
        let key = if self.chance(70) {
            self.reference(&scope).sql
        } else {
            self.expression(&scope, 1)
        };
        let having = if self.chance(30) { " HAVING count(*) > 1" } else { "" };
        let order = self.word(&["", " ORDER BY 1", " ORDER BY 2 DESC, 1", " ORDER BY count(*), 1"]);
        let limit = self.limit(20);
        Some(format!(
            "SELECT {key}, {first}, {second} FROM {sources}{filter} GROUP BY {key}{having}{order}{limit}"
        ))
    }

    fn window_select(&mut self) -> Option<String> {
        let table = self.pick_readable()?;
        let name = self.name(&table.name);
        let scope = self.scope(&table, "");
        let (item, part, by) = (self.reference(&scope).sql, self.reference(&scope).sql, self.reference(&scope).sql);
        let function = match self.number(8) {
            0 => "row_number()".to_owned(),
            1 => "rank()".to_owned(),
            2 => format!("lag({item}, 1, 'none')"),
            3 => format!("lead({item})"),
            4 => format!("sum({item})"),
            5 => format!("first_value({item})"),
            6 => "ntile(3)".to_owned(),
            _ => format!("group_concat({item})"),
        };
        let partition = if self.chance(60) {
            format!("PARTITION BY {part} ")
        } else {
            String::new()
        };
        let frame = self.word(&[
            "",
            "",
            " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
            " RANGE UNBOUNDED PRECEDING",
            " GROUPS 1 PRECEDING EXCLUDE TIES",
        ]);
        let frame = if matches!(function.as_bytes(), [b's', ..] | [b'g', ..] | [b'f', ..]) {
            frame
        } else {
            ""
        };
        Some(format!(
            "SELECT {item}, {function} OVER ({partition}ORDER BY {by}{frame}) AS w FROM {name} ORDER BY {by}, 1, 2"
        ))
    }

    fn with_select(&mut self, depth: u32) -> Option<String> {
        if self.chance(40) {
            let limit = 2 + self.number(ROWS_MAX);
            let table = self.pick_readable()?;
            let scope = self.scope(&table, "t");
            let (name, column) = (self.name(&table.name), self.reference(&scope).sql);
            return Some(match self.number(3) {
                0 => format!("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {limit}) SELECT i, i * i FROM n"),
                1 => format!(
                    "WITH RECURSIVE n(i) AS (SELECT 0 UNION SELECT i + 1 FROM n LIMIT {limit}) SELECT n.i, {column} FROM n LEFT JOIN {name} AS t ON {column} = n.i LIMIT {limit}"
                ),
                _ => format!(
                    "WITH RECURSIVE p(x, d) AS (SELECT {column}, 0 FROM {name} AS t UNION ALL SELECT x, d + 1 FROM p WHERE d < 2) SELECT d, count(x) FROM p GROUP BY d"
                ),
            });
        }
        let body = self.query(depth - 1);
        let hint = self.word(&["", "", "MATERIALIZED ", "NOT MATERIALIZED "]);
        Some(match self.number(3) {
            0 => format!("WITH q AS {hint}({body}) SELECT * FROM q"),
            1 => format!("WITH q AS {hint}({body}) SELECT count(*) FROM q"),
            _ => format!("WITH q AS {hint}({body}), r AS (SELECT * FROM q LIMIT 5) SELECT * FROM r"),
        })
    }

    fn compound_select(&mut self, _depth: u32) -> Option<String> {
        let count = 1 + self.number(2);
        let arm = |generator: &mut Self| {
            let table = generator.pick_readable()?;
            let scope = generator.scope(&table, "");
            let (name, filter) = (generator.name(&table.name), generator.filter(&scope));
            let items: Vec<String> = (0..count).map(|_| generator.reference(&scope).sql).collect();
            Some(format!("SELECT {} FROM {name}{filter}", items.join(", ")))
        };
        let (a, b) = (arm(self)?, arm(self)?);
        let operator = self.word(&["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]);
        let order = self.word(&["", " ORDER BY 1", " ORDER BY 1 DESC"]);
        let limit = self.limit(30);
        Some(format!("{a} {operator} {b}{order}{limit}"))
    }

    fn derived_select(&mut self, depth: u32) -> Option<String> {
        let body = self.query(depth - 1);
        Some(match self.number(3) {
            0 => format!("SELECT * FROM ({body}) AS d"),
            1 => format!("SELECT count(*), 'x' FROM ({body})"),
            _ => format!("SELECT * FROM ({body}) AS d LIMIT 3 OFFSET 1"),
        })
    }

    fn search_select(&mut self) -> Option<String> {
        let tables: Vec<Table> = self.catalog.of_kind(Kind::Virtual).into_iter().cloned().collect();
        let table = self.random.pick(if tables.is_empty() { return None } else { &tables }).clone();
        let name = self.name(&table.name);
        if !table.is_fts() {
            return Some(format!(
                "SELECT * FROM {name} WHERE minx <= {} AND maxx >= {} ORDER BY 1",
                self.number(20),
                self.number(10)
            ));
        }
        let word = search_word(self.random);
        let other = search_word(self.random);
        let pattern = match self.number(6) {
            0 => format!("{word} OR {other}"),
            1 => format!("{word} NOT {other}"),
            2 => format!("{word}*"),
            3 => format!("\"{word} {other}\""),
            4 => format!("NEAR({word} {other}, 5)"),
            _ => word.to_owned(),
        };
        let pattern = literal(&rusqlite::types::Value::Text(pattern));
        let bare = super::generator::quote(&table.name);
        let list = match self.number(5) {
            0 => format!("rowid, highlight({bare}, 0, '<', '>')"),
            1 => format!("rowid, bm25({bare})"),
            2 => format!("snippet({bare}, -1, '[', ']', '…', 4)"),
            3 => "rank, *".to_owned(),
            _ => "rowid, *".to_owned(),
        };
        Some(format!(
            "SELECT {list} FROM {name} WHERE {bare} MATCH {pattern} ORDER BY {}",
            self.word(&["rank", "rowid", "rank, rowid DESC"])
        ))
    }

    fn json_select(&mut self) -> Option<String> {
        let table = self.pick_readable()?;
        let name = self.name(&table.name);
        let scope = self.scope(&table, "t");
        let documents: Vec<&Reference> = scope.0.iter().filter(|reference| reference.hint == Hint::Json).collect();
        let document = documents.first().map(|reference| reference.sql.clone())?;
        Some(match self.number(3) {
            0 => {
                format!("SELECT j.key, j.value, j.type FROM {name} AS t, json_each({document}) AS j WHERE json_valid({document}) LIMIT 40")
            }
            1 => format!("SELECT j.fullkey, j.atom FROM {name} AS t, json_tree({document}) AS j WHERE json_valid({document}) LIMIT 40"),
            _ => format!("SELECT {document} ->> '$.a', count(*) FROM {name} AS t WHERE json_valid({document}) GROUP BY 1 ORDER BY 1"),
        })
    }

    /// What applications ask besides their tables.
    fn odd_select(&mut self) -> Option<String> {
        let table = self.pick_readable()?;
        let text = literal(&rusqlite::types::Value::Text(table.name.clone()));
        let name = self.name(&table.name);
        Some(match self.number(9) {
            0..=2 => "SELECT last_insert_rowid(), changes(), total_changes()".to_owned(),
            3 => "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name".to_owned(),
            4 => format!("SELECT * FROM pragma_table_xinfo({text})"),
            5 => {
                let rowid = table.rowid_name()?;
                format!("SELECT {rowid}, * FROM {name} ORDER BY {rowid} DESC LIMIT 5")
            }
            6 => "VALUES (1, 'a'), (NULL, 2.5), (x'00ff', '')".to_owned(),
            7 => format!("SELECT count(*) FROM {name}"),
            _ => {
                let (a, b) = (self.value(Hint::Any), self.value(Hint::Any));
                format!("SELECT {a}, typeof({b}), {a} = {b}")
            }
        })
    }
}
