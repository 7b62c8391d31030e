//! Filters and orders of list methods: the grammar of AIP-160, read once, checked against the fields of a resource,
//! then a typed tree for SQL compilers and for [`eval`]. Text of a caller goes no further than this module.

mod check;
mod error;
mod eval;
mod order;
mod parse;
mod pattern;
mod read;
mod schema;
mod syntax;
mod typed;

pub use check::{Context, check};
pub use error::Error;
pub use eval::{Content, eval};
pub use order::{Direction, parse_order};
pub use parse::parse;
pub use pattern::{Pattern, Piece};
pub use schema::{Field, Kind, Schema};
pub use syntax::{Comparison, Expr, Literal, Operator, Term};
pub use typed::{Restriction, Test, Typed, Value};

/// Most characters in a filter.
pub const MAX_LENGTH: usize = 4096;
/// Most parentheses around one restriction.
pub const MAX_DEPTH: usize = 32;
/// Most restrictions in a filter.
pub const MAX_TERMS: usize = 100;

/// Reads and checks a filter in one step; an empty one holds for everything.
pub fn compile(text: &str, schema: &Schema, context: &Context) -> Result<Typed, Error> {
    check(&parse(text)?, schema, context)
}
