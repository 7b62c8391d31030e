//! A process as data: states, transitions, guards, priority matrix, custom fields.
//! The same definition is enforced when a ticket moves, drawn in the docs and used to measure conformance.

mod approval;
mod check;
mod custom;
mod description;
mod difference;
mod mermaid;
mod practice;
mod shipped;

use serde::{Deserialize, Serialize};

pub use self::approval::{ApprovalRule, ChangeTemplate, ReplyPolicy};
pub use self::custom::{CustomFields, Property, PropertyType};
pub use self::description::{Activity, Direction, Measure};
pub use self::practice::{InvalidPractice, Practice};
pub use self::shipped::shipped;
use crate::priority::Matrix;

/// One revision of a process: immutable once published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Id: `incident`, the last part of `processes/incident`.
    pub id: String,
    /// Name for people.
    pub display_name: String,
    /// Practice whose tickets follow it.
    pub practice: Practice,
    /// First part of the names of its tickets: `INC`. Two to six capital letters.
    pub ticket_prefix: String,
    /// What the process is for.
    #[serde(default)]
    pub purpose: String,
    /// Where it applies and where not.
    #[serde(default)]
    pub scope: String,
    /// States. Their ids never change meaning.
    pub states: Vec<State>,
    /// Id of the state in which a ticket starts.
    pub initial: String,
    /// Moves between states.
    pub transitions: Vec<Transition>,
    /// Priority by impact and urgency.
    #[serde(default)]
    pub priority_matrix: Matrix,
    /// Days after which a resolved ticket closes by itself. 0: never.
    #[serde(default)]
    pub auto_close_days: u32,
    /// What a public word of the customer does to a resolved ticket.
    #[serde(default, skip_serializing_if = "ReplyPolicy::is_stay")]
    pub reply_when_resolved: ReplyPolicy,
    /// Approvals that its tickets need on their way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalRule>,
    /// What standard changes follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub change_templates: Vec<ChangeTemplate>,
    /// Fields that its tickets have besides the usual ones. Empty: whatever is given.
    #[serde(default, skip_serializing_if = "CustomFields::is_empty")]
    pub custom_fields: CustomFields,
    /// Role that answers for the process as such: `roles/incident-process-owner`. Empty: nobody is named.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner_role: String,
    /// What the process takes in, each in a few words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// What it gives, each in a few words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// What is done in it. Their ids never change meaning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activities: Vec<Activity>,
    /// What shows that it serves its purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
}

/// A state of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Id in lower case: `in_progress`. What facts and clocks refer to.
    pub id: String,
    /// Name for people; may change without any effect on the past.
    pub display_name: String,
    /// What the state means to clocks and reports.
    pub category: Category,
}

/// A move between states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// Id in lower case: `resolve`.
    pub id: String,
    /// Name for people, as an order: "Resolve".
    pub display_name: String,
    /// Ids of the states it leaves.
    pub from: Vec<String>,
    /// Id of the state it enters.
    pub to: String,
    /// What has to hold for it.
    #[serde(default, skip_serializing_if = "Guard::is_empty")]
    pub guard: Guard,
}

/// What has to hold before a transition is made. Imports pass by it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Role the caller must have. Empty: anybody who may write tickets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Paths of the fields that the ticket must have, before or with the move: `resolution.code`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Ids of the approvals that must have been given, where the ticket needs them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<String>,
}

impl Guard {
    /// Asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.role.is_none() && self.fields.is_empty() && self.approvals.is_empty()
    }
}

impl Process {
    /// Resource name: `processes/incident`.
    pub fn name(&self) -> String {
        format!("processes/{}", self.id)
    }

    /// The state of that id.
    pub fn state(&self, id: &str) -> Option<&State> {
        self.states.iter().find(|state| state.id == id)
    }

    /// The transition of that id.
    pub fn transition(&self, id: &str) -> Option<&Transition> {
        self.transitions.iter().find(|transition| transition.id == id)
    }

    /// The approval of that id.
    pub fn approval(&self, id: &str) -> Option<&ApprovalRule> {
        self.approvals.iter().find(|approval| approval.id == id)
    }

    /// The template of that id.
    pub fn change_template(&self, id: &str) -> Option<&ChangeTemplate> {
        self.change_templates.iter().find(|template| template.id == id)
    }

    /// Every transition that leaves the state, in the order of the definition.
    pub fn leaving<'a>(&'a self, state: &'a str) -> impl Iterator<Item = &'a Transition> {
        self.transitions.iter().filter(move |transition| transition.from.iter().any(|from| from == state))
    }

    /// The first transition from one state to the other.
    pub fn between<'a>(&'a self, from: &'a str, to: &str) -> Option<&'a Transition> {
        self.leaving(from).find(|transition| transition.to == to)
    }

    /// The first transition from the state into a state of the category: how a ticket goes on or closes by itself.
    pub fn towards<'a>(&'a self, from: &'a str, category: Category) -> Option<&'a Transition> {
        self.leaving(from).find(|transition| self.state(&transition.to).is_some_and(|state| state.category == category))
    }
}

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
    pub const ALL: [Self; 6] = [Self::New, Self::Active, Self::Pending, Self::Resolved, Self::Closed, Self::Cancelled];

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
        Self::ALL.into_iter().find(|category| category.as_str() == text)
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
    pub const ALL: [Self; 6] =
        [Self::Customer, Self::Supplier, Self::Change, Self::Problem, Self::Scheduled, Self::Evidence];

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
