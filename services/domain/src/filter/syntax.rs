//! A filter as it was written: names and values are still text. Displayed, it reads back as itself.

use std::fmt;

use jiff::SignedDuration;

use super::Pattern;

/// A filter that follows the grammar, before anything is known about its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// All hold; without members it is the empty filter. Written with `AND` or side by side.
    And(Vec<Expr>),
    /// At least one holds; binds tighter than `AND`.
    Or(Vec<Expr>),
    /// The member does not hold; written `NOT` or `-`.
    Not(Box<Expr>),
    /// A single comparison.
    Term(Term),
}

/// `field operator value`, with the places of both for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The path as written, `assignment.group`.
    pub field: String,
    /// Where the field begins, in characters from 1.
    pub field_column: usize,
    /// What is asked.
    pub operator: Operator,
    /// What the field is compared with.
    pub value: Literal,
    /// Where the value begins, in characters from 1.
    pub value_column: usize,
}

/// What stands between field and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// One of the six comparisons.
    Compare(Comparison),
    /// `:`: a list has the item; on other fields the same as `=`; before `*`, the field is set.
    Has,
}

/// How a field is compared with a value. Strings compare by code point (in Postgres: `COLLATE "C"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A value as written; the kind of its field decides how it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// Without quotes: a number, a name, a time, `me`.
    Bare(Pattern),
    /// In single or double quotes.
    Quoted(Pattern),
    /// `now()`, with what is added to it.
    Now(SignedDuration),
}

impl Comparison {
    /// The comparison as written in a filter.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Operator {
    /// The operator as written in a filter.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Compare(comparison) => comparison.symbol(),
            Self::Has => ":",
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(members) => joined(f, " AND ", members, |member| matches!(member, Self::And(_))),
            Self::Or(members) => joined(f, " OR ", members, |member| matches!(member, Self::And(_) | Self::Or(_))),
            Self::Not(member) if matches!(**member, Self::Term(_)) => write!(f, "NOT {member}"),
            Self::Not(member) => write!(f, "NOT ({member})"),
            Self::Term(term) => write!(f, "{term}"),
        }
    }
}

/// Writes `members` with `between`, in parentheses where `wrapped` says that the grammar needs them.
fn joined(f: &mut fmt::Formatter<'_>, between: &str, members: &[Expr], wrapped: impl Fn(&Expr) -> bool) -> fmt::Result {
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        if wrapped(member) {
            write!(f, "({member})")?;
        } else {
            write!(f, "{member}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, operator, value, .. } = self;
        match operator {
            Operator::Has => write!(f, "{field}:{value}"),
            Operator::Compare(comparison) => write!(f, "{field} {} {value}", comparison.symbol()),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bare(pattern) => f.write_str(&pattern.bare()),
            Self::Quoted(pattern) => f.write_str(&pattern.quoted()),
            Self::Now(offset) if offset.is_zero() => f.write_str("now()"),
            Self::Now(offset) => {
                let sign = if offset.is_negative() { '-' } else { '+' };
                write!(f, "now() {sign} {}", super::read::seconds(offset.abs()))
            }
        }
    }
}
