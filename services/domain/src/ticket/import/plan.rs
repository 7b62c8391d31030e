//! What rows bring about at other times than their own: the opening and the resolutions.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::field::{PLAIN, PRIORITY, RESOLUTION};
use super::super::{
    Fact, Field, FieldSet, NewFact, Opened, Patch, Recorded, Resolution, Side,
};
use super::showing::overruled;
use super::{Import, Shown};

/// What the earliest row shows that is taken to hold from the opening on.
pub(super) const FROM_THE_OPENING: FieldSet =
    PLAIN.or(PRIORITY).or(FieldSet::of(&[Field::OpenedAt]));

/// Facts to be recorded at instants of their own, in order, each with the row that led to it.
pub(super) struct Plan {
    pub(super) facts: Vec<(NewFact, Option<usize>)>,
}

impl Plan {
    /// The rows come in their order.
    pub(super) fn of(existing: &[&Recorded], shown: &[Shown<'_>], import: &Import<'_>) -> Self {
        let mut facts = Vec::new();
        facts.extend(opening(existing, shown, import));
        facts.extend(resolutions(existing, shown));
        facts.sort_by_key(|(fact, _)| (fact.occurred_at, fact.source_sequence));
        Self { facts }
    }
}

/// The opening, unless an existing one is early enough.
fn opening(
    existing: &[&Recorded],
    shown: &[Shown<'_>],
    import: &Import<'_>,
) -> Option<(NewFact, Option<usize>)> {
    let mentioned = shown.iter().flat_map(|row| {
        let fields = &row.snapshot.fields;
        let before = [fields.opened_at.value(), fields.resolved_at.value()];
        let before = before.into_iter().flatten().map(|&at| (at, row.source_sequence));
        before.chain([row.key()])
    });
    let key = mentioned.min()?;
    let opened = existing.iter().find(|recorded| matches!(recorded.fact, Fact::Opened(_)));
    if let Some(opened) = opened {
        let before_it = |at: Timestamp, sequence| {
            (at, sequence) < (opened.occurred_at, opened.source_sequence)
        };
        let happened_before_it = shown.iter().any(|row| {
            let resolved_at = row.resolved_at().unwrap_or(row.occurred_at);
            before_it(row.occurred_at, row.source_sequence)
                || before_it(resolved_at, row.source_sequence)
        });
        if key.0 >= opened.occurred_at && !happened_before_it {
            return None;
        }
    }
    let row = shown.iter().find(|row| row.note.is_none())?;
    let process = import.process;
    let initial = process.state(&process.initial)?;
    let mut fields = row.snapshot.fields.part(FROM_THE_OPENING);
    let matrix_priority = process
        .priority_matrix
        .judge(fields.impact.value().copied(), fields.urgency.value().copied());
    if let Some(priority) = row.snapshot.priority {
        fields.priority_override = match overruled(matrix_priority, priority, None, row.actor) {
            Patch::Set(by_hand) => Patch::Set(by_hand),
            Patch::Keep | Patch::Clear => Patch::Keep,
        };
    }
    let opened = Opened {
        name: import.name.to_owned(),
        practice: process.practice.clone(),
        process: process.name(),
        process_revision: import.process_revision,
        state: initial.id.clone(),
        category: initial.category,
        by: Side::Provider,
        fields,
        matrix_priority,
    };
    Some((row.fact(Fact::Opened(Box::new(opened)), key), row.index))
}

/// One fact per resolution time that is not on record, once the rows have come that far.
fn resolutions(existing: &[&Recorded], shown: &[Shown<'_>]) -> Vec<(NewFact, Option<usize>)> {
    let Some(horizon) = shown.last().map(|row| row.occurred_at) else {
        return Vec::new();
    };
    let known = |at: Timestamp| {
        existing.iter().any(|recorded| {
            recorded.occurred_at == at && matches!(recorded.fact, Fact::Resolved(_))
        })
    };
    let mut times: BTreeMap<Timestamp, (&Shown<'_>, &Shown<'_>)> = BTreeMap::new();
    for row in shown {
        if let Some(at) = row.resolved_at().filter(|at| *at <= horizon) {
            times.entry(at).and_modify(|(_, last)| *last = row).or_insert((row, row));
        }
    }
    times
        .into_iter()
        .filter(|(at, _)| !known(*at))
        .map(|(at, (first, last))| {
            let said = last.snapshot.fields.part(RESOLUTION);
            let resolution = Resolution {
                code: said.resolution_code.value().cloned(),
                text: said.resolution_text.value().cloned(),
                cause: said.resolution_cause.value().cloned(),
            };
            (first.fact(Fact::Resolved(resolution), (at, first.source_sequence)), first.index)
        })
        .collect()
}
