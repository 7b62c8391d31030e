//! One number with everything that is needed to read it: definition, population, window, source, n, interval, rows.

use std::collections::BTreeMap;
use std::fmt;

use domain::amount::Decimal;
use serde::{Serialize, Serializer};

/// What a measure is restricted to, by dimension. Empty: nothing, the total.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Scope(BTreeMap<String, Part>);

/// One value of a dimension.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum Part {
    /// A number: a priority.
    Number(i64),
    /// A text: a month, a service, a group. Empty: not known.
    Text(String),
}

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// How many.
    Count(u64),
    /// A quantity in the unit of the measure, not rounded.
    Number(f64),
    /// An exact decimal, written with the digits given.
    Exact(Decimal, u32),
    /// Nothing to measure.
    None,
}

/// A number of the report. In JSON: an object as machines read it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measure {
    /// What it is: `flow.opened`.
    pub id: String,
    /// What it is restricted to.
    pub scope: Scope,
    /// When what it counts happened: an ISO 8601 interval, half-open, or an instant.
    pub window: String,
    /// Where what it counts comes from, and what about that a reader has to know.
    pub source: String,
    /// The number.
    pub value: Value,
    /// What it is counted in: `incidents`, `hours`, `ratio`, `AUD`.
    pub unit: String,
    /// How many observations it rests on.
    pub n: u64,
    /// What was counted for a ratio. `None`: it is no ratio.
    pub numerator: Option<u64>,
    /// Out of how many. `None`: it is no ratio.
    pub denominator: Option<u64>,
    /// 95 % interval, or the low and high of a plan; an end is `None` where the data do not bound it. `None`: a count or sum, which is what it is.
    pub interval: Option<[Option<f64>; 2]>,
    /// What it means, with its version.
    pub definition: String,
    /// The filter of ListTickets that returns its rows. `None`: no filter can say so, or rows have changed since.
    pub filter: Option<String>,
    /// Why there is no value. `None`: there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The measures of a report, by id and scope.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Measures(Vec<Measure>);

impl Scope {
    /// The total.
    pub fn all() -> Self {
        Self::default()
    }

    /// The same restricted further.
    #[must_use]
    pub fn with(mut self, dimension: &str, part: impl Into<Part>) -> Self {
        self.0.insert(dimension.to_owned(), part.into());
        self
    }

    /// One dimension only.
    pub fn one(dimension: &str, part: impl Into<Part>) -> Self {
        Self::all().with(dimension, part)
    }

    /// The value of a dimension; `None` if it is not restricted by it.
    pub fn get(&self, dimension: &str) -> Option<&Part> {
        self.0.get(dimension)
    }

    /// The text of a dimension; `None` if it is not restricted by it.
    pub fn text(&self, dimension: &str) -> Option<String> {
        self.get(dimension).map(ToString::to_string)
    }

    /// Whether exactly these dimensions are restricted.
    pub fn is_by(&self, dimensions: &[&str]) -> bool {
        self.0.len() == dimensions.len() && dimensions.iter().all(|name| self.0.contains_key(*name))
    }

    /// Dimensions and values, by dimension.
    pub fn parts(&self) -> impl Iterator<Item = (&str, &Part)> {
        self.0.iter().map(|(dimension, part)| (dimension.as_str(), part))
    }
}

impl Measure {
    /// The value as a number for drawing; `None` without one.
    pub fn number(&self) -> Option<f64> {
        match &self.value {
            Value::Count(count) => Some(crate::stats::wilson::count(*count)),
            Value::Number(number) => Some(*number),
            Value::Exact(decimal, _) => decimal.to_string().parse().ok(),
            Value::None => None,
        }
    }

    /// The value as a count; 0 for anything else.
    pub fn count(&self) -> u64 {
        if let Value::Count(count) = self.value { count } else { 0 }
    }
}

impl Measures {
    /// Sorts measures by id and scope; of two with both the same the first stays. One without a value says why.
    pub fn new(mut measures: Vec<Measure>) -> Self {
        for measure in measures.iter_mut().filter(|measure| measure.value == Value::None && measure.reason.is_none()) {
            measure.reason = Some("nothing of the kind is on record in the window".to_owned());
        }
        measures.sort_by(|a, b| (&a.id, &a.scope).cmp(&(&b.id, &b.scope)));
        measures.dedup_by(|a, b| a.id == b.id && a.scope == b.scope);
        Self(measures)
    }

    /// The measure of that id and scope.
    pub fn get(&self, id: &str, scope: &Scope) -> Option<&Measure> {
        let key = |measure: &Measure| (measure.id.as_str(), &measure.scope).cmp(&(id, scope));
        self.0.binary_search_by(key).ok().map(|index| &self.0[index])
    }

    /// The measures of that id which are restricted by exactly these dimensions, by scope.
    pub fn by<'a>(&'a self, id: &'a str, dimensions: &'a [&'a str]) -> impl Iterator<Item = &'a Measure> {
        self.0.iter().filter(move |measure| measure.id == id && measure.scope.is_by(dimensions))
    }

    /// All of them, by id and scope.
    pub fn iter(&self) -> std::slice::Iter<'_, Measure> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Measures {
    type Item = &'a Measure;
    type IntoIter = std::slice::Iter<'a, Measure>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl From<i64> for Part {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Counts and numbers are JSON numbers, exact decimals are strings, nothing is null.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Exact(decimal, digits) => serializer.collect_str(&decimal.fixed(*digits)),
            Self::None => serializer.serialize_none(),
        }
    }
}
