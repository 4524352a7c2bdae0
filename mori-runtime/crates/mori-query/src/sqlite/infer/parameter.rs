//! Parameter numbers: SQLite's for `?`, `?NNN` and names, PostgreSQL's for `$NNN`.

use crate::sqlite::ColumnType;

/// PostgreSQL's limit; the count of parameters is sent as 16 bits.
const NUMBER_MAX: usize = 65_535;

/// The number under which a client binds one of SQLite's variables. `name`: from `sqlite3_bind_parameter_name`, with its sign.
/// `index`: SQLite's own, from 1. To SQLite `$2` is a name like any other, to PostgreSQL it is the second parameter.
///
/// `$2::int`, a name too for SQLite, is the second parameter as well.
pub fn parameter_number(name: Option<&str>, index: usize) -> usize {
    name.and_then(dollar_number).unwrap_or(index)
}

fn dollar_number(name: &str) -> Option<usize> {
    let digits = name.strip_prefix('$')?.split("::").next()?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| is_number && (1..=NUMBER_MAX).contains(number))
}

/// Numbers the parameters of one statement in the order of its text, as `sqlite3ExprAssignVarNumber` does.
#[derive(Default)]
pub(super) struct Numbering<'a> {
    index_max: usize,
    names: std::collections::HashMap<&'a str, usize>,
    /// What `::type` says of each parameter, by number.
    pub(super) types: Vec<ColumnType>,
}

impl<'a> Numbering<'a> {
    /// The number of a parameter token. `None` for a number out of range, which SQLite refuses.
    pub(super) fn number(&mut self, token: &'a str) -> Option<usize> {
        let index = if let Some(digits) = token.strip_prefix('?') {
            if digits.is_empty() {
                self.index_max + 1
            } else {
                digits.parse().ok()?
            }
        } else {
            let next = self.index_max + 1;
            *self.names.entry(token).or_insert(next)
        };
        let number = parameter_number(Some(token), index);
        if !(1..=NUMBER_MAX).contains(&index) {
            return None;
        }
        self.index_max = self.index_max.max(index);
        if self.types.len() < number {
            self.types.resize(number, ColumnType::Unknown);
        }
        if let Some((_, declared)) = token.split_once("::") {
            self.types[number - 1] = self.types[number - 1].or(ColumnType::from_declared(declared));
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tokens: &[&str], expected: &[usize]) {
        let mut numbering = Numbering::default();
        let numbers: Vec<usize> = tokens.iter().map(|token| numbering.number(token).unwrap_or(0)).collect();
        assert_eq!(numbers, expected);
    }

    #[test]
    fn numbers_are_those_of_sqlite() {
        check(&["?", "?", "?"], &[1, 2, 3]);
        check(&["?3", "?", "?1", "?"], &[3, 4, 1, 5]);
        check(&[":a", "@b", ":a", "?", "$a"], &[1, 2, 1, 3, 4]);
        check(&["?0", "?65536", "?99999999999999999999"], &[0, 0, 0]);
    }

    #[test]
    fn dollar_numbers_are_those_of_postgres() {
        check(&["$2", "$1", "$2", "$2::int"], &[2, 1, 2, 2]);
        check(&["$0", "$70000", "$1x"], &[1, 2, 3]);
        assert_eq!(parameter_number(Some("$12"), 1), 12);
        assert_eq!(parameter_number(Some(":12"), 1), 1);
        assert_eq!(parameter_number(None, 4), 4);
    }

    #[test]
    fn a_cast_of_postgres_tells_the_type() {
        let mut numbering = Numbering::default();
        numbering.number("$2::bigint");
        assert_eq!(numbering.types, [ColumnType::Unknown, ColumnType::Int8]);
    }
}
