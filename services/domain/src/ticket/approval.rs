//! Approvals of a ticket: asked for, decided, delegated, lapsed. What they come to is a fold of facts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Ticket;
use crate::approval::Policy;

/// An approval as its facts leave it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// What was asked.
    pub asked: Asked,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// What it has come to.
    pub state: ApprovalState,
    /// When it came to that. Empty: it is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// The decision in force of each approver, in the order in which they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decided>,
    /// Who lets whom decide on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegations: Vec<Delegated>,
    /// What changed after it was asked for. Empty unless it has lapsed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed_fields: Vec<String>,
}

/// What an approval has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApprovalState {
    /// Not enough have decided.
    Pending,
    /// Given.
    Approved,
    /// Refused by one of those who may decide.
    Rejected,
    /// What was asked about has changed since.
    Lapsed,
    /// The ticket ended before it was decided.
    Withdrawn,
}

impl ApprovalState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Approved, Self::Rejected, Self::Lapsed, Self::Withdrawn];

    /// The name used in facts and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Lapsed => "LAPSED",
            Self::Withdrawn => "WITHDRAWN",
        }
    }

    /// It still counts: it is pending, or it was given and what it is about is as it was.
    pub fn stands(self) -> bool {
        matches!(self, Self::Pending | Self::Approved)
    }
}

/// That an approval was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Id within the ticket: `change-1`.
    pub approval: String,
    /// The approval of the process that it is: `change`.
    pub rule: String,
    /// Who may decide.
    pub policy: Policy,
    /// Digest of each value that is to be approved, by its path.
    pub fields: BTreeMap<String, String>,
    /// Whose act asked for it. They cannot decide on it.
    pub asked_by: String,
}

/// A decision on an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// Id of the approval.
    pub approval: String,
    /// Whose decision it is: `people/ann`.
    pub approver: String,
    /// Who made it in their place. Empty: the approver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegate: Option<String>,
    /// In which terms of the policy the approver may decide: `roles`, `groups`, `people`.
    pub capacities: Vec<String>,
    /// The decision.
    pub decision: Decision,
    /// Why, for people. Empty: not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
}

impl Decided {
    /// Who made it.
    pub fn actor(&self) -> &str {
        self.delegate.as_deref().unwrap_or(&self.approver)
    }
}

/// What somebody decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Decision {
    /// Go ahead.
    Approve,
    /// Do not.
    Reject,
}

/// That somebody lets another decide on one approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegated {
    /// Id of the approval.
    pub approval: String,
    /// Who lets decide.
    pub delegator: String,
    /// In which terms of the policy the delegator may decide. Empty: as somebody's delegate only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacities: Vec<String>,
    /// Who may decide from then on.
    pub delegate: String,
    /// Why, for people. Empty: not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
}

/// That what an approval is about has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lapsed {
    /// Id of the approval.
    pub approval: String,
    /// Paths of what changed.
    pub fields: Vec<String>,
}

impl Approval {
    /// An approval that was just asked for.
    fn new(asked: Asked, asked_at: Timestamp) -> Self {
        Self {
            asked,
            asked_at,
            state: ApprovalState::Pending,
            decided_at: None,
            decisions: Vec::new(),
            delegations: Vec::new(),
            changed_fields: Vec::new(),
        }
    }

    /// Whether enough have approved: as many different people as the quorum says, or everybody who is named.
    fn is_given(&self) -> bool {
        self.missing() == 0
    }

    /// How many approvals are missing.
    pub fn missing(&self) -> usize {
        let given = self.decisions.iter().filter(|decided| decided.decision == Decision::Approve);
        let policy = &self.asked.policy;
        if policy.quorum > 0 {
            let people: BTreeSet<&str> = given.map(Decided::actor).collect();
            return policy.needed().saturating_sub(people.len());
        }
        let held: BTreeSet<&str> = given.flat_map(|decided| &decided.capacities).map(String::as_str).collect();
        policy.approvers().filter(|approver| !held.contains(approver)).count()
    }

    fn come_to(&mut self, state: ApprovalState, at: Timestamp) {
        self.state = state;
        self.decided_at = Some(at);
    }

    fn decide(&mut self, decided: &Decided, at: Timestamp) {
        self.decisions.retain(|known| known.approver != decided.approver && known.actor() != decided.actor());
        self.decisions.push(decided.clone());
        match decided.decision {
            Decision::Reject => self.come_to(ApprovalState::Rejected, at),
            Decision::Approve if self.is_given() => self.come_to(ApprovalState::Approved, at),
            Decision::Approve => {}
        }
    }
}

impl Ticket {
    /// The approval of that id.
    pub fn approval(&self, id: &str) -> Option<&Approval> {
        self.approvals.iter().find(|approval| approval.asked.approval == id)
    }

    /// The last one of those that the approval of the process asked for.
    pub fn approval_of(&self, rule: &str) -> Option<&Approval> {
        self.approvals.iter().rfind(|approval| approval.asked.rule == rule)
    }

    pub(super) fn ask(&mut self, asked: &Asked, at: Timestamp) {
        self.since.approvals = Some(at);
        self.approvals.push(Approval::new(asked.clone(), at));
    }

    /// What happens to an approval that is no longer pending, or lapsed, is no decision any more.
    pub(super) fn decided(&mut self, decided: &Decided, at: Timestamp) {
        self.since.approvals = Some(at);
        if let Some(approval) = self.pending_approval(&decided.approval) {
            approval.decide(decided, at);
        }
    }

    pub(super) fn delegated(&mut self, delegated: &Delegated, at: Timestamp) {
        self.since.approvals = Some(at);
        if let Some(approval) = self.pending_approval(&delegated.approval) {
            approval.delegations.retain(|known| known.delegator != delegated.delegator);
            approval.delegations.push(delegated.clone());
        }
    }

    pub(super) fn lapsed(&mut self, lapsed: &Lapsed, at: Timestamp) {
        self.since.approvals = Some(at);
        let standing = self.approvals.iter_mut().filter(|approval| approval.state.stands());
        for approval in standing.filter(|approval| approval.asked.approval == lapsed.approval) {
            approval.come_to(ApprovalState::Lapsed, at);
            approval.changed_fields.clone_from(&lapsed.fields);
        }
    }

    /// A ticket that has ended asks nobody any more.
    pub(super) fn withdraw_approvals(&mut self, at: Timestamp) {
        let pending = self.approvals.iter_mut().filter(|approval| approval.state == ApprovalState::Pending);
        for approval in pending {
            approval.come_to(ApprovalState::Withdrawn, at);
        }
    }

    fn pending_approval(&mut self, id: &str) -> Option<&mut Approval> {
        let mut pending = self.approvals.iter_mut().filter(|approval| approval.state == ApprovalState::Pending);
        pending.find(|approval| approval.asked.approval == id)
    }
}
