//! Changing the fields of a ticket.

use super::super::field::{PENDING, PLAIN, PRIORITY, RESOLUTION};
use super::super::{Changes, Patch, Ticket};
use super::{Act, Change, Reason, Rejection, edit};
use crate::process::{Category, Process};
use crate::violation::Violation;

/// Gives fields their new values. Those that have them already are left alone.
///
/// What a move says about itself can be corrected as long as it lasts: why a pending ticket waits,
/// how a resolved one was resolved.
pub fn update(process: &Process, ticket: &Ticket, changes: &Changes, act: &Act<'_>) -> Result<Change, Rejection> {
    if ticket.category.is_final() {
        return Err(Rejection::closed(ticket));
    }
    let writable = match ticket.category {
        Category::Pending => PLAIN.or(PRIORITY).or(PENDING),
        Category::Resolved => PLAIN.or(PRIORITY).or(RESOLUTION),
        _ => PLAIN.or(PRIORITY),
    };
    edit::check_writable(changes, writable)?;
    if changes.title == Patch::Clear {
        let text = "is required: say what is wrong or wanted";
        Rejection::of_fields(Reason::FieldRequired, vec![Violation::new("title", text)])?;
    }
    let changes = &edit::completed(process, changes);
    edit::check(process, Some(ticket), changes)?;
    let mut since = ticket.since.fields.max(ticket.since.priority).max(ticket.since.approval());
    if !changes.fields().and(PENDING.or(RESOLUTION)).is_empty() {
        // A reason to wait or a resolution belongs to the state it was given in.
        since = since.max(ticket.since.state);
    }
    let at = act.time(ticket, since)?;
    let facts = edit::facts(process, ticket, changes, act.caller);
    Ok(act.moved(process, ticket, facts, at))
}
