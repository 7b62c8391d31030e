//! What another system showed of a ticket, turned into facts.
//! Rows may come in any order, in any groups and again: the same rows give the same ticket.

mod conformance;
mod memory;
mod plan;
mod showing;
mod walk;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use self::memory::Memory;
use self::plan::Plan;
use self::walk::Walk;
use super::fold::in_order;
use super::{
    Assignment, Audience, Changes, Digest, Fact, LinkType, NewFact, Patch, Recorded, Resolution, Side, Ticket, fold,
};
use crate::process::{PendingReason, Process};

/// Under which circumstances rows are absorbed.
#[derive(Debug, Clone, Copy)]
pub struct Import<'a> {
    /// Name of the ticket: `tickets/INC-000042`.
    pub name: &'a str,
    /// Process that governs the ticket; for a new one the process in force.
    pub process: &'a Process,
    /// Revision of that process.
    pub process_revision: u32,
    /// Who is named where a row names nobody: `systems/servicenow`.
    pub actor: &'a str,
}

/// One row of a source about one ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Fingerprint of everything it says, by which it is recognised when it comes again.
    pub digest: Digest,
    /// When it happened, or when the source showed it.
    pub occurred_at: Timestamp,
    /// Orders rows of one instant.
    pub source_sequence: i64,
    /// When the source recorded it. Empty: when it happened.
    pub source_recorded_at: Option<Timestamp>,
    /// Who made the change in the source. Empty: not known.
    pub actor: Option<String>,
    /// What it says.
    pub kind: RowKind,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq)]
pub enum RowKind {
    /// What the source showed at that time.
    Snapshot(Box<Snapshot>),
    /// What happened at that time.
    Fact(Box<Event>),
}

/// What a source showed of a ticket at one time. What is not shown changes nothing.
///
/// Event logs repeat on every row what only its end has brought: `resolved_at`, `closed_at` and the resolution
/// are final values, and are not believed before their time. The counts are what the source counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// Id of the state. Empty: not shown; a ticket whose first row shows none begins in the initial state.
    pub state: Option<String>,
    /// Priority, from 1. Where the matrix says otherwise it is kept as an override. Empty: not shown.
    pub priority: Option<u8>,
    /// All tickets to which this one is related in one way: `tickets/PRB-000007`. A way that is missing was not shown.
    pub links: BTreeMap<LinkType, BTreeSet<String>>,
    /// The other fields: set, shown as empty, or not shown.
    pub fields: Changes,
}

/// Something that a source says happened.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "a row holds it in a box")]
pub enum Event {
    /// The ticket was opened, with what was known then; in the initial state unless it shows another.
    Opened(Snapshot),
    /// It entered a state.
    Entered {
        /// Id of the state.
        state: String,
        /// Why it waits. Empty: it does not, or nobody says.
        pending_reason: Option<PendingReason>,
    },
    /// It was given to somebody, and to nobody else.
    Assigned(Assignment),
    /// Somebody wrote a note.
    Noted {
        /// Who may read it.
        audience: Audience,
        /// On whose side it was written.
        by: Side,
        /// What it says.
        text: String,
    },
    /// It was resolved.
    Resolved(Resolution),
}

/// What absorbing rows leads to: to be stored together, or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Absorbed {
    /// The ticket afterwards: what folding all facts gives. `None`: there is still none, because every row failed.
    pub ticket: Option<Ticket>,
    /// The facts to be recorded, in order.
    pub new_facts: Vec<NewFact>,
    /// Rows that recorded something about the ticket.
    pub created: usize,
    /// Rows that had been absorbed before, or showed nothing new.
    pub unchanged: usize,
    /// Rows that could not be taken, in the order in which they came.
    pub failures: Vec<Failure>,
}

/// A row that could not be taken. It is not remembered: sent again, it is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The row.
    pub digest: Digest,
    /// Its place in the rows handed in.
    pub index: usize,
    /// Why, for programs: `STATE_UNKNOWN`, `FIELD_INVALID`, `TICKET_UNKNOWN`.
    pub reason: &'static str,
    /// The field that is wrong. Empty: the row as a whole.
    pub field: &'static str,
    /// Why, for people: what is wrong and the way out.
    pub message: String,
}

