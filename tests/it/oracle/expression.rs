//! Random expressions: deterministic, and cheap enough to be evaluated for every row of a join.

use super::generator::{Generator, Scope};
use super::values::Hint;

impl Generator<'_> {
    /// An expression over the columns in scope.
    pub fn expression(&mut self, scope: &Scope, depth: u32) -> String {
        if depth == 0 || self.chance(30) {
            let reference = self.reference(scope);
            return if self.chance(70) {
                reference.sql
            } else {
                self.value(reference.hint)
            };
        }
        let a = self.expression(scope, depth - 1);
        match self.number(16) {
            0 | 1 => {
                let operator = self.word(&["+", "-", "*", "/", "%", "||", "&", "|", "<<", ">>"]);
                let b = self.expression(scope, depth - 1);
                format!("({a} {operator} {b})")
            }
            2 => {
                let name = self.word(&["-", "~", "+", "NOT "]);
                format!("({name}{a})")
            }
            3 | 4 => self.text_function(&a),
            5 => self.number_function(&a),
            6 => self.json_function(&a),
            7 => {
                let name = self.word(&["coalesce", "ifnull", "nullif", "max", "min", "iif"]);
                let b = self.expression(scope, depth - 1);
                if name == "iif" {
                    format!("iif({a}, {b}, {a})")
                } else {
                    format!("{name}({a}, {b})")
                }
            }
            8 => {
                let to = self.word(&["INTEGER", "TEXT", "REAL", "NUMERIC", "BLOB"]);
                format!("CAST({a} AS {to})")
            }
            9 => {
                let (condition, b) = (self.condition(scope, depth - 1), self.expression(scope, depth - 1));
                format!("CASE WHEN {condition} THEN {a} ELSE {b} END")
            }
            10 => {
                let base = self.literal(Hint::Integer);
                let other = self.literal(Hint::Text);
                format!("CASE {a} WHEN {base} THEN {other} WHEN {other} THEN {base} END")
            }
            11 => format!("{a} COLLATE {}", self.word(&["NOCASE", "BINARY", "RTRIM"])),
            12 => self.scalar_query(scope).unwrap_or(a),
            13 => format!("({})", self.condition(scope, depth - 1)),
            14 => format!("typeof({a})"),
            _ => a,
        }
    }

    fn text_function(&mut self, a: &str) -> String {
        match self.number(11) {
            0 => format!("length({a})"),
            1 => format!("upper({a})"),
            2 => format!("lower({a})"),
            3 => format!("substr({a}, {}, {})", self.number(4), self.number(6)),
            4 => format!("trim({a})"),
            5 => format!("replace({a}, 'a', 'Ä')"),
            6 => format!("instr({a}, 'p')"),
            7 => format!("quote({a})"),
            8 => format!("hex({a})"),
            9 => format!("printf('%s|%5d|%.2f|%q', {a}, {a}, {a}, {a})"),
            _ => format!("unicode({a})"),
        }
    }

    fn number_function(&mut self, a: &str) -> String {
        match self.number(7) {
            0 => format!("abs({a})"),
            1 => format!("round({a}, {})", self.number(3)),
            2 => format!("sign({a})"),
            3 => format!("ceil({a})"),
            4 => format!("julianday({a})"),
            5 => format!("date({a}, '+1 day')"),
            _ => format!("sqrt({a})"),
        }
    }

    fn json_function(&mut self, a: &str) -> String {
        match self.number(10) {
            0 => format!("({a} -> '$.a')"),
            1 => format!("({a} ->> 'b')"),
            2 => format!("json_array({a}, 1, NULL)"),
            3 => format!("json_object('k', {a})"),
            4 => format!("json_extract({a}, '$.b[0]')"),
            5 => format!("json_valid({a})"),
            6 => format!("json_type({a})"),
            7 => format!("json_set({a}, '$.z', 1)"),
            8 => format!("json_array_length({a}, '$.b')"),
            _ => format!("json_quote({a})"),
        }
    }

    /// An expression that is used for its truth.
    pub fn condition(&mut self, scope: &Scope, depth: u32) -> String {
        if depth == 0 || self.chance(55) {
            return self.comparison(scope);
        }
        match self.number(8) {
            0 | 1 => {
                let (a, b) = (self.condition(scope, depth - 1), self.condition(scope, depth - 1));
                format!("({a} {} {b})", self.word(&["AND", "OR"]))
            }
            2 => format!("NOT ({})", self.condition(scope, depth - 1)),
            3 => {
                let (a, b) = (self.expression(scope, depth - 1), self.expression(scope, depth - 1));
                format!(
                    "{a} {} {b}",
                    self.word(&["=", "<", ">", "<>", "<=", "IS", "IS NOT", "IS DISTINCT FROM"])
                )
            }
            4 => self.membership(scope).unwrap_or_else(|| "1".to_owned()),
            5 => self.existence(scope).unwrap_or_else(|| "1".to_owned()),
            6 => {
                let a = self.expression(scope, depth - 1);
                format!("{a} IS {}NULL", self.maybe(50, "NOT "))
            }
            _ => self.comparison(scope),
        }
    }

    /// A column against a value: what most statements of applications have.
    fn comparison(&mut self, scope: &Scope) -> String {
        let reference = self.reference(scope);
        let column = reference.sql;
        match self.number(12) {
            0..=4 => {
                let value = self.value(reference.hint);
                format!("{column} = {value}")
            }
            5 | 6 => {
                let value = self.value(reference.hint);
                format!("{column} {} {value}", self.word(&["<", ">", "<=", ">=", "<>", "IS", "IS NOT"]))
            }
            7 => {
                let (low, high) = (self.value(reference.hint), self.value(reference.hint));
                format!("{column} BETWEEN {low} AND {high}")
            }
            8 => {
                let items: Vec<String> = (0..=self.number(4)).map(|_| self.value(reference.hint)).collect();
                format!("{column} {}IN ({})", self.maybe(20, "NOT "), items.join(", "))
            }
            9 => {
                let pattern = self.word(&["'%a%'", "'p%'", "'A%'", "'_i%'", "'a!%%' ESCAPE '!'", "'%Ä%'"]);
                format!("{column} {}LIKE {pattern}", self.maybe(20, "NOT "))
            }
            10 => format!("{column} GLOB {}", self.word(&["'*a*'", "'[A-M]*'", "'?i*'"])),
            _ => format!("{column} IS {}NULL", self.maybe(60, "NOT ")),
        }
    }

    fn membership(&mut self, scope: &Scope) -> Option<String> {
        let (column, table) = (self.reference(scope), self.pick_readable()?);
        let inner = self.scope(&table, "");
        let (item, name) = (self.reference(&inner), self.name(&table.name));
        let filter = if self.chance(50) {
            format!(" WHERE {}", self.condition(&inner, 1))
        } else {
            String::new()
        };
        Some(format!(
            "{} {}IN (SELECT {} FROM {name}{filter})",
            column.sql,
            self.maybe(25, "NOT "),
            item.sql
        ))
    }

    fn existence(&mut self, scope: &Scope) -> Option<String> {
        let table = self.pick_readable()?;
        let name = self.name(&table.name);
        let inner = self.scope(&table, "e");
        let (outer, column) = (self.reference(scope), self.reference(&inner));
        let filter = self.condition(&inner, 1);
        Some(format!(
            "{}EXISTS (SELECT 1 FROM {name} AS e WHERE {} = {} AND {filter})",
            self.maybe(30, "NOT "),
            column.sql,
            outer.sql
        ))
    }

    /// A sub-select of one value, correlated now and then.
    fn scalar_query(&mut self, scope: &Scope) -> Option<String> {
        let table = self.pick_readable()?;
        let name = self.name(&table.name);
        let inner = self.scope(&table, "s");
        let column = self.reference(&inner).sql;
        let filter = if self.chance(50) {
            let outer = self.reference(scope).sql;
            format!(" WHERE s.{} = {outer}", {
                let column = self.pick_column(&table).name.clone();
                self.name(&column)
            })
        } else {
            String::new()
        };
        Some(match self.number(4) {
            0 => format!("(SELECT count(*) FROM {name} AS s{filter})"),
            1 => format!("(SELECT max({column}) FROM {name} AS s{filter})"),
            2 => format!("(SELECT sum({column}) FROM {name} AS s{filter})"),
            _ => format!("(SELECT {column} FROM {name} AS s{filter} ORDER BY 1 LIMIT 1)"),
        })
    }
}
