//! Binary operators. Chains of one kind lean to the left, as deep as they are long, and are walked in a loop.

use super::expression::{is_comparison, is_open};
use super::scope::Scope;
use super::walk::Walk;
use crate::sqlite::ColumnType::{self, Bool, Float8, Int8, Json, Text, Unknown};
use sqlparser::ast::{BinaryOperator, Expr};

/// Operators whose chains have one type as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Logical,
    Arithmetic,
    Bitwise,
    Concatenation,
    Comparison,
    Other,
}

impl Walk<'_> {
    pub(super) fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr, scope: &Scope<'_>, expected: ColumnType) -> ColumnType {
        match family(op) {
            Family::Logical => {
                self.chain(left, right, Family::Logical, scope, Unknown);
                Int8
            }
            Family::Bitwise => {
                self.chain(left, right, Family::Bitwise, scope, Int8);
                Int8
            }
            Family::Concatenation => {
                self.chain(left, right, Family::Concatenation, scope, Text);
                Text
            }
            Family::Arithmetic => self.arithmetic(&operands(left, right, Family::Arithmetic), scope, expected),
            Family::Comparison => {
                self.comparisons(left, right, scope);
                Int8
            }
            Family::Other => {
                let document = if matches!(op, BinaryOperator::Arrow | BinaryOperator::LongArrow) {
                    Text
                } else {
                    Unknown
                };
                self.expr(left, scope, document);
                self.expr(right, scope, Unknown);
                if *op == BinaryOperator::Arrow { Json } else { Unknown }
            }
        }
    }

    fn chain(&mut self, left: &Expr, right: &Expr, family: Family, scope: &Scope<'_>, expected: ColumnType) {
        for operand in operands(left, right, family) {
            self.expr(operand, scope, expected);
        }
    }

    /// `a < b = c` compares the first result, an integer, with `c`.
    fn comparisons(&mut self, left: &Expr, right: &Expr, scope: &Scope<'_>) {
        let operands = operands(left, right, Family::Comparison);
        if let [first, second, rest @ ..] = operands.as_slice() {
            self.compare(first, second, scope);
            for operand in rest {
                self.expr(operand, scope, Int8);
            }
        }
    }

    /// One real makes the result real; integers alone give an integer, division included.
    fn arithmetic(&mut self, operands: &[&Expr], scope: &Scope<'_>, expected: ColumnType) -> ColumnType {
        let mut types = Vec::with_capacity(operands.len());
        for operand in operands.iter().filter(|operand| !is_open(operand)) {
            types.push(self.expr(operand, scope, Unknown));
        }
        let sibling = match () {
            () if types.contains(&Float8) => Float8,
            () if types.iter().any(|ty| matches!(ty, Int8 | Bool)) => Int8,
            () if matches!(expected, Int8 | Float8) => expected,
            () => Unknown,
        };
        for operand in operands.iter().filter(|operand| is_open(operand)) {
            types.push(self.expr(operand, scope, sibling));
        }
        match () {
            () if types.contains(&Float8) => Float8,
            () if types.iter().all(|ty| matches!(ty, Int8 | Bool)) => Int8,
            () => Unknown,
        }
    }
}

pub(super) fn is_arithmetic(op: &BinaryOperator) -> bool {
    family(op) == Family::Arithmetic
}

fn family(op: &BinaryOperator) -> Family {
    match op {
        BinaryOperator::And | BinaryOperator::Or => Family::Logical,
        BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Modulo => {
            Family::Arithmetic
        }
        BinaryOperator::BitwiseAnd
        | BinaryOperator::BitwiseOr
        | BinaryOperator::PGBitwiseShiftLeft
        | BinaryOperator::PGBitwiseShiftRight => Family::Bitwise,
        BinaryOperator::StringConcat => Family::Concatenation,
        op if is_comparison(op) => Family::Comparison,
        _ => Family::Other,
    }
}

/// The operands of a chain in the order of the text.
fn operands<'e>(left: &'e Expr, right: &'e Expr, of: Family) -> Vec<&'e Expr> {
    let mut operands = vec![right];
    let mut rest = left;
    while let Expr::BinaryOp { left, op, right } = rest {
        if family(op) != of {
            break;
        }
        operands.push(right);
        rest = left;
    }
    operands.push(rest);
    operands.reverse();
    operands
}
