//! Filters on records in memory; a filter compiled to SQL must select the same.

use super::{Comparison, Test, Typed, Value};

/// What a record holds for a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Nothing: every restriction on it is false.
    Unset,
    /// One value of the field's kind; one of another kind passes no test but presence.
    One(Value),
    /// The items of a list; without items it counts as unset.
    Many(Vec<String>),
}

/// Whether the filter holds for the record whose fields `content` gives by their index in the schema.
pub fn eval(filter: &Typed, content: &impl Fn(usize) -> Content) -> bool {
    match filter {
        Typed::And(members) => members.iter().all(|member| eval(member, content)),
        Typed::Or(members) => members.iter().any(|member| eval(member, content)),
        Typed::Not(member) => !eval(member, content),
        Typed::Restriction(restriction) => passes(&restriction.test, &content(restriction.field)),
    }
}

fn passes(test: &Test, content: &Content) -> bool {
    match (test, content) {
        (Test::Present, content) => match content {
            Content::Unset => false,
            Content::One(_) => true,
            Content::Many(items) => !items.is_empty(),
        },
        (Test::Compare(comparison, wanted), Content::One(value)) => compare(*comparison, value, wanted),
        (Test::Like(pattern), Content::One(Value::String(text))) => pattern.matches(text),
        (Test::NotLike(pattern), Content::One(Value::String(text))) => !pattern.matches(text),
        (Test::Has(item), Content::Many(items)) => items.contains(item),
        _ => false,
    }
}

fn compare(comparison: Comparison, value: &Value, wanted: &Value) -> bool {
    let order = match (value, wanted) {
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Integer(one), Value::Integer(other)) => one.cmp(other),
        (Value::Decimal(one), Value::Decimal(other)) => one.cmp(other),
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        (Value::Timestamp(one), Value::Timestamp(other)) => one.cmp(other),
        (Value::Duration(one), Value::Duration(other)) => one.cmp(other),
        _ => return false,
    };
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}
