//! A filter after checking: fields by index, values by kind; all that SQL compilers and evaluators need.

use jiff::{SignedDuration, Timestamp};

use super::Pattern;
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
    /// Index into [`super::Schema::fields`].
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
    /// The text of the field matches the whole pattern.
    Like(Pattern),
    /// The field is set and its text does not match the pattern.
    NotLike(Pattern),
    /// The list holds this item.
    Has(String),
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
    /// An instant, whole microseconds.
    Timestamp(Timestamp),
    /// A length of time, whole microseconds.
    Duration(SignedDuration),
}

/// What an in-memory record holds for a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Nothing: every restriction on it is false.
    Unset,
    /// One value of the field's kind; one of another kind passes no test but presence.
    One(Value),
    /// The items of a list; without items it counts as unset.
    Many(Vec<String>),
}
