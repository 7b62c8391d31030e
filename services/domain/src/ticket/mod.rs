//! A ticket of any practice: an aggregate that is the fold of its facts.
//! Commands decide, facts record, `fold` rebuilds, `import` derives facts from what another system showed.

mod approval;
pub mod command;
mod detail;
mod fact;
mod field;
mod fold;
pub mod import;
mod link;
mod major;
mod patch;
mod privacy;
mod record;
mod signal;
mod threshold;
mod timer;
mod turn;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::approval::{Approval, ApprovalState, Asked, Decided, Decision, Delegated, Lapsed};
pub use self::detail::{
    Change as ChangeDetails, ChangeOutcome, ChangeType, Details, Incident as IncidentDetails, Major,
    Problem as ProblemDetails, ServiceRequest as ServiceRequestDetails,
};
pub use self::fact::{
    Assigned, DecodeError, Erased, ExclusionRevoked, Fact, Imported, ImportedRow, Nonconforming, Noted, Opened,
    Prioritised, Rule, Transitioned,
};
pub use self::field::{Changes, Field, FieldSet};
pub use self::fold::{fold, nonconformities};
pub use self::link::{Link, LinkType};
pub use self::major::{MajorDeclared, MajorUpdated};
pub use self::patch::Patch;
pub use self::privacy::{hide, names_of_concern};
pub use self::record::{Audience, Digest, NewFact, Recorded, Side};
pub use self::signal::signals;
pub use self::threshold::{Due, Observations, SCHEDULER, ThresholdReached, ThresholdWithdrawn};
pub use self::timer::{Timer, TimerKind};
pub use self::turn::{Matter, Turn, turns};
use crate::priority::Override;
use crate::process::{Category, PendingReason, Practice};

/// A ticket as its facts leave it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// Resource name: `tickets/INC-000042`. Never changes.
    pub name: String,
    /// Practice of its process.
    pub practice: Practice,
    /// Name of the process it follows: `processes/incident`.
    pub process: String,
    /// Revision of the process that governs it.
    pub process_revision: u32,
    /// Id of its state in that process.
    pub state: String,
    /// What the state means.
    pub category: Category,
    /// What is wrong or wanted, in a sentence. Empty: an import did not show it.
    pub title: String,
    /// The whole story. Empty: none.
    pub description: String,
    /// Category from the general to the special. Empty: none.
    pub category_path: Vec<String>,
    /// How it came in: `phone`, `email`, `portal`, `monitoring`.
    pub channel: Option<String>,
    /// Where it is.
    pub location: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// Fields that the process defines.
    pub custom_fields: BTreeMap<String, Value>,
    /// Whether only those involved may see it.
    pub confidential: bool,
    /// Customer it belongs to: `customers/acme`.
    pub customer: Option<String>,
    /// Person who asks: `people/ann`.
    pub requester: Option<String>,
    /// Person who recorded it, when somebody else asks.
    pub reported_by: Option<String>,
    /// Person who is affected, when somebody else asks.
    pub affected_user: Option<String>,
    /// People who are kept informed.
    pub watchers: Vec<String>,
    /// Service concerned: `services/email`. Empty: not known.
    pub service: Option<String>,
    /// Offering asked for: `services/email/offerings/new-mailbox`.
    pub offering: Option<String>,
    /// Configuration items concerned.
    pub configuration_items: Vec<String>,
    /// Effect on the business, from 1 (highest). Empty: not known.
    pub impact: Option<u8>,
    /// How fast it has to be, from 1 (highest). Empty: not known.
    pub urgency: Option<u8>,
    /// Priority by the matrix of the process. Empty: impact or urgency is not known.
    pub matrix_priority: Option<u8>,
    /// Priority set by hand. Empty: the matrix decides.
    pub priority_override: Option<Override>,
    /// Priority in force, from 1 (highest). Empty: not known.
    pub priority: Option<u8>,
    /// Who has it.
    pub assignment: Assignment,
    /// What it waits for. Empty unless the category is PENDING.
    pub pending: Pending,
    /// How it was resolved. Empty while it is not.
    pub resolution: Resolution,
    /// Why it was cancelled. Empty: it was not.
    pub cancel_reason: Option<String>,
    /// System it came from: `servicenow`. Empty: opened here.
    pub source_system: Option<String>,
    /// Id in that system, unique with it.
    pub source_id: Option<String>,
    /// References in other systems.
    pub external_references: Vec<String>,
    /// When it was opened, as people or the source say.
    pub opened_at: Timestamp,
    /// When it was last resolved, from a fact of its own. Empty while it is not, and where a source does not say.
    pub resolved_at: Option<Timestamp>,
    /// When it was closed or cancelled. Empty while it is neither.
    pub closed_at: Option<Timestamp>,
    /// Date negotiated with the requester. Empty: none.
    pub requested_at: Option<Timestamp>,
    /// How often it was reopened.
    pub reopen_count: u32,
    /// How often it went from one group to another.
    pub reassignment_count: u32,
    /// The source's own verdict on its service level; not ours. Empty: none given.
    pub source_sla_met: Option<bool>,
    /// Related tickets, in their order.
    pub links: BTreeSet<Link>,
    /// Detail of the practice. Empty: none given.
    pub details: Option<Details>,
    /// Approvals that were asked for, in the order in which they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// Since when each part of it is as it is.
    pub since: Since,
}

