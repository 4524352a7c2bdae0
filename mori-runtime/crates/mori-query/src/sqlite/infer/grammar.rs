//! The parser's dialect: that of `sqlparser` for SQLite, with SQLite's precedences and the forms it lacks.

use sqlparser::ast::{Expr, Statement};
use sqlparser::dialect::{Dialect, SQLiteDialect};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;
use std::any::TypeId;

/// How deep expressions and queries may nest, counted by the parser. Deeper statements are not inferred.
const NESTING_MAX: usize = 100;

/// Parses the normal form of one statement.
pub(super) fn parse(text: &str) -> Option<Statement> {
    let dialect = Grammar::default();
    let mut statements = Parser::new(&dialect)
        .with_recursion_limit(NESTING_MAX)
        .try_with_sql(text)
        .ok()?
        .parse_statements()
        .ok()?;
    if statements.len() == 1 { statements.pop() } else { None }
}

#[derive(Debug, Default)]
struct Grammar {
    sqlite: SQLiteDialect,
}

/// `||`, `->` and `->>` bind closer than `*` (40 in the parser's table) and looser than COLLATE.
const CONCATENATION: u8 = 45;

impl Dialect for Grammar {
    fn dialect(&self) -> TypeId {
        self.sqlite.dialect()
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        matches!(parser.peek_token_ref().token, Token::StringConcat | Token::Arrow | Token::LongArrow).then_some(Ok(CONCATENATION))
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        self.sqlite.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        self.sqlite.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        self.sqlite.is_identifier_part(ch)
    }

    fn parse_infix(&self, parser: &mut Parser, expr: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
        self.sqlite.parse_infix(parser, expr, precedence)
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn supports_in_empty_list(&self) -> bool {
        true
    }

    fn supports_limit_comma(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_cross_join_constraint(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_insert_table_alias(&self) -> bool {
        true
    }
}
