//! Filters and orders of list methods: the grammar of AIP-160, checked against a schema before anything runs.

mod error;
mod pattern;
mod schema;
mod typed;

pub use error::Error;
pub use pattern::{Pattern, Piece};
pub use schema::{Field, Kind, Schema};
pub use typed::{Comparison, Content, Restriction, Test, Typed, Value};
