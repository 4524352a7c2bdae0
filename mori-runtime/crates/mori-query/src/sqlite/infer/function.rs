//! SQLite's built-in functions: what they return and what they take.
//! Source: <https://www.sqlite.org/lang_corefunc.html> and the pages it leads to. A function of the user's is `Unknown`.

use super::expression::is_open;
use super::scope::{Scope, last_part};
use super::walk::Walk;
use crate::sqlite::ColumnType::{self, Bool, Bytea, Float8, Int8, Text, Unknown};
use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, Value, WindowType};

/// How a function's type comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Returns {
    Always(ColumnType),
    /// As the first argument.
    Argument,
    /// As the first argument where it is a number: `ceil(2)` is an integer, `ceil(2.5)` a real.
    Number,
    /// `sum`: integers give an integer, reals a real.
    Sum,
    /// `abs`: as `Number`, and a real for text.
    Abs,
    /// `substr`: a blob of a blob, else text.
    Part,
    /// The arguments stand for each other: `coalesce`, and `max` of several.
    AnyArgument,
    /// `nullif`: the first argument, compared with the second.
    Nullif,
    /// `iif(condition, value, …, else)`.
    Iif,
    /// `lag(value, offset, default)`.
    Neighbour,
    /// `unixepoch`: an integer, or a real with the modifier `subsec`.
    Epoch,
}

/// What a function returns and takes; the last type of `takes` holds for all arguments that follow.
struct Signature {
    returns: Returns,
    takes: &'static [ColumnType],
}

impl Walk<'_> {
    pub(super) fn function(&mut self, function: &Function, scope: &Scope<'_>, expected: ColumnType) -> ColumnType {
        let name = last_part(&function.name).map(|name| name.value.to_lowercase()).unwrap_or_default();
        let args = self.arguments(&function.args, scope);
        let signature = signature(&name, args.len());
        let ty = self.returned(&signature, &args, scope, expected);
        self.visit(function.filter.as_deref(), scope);
        if let Some(WindowType::WindowSpec(spec)) = &function.over {
            self.window(spec, scope);
        }
        ty
    }

    fn arguments<'e>(&mut self, arguments: &'e FunctionArguments, scope: &Scope<'_>) -> Vec<&'e Expr> {
        let FunctionArguments::List(list) = arguments else {
            return Vec::new();
        };
        for clause in &list.clauses {
            if let FunctionArgumentClause::OrderBy(terms) = clause {
                self.visit(terms.iter().map(|term| &term.expr), scope);
            }
        }
        let expr = |arg: &'e FunctionArg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        };
        list.args.iter().filter_map(expr).collect()
    }

    fn returned(&mut self, signature: &Signature, args: &[&Expr], scope: &Scope<'_>, expected: ColumnType) -> ColumnType {
        match signature.returns {
            Returns::AnyArgument => return self.alike(args, scope, expected),
            Returns::Nullif => return self.nullif(args, scope, expected),
            Returns::Iif => return self.iif(args, scope, expected),
            Returns::Neighbour => return self.neighbour(args, scope, expected),
            _ => {}
        }
        let mut first = Unknown;
        for (index, arg) in args.iter().enumerate() {
            let takes = signature.takes.get(index).or(signature.takes.last()).copied().unwrap_or_default();
            let ty = self.expr(arg, scope, takes);
            if index == 0 {
                first = ty;
            }
        }
        match (signature.returns, first) {
            (Returns::Always(ty), _) => ty,
            (Returns::Argument, ty) => ty,
            (Returns::Number | Returns::Sum | Returns::Abs, Int8 | Bool) => Int8,
            (Returns::Number | Returns::Sum | Returns::Abs, Float8) | (Returns::Abs, Text) => Float8,
            (Returns::Part, Bytea) => Bytea,
            (Returns::Part, _) => Text,
            (Returns::Epoch, _) => epoch(args),
            _ => Unknown,
        }
    }

    fn nullif(&mut self, args: &[&Expr], scope: &Scope<'_>, expected: ColumnType) -> ColumnType {
        let [value, other] = args else { return Unknown };
        if is_open(value) {
            let ty = self.expr(other, scope, Unknown);
            return self.expr(value, scope, expected.or(ty));
        }
        let ty = self.expr(value, scope, expected);
        self.expr(other, scope, ty);
        ty
    }

    /// Conditions and values take turns; an odd last argument is the value of none of them.
    fn iif(&mut self, args: &[&Expr], scope: &Scope<'_>, expected: ColumnType) -> ColumnType {
        let is_value = |index: usize| index % 2 == 1 || index + 1 == args.len();
        let (values, conditions): (Vec<_>, Vec<_>) = args.iter().copied().enumerate().partition(|(index, _)| is_value(*index));
        self.visit(conditions.into_iter().map(|(_, expr)| expr), scope);
        self.alike(&values.into_iter().map(|(_, expr)| expr).collect::<Vec<_>>(), scope, expected)
    }

    fn neighbour(&mut self, args: &[&Expr], scope: &Scope<'_>, expected: ColumnType) -> ColumnType {
        if let Some(offset) = args.get(1) {
            self.expr(offset, scope, Int8);
        }
        let values: Vec<&Expr> = args.first().into_iter().chain(args.get(2)).copied().collect();
        self.alike(&values, scope, expected)
    }
}

