//! The words that are keywords in SELECT, INSERT, UPDATE, DELETE and VALUES. All others are names.

pub(super) enum Role {
    Name,
    /// A keyword wherever it stands unquoted.
    Keyword,
    /// A keyword that is an operand.
    Value,
    /// AND and OR.
    Logical,
    /// The operators between SELECTs.
    Compound,
    /// SQLite takes it for a name where it cannot be a keyword.
    InContext,
}

/// `word`: in capitals.
pub(super) fn role(word: &str) -> Role {
    match word {
        "NULL" | "TRUE" | "FALSE" | "CURRENT_DATE" | "CURRENT_TIME" | "CURRENT_TIMESTAMP" => Role::Value,
        "AND" | "OR" => Role::Logical,
        "UNION" | "EXCEPT" | "INTERSECT" => Role::Compound,
        "ALL" | "BETWEEN" | "COLLATE" | "CROSS" | "DEFAULT" | "DELETE" | "DISTINCT" | "EXISTS" | "FROM" | "FULL" | "GROUP" | "HAVING"
        | "INNER" | "INTO" | "JOIN" | "LEFT" | "LIMIT" | "NATURAL" | "ON" | "ORDER" | "OUTER" | "RETURNING" | "RIGHT" | "SELECT"
        | "SET" | "USING" | "VALUES" | "WHERE" | "WITH" => Role::Keyword,
        "AS" | "ASC" | "BY" | "CASE" | "CAST" | "CONFLICT" | "DESC" | "ELSE" | "END" | "ESCAPE" | "FILTER" | "FIRST" | "GLOB"
        | "GROUPS" | "IN" | "INDEXED" | "INSERT" | "IS" | "ISNULL" | "LAST" | "LIKE" | "MATCH" | "NOT" | "NOTHING" | "NOTNULL"
        | "NULLS" | "OFFSET" | "OVER" | "PARTITION" | "RANGE" | "RECURSIVE" | "REGEXP" | "REPLACE" | "ROWS" | "THEN" | "UPDATE"
        | "WHEN" | "WINDOW" => Role::InContext,
        _ => Role::Name,
    }
}
