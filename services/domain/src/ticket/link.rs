//! How tickets are related; read "this ticket … the other".

use serde::{Deserialize, Serialize};

/// Kind of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LinkType {
    /// Is the parent of the other.
    Parent,
    /// Is a child of the other.
    Child,
    /// Is a duplicate of the other.
    Duplicates,
    /// Has the other as a duplicate.
    DuplicatedBy,
    /// Was caused by the other.
    CausedBy,
    /// Causes the other.
    Causes,
    /// Is an incident of the other, a problem.
    Problem,
    /// Is the problem behind the other, an incident.
    Incident,
    /// Is handled by the other, a change.
    Change,
    /// Is the change that handles the other.
    Handles,
    /// Has to do with the other.
    RelatesTo,
}

impl LinkType {
    /// Every type.
    pub const ALL: [Self; 11] = [
        Self::Parent,
        Self::Child,
        Self::Duplicates,
        Self::DuplicatedBy,
        Self::CausedBy,
        Self::Causes,
        Self::Problem,
        Self::Incident,
        Self::Change,
        Self::Handles,
        Self::RelatesTo,
    ];

    /// The type of that exact name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// What the other ticket says of this one.
    #[must_use]
    pub fn inverse(self) -> Self {
        match self {
            Self::Parent => Self::Child,
            Self::Child => Self::Parent,
            Self::Duplicates => Self::DuplicatedBy,
            Self::DuplicatedBy => Self::Duplicates,
            Self::CausedBy => Self::Causes,
            Self::Causes => Self::CausedBy,
            Self::Problem => Self::Incident,
            Self::Incident => Self::Problem,
            Self::Change => Self::Handles,
            Self::Handles => Self::Change,
            Self::RelatesTo => Self::RelatesTo,
        }
    }

    /// The name used in facts and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parent => "PARENT",
            Self::Child => "CHILD",
            Self::Duplicates => "DUPLICATES",
            Self::DuplicatedBy => "DUPLICATED_BY",
            Self::CausedBy => "CAUSED_BY",
            Self::Causes => "CAUSES",
            Self::Problem => "PROBLEM",
            Self::Incident => "INCIDENT",
            Self::Change => "CHANGE",
            Self::Handles => "HANDLES",
            Self::RelatesTo => "RELATES_TO",
        }
    }
}

/// A relation to another ticket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// How this ticket is related to the other.
    #[serde(rename = "type")]
    pub kind: LinkType,
    /// The other ticket: `tickets/PRB-000007`.
    pub ticket: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_of_the_inverse_is_the_relation_itself() {
        for kind in LinkType::ALL {
            assert_eq!(kind.inverse().inverse(), kind);
        }
    }

    #[test]
    fn a_relation_is_written_by_its_name() {
        for kind in LinkType::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