/// With a modifier that is not written out nobody knows before the call.
fn epoch(args: &[&Expr]) -> ColumnType {
    let mut ty = Int8;
    for modifier in args.iter().skip(1) {
        let Expr::Value(value) = modifier else { return Unknown };
        let Value::SingleQuotedString(text) = &value.value else {
            return Unknown;
        };
        if matches!(text.to_ascii_lowercase().as_str(), "subsec" | "subsecond") {
            ty = Float8;
        }
    }
    ty
}

/// `name`: in small letters.
fn signature(name: &str, arg_count: usize) -> Signature {
    const fn returning(ty: ColumnType, takes: &'static [ColumnType]) -> Signature {
        Signature {
            returns: Returns::Always(ty),
            takes,
        }
    }
    const fn like(returns: Returns, takes: &'static [ColumnType]) -> Signature {
        Signature { returns, takes }
    }
    match name {
        // Aggregates
        "count" => returning(Int8, &[]),
        "sum" => like(Returns::Sum, &[]),
        "total" | "avg" | "median" | "percentile" | "percentile_cont" => returning(Float8, &[]),
        "group_concat" | "string_agg" => returning(Text, &[Unknown, Text]),
        "min" | "max" if arg_count == 1 => like(Returns::Argument, &[]),

        // Choices
        "coalesce" | "ifnull" | "min" | "max" => like(Returns::AnyArgument, &[]),
        "nullif" => like(Returns::Nullif, &[]),
        "iif" | "if" => like(Returns::Iif, &[]),
        "likely" | "unlikely" => like(Returns::Argument, &[]),
        "likelihood" => like(Returns::Argument, &[Unknown, Float8]),

        // Windows
        "row_number" | "rank" | "dense_rank" => returning(Int8, &[]),
        "ntile" => returning(Int8, &[Int8]),
        "percent_rank" | "cume_dist" => returning(Float8, &[]),
        "lag" | "lead" => like(Returns::Neighbour, &[]),
        "first_value" | "last_value" => like(Returns::Argument, &[]),
        "nth_value" => like(Returns::Argument, &[Unknown, Int8]),

        // Text
        "lower" | "upper" | "soundex" => returning(Text, &[Text]),
        "trim" | "ltrim" | "rtrim" | "replace" => returning(Text, &[Text]),
        "substr" | "substring" => like(Returns::Part, &[Text, Int8, Int8]),
        "printf" | "format" => returning(Text, &[Text, Unknown]),
        "concat_ws" => returning(Text, &[Text, Unknown]),
        "char" => returning(Text, &[Int8]),
        "hex" | "quote" | "typeof" | "concat" | "unistr_quote" => returning(Text, &[Unknown]),
        "unistr" => returning(Text, &[Text]),
        "instr" | "glob" | "like" | "regexp" => returning(Int8, &[Text]),
        "length" | "unicode" => returning(Int8, &[Text]),
        "octet_length" => returning(Int8, &[Unknown]),
        "sqlite_version" | "sqlite_source_id" | "sqlite_compileoption_get" => returning(Text, &[Int8]),
        "sqlite_compileoption_used" => returning(Int8, &[Text]),
        "snippet" | "highlight" => returning(Text, &[Unknown, Int8, Text]),

        // Numbers
        "abs" => like(Returns::Abs, &[]),
        "round" => returning(Float8, &[Unknown, Int8]),
        "ceil" | "ceiling" | "floor" | "trunc" => like(Returns::Number, &[]),
        "sign" => returning(Int8, &[]),
        "random" | "changes" | "total_changes" | "last_insert_rowid" | "sqlite_offset" => returning(Int8, &[]),
        "acos" | "acosh" | "asin" | "asinh" | "atan" | "atan2" | "atanh" | "cos" | "cosh" | "degrees" | "exp" | "ln" | "log" | "log10"
        | "log2" | "mod" | "pi" | "pow" | "power" | "radians" | "sin" | "sinh" | "sqrt" | "tan" | "tanh" => returning(Float8, &[Float8]),
        "bm25" => returning(Float8, &[]),

        // Blobs
        "randomblob" | "zeroblob" => returning(Bytea, &[Int8]),
        "unhex" => returning(Bytea, &[Text]),

        // Dates and times
        "date" | "time" | "datetime" | "timediff" => returning(Text, &[Unknown, Text]),
        "strftime" => returning(Text, &[Text, Unknown, Text]),
        "current_date" | "current_time" | "current_timestamp" => returning(Text, &[]),
        "julianday" => returning(Float8, &[Unknown, Text]),
        "unixepoch" => like(Returns::Epoch, &[Unknown, Text]),

        // JSON
        "json_array_length" => returning(Int8, &[Text]),
        "json_valid" => returning(Int8, &[Text, Int8]),
        "json_error_position" => returning(Int8, &[Text]),
        "json_extract" | "jsonb_extract" => returning(Unknown, &[Text]),
        "json" | "json_type" | "json_remove" | "json_patch" | "json_pretty" => returning(Text, &[Text]),
        "json_set" | "json_insert" | "json_replace" => returning(Text, &[Text, Text, Unknown]),
        "json_array" | "json_object" | "json_quote" | "json_group_array" | "json_group_object" => returning(Text, &[Unknown]),
        "jsonb" | "jsonb_remove" | "jsonb_patch" => returning(Bytea, &[Text]),
        "jsonb_set" | "jsonb_insert" | "jsonb_replace" => returning(Bytea, &[Text, Text, Unknown]),
        "jsonb_array" | "jsonb_object" | "jsonb_group_array" | "jsonb_group_object" => returning(Bytea, &[Unknown]),
        _ => returning(Unknown, &[]),
    }
}
