//! The facts by which a ticket comes to show what a row shows.

use jiff::Timestamp;

use super::super::command::{assigned, prioritised};
use super::super::field::{ASSIGNMENT, OF_A_MOVE, PENDING, PRIORITY, RESOLUTION};
use super::super::{Changes, Fact, Field, FieldSet, Link, NewFact, Patch, Side, Ticket, Transitioned};
use super::Shown;
use super::memory::CONDITIONAL;
use super::walk::{Before, Walk};
use crate::priority::{self, Override};
use crate::process::Category;

/// Fields that other steps see to.
const COUNTS: FieldSet = FieldSet::of(&[Field::ReopenCount, Field::ReassignmentCount]);
/// Set with the state and the counts.
const EARLY: FieldSet = CONDITIONAL.or(ASSIGNMENT).or(COUNTS);

impl Walk<'_> {
    /// State, what belongs to it, assignment and counts.
    pub(super) fn set_state_and_counts(&mut self, row: &Shown<'_>, before: &Before) {
        let ticket = &mut self.ticket;
        let process = self.import.process;
        let shown = &row.snapshot.fields;
        let mut pen = Pen { new_facts: &mut self.new_facts, row };

        let target = row.snapshot.state.as_ref().filter(|state| **state != ticket.state);
        let moved = target.and_then(|state| process.state(state)).map(|target| {
            let from_state = ticket.state.clone();
            ticket.enter(&target.id, target.category, row.occurred_at);
            (from_state, target)
        });
        let conditional = conditional(row, before, ticket);
        let said = conditional.against(ticket, OF_A_MOVE);
        if let Some((from_state, target)) = moved {
            said.apply(ticket);
            pen.write(Fact::Transitioned(Box::new(Transitioned {
                transition: process.between(&from_state, &target.id).map(|transition| transition.id.clone()),
                from_state,
                state: target.id.clone(),
                category: target.category,
                by: Side::Provider,
                fields: said,
            })));
        } else if !said.is_empty() {
            pen.apply(ticket, Fact::Updated(Box::new(said)));
        }
        let ends = conditional.against(ticket, CONDITIONAL);
        if !ends.is_empty() {
            pen.apply(ticket, Fact::Updated(Box::new(ends)));
        }

        let reopened = ticket.category.is_open() && !before.category.is_open();
        let reopen_count = match &shown.reopen_count {
            Patch::Set(count) => *count,
            Patch::Clear => 0,
            Patch::Keep => before.reopen_count + u32::from(reopened),
        };
        if reopen_count > ticket.reopen_count {
            pen.apply(ticket, Fact::Reopened { reopen_count });
        } else if reopen_count < ticket.reopen_count {
            let fewer = Changes { reopen_count: Patch::Set(reopen_count), ..Changes::default() };
            pen.apply(ticket, Fact::Updated(Box::new(fewer)));
        }

        let assignment = shown.against(ticket, ASSIGNMENT);
        let handed_over = match &shown.group {
            Patch::Set(group) => before.group.as_ref().is_some_and(|before| before != group),
            Patch::Keep | Patch::Clear => false,
        };
        let reassignment_count = match &shown.reassignment_count {
            Patch::Set(count) => *count,
            Patch::Clear => 0,
            Patch::Keep => before.reassignment_count + u32::from(handed_over),
        };
        if !assignment.is_empty() || reassignment_count != ticket.reassignment_count {
            pen.apply(ticket, assigned(assignment, reassignment_count));
        }
    }

    /// Priority, the source's verdict and the plain fields.
    pub(super) fn set_fields(&mut self, row: &Shown<'_>) {
        let ticket = &mut self.ticket;
        let process = self.import.process;
        let shown = &row.snapshot.fields;
        let mut pen = Pen { new_facts: &mut self.new_facts, row };

        let mut priority = shown.against(ticket, PRIORITY);
        if let Some(value) = row.snapshot.priority {
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

        let others = FieldSet::ALL.without(EARLY).without(PRIORITY);
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
        let ticket = &mut self.ticket;
        let mut pen = Pen { new_facts: &mut self.new_facts, row };
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
}

/// What the row says about waiting, resolving and closing, as far as it holds: waiting while the ticket is pending,
/// a resolution once its time has come and while it is not open, a closing likewise once it has ended. Where
/// the source shows no closing time, that of the state stands.
///
/// Where facts of the row are on record already, what they say may hold no longer, because of a row that came
/// late: then what was before the row holds.
fn conditional(row: &Shown<'_>, before: &Before, ticket: &Ticket) -> Changes {
    let come = |at: &Timestamp| *at <= row.occurred_at;
    let shown = &row.snapshot.fields;
    let category = ticket.category;
    let mut holds = FieldSet::default();
    if category == Category::Pending {
        holds = holds.or(PENDING);
    }
    if category == Category::Cancelled {
        holds = holds.or(FieldSet::of(&[Field::CancelReason]));
    }
    if !category.is_open() && shown.resolved_at.value().is_none_or(come) {
        holds = holds.or(RESOLUTION).or(FieldSet::of(&[Field::ResolvedAt]));
    }
    if category.is_final() && shown.closed_at.value().is_some_and(come) {
        holds = holds.or(FieldSet::of(&[Field::ClosedAt]));
    }
    let said = shown.part(holds);
    match &before.whole {
        None => said,
        Some(whole) => {
            let mut otherwise = whole.as_ref().clone();
            otherwise.enter(&ticket.state, category, row.occurred_at);
            said.or(Changes::showing(&otherwise, CONDITIONAL))
        }
    }
}

/// Writes facts down as a row's.
struct Pen<'a, 'r> {
    new_facts: &'a mut Vec<NewFact>,
    row: &'a Shown<'r>,
}

impl Pen<'_, '_> {
    fn write(&mut self, fact: Fact) {
        self.new_facts.push(self.row.fact(fact, self.row.key()));
    }

    fn apply(&mut self, ticket: &mut Ticket, fact: Fact) {
        ticket.apply(&fact, self.row.occurred_at);
        self.write(fact);
    }
}

/// The override by which a ticket has the priority that a source shows.
pub(super) fn overruled(matrix: Option<u8>, shown: u8, current: Option<&Override>, actor: &str) -> Patch<Override> {
    if matrix == Some(shown) {
        return if current.is_some() { Patch::Clear } else { Patch::Keep };
    }
    if current.is_some_and(|current| current.value == shown) {
        return Patch::Keep;
    }
    Patch::Set(Override { value: shown, reason: "shown by the source".to_owned(), actor: actor.to_owned() })
}

/// Whether a row that came late left a priority behind that no longer follows from impact and urgency.
fn is_stale(process: &crate::process::Process, ticket: &Ticket) -> bool {
    let matrix = process.priority_matrix.judge(ticket.impact, ticket.urgency);
    matrix != ticket.matrix_priority
        || priority::effective(matrix, ticket.priority_override.as_ref()) != ticket.priority
}
