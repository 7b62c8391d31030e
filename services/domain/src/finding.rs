//! What a check of a definition has to say, worst first.

use serde::{Deserialize, Serialize};

/// How bad a finding is. Errors come before warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// The definition cannot be published.
    Error,
    /// Allowed, but probably not meant.
    Warning,
}

/// One thing that is wrong or doubtful in a definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where, as a path into the definition: `objectives[2].calendar`.
    pub field: String,
    /// A stable reason in UPPER_SNAKE: `CALENDAR_NEVER_OPEN`.
    pub reason: String,
    /// What is wrong and the way out.
    pub message: String,
}

impl Finding {
    /// A finding that forbids publishing.
    pub fn error(field: impl Into<String>, reason: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, field.into(), reason, message.into())
    }

    /// A finding that asks for a second look.
    pub fn warning(field: impl Into<String>, reason: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, field.into(), reason, message.into())
    }

    /// Whether it forbids publishing.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    fn new(severity: Severity, field: String, reason: &str, message: String) -> Self {
        Self { severity, field, reason: reason.to_owned(), message }
    }
}
