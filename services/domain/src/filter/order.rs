//! The order of a list: `priority, opened_time desc` (AIP-132).

use super::check::find;
use super::{Error, Schema};
use crate::excerpt::excerpt;

/// Which way a list runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first; what a field without a word behind it means.
    Ascending,
    /// Largest first; written `desc`.
    Descending,
}

/// Reads an order against the fields of a resource: index and direction, the first weighs most. An empty text gives
/// no fields; the caller adds its unique last key.
pub fn parse_order(text: &str, schema: &Schema) -> Result<Vec<(usize, Direction)>, Error> {
    let mut order: Vec<(usize, Direction)> = Vec::new();
    if text.trim().is_empty() {
        return Ok(order);
    }
    let mut start = 0;
    for part in text.split(',') {
        let column = start + part.chars().take_while(|character| character.is_whitespace()).count() + 1;
        start += part.chars().count() + 1;
        let mut words = part.split_whitespace();
        let Some(name) = words.next() else {
            return Err(Error::at(column, "expected a field name: write fields with one comma between them"));
        };
        let direction = match (words.next(), words.next()) {
            (None | Some("asc"), None) => Direction::Ascending,
            (Some("desc"), None) => Direction::Descending,
            _ => {
                let message = format!("only asc or desc can follow {}: put a comma between fields", excerpt(name));
                return Err(Error::in_field(name, column, message));
            }
        };
        let (index, field) = find(schema, name, column)?;
        if !field.orderable {
            let names: Vec<_> =
                schema.fields().iter().filter(|field| field.orderable).map(|field| field.name.as_str()).collect();
            let message = format!("nothing is ordered by {name}: use one of {}", names.join(", "));
            return Err(Error::in_field(name, column, message));
        }
        if order.iter().any(|(earlier, _)| *earlier == index) {
            let message = format!("{name} stands in the order twice: name each field once");
            return Err(Error::in_field(name, column, message));
        }
        order.push((index, direction));
    }
    Ok(order)
}
