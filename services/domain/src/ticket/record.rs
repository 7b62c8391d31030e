//! Facts with what surrounds them: when, by whom, for whose eyes, in which order.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Fact;

/// Who may see a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Audience {
    /// The customer and the provider.
    Public,
    /// The provider only.
    Internal,
}

impl Audience {
    /// The name used in the contract and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "PUBLIC",
            Self::Internal => "INTERNAL",
        }
    }

    /// The audience of that exact name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Public, Self::Internal].into_iter().find(|audience| audience.as_str() == text)
    }
}

/// On whose side somebody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Side {
    /// For those who deliver the service.
    Provider,
    /// For those who use it.
    Customer,
}

/// A fact that a command or an import has decided on and nobody has recorded yet.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFact {
    /// What happened.
    pub fact: Fact,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the source system recorded it. Empty: it comes from no other system.
    pub source_recorded_at: Option<Timestamp>,
    /// Orders facts of one ticket that happened at the same instant. 0: nothing to order by.
    pub source_sequence: i64,
    /// Who caused it: `people/ann`, `systems/import`.
    pub actor: String,
    /// Who may see it.
    pub audience: Audience,
}

/// A fact of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// What happened.
    pub fact: Fact,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the source system recorded it. Empty: it comes from no other system.
    pub source_recorded_at: Option<Timestamp>,
    /// Orders facts of one ticket that happened at the same instant. 0: nothing to order by.
    pub source_sequence: i64,
    /// Position in the journal.
    pub position: i64,
    /// Who caused it: `people/ann`, `systems/import`.
    pub actor: String,
    /// Who may see it.
    pub audience: Audience,
}

impl NewFact {
    /// Where the fact stands among those of its ticket, as far as that is known before it is recorded.
    pub(super) fn key(&self) -> (Timestamp, i64) {
        (self.occurred_at, self.source_sequence)
    }

    /// The fact at its position in the journal.
    pub fn at(self, position: i64) -> Recorded {
        Recorded {
            fact: self.fact,
            occurred_at: self.occurred_at,
            source_recorded_at: self.source_recorded_at,
            source_sequence: self.source_sequence,
            position,
            actor: self.actor,
            audience: self.audience,
        }
    }
}

impl Recorded {
    /// Whether it was told by another system.
    pub fn is_imported(&self) -> bool {
        self.source_recorded_at.is_some()
    }

    /// Where the fact stands among those of its ticket: facts are folded in this order.
    pub fn key(&self) -> (Timestamp, i64, i64) {
        (self.occurred_at, self.source_sequence, self.position)
    }
}

/// Fingerprint of an imported row, by which it is recognised when it comes again. In JSON 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub u64);

/// Text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no digest: write 16 hexadecimal digits")]
pub struct InvalidDigest(pub String);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let digits = text.len() == 16 && text.bytes().all(|c| c.is_ascii_hexdigit());
        match u64::from_str_radix(text, 16) {
            Ok(value) if digits => Ok(Self(value)),
            _ => Err(InvalidDigest(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}
