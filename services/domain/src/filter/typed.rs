//! A filter after checking: fields by index, values by kind; all that SQL compilers and evaluators need.

use jiff::{SignedDuration, Timestamp};

use super::{Comparison, Expr, Literal, Operator, Pattern, Schema, Term, read};
use crate::amount::Decimal;

/// A checked filter.
///
/// Every restriction is true or false, never unknown: one on an unset field is false, whatever its comparison. So
/// `NOT a = 1` holds where `a` is unset, and `a != 1` does not. In SQL: `coalesce(a = $1, false)`.
#[derive(Clone, Debug, PartialEq)]
pub enum Typed {
    /// All hold; without members always true, which is what an empty filter becomes.
    And(Vec<Typed>),
    /// At least one holds; never empty.
    Or(Vec<Typed>),
    /// The member does not hold.
    Not(Box<Typed>),
    /// The field passes the test.
    Restriction(Restriction),
}

/// One field put to one test.
#[derive(Clone, Debug, PartialEq)]
pub struct Restriction {
    /// Index into [`Schema::fields`].
    pub field: usize,
    /// What is asked of it.
    pub test: Test,
}

/// What is asked of a field; false for every test when the field is unset.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// The field is set; a list holds at least one item.
    Present,
    /// The field compares so with the value, which is of the field's kind (names of an enum are strings).
    Compare(Comparison, Value),
    /// The text of the field matches the whole pattern, which has a wildcard.
    Like(Pattern),
    /// The field is set and its text does not match the pattern.
    NotLike(Pattern),
    /// The list holds this item.
    Has(String),
}

/// One value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text, or a name of an enum.
    String(String),
    /// A whole number.
    Integer(i64),
    /// An exact decimal number.
    Decimal(Decimal),
    /// `true` or `false`.
    Bool(bool),
    /// An instant, whole microseconds, in the years 0000 to 9999.
    Timestamp(Timestamp),
    /// A length of time, whole microseconds.
    Duration(SignedDuration),
}

impl Typed {
    /// The filter that holds for everything.
    pub fn everything() -> Self {
        Self::And(Vec::new())
    }

    /// One text for one meaning, whatever blanks, quotes or functions it was written with; `now()` and `me` appear as
    /// the values they had. It reads back as the same filter (where that passes no limit), so its hash stands for it.
    pub fn canonical(&self, schema: &Schema) -> String {
        self.to_expr(schema).to_string()
    }

    fn to_expr(&self, schema: &Schema) -> Expr {
        let members = |members: &[Self]| members.iter().map(|member| member.to_expr(schema)).collect();
        match self {
            Self::And(all) => Expr::And(members(all)),
            Self::Or(any) => Expr::Or(members(any)),
            Self::Not(member) => Expr::Not(Box::new(member.to_expr(schema))),
            Self::Restriction(restriction) => Expr::Term(restriction.to_term(schema)),
        }
    }
}

impl Restriction {
    fn to_term(&self, schema: &Schema) -> Term {
        let (operator, value) = match &self.test {
            Test::Present => (Operator::Has, Literal::Bare(Pattern::wild("*"))),
            Test::Compare(comparison, value) => (Operator::Compare(*comparison), value.to_literal()),
            Test::Like(pattern) => (Operator::Compare(Comparison::Equal), Literal::Quoted(pattern.clone())),
            Test::NotLike(pattern) => (Operator::Compare(Comparison::NotEqual), Literal::Quoted(pattern.clone())),
            Test::Has(item) => (Operator::Has, Literal::Quoted(Pattern::exactly(item))),
        };
        let field = schema.fields().get(self.field).map(|field| field.name.clone()).unwrap_or_default();
        Term { field, field_column: 0, operator, value, value_column: 0 }
    }
}

impl Value {
    fn to_literal(&self) -> Literal {
        let bare = |text: String| Literal::Bare(Pattern::exactly(&text));
        match self {
            Self::String(text) => Literal::Quoted(Pattern::exactly(text)),
            Self::Integer(number) => bare(number.to_string()),
            Self::Decimal(number) => bare(number.to_string()),
            Self::Bool(truth) => bare(truth.to_string()),
            Self::Timestamp(time) => bare(time.to_string()),
            Self::Duration(length) => bare(read::seconds(*length)),
        }
    }
}
