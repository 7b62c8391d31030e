//! What rows bring about at other times than their own: the opening and the resolutions.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::field::{PLAIN, PRIORITY, RESOLUTION};
use super::super::{Fact, Field, FieldSet, NewFact, Opened, Patch, Recorded, Resolution, Side, Ticket};
use super::showing::overruled;
use super::{Import, Shown, Snapshot};

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
        Self {
            known: Ticket::beginning(existing).map(|(known, _)| known),
            opening: opening(existing, shown, import),
            resolutions: resolutions(existing, shown, import),
        }
    }
}

/// The opening as the rows show it, unless the known one is the same, or a person's and early enough.
fn opening(existing: &[&Recorded], shown: &[Shown<'_>], import: &Import<'_>) -> Option<Planned> {
    let mentioned = shown.iter().flat_map(|row| {
        let fields = &row.snapshot.fields;
        let before = [fields.opened_at.value(), fields.resolved_at.value()];
        let before = before.into_iter().flatten().map(|&at| (at, row.source_sequence));
        before.chain([row.key()])
    });
    let mut key = mentioned.min()?;
    let row = earliest(shown)?;
    let mut opened = as_shown(row, import)?;
    let opening = |recorded: &&Recorded| match &recorded.fact {
        Fact::Opened(opened) => Some((recorded.is_imported(), opened.as_ref().clone())),
        _ => None,
    };
    // What somebody here said at the opening stays where the source says nothing.
    if let Some((_, live)) = existing.iter().filter_map(opening).find(|(is_imported, _)| !is_imported) {
        opened.fields = opened.fields.or(live.fields);
    }
    if let Some((recorded, _)) = Ticket::beginning(existing)
        && let Some((is_imported, known)) = opening(&recorded)
    {
        key = key.min((recorded.occurred_at, recorded.source_sequence));
        let fields = opened.fields.keeping_override_of(&known.fields);
        let is_other = is_imported && fields != known.fields;
        if key.0 >= recorded.occurred_at && !is_other {
            return None;
        }
        let matrix_priority = opened.matrix_priority;
        opened = Opened { fields, matrix_priority, ..known };
    }
    Some(Planned { fact: row.fact(Fact::Opened(Box::new(opened)), key), row: row.index })
}

/// The first row that shows anything of the ticket; if none does, the first that is no note.
pub(super) fn earliest<'r, 'a>(shown: &'r [Shown<'a>]) -> Option<&'r Shown<'a>> {
    let mut rows = shown.iter().filter(|row| row.note.is_none());
    let first = rows.clone().next();
    rows.find(|row| *row.snapshot != Snapshot::default()).or(first)
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
fn resolutions(existing: &[&Recorded], shown: &[Shown<'_>], import: &Import<'_>) -> Vec<Planned> {
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
        let on_record = existing.iter().filter(|recorded| recorded.occurred_at == at);
        let on_record = on_record.filter_map(|recorded| match &recorded.fact {
            Fact::Resolved(known) => Some((recorded.position, known)),
            _ => None,
        });
        let on_record = on_record.max_by_key(|(position, _)| *position).map(|(_, known)| known);
        if on_record == Some(&resolution) {
            continue;
        }
        // Whoever changed the ticket when the source first showed this need not be who resolved it.
        let actor = import.actor.to_owned();
        let fact = NewFact { actor, ..row.fact(Fact::Resolved(resolution), (at, BEFORE_ROWS)) };
        planned.push(Planned { fact, row: row.index });
    }
    planned
}