/// Who has a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Assignment {
    /// Group: `groups/network`. Empty: none.
    pub group: Option<String>,
    /// Person: `people/bob`. Empty: nobody in particular.
    pub person: Option<String>,
    /// Contract of the supplier that works on it: `contracts/4711`. Empty: none.
    pub contract: Option<String>,
}

/// What a ticket waits for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Pending {
    /// In general. Empty: not stated, and no clock pauses for it.
    pub reason: Option<PendingReason>,
    /// When waiting ends by itself. Empty: when somebody acts.
    pub resume_at: Option<Timestamp>,
    /// In particular: `people/ann`, `suppliers/acme`. Empty: not stated.
    pub awaited_party: Option<String>,
}

/// How a ticket was resolved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolution {
    /// Code: `fixed`, `workaround`. Empty: none given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What was done. Empty: not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Cause, as far as known. Empty: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// When the parts of a ticket last changed. A change that is said to have happened before the last one of
/// the same part is refused to people, since it could not be told apart from an edit of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// Since when it is in its state: the base of every ageing figure.
    pub state: Timestamp,
    /// Since when it is with whom it is.
    pub assignment: Timestamp,
    /// Since when impact, urgency and override, from which its priority follows, are as they are.
    pub priority: Timestamp,
    /// Since when its other fields are as they are, but for those that only the server writes.
    pub fields: Timestamp,
    /// When something last happened to one of its approvals. Empty: none was ever asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Timestamp>,
}

impl Since {
    /// When something last happened to an approval, or the beginning of time.
    pub(crate) fn approval(self) -> Timestamp {
        self.approvals.unwrap_or(Timestamp::MIN)
    }
}

impl Ticket {
    /// What it holds at a path of the contract: `title`, `custom_fields.cause`, `change.risk`. Null: nothing.
    pub fn value(&self, path: &str) -> Value {
        if let Some(id) = path.strip_prefix("custom_fields.") {
            return self.custom_fields.get(id).cloned().unwrap_or_default();
        }
        let Some(field) = Field::parse(path) else {
            return self.details.as_ref().map(|details| details.at(path)).unwrap_or_default();
        };
        let shown = serde_json::to_value(Changes::showing(self, FieldSet::of(&[field])));
        shown.ok().and_then(|mut shown| shown.get_mut(path).map(Value::take)).unwrap_or_default()
    }

    /// Whether it has something at a path that a process can require; false and blank count as nothing.
    pub fn has(&self, path: &str) -> bool {
        match self.value(path) {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.trim().is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => !members.is_empty(),
            _ => true,
        }
    }

    /// The last part of the name: `INC-000042`.
    pub fn number(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
}
