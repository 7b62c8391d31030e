//! What is wrong with a field of something that was handed in, and the checks that many fields share.

use std::fmt;

/// A field that cannot be taken as it is, in the words of the contract.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Path of the field as the contract writes it: `objectives[2].calendar`.
    pub field: String,
    /// What is wrong and the way out; lower case, no full stop.
    pub message: String,
}

impl Violation {
    /// Says what is wrong with `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Most characters in a text of one line: a display name, a reference, a label.
pub const MAX_LINE: usize = 500;
/// Most characters in a text of several lines: a description.
pub const MAX_TEXT: usize = 20_000;

/// Objects to a required text that is empty or blank.
pub fn required(found: &mut Vec<Violation>, field: &str, text: &str) {
    if text.trim().is_empty() {
        found.push(Violation::new(field, "is required: give a value"));
    }
}

/// Objects to a name for people that is missing or does not fit on a line.
pub fn display_name(found: &mut Vec<Violation>, text: &str) {
    required(found, "display_name", text);
    lines(found, &[("display_name", text)]);
}

/// Objects to texts of one line that hold a control character or more than [`MAX_LINE`] characters.
pub fn lines(found: &mut Vec<Violation>, fields: &[(&str, &str)]) {
    for (field, text) in fields {
        if text.chars().any(char::is_control) {
            found.push(Violation::new(*field, "holds a line break or another control character: write it on one line"));
        }
        at_most(found, field, text, MAX_LINE);
    }
}

/// Objects to texts that hold a zero character, which no database keeps, or more than [`MAX_TEXT`] characters.
pub fn texts(found: &mut Vec<Violation>, fields: &[(&str, &str)]) {
    for (field, text) in fields {
        if text.contains('\0') {
            found.push(Violation::new(*field, "holds a zero character: remove it"));
        }
        at_most(found, field, text, MAX_TEXT);
    }
}

fn at_most(found: &mut Vec<Violation>, field: &str, text: &str, limit: usize) {
    if text.chars().count() > limit {
        found.push(Violation::new(field, format!("is longer than {limit} characters: shorten it")));
    }
}

/// Objects to a reference that is set and does not read `{collection}/{id}`.
pub fn reference(found: &mut Vec<Violation>, field: &str, collection: &str, name: &str) {
    if !name.is_empty() && !refers(collection, name) {
        found.push(Violation::new(field, format!("'{name}' is no name of this kind: write {collection}/ and an id")));
    }
}

/// Objects to each of several references that does not read `{collection}/{id}`.
pub fn references(found: &mut Vec<Violation>, field: &str, collection: &str, names: &[String]) {
    for (index, name) in names.iter().enumerate() {
        if !refers(collection, name) {
            found.push(Violation::new(
                format!("{field}[{index}]"),
                format!("'{name}' is no name of this kind: write {collection}/ and an id"),
            ));
        }
    }
}

/// Whether a name reads `{collection}/{id}`, the id of letters, digits, dots, hyphens and underscores.
fn refers(collection: &str, name: &str) -> bool {
    name.strip_prefix(collection).and_then(|rest| rest.strip_prefix('/')).is_some_and(|id| {
        (1..=100).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    })
}

/// Objects to a source without a place in it, and to a place without a source.
pub fn source(found: &mut Vec<Violation>, source: &str, source_id: &str) {
    if source.is_empty() != source_id.is_empty() {
        let missing = if source.is_empty() { "source" } else { "source_id" };
        found.push(Violation::new(missing, "is missing: give source and source id together or neither"));
    }
}
