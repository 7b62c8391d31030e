//! Practices: kinds of work, named by an id so that more can be added as data.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Id of a practice: lower-case letters, digits and underscores, beginning with a letter: `service_request`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Practice(String);

/// Text that is no id of a practice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no practice: write lower-case letters, digits and underscores, as in service_request")]
pub struct InvalidPractice(pub String);

impl Practice {
    /// Restoring service.
    pub const INCIDENT: &str = "incident";
    /// Delivering what was ordered.
    pub const SERVICE_REQUEST: &str = "service_request";
    /// Removing causes.
    pub const PROBLEM: &str = "problem";
    /// Altering services safely.
    pub const CHANGE: &str = "change";

    /// Takes an id of at most 50 characters.
    pub fn parse(text: &str) -> Result<Self, InvalidPractice> {
        let begins_with_letter = text.starts_with(|first: char| first.is_ascii_lowercase());
        let fits = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if begins_with_letter && fits && text.len() <= 50 {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPractice(text.to_owned()))
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Practice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Practice {
    type Error = InvalidPractice;

    fn try_from(text: String) -> Result<Self, InvalidPractice> {
        Self::parse(&text)
    }
}

impl From<Practice> for String {
    fn from(practice: Practice) -> Self {
        practice.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_practice_is_an_id_in_lower_case() {
        for good in [Practice::INCIDENT, Practice::SERVICE_REQUEST, "release", "test_2"] {
            assert_eq!(Practice::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "INCIDENT", "2nd", "_a", "a b", "ärger", &"a".repeat(51)] {
            assert!(Practice::parse(bad).is_err(), "{bad}");
        }
    }
}
