//! What an objective lets follow when a threshold fires.

use super::super::{Assignment, Changes, Patch, Ticket};
use super::{Act, Change, Rejection, assign, update};
use crate::agreement::Escalation;
use crate::priority::Override;
use crate::process::Process;

/// Gives the ticket to the group of the escalation and raises its priority, by the same commands as people do. A
/// supplier that works on it goes on. Nothing happens where it is so already or the priority is higher.
pub fn escalate(
    process: &Process,
    ticket: &Ticket,
    escalation: &Escalation,
    reason: &str,
    act: &Act<'_>,
) -> Result<Change, Rejection> {
    let mut change = Change { next: ticket.clone(), facts: Vec::new() };
    if let Some(group) = escalation.group.as_ref().filter(|group| ticket.assignment.group.as_ref() != Some(group)) {
        let contract = ticket.assignment.contract.clone();
        let assignment = Assignment { group: Some(group.clone()), person: None, contract };
        let then = assign(process, &change.next, &assignment, act)?;
        change = change.and(then);
    }
    // A lower number is a higher priority, so raising ends at 1 at the latest: escalations cannot chase each other.
    if let Some(value) = escalation.priority.filter(|value| ticket.priority.is_none_or(|now| *value < now)) {
        let by_hand = Override { value, reason: reason.to_owned(), actor: act.caller.actor.clone() };
        let changes = Changes { priority_override: Patch::Set(by_hand), ..Changes::default() };
        let then = update(process, &change.next, &changes, act)?;
        change = change.and(then);
    }
    Ok(change)
}

impl Change {
    /// Both, one after the other.
    fn and(self, then: Self) -> Self {
        let facts = self.facts.into_iter().chain(then.facts).collect();
        Self { next: then.next, facts }
    }
}
