//! What only tickets of one practice have.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::process::Practice;

/// Detail of the practice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "practice", rename_all = "snake_case")]
pub enum Details {
    /// Detail of an incident.
    Incident(Incident),
    /// Detail of a service request.
    ServiceRequest(ServiceRequest),
    /// Detail of a problem.
    Problem(Problem),
    /// Detail of a change.
    Change(Box<Change>),
}

impl Details {
    /// Id of the practice whose details they are.
    pub fn practice(&self) -> &'static str {
        match self {
            Self::Incident(_) => Practice::INCIDENT,
            Self::ServiceRequest(_) => Practice::SERVICE_REQUEST,
            Self::Problem(_) => Practice::PROBLEM,
            Self::Change(_) => Practice::CHANGE,
        }
    }
}

/// Detail of an incident.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Incident {
    /// Facts of a major incident. Empty: not major.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub major: Option<Box<Major>>,
}

/// Facts of a major incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Major {
    /// When it was declared.
    pub declared_at: Timestamp,
    /// Who leads: `people/ann`. Empty: not named yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commander: Option<String>,
    /// How often news is given. Empty: not agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_cadence: Option<SignedDuration>,
    /// Number of users affected. Empty: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users_affected: Option<u64>,
    /// When it was stood down. Empty: not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stood_down_at: Option<Timestamp>,
    /// When its review is due. Empty: none agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_due_at: Option<Timestamp>,
}

/// Detail of a service request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ServiceRequest {
    /// Answers to the form of the offering.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub form_answers: BTreeMap<String, Value>,
}

/// Detail of a problem.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Problem {
    /// How to live with it. Empty: no way known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub workaround: String,
    /// Whether it is a known error: its cause or a workaround is documented.
    #[serde(default)]
    pub known_error: bool,
    /// Root cause. Empty: not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub root_cause: String,
}

/// Detail of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// How it is authorised.
    #[serde(rename = "type")]
    pub kind: ChangeType,
    /// Planned start. Empty: not planned yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_start_at: Option<Timestamp>,
    /// Planned end. Empty: not planned yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_end_at: Option<Timestamp>,
    /// Actual start. Empty: not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_start_at: Option<Timestamp>,
    /// Actual end. Empty: not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_end_at: Option<Timestamp>,
    /// Risk: `low`, `medium`, `high`. Empty: not assessed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub risk: String,
    /// How it will be done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub implementation_plan: String,
    /// How it will be tested.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub test_plan: String,
    /// How it will be taken back.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub back_out_plan: String,
    /// What became of it. Empty: not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ChangeOutcome>,
}

/// How a change is authorised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeType {
    /// Known and approved beforehand.
    Standard,
    /// Assessed and approved one by one.
    Normal,
    /// Made at once, approved afterwards.
    Emergency,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeOutcome {
    /// As planned.
    Successful,
    /// Done, but it caused trouble.
    WithIssues,
    /// Taken back.
    BackedOut,
    /// Not achieved.
    Failed,
}
