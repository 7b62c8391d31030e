//! From wanted field values to the facts that bring them about.

use super::super::field::{ASSIGNMENT, DERIVED, PENDING, PRIORITY, RESOLUTION};
use super::super::{Assigned, Changes, Details, Fact, FieldSet, Patch, Prioritised, Ticket};
use super::{Caller, Reason, Rejection};
use crate::priority;
use crate::process::Process;
use crate::violation::Violation;

/// The same changes, with what a standard change has from its template.
pub(super) fn completed(process: &Process, changes: &Changes) -> Changes {
    let mut changes = changes.clone();
    if let Patch::Set(Details::Change(change)) = &mut changes.details {
        **change = change.as_ref().clone().completed(process);
    }
    changes
}

/// Refuses values that no ticket of the process can have, all at once. `ticket` is empty at the opening.
pub(super) fn check(process: &Process, ticket: Option<&Ticket>, changes: &Changes) -> Result<(), Rejection> {
    if !changes.details.is_keep()
        && changes.details.value().and_then(Details::major) != ticket.and_then(|ticket| ticket.major())
    {
        let text = "is written by declaring, updating and standing down the major incident";
        Rejection::of_fields(Reason::FieldNotWritable, vec![Violation::new("incident.major", text)])?;
    }
    let mut found = Vec::new();
    if let Patch::Set(Details::Change(change)) = &changes.details {
        found.extend(change.violations());
        found.extend(change.violations_of(process));
    }
    let matrix = &process.priority_matrix;
    if let Some(&impact) = changes.impact.value()
        && !matrix.takes_impact(impact)
    {
        found.push(Violation::new("impact", one_of(impact, &matrix.impacts())));
    }
    if let Some(&urgency) = changes.urgency.value()
        && !matrix.takes_urgency(urgency)
    {
        found.push(Violation::new("urgency", one_of(urgency, &matrix.urgencies())));
    }
    if let Some(by_hand) = changes.priority_override.value() {
        let priorities = matrix.priorities();
        if by_hand.value == 0 || !(priorities.is_empty() || priorities.contains(&by_hand.value)) {
            let text = one_of(by_hand.value, &priorities);
            found.push(Violation::new("priority_override.value", text));
        }
        if by_hand.reason.trim().is_empty() {
            let text = "is required: say why the matrix does not fit";
            found.push(Violation::new("priority_override.reason", text));
        }
    }
    if let Some(values) = changes.custom_fields.value() {
        found.extend(process.custom_fields.violations(values));
    }
    if let Some(details) = changes.details.value()
        && details.practice() != process.practice.as_str()
    {
        let text = format!("are those of {}: give those of {}", details.practice(), process.practice);
        found.push(Violation::new("details", text));
    }
    if changes.title.value().is_some_and(|title| title.trim().is_empty()) {
        found.push(Violation::new("title", "is empty: say what is wrong or wanted"));
    }
    Rejection::of_fields(Reason::FieldInvalid, found)
}

/// Refuses fields outside the set, each with the way to write it.
pub(super) fn check_writable(changes: &Changes, writable: FieldSet) -> Result<(), Rejection> {
    let found = changes.fields().without(writable).iter().map(|field| {
        let way = if ASSIGNMENT.contains(field) {
            "is written by assigning the ticket"
        } else if PENDING.contains(field) {
            "is written by a transition into a pending state, and while it is in one"
        } else if RESOLUTION.contains(field) {
            "is written by a transition that resolves, and while it is resolved"
        } else if DERIVED.contains(field) {
            "is written by the server: leave it out"
        } else {
            "is written by a transition"
        };
        Violation::new(field.path(), way)
    });
    Rejection::of_fields(Reason::FieldNotWritable, found.collect())
}

/// The facts by which the fields get their values; none for those that have them already.
pub(super) fn facts(process: &Process, ticket: &Ticket, changes: &Changes, caller: &Caller) -> Vec<Fact> {
    let mut changes = changes.clone();
    if let Patch::Set(by_hand) = &mut changes.priority_override {
        by_hand.actor.clone_from(&caller.actor);
    }
    let mut rest = changes.against(ticket, FieldSet::ALL);
    let mut facts = Vec::new();
    let assignment = rest.take(ASSIGNMENT);
    if !assignment.is_empty() {
        let count = ticket.reassignment_count + u32::from(is_reassigned(ticket, &assignment.group));
        facts.push(assigned(assignment, count));
    }
    let priority = rest.take(PRIORITY);
    if !priority.is_empty() {
        facts.push(prioritised(process, ticket, priority));
    }
    if !rest.is_empty() {
        facts.push(Fact::Updated(Box::new(rest)));
    }
    facts
}

/// Whether the ticket goes from one group to another: coming from or to no group is no reassignment.
fn is_reassigned(ticket: &Ticket, group: &Patch<String>) -> bool {
    match (&ticket.assignment.group, group) {
        (Some(before), Patch::Set(after)) => before != after,
        _ => false,
    }
}

/// The fact of an assignment, from the part of the changes about it.
pub(in crate::ticket) fn assigned(changes: Changes, reassignment_count: u32) -> Fact {
    Fact::Assigned(Box::new(Assigned {
        group: changes.group,
        person: changes.person,
        contract: changes.contract,
        reassignment_count,
    }))
}

/// The fact of a new priority, from the part of the changes about it.
pub(in crate::ticket) fn prioritised(process: &Process, ticket: &Ticket, changes: Changes) -> Fact {
    let after = |patch: &Patch<u8>, before| match patch {
        Patch::Keep => before,
        Patch::Clear => None,
        Patch::Set(value) => Some(*value),
    };
    let impact = after(&changes.impact, ticket.impact);
    let urgency = after(&changes.urgency, ticket.urgency);
    let by_hand = match &changes.priority_override {
        Patch::Keep => ticket.priority_override.as_ref(),
        Patch::Clear => None,
        Patch::Set(by_hand) => Some(by_hand),
    };
    let matrix_priority = process.priority_matrix.judge(impact, urgency);
    let priority = priority::effective(matrix_priority, by_hand);
    Fact::Prioritised(Box::new(Prioritised {
        impact: changes.impact,
        urgency: changes.urgency,
        priority_override: changes.priority_override,
        matrix_priority,
        priority,
    }))
}

fn one_of(value: u8, known: &[u8]) -> String {
    let known = known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if known.is_empty() {
        format!("is {value}: give a number from 1 on")
    } else {
        format!("is {value}: give one of {known}")
    }
}
