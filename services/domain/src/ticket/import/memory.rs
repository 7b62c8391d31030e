//! Which rows a ticket has absorbed, and how to see them again as they were.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::super::field::{OF_A_MOVE, RESOLUTION};
use super::super::{
    Changes, Digest, Fact, Field, FieldSet, Imported, ImportedRow, LinkType, NewFact, Patch, Recorded, Ticket,
};
use super::{Import, Shown, Snapshot};

/// Fields that hold only in some states, or from some time on, whatever a row shows.
pub(super) const CONDITIONAL: FieldSet =
    FieldSet::of(&[Field::ResolvedAt, Field::ClosedAt]).or(RESOLUTION).or(OF_A_MOVE);

/// Rows absorbed before.
pub(super) struct Memory<'a> {
    rows: Vec<(&'a ImportedRow, &'a Imported)>,
    digests: BTreeSet<Digest>,
}

/// What a row showed, without the values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Mask {
    fields: FieldSet,
    state: bool,
    priority: bool,
    links: Vec<LinkType>,
}

impl<'a> Memory<'a> {
    pub(super) fn read(existing: &[&'a Recorded]) -> Self {
        let mut rows = Vec::new();
        for recorded in existing {
            if let Fact::Imported(imported) = &recorded.fact {
                rows.extend(imported.rows.iter().map(|row| (row, imported.as_ref())));
            }
        }
        rows.sort_by_key(|(row, _)| (row.occurred_at, row.source_sequence, row.digest));
        let digests = rows.iter().map(|(row, _)| row.digest).collect();
        Self { rows, digests }
    }

    pub(super) fn knows(&self, digest: Digest) -> bool {
        self.digests.contains(&digest)
    }

    /// The rows as they were: right after each, the ticket held exactly what the row had shown.
    pub(super) fn recall(&self, existing: &[&Recorded], import: &Import<'a>) -> Vec<Shown<'a>> {
        let Some((_, mut ticket)) = Ticket::beginning(existing) else { return Vec::new() };
        let mut facts = existing.iter().peekable();
        let mut shown = Vec::with_capacity(self.rows.len());
        for (row, imported) in &self.rows {
            let key = (row.occurred_at, row.source_sequence);
            while let Some(recorded) = facts.next_if(|recorded| (recorded.occurred_at, recorded.source_sequence) <= key)
            {
                ticket.apply(&recorded.fact, recorded.occurred_at);
            }
            let mut snapshot =
                imported.shown.get(row.shown as usize).map_or_else(Snapshot::default, |paths| recalled(paths, &ticket));
            if let Some(said) = imported.conditional.get(row.conditional as usize) {
                snapshot.fields = std::mem::take(&mut snapshot.fields).or(said.clone());
            }
            shown.push(Shown {
                occurred_at: row.occurred_at,
                source_sequence: row.source_sequence,
                recorded_at: row.source_recorded_at.unwrap_or(row.occurred_at),
                digest: row.digest,
                actor: import.actor,
                snapshot: Cow::Owned(snapshot),
                note: None,
                index: None,
            });
        }
        shown
    }
}

/// The observation by which the rows are remembered. They come in their order, and there is at least one.
pub(super) fn write(rows: &[Shown<'_>], import: &Import<'_>) -> NewFact {
    let mut imported = Imported::default();
    let mut masks: BTreeMap<Mask, u32> = BTreeMap::new();
    for row in rows {
        let mask = Mask::of(&row.snapshot);
        let next = index(imported.shown.len());
        let shown = *masks.entry(mask).or_insert_with_key(|mask| {
            imported.shown.push(mask.paths());
            next
        });
        let said = row.snapshot.fields.part(CONDITIONAL);
        let conditional = imported.conditional.iter().position(|known| *known == said).unwrap_or_else(|| {
            imported.conditional.push(said);
            imported.conditional.len() - 1
        });
        imported.rows.push(ImportedRow {
            digest: row.digest,
            occurred_at: row.occurred_at,
            source_sequence: row.source_sequence,
            source_recorded_at: Some(row.recorded_at).filter(|at| *at != row.occurred_at),
            shown,
            conditional: index(conditional),
        });
    }
    let last = &rows[rows.len() - 1];
    let mut fact = last.fact(Fact::Imported(Box::new(imported)), last.key());
    fact.source_recorded_at = rows.iter().map(|row| row.recorded_at).max();
    import.actor.clone_into(&mut fact.actor);
    fact
}

fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

const STATE: &str = "state";
const PRIORITY: &str = "priority";
const LINKS: &str = "links.";

impl Mask {
    fn of(snapshot: &Snapshot) -> Self {
        let mut fields = snapshot.fields.fields().without(CONDITIONAL);
        if snapshot.fields.opened_at == Patch::Clear {
            // Every ticket was opened at some time: an empty one says nothing.
            fields = fields.without(FieldSet::of(&[Field::OpenedAt]));
        }
        Self {
            fields,
            state: snapshot.state.is_some(),
            priority: snapshot.priority.is_some(),
            links: snapshot.links.keys().copied().collect(),
        }
    }

    /// As it is stored: by name, so that neither order nor number of the fields can ever matter.
    fn paths(&self) -> Vec<String> {
        let fields = self.fields.iter().map(|field| field.path().to_owned());
        let state = self.state.then(|| STATE.to_owned());
        let priority = self.priority.then(|| PRIORITY.to_owned());
        let links = self.links.iter().map(|kind| format!("{LINKS}{}", kind.as_str()));
        fields.chain(state).chain(priority).chain(links).collect()
    }
}

/// What the ticket holds in those places.
fn recalled(paths: &[String], ticket: &Ticket) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let mut fields = FieldSet::default();
    for path in paths {
        if let Some(field) = Field::parse(path) {
            fields = fields.or(FieldSet::of(&[field]));
        } else if path == STATE {
            snapshot.state = Some(ticket.state.clone());
        } else if path == PRIORITY {
            snapshot.priority = ticket.priority;
        } else if let Some(kind) = path.strip_prefix(LINKS).and_then(LinkType::parse) {
            let links = ticket.links.iter().filter(|link| link.kind == kind);
            snapshot.links.insert(kind, links.map(|link| link.ticket.clone()).collect());
        }
    }
    snapshot.fields = Changes::showing(ticket, fields);
    snapshot
}
