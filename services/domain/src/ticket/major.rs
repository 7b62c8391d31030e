//! Facts of major incidents, and what they leave in the detail of the incident.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Details, IncidentDetails, Major, Patch, Ticket};

/// That an incident was declared a major one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MajorDeclared {
    /// Who leads: `people/ann`. Empty: not named yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commander: Option<String>,
    /// How often news is given. Empty: not agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_cadence: Option<SignedDuration>,
    /// Number of users affected. Empty: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users_affected: Option<u64>,
}

/// What changed of a major incident.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MajorUpdated {
    /// Who leads.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub commander: Patch<String>,
    /// How often news is given.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub update_cadence: Patch<SignedDuration>,
    /// Number of users affected.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub users_affected: Patch<u64>,
    /// When its review is due, which is agreed when it is stood down.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub review_due_at: Patch<Timestamp>,
}

impl MajorUpdated {
    /// The part that would alter what is known.
    #[must_use]
    pub fn against(&self, major: &Major) -> Self {
        Self {
            commander: self.commander.against(&major.commander),
            update_cadence: self.update_cadence.against(&major.update_cadence),
            users_affected: self.users_affected.against(&major.users_affected),
            review_due_at: self.review_due_at.against(&major.review_due_at),
        }
    }

    /// Says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Ticket {
    /// What is known of it as a major incident. Empty: it was never declared one.
    pub fn major(&self) -> Option<&Major> {
        self.details.as_ref().and_then(Details::major)
    }

    pub(super) fn declare_major(&mut self, declared: &MajorDeclared, at: Timestamp) {
        self.since.fields = at;
        let major = Major {
            declared_at: at,
            commander: declared.commander.clone(),
            update_cadence: declared.update_cadence,
            users_affected: declared.users_affected,
            stood_down_at: None,
            review_due_at: None,
        };
        self.details = Some(Details::Incident(IncidentDetails { major: Some(Box::new(major)) }));
    }

    pub(super) fn update_major(&mut self, updated: &MajorUpdated, at: Timestamp) {
        self.since.fields = at;
        if let Some(major) = self.major_mut() {
            updated.commander.apply(&mut major.commander);
            updated.update_cadence.apply(&mut major.update_cadence);
            updated.users_affected.apply(&mut major.users_affected);
            updated.review_due_at.apply(&mut major.review_due_at);
        }
    }

    pub(super) fn stand_down_major(&mut self, review_due_at: Option<Timestamp>, at: Timestamp) {
        self.since.fields = at;
        if let Some(major) = self.major_mut() {
            major.stood_down_at = Some(at);
            major.review_due_at = review_due_at;
        }
    }

    fn major_mut(&mut self) -> Option<&mut Major> {
        match &mut self.details {
            Some(Details::Incident(IncidentDetails { major })) => major.as_deref_mut(),
            _ => None,
        }
    }
}
