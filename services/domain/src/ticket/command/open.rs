//! Opening a ticket.

use super::super::field::{ASSIGNMENT, PLAIN, PRIORITY};
use super::super::{Changes, Fact, Opened, Patch, Ticket};
use super::{Act, Change, Reason, Rejection, approval, edit};
use crate::process::Process;
use crate::violation::Violation;

/// The ticket to be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// Resource name it will have: `tickets/INC-000042`.
    pub name: String,
    /// Revision of the process, in force now.
    pub process_revision: u32,
    /// What is known of it. A title is required.
    pub fields: Changes,
}

/// Opens a ticket in the initial state of the process.
///
/// Act with `occurred_at` for a ticket that began earlier. Whoever also does something about it at once
/// follows with a transition at the same time.
pub fn open(process: &Process, opening: Opening, act: &Act<'_>) -> Result<Change, Rejection> {
    let Opening { name, process_revision, mut fields } = opening;
    edit::check_writable(&fields, PLAIN.or(ASSIGNMENT).or(PRIORITY))?;
    let mut missing = Vec::new();
    if fields.title.value().is_none() {
        missing.push(Violation::new("title", "is required: say what is wrong or wanted"));
    }
    if fields.custom_fields.value().is_none() {
        missing.extend(process.custom_fields.violations(&std::collections::BTreeMap::new()));
    }
    Rejection::of_fields(Reason::FieldRequired, missing)?;
    fields = edit::completed(process, &fields);
    edit::check(process, None, &fields)?;
    let at = act.occurred_at.unwrap_or(act.now);
    act.check_past(at)?;
    let Some(initial) = process.state(&process.initial) else {
        let text = format!(
            "process {} has no state {:?} to start in: publish a revision that has",
            process.id, process.initial
        );
        return Err(Rejection::new(Reason::TransitionNotAllowed, text));
    };
    if let Patch::Set(by_hand) = &mut fields.priority_override {
        by_hand.actor.clone_from(&act.caller.actor);
    }
    let assignment = fields.take(ASSIGNMENT);
    let matrix_priority =
        process.priority_matrix.judge(fields.impact.value().copied(), fields.urgency.value().copied());
    let opened = Opened {
        name,
        practice: process.practice.clone(),
        process: process.name(),
        process_revision,
        state: initial.id.clone(),
        category: initial.category,
        by: act.caller.side,
        fields,
        matrix_priority,
    };
    let ticket = Ticket::opened(&opened, at);
    let opened = act.fact(Fact::Opened(Box::new(opened)), at);
    let mut facts = edit::facts(process, &ticket, &assignment, act.caller);
    let mut after = ticket.clone();
    for fact in &facts {
        after.apply(fact, at);
    }
    facts.extend(approval::follow(process, None, &after, act));
    let mut change = act.change(ticket, facts, at);
    change.facts.insert(0, opened);
    Ok(change)
}
