//! Which fields of a resource a filter and an order may name, and what each holds.

use super::Comparison;

/// What a field holds; it decides how a value is read and which operators apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, compared character by character (code points, case matters); `*` stands for any run of characters.
    String,
    /// A whole number of 64 bits.
    Integer,
    /// An exact decimal number.
    Decimal,
    /// `true` or `false`.
    Bool,
    /// An instant, to the microsecond.
    Timestamp,
    /// A length of time, to the microsecond; a day is 24 hours.
    Duration,
    /// One of the listed names.
    Enum(Vec<String>),
    /// A list of texts, asked with `:`; an empty list counts as unset.
    StringList,
}

impl Kind {
    /// The word for this kind in messages and documentation.
    pub fn label(&self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Bool => "bool",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::Enum(_) => "enum",
            Self::StringList => "string list",
        }
    }

    /// The comparisons that apply, in the order of documentation; `:` applies to every kind besides.
    pub fn comparisons(&self) -> &'static [Comparison] {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        match self {
            Self::StringList => &[],
            Self::Bool | Self::Enum(_) => &[Equal, NotEqual],
            _ => &[Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual],
        }
    }
}

/// One field that a filter may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The path as written in a filter: `priority`, `assignment.group`.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether a list may be ordered by it.
    pub orderable: bool,
    /// One line for the documentation.
    pub description: String,
}

impl Field {
    /// A field that can be filtered but not ordered by.
    pub fn new(name: impl Into<String>, kind: Kind, description: impl Into<String>) -> Self {
        Self { name: name.into(), kind, orderable: false, description: description.into() }
    }

    /// A field that holds one of `values`.
    pub fn choice(name: impl Into<String>, values: &[&str], description: impl Into<String>) -> Self {
        Self::new(name, Kind::Enum(values.iter().map(|&value| value.to_owned()).collect()), description)
    }

    /// The same field, also allowed in `order_by`.
    #[must_use]
    pub fn orderable(mut self) -> Self {
        self.orderable = true;
        self
    }
}

/// The filterable fields of one resource; a field is known by its place in this list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    fields: Vec<Field>,
}

impl Schema {
    /// Lists the fields; of two with one name the later is never found.
    pub fn new(fields: impl IntoIterator<Item = Field>) -> Self {
        Self { fields: fields.into_iter().collect() }
    }

    /// All fields, in the order given; the index is what a typed filter holds.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The field of that name with its index.
    pub fn find(&self, name: &str) -> Option<(usize, &Field)> {
        self.fields.iter().enumerate().find(|(_, field)| field.name == name)
    }
}