/// Derives the facts by which the ticket comes to what the rows show, at the times at which they showed it.
///
/// `existing` are all facts of the ticket, in any order; `None` or empty for a new one. Rules:
/// - The ticket opens at the earliest instant that anything is said about: the opening time that a row shows,
///   the row itself, a resolution. `opened_at` stays what the source says; if that is later than the first row
///   (clocks that differ by a zone), the difference is kept as [`super::Rule::ActivityBeforeOpening`].
/// - The earliest row's fields hold from the opening on, for nothing earlier is known; its state, assignment,
///   counts and verdict hold from the row on. Before, the ticket is in the initial state of its process.
/// - A row sets exactly what it shows. When a row comes late, what it shows ends at the next row that shows the
///   same field: rows remember which fields they showed.
/// - A count that differs from the ticket's is the count from then on: a rise is a reassignment or a reopening. Where a
///   source shows no count, going from one group to another and from a resolved to an open state count.
/// - No guard is asked. A move that the process does not have is made, and kept as [`super::Rule::NoTransition`].
/// - Live facts between the rows stay; the next row that shows otherwise has the later word.
pub fn absorb(existing: Option<&[Recorded]>, rows: &[Row], import: &Import<'_>) -> Absorbed {
    let existing = in_order(existing.unwrap_or_default());
    let memory = Memory::read(&existing);
    let mut failures = Vec::new();
    let mut fresh = Vec::with_capacity(rows.len());
    let mut unchanged = 0;
    let mut seen = BTreeSet::new();
    for (index, row) in rows.iter().enumerate() {
        if memory.knows(row.digest) || seen.contains(&row.digest) {
            unchanged += 1;
            continue;
        }
        match Shown::new(row, index, import) {
            Ok(shown) => {
                seen.insert(row.digest);
                fresh.push(shown);
            }
            Err(failure) => failures.push(failure),
        }
    }
    let opened = existing.iter().any(|recorded| matches!(recorded.fact, Fact::Opened(_)));
    if !opened && fresh.iter().all(|row| row.note.is_some()) {
        let unknown = fresh.iter().filter_map(|row| Some(not_opened(row.digest, row.index?)));
        failures.extend(unknown);
        failures.sort_by_key(|failure| failure.index);
        fresh.clear();
    }
    if fresh.is_empty() {
        let ticket = fold(existing);
        return Absorbed { ticket, new_facts: Vec::new(), created: 0, unchanged, failures };
    }
    fresh.sort_by_key(Shown::order);
    let taken = fresh.len();
    let remembered = memory::write(&fresh, import);
    let first_fresh = fresh[0].key();
    let mut shown = memory.recall(&existing, import);
    shown.extend(fresh);
    shown.sort_by_key(Shown::order);

    let mut plan = Plan::of(&existing, &shown, import);
    let Some(mut walk) = Walk::begin(import, &mut plan, rows.len()) else {
        // Only a process without its initial state leads here; its check says so.
        return Absorbed { ticket: None, new_facts: Vec::new(), created: 0, unchanged, failures };
    };
    walk.along(&existing, plan, &shown);
    let created = walk.productive_rows();
    let Walk { ticket, mut new_facts, deviations, .. } = walk;
    conformance::compare(&existing, &deviations, first_fresh, &remembered, &mut new_facts);
    new_facts.push(remembered);
    Absorbed { ticket: Some(ticket), new_facts, created, unchanged: unchanged + taken - created, failures }
}

/// A row ready to be walked: fresh, or recalled from what was absorbed before.
struct Shown<'a> {
    occurred_at: Timestamp,
    source_sequence: i64,
    recorded_at: Timestamp,
    digest: Digest,
    actor: &'a str,
    snapshot: Cow<'a, Snapshot>,
    note: Option<&'a Event>,
    /// Place in the rows handed in. `None`: recalled.
    index: Option<usize>,
}

impl<'a> Shown<'a> {
    fn new(row: &'a Row, index: usize, import: &Import<'a>) -> Result<Self, Failure> {
        let (snapshot, note) = match &row.kind {
            RowKind::Snapshot(snapshot) => (Cow::Borrowed(snapshot.as_ref()), None),
            RowKind::Fact(event) => match event.as_ref() {
                Event::Noted { .. } => (Cow::Owned(Snapshot::default()), Some(event.as_ref())),
                event => (Cow::Owned(event.as_snapshot(row.occurred_at, import.process)), None),
            },
        };
        snapshot.check(import.process).map_err(|(reason, field, message)| Failure {
            digest: row.digest,
            index,
            reason,
            field,
            message,
        })?;
        Ok(Self {
            occurred_at: row.occurred_at,
            source_sequence: row.source_sequence,
            recorded_at: row.source_recorded_at.unwrap_or(row.occurred_at),
            digest: row.digest,
            actor: row.actor.as_deref().unwrap_or(import.actor),
            snapshot,
            note,
            index: Some(index),
        })
    }

