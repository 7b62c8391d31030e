//! What a process has approved, by whom, and when it is asked for; and the templates that are approved beforehand.

use serde::{Deserialize, Serialize};

use crate::approval::Policy;
use crate::ticket::ChangeType;

/// An approval that tickets of the process need on their way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// Id in lower case: `change`. Guards of transitions refer to it.
    pub id: String,
    /// Name for people.
    pub display_name: String,
    /// Ids of the states that ask for it when they are entered, unless it is pending or given.
    pub states: Vec<String>,
    /// Types of change that need it; one whose type is not known counts as normal. Empty: every ticket.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub change_types: Vec<ChangeType>,
    /// Who decides. Empty: what the offering asked for says when it is asked; nobody has to where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Paths of what is approved: `change.implementation_plan`. It lapses when one of them changes.
    pub fields: Vec<String>,
    /// Id of the transition that follows when it is approved, if it leaves the state and nothing is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_approval: Option<String>,
    /// Id of the transition that follows when it is rejected, if it leaves the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_rejection: Option<String>,
}

/// A standard change: known, of low risk, and approved once for all with the revision of the process that has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeTemplate {
    /// Id in lower case: `routine_patch`.
    pub id: String,
    /// Name for people.
    pub display_name: String,
    /// Risk: `low`.
    #[serde(default)]
    pub risk: String,
    /// How it is done.
    pub implementation_plan: String,
    /// How it is tested.
    #[serde(default)]
    pub test_plan: String,
    /// How it is taken back.
    #[serde(default)]
    pub back_out_plan: String,
}

/// What a public word of the customer does to a resolved ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReplyPolicy {
    /// Nothing.
    #[default]
    Stay,
    /// It disputes the resolution: the ticket is opened again.
    Reopen,
}

impl ReplyPolicy {
    /// Nothing happens.
    pub fn is_stay(&self) -> bool {
        *self == Self::Stay
    }
}
