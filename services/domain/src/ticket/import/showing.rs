//! The facts by which a ticket comes to show what a row shows.

use jiff::Timestamp;

use super::super::command::{assigned, prioritised};
use super::super::field::{ASSIGNMENT, OF_A_MOVE, PRIORITY, RESOLUTION};
use super::super::{
    Changes, Fact, Field, FieldSet, Link, NewFact, Patch, Side, Ticket, Transitioned,
};
use super::memory::FINALS;
use super::walk::{Before, Walk};
use super::Shown;
use crate::priority::{self, Override};

/// Fields that other steps see to.
const COUNTS: FieldSet = FieldSet::of(&[Field::ReopenCount, Field::ReassignmentCount]);
/// Set with the state and the counts.
const EARLY: FieldSet = OF_A_MOVE.or(ASSIGNMENT).or(COUNTS);

impl Walk<'_> {
    /// State, what belongs to the move, assignment and counts.
    pub(super) fn set_state_and_counts(&mut self, row: &Shown<'_>, before: &Before) {
        let Some(ticket) = &mut self.ticket else { return };
        let process = self.import.process;
        let snapshot = row.snapshot.as_ref();
        let shown = &snapshot.fields;
        let mut pen = Pen { new_facts: &mut self.new_facts, row, key: row.key() };

        let target = snapshot.state.as_ref().filter(|state| **state != ticket.state);
        let moved = target.and_then(|state| process.state(state)).map(|target| {
            let from_state = ticket.state.clone();
            ticket.enter(&target.id, target.category, row.occurred_at);
            (from_state, target)
        });
        let said = shown.against(ticket, OF_A_MOVE);
        if let Some((from_state, target)) = moved {
            said.apply(ticket);
            pen.write(Fact::Transitioned(Box::new(Transitioned {
                transition: process
                    .between(&from_state, &target.id)
                    .map(|transition| transition.id.clone()),
                from_state,
                state: target.id.clone(),
                category: target.category,
                by: Side::Provider,
                fields: said,
            })));
        } else if !said.is_empty() {
            pen.apply(ticket, Fact::Updated(Box::new(said)));
        }

        let reopened = ticket.category.is_open() && !before.category.is_open();
        let reopen_count = match &shown.reopen_count {
            Patch::Set(count) => Some(*count),
            Patch::Clear => Some(0),
            Patch::Keep => snapshot.state.as_ref().map(|_| before.reopen_count + u32::from(reopened)),
        };
        match reopen_count {
            Some(count) if count > ticket.reopen_count => {
                pen.apply(ticket, Fact::Reopened { reopen_count: count });
            }
            Some(count) if count < ticket.reopen_count => {
                let fewer = Changes { reopen_count: Patch::Set(count), ..Changes::default() };
                pen.apply(ticket, Fact::Updated(Box::new(fewer)));
            }
            _ => {}
        }

        let assignment = shown.against(ticket, ASSIGNMENT);
        let handed_over = match &shown.group {
            Patch::Set(group) => before.group.as_ref().is_some_and(|before| before != group),
            Patch::Keep | Patch::Clear => false,
        };
        let reassignment_count = match (&shown.reassignment_count, &shown.group) {
            (Patch::Set(count), _) => *count,
            (Patch::Clear, _) => 0,
            (Patch::Keep, Patch::Keep) => ticket.reassignment_count,
            (Patch::Keep, _) => before.reassignment_count + u32::from(handed_over),
        };
        if !assignment.is_empty() || reassignment_count != ticket.reassignment_count {
            pen.apply(ticket, assigned(assignment, reassignment_count));
        }
    }

    /// Priority, the source's verdict and the plain fields, of those in the set and as of the key.
    pub(super) fn set_fields(&mut self, row: &Shown<'_>, key: (Timestamp, i64), fields: FieldSet) {
        let Some(ticket) = &mut self.ticket else { return };
        let process = self.import.process;
        let snapshot = row.snapshot.as_ref();
        let shown = &snapshot.fields;
        let mut pen = Pen { new_facts: &mut self.new_facts, row, key };

        let mut priority = shown.against(ticket, PRIORITY);
        if let Some(value) = snapshot.priority {
            let after = |patch: &Patch<u8>, now: Option<u8>| match patch {
                Patch::Set(value) => Some(*value),
                Patch::Clear => None,
                Patch::Keep => now,
            };
            let impact = after(&priority.impact, ticket.impact);
            let urgency = after(&priority.urgency, ticket.urgency);
            let matrix = process.priority_matrix.judge(impact, urgency);
            let current = ticket.priority_override.as_ref();
            priority.priority_override = overruled(matrix, value, current, row.actor);
        }
        if !priority.is_empty() || is_stale(process, ticket) {
            let fact = prioritised(process, ticket, priority);
            pen.apply(ticket, fact);
        }

        let others = fields.without(EARLY).without(PRIORITY).without(FINALS);
        let mut rest = shown.against(ticket, others);
        match std::mem::take(&mut rest.source_sla_met) {
            Patch::Keep => {}
            verdict => {
                let source_sla_met = verdict.value().copied();
                pen.apply(ticket, Fact::SourceMeasured { source_sla_met });
            }
        }
        if !rest.is_empty() {
            pen.apply(ticket, Fact::Updated(Box::new(rest)));
        }
    }

    /// Relations, complete in each way that the row shows.
    pub(super) fn set_links(&mut self, row: &Shown<'_>) {
        let Some(ticket) = &mut self.ticket else { return };
        let mut pen = Pen { new_facts: &mut self.new_facts, row, key: row.key() };
        for (kind, tickets) in &row.snapshot.links {
            let known = ticket.links.iter().filter(|link| link.kind == *kind);
            let gone = known.filter(|link| !tickets.contains(&link.ticket)).cloned();
            for link in gone.collect::<Vec<_>>() {
                pen.apply(ticket, Fact::Unlinked(link));
            }
            for other in tickets {
                let link = Link { kind: *kind, ticket: other.clone() };
                if !ticket.links.contains(&link) {
                    pen.apply(ticket, Fact::Linked(link));
                }
            }
        }
    }

    /// What the row says about the end, as far as its time has come: a resolution while the ticket is not open,
    /// a closing while it has ended. The time of a state row stands where the source shows no closing time.
    pub(super) fn set_finals(&mut self, row: &Shown<'_>) {
        let Some(ticket) = &mut self.ticket else { return };
        if ticket.category.is_open() {
            return;
        }
        let come = |at: &Timestamp| *at <= row.occurred_at;
        let fields = &row.snapshot.fields;
        let mut believed = Changes::default();
        if fields.resolved_at.value().is_none_or(come) {
            believed = fields.against(ticket, RESOLUTION.or(FieldSet::of(&[Field::ResolvedAt])));
        }
        if ticket.category.is_final() && fields.closed_at.value().is_some_and(come) {
            believed.closed_at = fields.closed_at.against(&ticket.closed_at);
        }
        if !believed.is_empty() {
            let mut pen = Pen { new_facts: &mut self.new_facts, row, key: row.key() };
            pen.apply(ticket, Fact::Updated(Box::new(believed)));
        }
    }
}

