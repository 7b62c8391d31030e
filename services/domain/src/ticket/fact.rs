//! What can happen to a ticket. Kinds are versioned and never edited; old ones are lifted when they are read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Asked, Audience, Changes, Decided, Delegated, Digest, Lapsed, Link, MajorDeclared, MajorUpdated, Patch, Resolution,
    Side, ThresholdReached, ThresholdWithdrawn,
};
use crate::clock::{DutyStep, Exclusion};
use crate::priority::Override;
use crate::process::{Category, Practice};
use crate::selection::Selection;

/// One thing that happened to a ticket.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// It began.
    Opened(Box<Opened>),
    /// It entered a state.
    Transitioned(Box<Transitioned>),
    /// It came to somebody else.
    Assigned(Box<Assigned>),
    /// It was opened again after it had been resolved, closed or cancelled.
    Reopened {
        /// How often it had been reopened then, this time included.
        reopen_count: u32,
    },
    /// What its priority follows from changed.
    Prioritised(Box<Prioritised>),
    /// Other fields changed.
    Updated(Box<Changes>),
    /// Somebody wrote a note; who may read it is the fact's audience.
    Noted(Noted),
    /// It was related to another ticket.
    Linked(Link),
    /// A relation was taken away.
    Unlinked(Link),
    /// It was resolved; when is when the fact occurred.
    Resolved(Resolution),
    /// The source gave or withdrew its own verdict on the service level.
    SourceMeasured {
        /// The verdict. Empty: withdrawn.
        source_sla_met: Option<bool>,
    },
    /// Observation: which promises govern it from then on, and which gave way.
    Governed(Box<Selection>),
    /// Observation: an import showed something that its process does not have.
    Nonconforming(Nonconforming),
    /// Observation: rows that were imported later explain what seemed not to conform at this instant.
    Conforming {
        /// The rule that is no longer broken.
        rule: Rule,
    },
    /// Observation: which rows of a source have been absorbed, and what they showed.
    Imported(Box<Imported>),
    /// Observation: a clock reached a share of its target.
    ThresholdReached(Box<ThresholdReached>),
    /// Observation: what became known later refutes that it had been reached at this instant.
    ThresholdWithdrawn(ThresholdWithdrawn),
    /// A clock was excused.
    ClockExcluded(Exclusion),
    /// A clock is no longer excused.
    ClockExclusionRevoked(ExclusionRevoked),
    /// A step of a duty to notify an authority; when is when the fact occurred.
    DutyRecorded(DutyStep),
    /// An approval was asked for.
    ApprovalRequested(Box<Asked>),
    /// Somebody decided on an approval.
    ApprovalDecided(Box<Decided>),
    /// Somebody let another decide on an approval.
    ApprovalDelegated(Box<Delegated>),
    /// What an approval is about has changed.
    ApprovalLapsed(Lapsed),
    /// The incident was declared a major one; when is when the fact occurred.
    MajorDeclared(MajorDeclared),
    /// What is known of the major incident changed.
    MajorUpdated(MajorUpdated),
    /// The major incident was stood down; when is when the fact occurred.
    MajorStoodDown {
        /// When its review is due. Empty: none was agreed.
        review_due_at: Option<Timestamp>,
    },
    /// A person was erased from what stands beside its facts.
    Erased(Erased),
}

/// That a person was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    /// Why, for people. Names nobody.
    pub reason: String,
    /// What was erased, as [`crate::privacy::listed`] writes it.
    pub tokens: Vec<String>,
}

/// That an excuse was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExclusionRevoked {
    /// Id of the clock.
    pub clock: String,
    /// Why, for people.
    pub comment: String,
}

/// The beginning of a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// Resource name: `tickets/INC-000042`.
    pub name: String,
    /// Practice of the process.
    pub practice: Practice,
    /// Process it follows: `processes/incident`.
    pub process: String,
    /// Revision of the process.
    pub process_revision: u32,
    /// Id of the state it starts in.
    pub state: String,
    /// What that state means.
    pub category: Category,
    /// On whose side it was recorded.
    pub by: Side,
    /// What was known of it then.
    pub fields: Changes,
    /// Priority by the matrix. Empty: impact or urgency was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix_priority: Option<u8>,
}

/// A move into a state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transitioned {
    /// Id of the transition. Empty: the process has none for this move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition: Option<String>,
    /// State it left, as known when this was recorded.
    pub from_state: String,
    /// State it entered.
    pub state: String,
    /// What that state means.
    pub category: Category,
    /// On whose side it was moved.
    pub by: Side,
    /// What was said about the move: why it waits, why it was cancelled.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub fields: Changes,
}

