//! What clocks see of a ticket: a short alphabet that every process and import is translated into.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::duty::DutyStep;
use super::excuse::Exclusion;
use crate::process::{Category, PendingReason};
use crate::selection::Pinned;

/// One thing that happened to a ticket and matters to a clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// When it happened.
    pub at: Timestamp,
    /// Position of the fact in the journal, for explanations. Empty: not in a journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// What happened.
    pub kind: SignalKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SignalKind {
    /// The ticket began.
    Opened,
    /// The ticket entered a state; again for each change of what it waits for.
    State {
        /// Id of the state in its process.
        state: String,
        /// What the state means.
        category: Category,
        /// What the ticket waits for. Empty: nothing in particular.
        pending: Option<PendingReason>,
    },
    /// The ticket came to a group or supplier contract, or left them.
    Assigned {
        /// Name of the group. Empty: none.
        group: Option<String>,
        /// Name of the supplier contract. Empty: none.
        contract: Option<String>,
    },
    /// The provider gave a qualified answer; it is news as well.
    Answered,
    /// The provider gave the customer news.
    Informed,
    /// The customer wrote.
    CustomerWrote,
    /// A date was agreed with the requester, or withdrawn.
    DateAgreed {
        /// By when. Empty: no longer.
        due_at: Option<Timestamp>,
    },
    /// Selection ran: from now on these objectives govern, and no others.
    Governed {
        /// What won.
        pinned: Vec<Pinned>,
    },
    /// The ticket ended without delivery: merged, cancelled, withdrawn.
    Ended {
        /// Why, for people and explanations.
        reason: String,
    },
    /// A clock was excused; what was said of it before no longer counts.
    Excluded {
        /// What was decided.
        exclusion: Exclusion,
        /// Who approved it.
        actor: String,
    },
    /// A clock is no longer excused.
    ExclusionRevoked {
        /// Id of the clock.
        clock: String,
    },
    /// A step of a duty to notify an authority.
    Duty(DutyStep),
}
