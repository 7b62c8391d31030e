//! From what was written to what it means: fields found, values read by the kind of their field.

use jiff::Timestamp;

use super::{
    Comparison, Error, Expr, Field, Kind, Literal, Operator, Pattern, Restriction, Schema, Term, Test, Typed, Value,
    read,
};
use crate::amount::Decimal;
use crate::excerpt::excerpt;

/// What the functions of a filter stand for; later pages of a list use that of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The value of `now()`; digits beyond microseconds are dropped.
    pub now: Timestamp,
    /// The value of `me`, such as `people/ada`; none when the caller is nobody in particular.
    pub me: Option<String>,
}

/// Gives every name and value of a filter its meaning, or says which field and column has none.
pub fn check(expr: &Expr, schema: &Schema, context: &Context) -> Result<Typed, Error> {
    let each = |members: &[Expr]| -> Result<Vec<Typed>, Error> {
        members.iter().map(|member| check(member, schema, context)).collect()
    };
    Ok(match expr {
        Expr::And(members) => Typed::And(flat(each(members)?, |member| match member {
            Typed::And(inner) => Ok(inner),
            other => Err(other),
        })),
        Expr::Or(members) => Typed::Or(flat(each(members)?, |member| match member {
            Typed::Or(inner) => Ok(inner),
            other => Err(other),
        })),
        Expr::Not(member) => Typed::Not(Box::new(check(member, schema, context)?)),
        Expr::Term(term) => {
            let (field, found) = find(schema, &term.field, term.field_column)?;
            let reader = Reader { term, kind: &found.kind, context };
            Typed::Restriction(Restriction { field, test: reader.test()? })
        }
    })
}

/// Members of members of the same sort become members.
fn flat(members: Vec<Typed>, open: impl Fn(Typed) -> Result<Vec<Typed>, Typed>) -> Vec<Typed> {
    members.into_iter().flat_map(|member| open(member).unwrap_or_else(|other| vec![other])).collect()
}

/// The field of that name, or an error that helps to find it.
pub(super) fn find<'a>(schema: &'a Schema, name: &str, column: usize) -> Result<(usize, &'a Field), Error> {
    schema.find(name).ok_or_else(|| {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name.as_str()).collect();
        let way_out = match names.iter().min_by_key(|known| distance(known, name)) {
            Some(nearest) if distance(nearest, name) <= 2 => format!("did you mean {nearest}"),
            _ => format!("use one of {}", names.join(", ")),
        };
        Error::in_field(name, column, format!("there is no field '{}': {way_out}", excerpt(name)))
    })
}

/// Characters to insert, delete or replace between two words (Levenshtein 1966).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, left) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (place, right) in other.chars().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Reads one restriction by the kind of its field.
struct Reader<'a> {
    term: &'a Term,
    kind: &'a Kind,
    context: &'a Context,
}

impl Reader<'_> {
    fn test(&self) -> Result<Test, Error> {
        let comparison = match self.term.operator {
            Operator::Has if self.pattern().is_some_and(Pattern::is_any) => {
                return Ok(Test::Present);
            }
            Operator::Has if *self.kind == Kind::StringList => {
                return Ok(Test::Has(self.string()?));
            }
            Operator::Has => Comparison::Equal,
            Operator::Compare(comparison) => comparison,
        };
        if !self.kind.comparisons().contains(&comparison) {
            return Err(self.wrong_operator(comparison));
        }
        match (self.kind, self.pattern()) {
            (Kind::String, Some(pattern)) if pattern.as_text().is_none() => match comparison {
                Comparison::Equal => Ok(Test::Like(pattern.clone())),
                Comparison::NotEqual => Ok(Test::NotLike(pattern.clone())),
                _ => Err(self.wrong_value("a wildcard goes with =, != and : only; write \\* in quotes for a star")),
            },
            _ => Ok(Test::Compare(comparison, self.value()?)),
        }
    }

    fn value(&self) -> Result<Value, Error> {
        match self.kind {
            Kind::String | Kind::StringList => self.string().map(Value::String),
            Kind::Integer => {
                let text = self.text()?;
                let not_whole = || format!("'{}' is not a whole number of 64 bits: write one such as 3", excerpt(text));
                text.parse().map(Value::Integer).map_err(|_| self.wrong_value(not_whole()))
            }
            Kind::Decimal => {
                let number = Decimal::parse(self.text()?);
                number.map(Value::Decimal).map_err(|error| self.wrong_value(error.to_string()))
            }
            Kind::Bool => match self.text()? {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                other => {
                    Err(self.wrong_value(format!("'{}' is neither true nor false: write one of them", excerpt(other))))
                }
            },
            Kind::Timestamp => self.timestamp().map(Value::Timestamp),
            Kind::Duration => {
                let length = read::duration(self.text()?);
                length.map(Value::Duration).map_err(|message| self.wrong_value(message))
            }
            Kind::Enum(names) => {
                let text = self.text()?;
                let known = names.iter().find(|name| *name == text).cloned();
                let unknown = || {
                    let names = names.join(", ");
                    self.wrong_value(format!("'{}' is not a value of this field: use one of {names}", excerpt(text)))
                };
                known.map(Value::String).ok_or_else(unknown)
            }
        }
    }

    fn timestamp(&self) -> Result<Timestamp, Error> {
        let Literal::Now(offset) = self.term.value else {
            return read::timestamp(self.text()?).map_err(|message| self.wrong_value(message));
        };
        let now = Timestamp::from_microsecond(self.context.now.as_microsecond()).ok();
        now.and_then(|now| read::moved(now, offset))
            .ok_or_else(|| self.wrong_value("this lies outside the years 0000 to 9999: write a time nearer to now"))
    }

    fn string(&self) -> Result<String, Error> {
        match &self.term.value {
            Literal::Bare(pattern) if pattern.as_text() == Some("me") => {
                let nobody = "me stands for nobody here: name the person, such as people/ada";
                self.context.me.clone().ok_or_else(|| self.wrong_value(nobody))
            }
            _ => self.text().map(str::to_owned),
        }
    }

    /// The value as plain text: neither a function nor with wildcards.
    fn text(&self) -> Result<&str, Error> {
        let kind = self.kind.label();
        let Some(pattern) = self.pattern() else {
            return Err(self.wrong_value(format!("now() is a time, not of type {kind}: write a value of that type")));
        };
        pattern.as_text().ok_or_else(|| {
            self.wrong_value(format!("'*' is not part of a value of type {kind}: wildcards are for strings"))
        })
    }

    fn pattern(&self) -> Option<&Pattern> {
        match &self.term.value {
            Literal::Bare(pattern) | Literal::Quoted(pattern) => Some(pattern),
            Literal::Now(_) => None,
        }
    }

    fn wrong_value(&self, message: impl Into<String>) -> Error {
        Error::in_field(&self.term.field, self.term.value_column, message)
    }

    fn wrong_operator(&self, comparison: Comparison) -> Error {
        let Term { field, field_column, .. } = self.term;
        let (kind, symbol) = (self.kind.label(), comparison.symbol());
        let way_out = if *self.kind == Kind::StringList {
            format!("ask for an item, such as {field}:value")
        } else {
            "use = or !=".to_owned()
        };
        Error::in_field(field, *field_column, format!("{symbol} does not apply to {field} of type {kind}: {way_out}"))
    }
}