/// A change of who has the ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assigned {
    /// The group.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub group: Patch<String>,
    /// The person.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub person: Patch<String>,
    /// The contract of a supplier.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub contract: Patch<String>,
    /// How often the ticket had changed hands then, this time included.
    pub reassignment_count: u32,
}

/// A change of what the priority follows from, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prioritised {
    /// Effect on the business.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub impact: Patch<u8>,
    /// How fast it has to be.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub urgency: Patch<u8>,
    /// The priority set by hand.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub priority_override: Patch<Override>,
    /// Priority by the matrix from then on. Empty: not known.
    pub matrix_priority: Option<u8>,
    /// Priority in force from then on. Empty: not known.
    pub priority: Option<u8>,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noted {
    /// On whose side it was written.
    pub by: Side,
    /// The text.
    pub text: String,
}

/// Something that the process does not have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nonconforming {
    /// What is broken.
    pub rule: Rule,
    /// What was shown, for people.
    pub detail: String,
}

/// What an imported history can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rule {
    /// The first state shown is not the one in which tickets of the process start.
    StartsAtState,
    /// The process has no transition between two states shown one after the other.
    NoTransition,
    /// Something happened before the time at which the source says that the ticket was opened.
    ActivityBeforeOpening,
}

/// Rows of a source that were absorbed together. Keeps what is needed to absorb rows out of order: which fields
/// each row showed (their values are in the facts), and what it said that holds only under conditions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// Sets of fields that rows showed, by path; rows refer to them by index.
    pub shown: Vec<Vec<String>>,
    /// What rows said about waiting, resolving and closing, which may not have come true; rows refer to it by index.
    pub conditional: Vec<Changes>,
    /// The rows.
    pub rows: Vec<ImportedRow>,
}

/// A row that was absorbed. In JSON an array in the order of its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RowTuple", into = "RowTuple")]
pub struct ImportedRow {
    /// Its fingerprint.
    pub digest: Digest,
    /// When the source showed it.
    pub occurred_at: Timestamp,
    /// Orders rows of the same instant.
    pub source_sequence: i64,
    /// When the source recorded it. Empty: not known.
    pub source_recorded_at: Option<Timestamp>,
    /// Index of the set of fields it showed.
    pub shown: u32,
    /// Index of what it said under conditions.
    pub conditional: u32,
}

type RowTuple = (Digest, Timestamp, i64, Option<Timestamp>, u32, u32);

impl From<RowTuple> for ImportedRow {
    fn from(row: RowTuple) -> Self {
        let (digest, occurred_at, source_sequence, source_recorded_at, shown, conditional) = row;
        Self { digest, occurred_at, source_sequence, source_recorded_at, shown, conditional }
    }
}

impl From<ImportedRow> for RowTuple {
    fn from(row: ImportedRow) -> Self {
        (row.digest, row.occurred_at, row.source_sequence, row.source_recorded_at, row.shown, row.conditional)
    }
}