    fn key(&self) -> (Timestamp, i64) {
        (self.occurred_at, self.source_sequence)
    }

    fn order(&self) -> (Timestamp, i64, Digest) {
        (self.occurred_at, self.source_sequence, self.digest)
    }

    /// The final resolution time it shows.
    fn resolved_at(&self) -> Option<Timestamp> {
        self.snapshot.fields.resolved_at.value().copied()
    }

    fn fact(&self, fact: Fact, (occurred_at, source_sequence): (Timestamp, i64)) -> NewFact {
        let audience = fact.usual_audience();
        NewFact {
            fact,
            occurred_at,
            // Nothing is known before it is true, whatever an extract repeats.
            source_recorded_at: Some(self.recorded_at.max(occurred_at)),
            source_sequence,
            actor: self.actor.to_owned(),
            audience,
        }
    }
}

impl Event {
    /// The event as what a source would show right after it. A note shows nothing.
    fn as_snapshot(&self, at: Timestamp, process: &Process) -> Snapshot {
        match self {
            Self::Opened(snapshot) => {
                let mut snapshot = snapshot.clone();
                snapshot.fields.opened_at = Patch::Set(at);
                snapshot.state.get_or_insert_with(|| process.initial.clone());
                snapshot
            }
            Self::Entered { state, pending_reason } => Snapshot {
                state: Some(state.clone()),
                fields: Changes { pending_reason: Patch::exactly(*pending_reason), ..Changes::default() },
                ..Snapshot::default()
            },
            Self::Assigned(assignment) => {
                let Assignment { group, person, contract } = assignment.clone();
                let fields = Changes {
                    group: Patch::exactly(group),
                    person: Patch::exactly(person),
                    contract: Patch::exactly(contract),
                    ..Changes::default()
                };
                Snapshot { fields, ..Snapshot::default() }
            }
            Self::Resolved(resolution) => {
                let Resolution { code, text, cause } = resolution.clone();
                let fields = Changes {
                    resolved_at: Patch::Set(at),
                    resolution_code: Patch::exactly(code),
                    resolution_text: Patch::exactly(text),
                    resolution_cause: Patch::exactly(cause),
                    ..Changes::default()
                };
                Snapshot { fields, ..Snapshot::default() }
            }
            Self::Noted { .. } => Snapshot::default(),
        }
    }
}

impl Snapshot {
    /// Reason, field and message of the first thing that no ticket of the process can have.
    fn check(&self, process: &Process) -> Result<(), (&'static str, &'static str, String)> {
        if let Some(state) = &self.state
            && process.state(state).is_none()
        {
            let known = process.states.iter().map(|state| state.id.as_str());
            let known = known.collect::<Vec<_>>().join(", ");
            let text = format!("state {state} is not defined in process {}: map it to one of {known}", process.id);
            return Err(("STATE_UNKNOWN", "state", text));
        }
        let matrix = &process.priority_matrix;
        let invalid = |field, value: u8, known: Vec<u8>| {
            let known = known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let text =
                format!("{field} {value} is not in the matrix of process {}: map it to one of {known}", process.id);
            Err(("FIELD_INVALID", field, text))
        };
        match self.fields.impact {
            Patch::Set(impact) if !matrix.takes_impact(impact) => {
                return invalid("impact", impact, matrix.impacts());
            }
            _ => {}
        }
        match self.fields.urgency {
            Patch::Set(urgency) if !matrix.takes_urgency(urgency) => {
                return invalid("urgency", urgency, matrix.urgencies());
            }
            _ => {}
        }
        let by_hand = self.fields.priority_override.value().map(|by_hand| by_hand.value);
        if self.priority == Some(0) || by_hand == Some(0) {
            let text = "priority is 0: leave it out if it is not known, priorities begin at 1";
            return Err(("FIELD_INVALID", "priority", text.to_owned()));
        }
        Ok(())
    }
}

fn not_opened(digest: Digest, index: usize) -> Failure {
    Failure {
        digest,
        index,
        reason: "TICKET_UNKNOWN",
        field: "",
        message: "nothing has been said about this ticket but a note: send a snapshot or its opening first".to_owned(),
    }
}
