//! What rows bring about at other times than their own: the opening and the resolutions.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::field::{PLAIN, PRIORITY, RESOLUTION};
use super::super::{Fact, Field, FieldSet, NewFact, Opened, Patch, Recorded, Resolution, Side, Ticket};
use super::showing::overruled;
use super::{Import, Shown};

/// What the earliest row shows that is taken to hold from the opening on.
pub(super) const FROM_THE_OPENING: FieldSet = PLAIN.or(PRIORITY).or(FieldSet::of(&[Field::OpenedAt]));

/// Sequence of a fact that no row stands for: whichever row told of it, it comes before the rows of its instant.
const BEFORE_ROWS: i64 = -1;

/// Facts to be recorded at instants of their own, each with the row that led to it.
pub(super) struct Plan<'a> {
    /// The opening that counts until now.
    pub(super) known: Option<&'a Recorded>,
    /// The opening that counts from now on, if it is another.
    pub(super) opening: Option<Planned>,
    /// Resolutions, in order.
    pub(super) resolutions: Vec<Planned>,
}

/// A fact to be recorded, and the place of the row that led to it.
pub(super) struct Planned {
    pub(super) fact: NewFact,
    pub(super) row: Option<usize>,
}

impl<'a> Plan<'a> {
    /// The rows come in their order.
    pub(super) fn of(existing: &[&'a Recorded], shown: &[Shown<'_>], import: &Import<'_>) -> Self {
        let known = Ticket::beginning(existing).map(|(known, _)| known);
        Self { known, opening: opening(known, shown, import), resolutions: resolutions(existing, shown) }
    }
}

/// The opening as the rows show it, unless the known one is the same or a person's and early enough.
fn opening(known: Option<&Recorded>, shown: &[Shown<'_>], import: &Import<'_>) -> Option<Planned> {
    let mentioned = shown.iter().flat_map(|row| {
        let fields = &row.snapshot.fields;
        let before = [fields.opened_at.value(), fields.resolved_at.value()];
        let before = before.into_iter().flatten().map(|&at| (at, row.source_sequence));
        before.chain([row.key()])
    });
    let mut key = mentioned.min()?;
    let known = known.and_then(|recorded| match &recorded.fact {
        Fact::Opened(opened) => Some((recorded, opened.as_ref())),
        _ => None,
    });
    let is_imported = |recorded: &Recorded| recorded.source_recorded_at.is_some();
    let row = shown.iter().find(|row| row.note.is_none());
    let mut opened = match row {
        Some(row) => as_shown(row, import)?,
        None => known?.1.clone(),
    };
    if let Some((recorded, known)) = known {
        key = key.min((recorded.occurred_at, recorded.source_sequence));
        let is_earlier = key.0 < recorded.occurred_at;
        if !is_imported(recorded) {
            // What somebody here said at the opening stays where the source says nothing.
            opened.fields = opened.fields.or(known.fields.clone());
        }
        let is_other = is_imported(recorded) && opened != *known;
        if !is_earlier && !is_other {
            return None;
        }
    }
    let row = row.or(shown.first())?;
    Some(Planned { fact: row.fact(Fact::Opened(Box::new(opened)), key), row: row.index })
}

/// The opening that the earliest row shows: its fields hold from then on, in the initial state.
fn as_shown(row: &Shown<'_>, import: &Import<'_>) -> Option<Opened> {
    let process = import.process;
    let initial = process.state(&process.initial)?;
    let mut fields = row.snapshot.fields.part(FROM_THE_OPENING);
    let matrix_priority =
        process.priority_matrix.judge(fields.impact.value().copied(), fields.urgency.value().copied());
    if let Some(priority) = row.snapshot.priority {
        fields.priority_override = match overruled(matrix_priority, priority, None, row.actor) {
            Patch::Set(by_hand) => Patch::Set(by_hand),
            Patch::Keep | Patch::Clear => Patch::Keep,
        };
    }
    Some(Opened {
        name: import.name.to_owned(),
        practice: process.practice.clone(),
        process: process.name(),
        process_revision: import.process_revision,
        state: initial.id.clone(),
        category: initial.category,
        by: Side::Provider,
        fields: fields.set_only(),
        matrix_priority,
    })
}

/// One fact per resolution time that rows show, once they have come that far, with what the first of them says
/// about it. A time that is on record is stated again only if a row that came late says otherwise.
fn resolutions(existing: &[&Recorded], shown: &[Shown<'_>]) -> Vec<Planned> {
    let Some(horizon) = shown.last().map(|row| row.occurred_at) else {
        return Vec::new();
    };
    let mut times: BTreeMap<Timestamp, &Shown<'_>> = BTreeMap::new();
    for row in shown {
        if let Some(at) = row.resolved_at().filter(|at| *at <= horizon) {
            times.entry(at).or_insert(row);
        }
    }
    let mut planned = Vec::new();
    for (at, row) in times {
        let said = row.snapshot.fields.part(RESOLUTION);
        let resolution = Resolution {
            code: said.resolution_code.value().cloned(),
            text: said.resolution_text.value().cloned(),
            cause: said.resolution_cause.value().cloned(),
        };
        let on_record = existing.iter().rev().find_map(|recorded| match &recorded.fact {
            Fact::Resolved(known) if recorded.occurred_at == at => Some(known),
            _ => None,
        });
        if on_record == Some(&resolution) {
            continue;
        }
        let fact = row.fact(Fact::Resolved(resolution), (at, BEFORE_ROWS));
        planned.push(Planned { fact, row: row.index });
    }
    planned
}
