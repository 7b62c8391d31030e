//! Giving a ticket to a group, a person or a supplier.

use super::super::{Assignment, Changes, Patch, Ticket};
use super::{Act, Change, Rejection, edit};
use crate::process::Process;

/// Puts the ticket with whom the assignment names, and with nobody else. An empty one gives it back to nobody.
///
/// Going from one group to another counts as a reassignment; taking it from the group's queue does not.
pub fn assign(process: &Process, ticket: &Ticket, assignment: &Assignment, act: &Act<'_>) -> Result<Change, Rejection> {
    if ticket.category.is_final() {
        return Err(Rejection::closed(ticket));
    }
    let changes = Changes {
        group: Patch::exactly(assignment.group.clone()),
        person: Patch::exactly(assignment.person.clone()),
        contract: Patch::exactly(assignment.contract.clone()),
        ..Changes::default()
    };
    let at = act.time(ticket, ticket.since.assignment.max(ticket.since.approval()))?;
    let facts = edit::facts(process, ticket, &changes, act.caller);
    Ok(act.moved(process, ticket, facts, at))
}