/// Writes facts down as a row's, at one instant.
struct Pen<'a, 'r> {
    new_facts: &'a mut Vec<NewFact>,
    row: &'a Shown<'r>,
    key: (Timestamp, i64),
}

impl Pen<'_, '_> {
    fn write(&mut self, fact: Fact) {
        self.new_facts.push(self.row.fact(fact, self.key));
    }

    fn apply(&mut self, ticket: &mut Ticket, fact: Fact) {
        ticket.apply(&fact, self.key.0);
        self.write(fact);
    }
}

/// The override by which a ticket has the priority that a source shows.
pub(super) fn overruled(
    matrix: Option<u8>,
    shown: u8,
    current: Option<&Override>,
    actor: &str,
) -> Patch<Override> {
    if matrix == Some(shown) {
        return if current.is_some() { Patch::Clear } else { Patch::Keep };
    }
    if current.is_some_and(|current| current.value == shown) {
        return Patch::Keep;
    }
    Patch::Set(Override {
        value: shown,
        reason: "shown by the source".to_owned(),
        actor: actor.to_owned(),
    })
}

/// Whether a row that came late left a priority behind that no longer follows from impact and urgency.
fn is_stale(process: &crate::process::Process, ticket: &Ticket) -> bool {
    let matrix = process.priority_matrix.judge(ticket.impact, ticket.urgency);
    matrix != ticket.matrix_priority
        || priority::effective(matrix, ticket.priority_override.as_ref()) != ticket.priority
}
