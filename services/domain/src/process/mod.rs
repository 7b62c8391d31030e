//! A process as data: states, transitions, guards, priority matrix, custom fields.
//! The same definition is enforced when a ticket moves, drawn in the docs and used to measure conformance.

use serde::{Deserialize, Serialize};

/// What a state means to clocks and reports, whatever a process calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Category {
    /// Recorded, and nobody at the provider has acted on it.
    New,
    /// The provider is working on it.
    Active,
    /// Work waits for something; a [`PendingReason`] says for what.
    Pending,
    /// The provider has delivered; the requester may still dispute it.
    Resolved,
    /// Finished for good.
    Closed,
    /// Ended without delivery.
    Cancelled,
}

impl Category {
    /// Every category, in the order a ticket usually meets them.
    pub const ALL: [Self; 6] = [
        Self::New,
        Self::Active,
        Self::Pending,
        Self::Resolved,
        Self::Closed,
        Self::Cancelled,
    ];

    /// The provider still owes work: NEW, ACTIVE or PENDING.
    pub fn is_open(self) -> bool {
        matches!(self, Self::New | Self::Active | Self::Pending)
    }

    /// Nothing more is expected to happen: CLOSED or CANCELLED.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Closed | Self::Cancelled)
    }

    /// The name used in the contract and in the database: `NEW`, `ACTIVE`, ….
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Active => "ACTIVE",
            Self::Pending => "PENDING",
            Self::Resolved => "RESOLVED",
            Self::Closed => "CLOSED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The category of that exact name; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|category| category.as_str() == text)
    }
}

/// For what, or for whom, a pending ticket waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PendingReason {
    /// An answer or an action of the customer: the only reason that pauses a customer's clock by default.
    Customer,
    /// Our own supplier; never the customer's time.
    Supplier,
    /// A change that has to be made first.
    Change,
    /// A problem that has to be solved first.
    Problem,
    /// A date agreed with the requester.
    Scheduled,
    /// Evidence to be collected: logs, traces, a recurrence.
    Evidence,
}

impl PendingReason {
    /// Every reason, in the order of the contract.
    pub const ALL: [Self; 6] = [
        Self::Customer,
        Self::Supplier,
        Self::Change,
        Self::Problem,
        Self::Scheduled,
        Self::Evidence,
    ];

    /// The name used in the contract and in the database: `CUSTOMER`, `SUPPLIER`, ….
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "CUSTOMER",
            Self::Supplier => "SUPPLIER",
            Self::Change => "CHANGE",
            Self::Problem => "PROBLEM",
            Self::Scheduled => "SCHEDULED",
            Self::Evidence => "EVIDENCE",
        }
    }

    /// The reason of that exact name; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}
