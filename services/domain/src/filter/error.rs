//! What is wrong with a filter or an order, and where.

use crate::excerpt::excerpt;

/// A fault in a filter or order text, in words for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (column {column})")]
pub struct Error {
    /// The field concerned as it was written, cut when it is long; empty when the text could not be read that far.
    pub field: String,
    /// Where the fault begins, counted in characters from 1.
    pub column: usize,
    /// What is wrong and the way out; lower case, no full stop.
    pub message: String,
}

impl Error {
    pub(super) fn at(column: usize, message: impl Into<String>) -> Self {
        Self { field: String::new(), column, message: message.into() }
    }

    pub(super) fn in_field(field: &str, column: usize, message: impl Into<String>) -> Self {
        Self { field: excerpt(field), column, message: message.into() }
    }
}
