//! What only tickets of one practice have.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::process::{Practice, Process};
use crate::violation::Violation;

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

    /// What they say of a major incident. Empty: it is none.
    pub fn major(&self) -> Option<&Major> {
        match self {
            Self::Incident(incident) => incident.major.as_deref(),
            _ => None,
        }
    }

    /// Whether a ticket can have something at that path of its details, as the contract writes it:
    /// `change.planned_start_time`.
    pub fn knows(path: &str) -> bool {
        let Some((practice, field)) = path.split_once('.') else { return false };
        match practice {
            "change" => CHANGE_FIELDS.contains(&field),
            "request" => field == "form_answers" || field.starts_with("form_answers."),
            "problem" => ["workaround", "known_error", "root_cause"].contains(&field),
            _ => false,
        }
    }

    /// What is at that path. Null: nothing.
    pub fn at(&self, path: &str) -> Value {
        let Some((practice, field)) = path.split_once('.') else { return Value::Null };
        let own = match self {
            Self::Incident(_) => "incident",
            Self::ServiceRequest(_) => "request",
            Self::Problem(_) => "problem",
            Self::Change(_) => "change",
        };
        if practice != own {
            return Value::Null;
        }
        let instant = field.strip_suffix("_time").filter(|_| own == "change");
        let name = instant.map_or_else(|| field.to_owned(), |stem| format!("{stem}_at"));
        let written = serde_json::to_value(self).unwrap_or_default();
        let found = match name.split_once('.') {
            Some((outer, inner)) => written.get(outer).and_then(|members| members.get(inner)),
            None => written.get(&name),
        };
        found.cloned().unwrap_or_default()
    }
}

/// Fields of a change, as the contract writes them.
const CHANGE_FIELDS: [&str; 11] = [
    "type",
    "template",
    "planned_start_time",
    "planned_end_time",
    "actual_start_time",
    "actual_end_time",
    "risk",
    "implementation_plan",
    "test_plan",
    "back_out_plan",
    "outcome",
];

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
    /// Template that a standard change follows, an id of its process. Empty: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub template: String,
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

impl Change {
    /// What is wrong with it by itself, under its paths of the contract.
    pub fn violations(&self) -> Vec<Violation> {
        let intervals = [
            ("change.planned_end_time", self.planned_start_at, self.planned_end_at),
            ("change.actual_end_time", self.actual_start_at, self.actual_end_at),
        ];
        let mut found: Vec<Violation> = intervals
            .into_iter()
            .filter(|(_, start, end)| end.is_some_and(|end| start.is_some_and(|start| end <= start)))
            .map(|(field, ..)| Violation::new(field, "is not after the start: give an interval that is not empty"))
            .collect();
        if self.actual_end_at.is_some() && self.actual_start_at.is_none() {
            found.push(Violation::new("change.actual_start_time", "is missing: what has ended began at some time"));
        }
        if self.kind != ChangeType::Standard && !self.template.is_empty() {
            found.push(Violation::new("change.template", "is for standard changes: leave it out"));
        }
        found
    }

    /// What keeps a standard change from being what its template says.
    pub fn violations_of(&self, process: &Process) -> Vec<Violation> {
        if self.kind != ChangeType::Standard {
            return Vec::new();
        }
        let Some(template) = process.change_template(&self.template) else {
            let known = process.change_templates.iter().map(|template| template.id.as_str());
            let known = known.collect::<Vec<_>>().join(", ");
            let text = if known.is_empty() {
                "is none of the process, which has no standard changes: make it a normal one".to_owned()
            } else {
                format!("is none of the process: a standard change follows one of {known}")
            };
            return vec![Violation::new("change.template", text)];
        };
        let parts = [
            ("change.risk", &self.risk, &template.risk),
            ("change.implementation_plan", &self.implementation_plan, &template.implementation_plan),
            ("change.test_plan", &self.test_plan, &template.test_plan),
            ("change.back_out_plan", &self.back_out_plan, &template.back_out_plan),
        ];
        let other = parts.into_iter().filter(|(_, given, approved)| given != approved);
        let text = "is not what the template says, and only that is approved: leave it out, or make it a normal change";
        other.map(|(field, ..)| Violation::new(field, text)).collect()
    }

    /// The same, with what its template says where nothing is given.
    #[must_use]
    pub fn completed(mut self, process: &Process) -> Self {
        if let Some(template) = process.change_template(&self.template) {
            let parts = [
                (&mut self.risk, &template.risk),
                (&mut self.implementation_plan, &template.implementation_plan),
                (&mut self.test_plan, &template.test_plan),
                (&mut self.back_out_plan, &template.back_out_plan),
            ];
            for (given, approved) in parts.into_iter().filter(|(given, _)| given.is_empty()) {
                given.clone_from(approved);
            }
        }
        self
    }
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

impl ChangeType {
    /// Every type, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Normal, Self::Emergency];

    /// The name used in facts and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::Normal => "NORMAL",
            Self::Emergency => "EMERGENCY",
        }
    }

    /// The type of that exact name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
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