/// Why a stored fact cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The kind was written by a newer program, or by none.
    #[error("fact kind {0} is not known: read it with a newer version")]
    UnknownKind(String),
    /// The payload does not fit its kind.
    #[error("payload of {kind} cannot be read: {problem}")]
    Malformed {
        /// The kind.
        kind: String,
        /// What does not fit.
        problem: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReopenedPayload {
    reopen_count: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceMeasuredPayload {
    source_sla_met: Option<bool>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoodDownPayload {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    review_due_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConformingPayload {
    rule: Rule,
}

/// Turns the payload of an old kind into that of its successor.
struct Upcaster {
    from: &'static str,
    to: &'static str,
    lift: fn(Value) -> Value,
}

/// Every step from an old version to the next. Empty as long as no kind has a second version.
const UPCASTERS: &[Upcaster] = &[];

impl Fact {
    /// Every kind in its newest version, as [`Fact::kind`] names it.
    pub const KINDS: [&str; 28] = [
        "ticket.opened.v1",
        "ticket.transitioned.v1",
        "ticket.assigned.v1",
        "ticket.reopened.v1",
        "ticket.prioritised.v1",
        "ticket.updated.v1",
        "ticket.noted.v1",
        "ticket.linked.v1",
        "ticket.unlinked.v1",
        "ticket.resolved.v1",
        "ticket.source_measured.v1",
        "ticket.governed.v1",
        "ticket.nonconforming.v1",
        "ticket.conforming.v1",
        "ticket.imported.v1",
        "ticket.threshold_reached.v1",
        "ticket.threshold_withdrawn.v1",
        "ticket.clock_excluded.v1",
        "ticket.clock_exclusion_revoked.v1",
        "ticket.duty_recorded.v1",
        "ticket.approval_requested.v1",
        "ticket.approval_decided.v1",
        "ticket.approval_delegated.v1",
        "ticket.approval_lapsed.v1",
        "ticket.major_declared.v1",
        "ticket.major_updated.v1",
        "ticket.major_stood_down.v1",
        "ticket.erased.v1",
    ];

    /// Kind and version under which it is stored: `ticket.opened.v1`.
    pub fn kind(&self) -> &'static str {
        Self::KINDS[match self {
            Self::Opened(_) => 0,
            Self::Transitioned(_) => 1,
            Self::Assigned(_) => 2,
            Self::Reopened { .. } => 3,
            Self::Prioritised(_) => 4,
            Self::Updated(_) => 5,
            Self::Noted(_) => 6,
            Self::Linked(_) => 7,
            Self::Unlinked(_) => 8,
            Self::Resolved(_) => 9,
            Self::SourceMeasured { .. } => 10,
            Self::Governed(_) => 11,
            Self::Nonconforming(_) => 12,
            Self::Conforming { .. } => 13,
            Self::Imported(_) => 14,
            Self::ThresholdReached(_) => 15,
            Self::ThresholdWithdrawn(_) => 16,
            Self::ClockExcluded(_) => 17,
            Self::ClockExclusionRevoked(_) => 18,
            Self::DutyRecorded(_) => 19,
            Self::ApprovalRequested(_) => 20,
            Self::ApprovalDecided(_) => 21,
            Self::ApprovalDelegated(_) => 22,
            Self::ApprovalLapsed(_) => 23,
            Self::MajorDeclared(_) => 24,
            Self::MajorUpdated(_) => 25,
            Self::MajorStoodDown { .. } => 26,
            Self::Erased(_) => 27,
        }]
    }

    /// Derived by us rather than caused by somebody: never part of a fold.
    pub fn is_observation(&self) -> bool {
        matches!(
            self,
            Self::Governed(_)
                | Self::Nonconforming(_)
                | Self::Conforming { .. }
                | Self::Imported(_)
                | Self::ThresholdReached(_)
                | Self::ThresholdWithdrawn(_)
        )
    }

    /// Who may see it unless somebody says otherwise: how the provider is organised and what it observes is its own.
    pub fn usual_audience(&self) -> Audience {
        match self {
            Self::Opened(_)
            | Self::Transitioned(_)
            | Self::Reopened { .. }
            | Self::Prioritised(_)
            | Self::Updated(_)
            | Self::Resolved(_)
            | Self::DutyRecorded(_)
            | Self::ApprovalRequested(_)
            | Self::ApprovalDecided(_)
            | Self::ApprovalDelegated(_)
            | Self::ApprovalLapsed(_)
            | Self::MajorDeclared(_)
            | Self::MajorUpdated(_)
            | Self::MajorStoodDown { .. } => Audience::Public,
            _ => Audience::Internal,
        }
    }

    /// What is stored beside the kind.
    pub fn payload(&self) -> Value {
        // None of these types can fail to become JSON: no map has keys that are not text.
        let written = match self {
            Self::Opened(opened) => serde_json::to_value(opened),
            Self::Transitioned(transitioned) => serde_json::to_value(transitioned),
            Self::Assigned(assigned) => serde_json::to_value(assigned),
            Self::Reopened { reopen_count } => serde_json::to_value(ReopenedPayload { reopen_count: *reopen_count }),
            Self::Prioritised(prioritised) => serde_json::to_value(prioritised),
            Self::Updated(changes) => serde_json::to_value(changes),
            Self::Noted(noted) => serde_json::to_value(noted),
            Self::Linked(link) | Self::Unlinked(link) => serde_json::to_value(link),
            Self::Resolved(resolution) => serde_json::to_value(resolution),
            Self::SourceMeasured { source_sla_met } => {
                serde_json::to_value(SourceMeasuredPayload { source_sla_met: *source_sla_met })
            }
            Self::Governed(selection) => serde_json::to_value(selection),
            Self::Nonconforming(nonconforming) => serde_json::to_value(nonconforming),
            Self::Conforming { rule } => serde_json::to_value(ConformingPayload { rule: *rule }),
            Self::Imported(imported) => serde_json::to_value(imported),
            Self::ThresholdReached(reached) => serde_json::to_value(reached),
            Self::ThresholdWithdrawn(withdrawn) => serde_json::to_value(withdrawn),
            Self::ClockExcluded(exclusion) => serde_json::to_value(exclusion),
            Self::ClockExclusionRevoked(revoked) => serde_json::to_value(revoked),
            Self::DutyRecorded(step) => serde_json::to_value(step),
            Self::ApprovalRequested(asked) => serde_json::to_value(asked),
            Self::ApprovalDecided(decided) => serde_json::to_value(decided),
            Self::ApprovalDelegated(delegated) => serde_json::to_value(delegated),
            Self::ApprovalLapsed(lapsed) => serde_json::to_value(lapsed),
            Self::MajorDeclared(declared) => serde_json::to_value(declared),
            Self::MajorUpdated(updated) => serde_json::to_value(updated),
            Self::MajorStoodDown { review_due_at } => {
                serde_json::to_value(StoodDownPayload { review_due_at: *review_due_at })
            }
            Self::Erased(erased) => serde_json::to_value(erased),
        };
        written.unwrap_or_default()
    }

    /// Reads a stored fact of any version that was ever written.
    pub fn decode(kind: &str, payload: Value) -> Result<Self, DecodeError> {
        Self::decode_with(UPCASTERS, kind, payload)
    }

    fn decode_with(upcasters: &[Upcaster], kind: &str, payload: Value) -> Result<Self, DecodeError> {
        let mut newest = kind;
        let mut payload = payload;
        while let Some(step) = upcasters.iter().find(|step| step.from == newest) {
            payload = (step.lift)(payload);
            newest = step.to;
        }
        let index = Self::KINDS
            .iter()
            .position(|known| *known == newest)
            .ok_or_else(|| DecodeError::UnknownKind(kind.to_owned()))?;
        Self::read(index, payload)
            .map_err(|problem| DecodeError::Malformed { kind: kind.to_owned(), problem: problem.to_string() })
    }

    fn read(index: usize, payload: Value) -> Result<Self, serde_json::Error> {
        use serde_json::from_value;
        Ok(match index {
            0 => Self::Opened(from_value(payload)?),
            1 => Self::Transitioned(from_value(payload)?),
            2 => Self::Assigned(from_value(payload)?),
            3 => {
                let ReopenedPayload { reopen_count } = from_value(payload)?;
                Self::Reopened { reopen_count }
            }
            4 => Self::Prioritised(from_value(payload)?),
            5 => Self::Updated(from_value(payload)?),
            6 => Self::Noted(from_value(payload)?),
            7 => Self::Linked(from_value(payload)?),
            8 => Self::Unlinked(from_value(payload)?),
            9 => Self::Resolved(from_value(payload)?),
            10 => {
                let SourceMeasuredPayload { source_sla_met } = from_value(payload)?;
                Self::SourceMeasured { source_sla_met }
            }
            11 => Self::Governed(from_value(payload)?),
            12 => Self::Nonconforming(from_value(payload)?),
            13 => {
                let ConformingPayload { rule } = from_value(payload)?;
                Self::Conforming { rule }
            }
            14 => Self::Imported(from_value(payload)?),
            15 => Self::ThresholdReached(from_value(payload)?),
            16 => Self::ThresholdWithdrawn(from_value(payload)?),
            17 => Self::ClockExcluded(from_value(payload)?),
            18 => Self::ClockExclusionRevoked(from_value(payload)?),
            19 => Self::DutyRecorded(from_value(payload)?),
            20 => Self::ApprovalRequested(from_value(payload)?),
            21 => Self::ApprovalDecided(from_value(payload)?),
            22 => Self::ApprovalDelegated(from_value(payload)?),
            23 => Self::ApprovalLapsed(from_value(payload)?),
            24 => Self::MajorDeclared(from_value(payload)?),
            25 => Self::MajorUpdated(from_value(payload)?),
            26 => {
                let StoodDownPayload { review_due_at } = from_value(payload)?;
                Self::MajorStoodDown { review_due_at }
            }
            _ => Self::Erased(from_value(payload)?),
        })
    }
}

impl Rule {
    /// The name used in facts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StartsAtState => "STARTS_AT_STATE",
            Self::NoTransition => "NO_TRANSITION",
            Self::ActivityBeforeOpening => "ACTIVITY_BEFORE_OPENING",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fact_of_an_old_version_is_lifted_step_by_step() {
        let steps = [
            Upcaster {
                from: "ticket.reopened.v0",
                to: "ticket.reopened.v1",
                lift: |mut payload| {
                    payload["reopen_count"] = payload["times"].take();
                    payload.as_object_mut().unwrap().remove("times");
                    payload
                },
            },
            Upcaster { from: "ticket.reopened.v00", to: "ticket.reopened.v0", lift: |count| json!({"times": count}) },
        ];
        assert_eq!(Fact::decode_with(&steps, "ticket.reopened.v00", json!(3)), Ok(Fact::Reopened { reopen_count: 3 }));
    }

    #[test]
    fn a_fact_that_cannot_be_read_names_its_kind() {
        let unknown = Fact::decode("ticket.teleported.v1", json!({})).unwrap_err();
        assert_eq!(unknown.to_string(), "fact kind ticket.teleported.v1 is not known: read it with a newer version");
        let malformed = Fact::decode("ticket.reopened.v1", json!({"colour": 1})).unwrap_err();
        assert!(malformed.to_string().starts_with("payload of ticket.reopened.v1 cannot be read"));
    }
}
