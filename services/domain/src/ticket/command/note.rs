//! Writing on a ticket.

use super::super::{Audience, Changes, Fact, Side, Ticket, Transitioned};
use super::{Act, Change, Reason, Rejection};
use crate::process::{Category, PendingReason, Process};
use crate::violation::Violation;

/// A note to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Who may read it.
    pub audience: Audience,
    /// What it says.
    pub text: String,
}

/// Adds a note. A customer's public note resumes a ticket that waits for the customer.
///
/// A ticket that has ended takes internal notes only: to a customer's word somebody has to answer.
pub fn add_note(process: &Process, ticket: &Ticket, note: &Note, act: &Act<'_>) -> Result<Change, Rejection> {
    if note.text.trim().is_empty() {
        let violation = Violation::new("text", "is empty: write something");
        Rejection::of_fields(Reason::FieldRequired, vec![violation])?;
    }
    if act.caller.side == Side::Customer && note.audience == Audience::Internal {
        let violation = Violation::new("audience", "is for the provider only: write PUBLIC");
        Rejection::of_fields(Reason::FieldInvalid, vec![violation])?;
    }
    if ticket.category.is_final() && note.audience == Audience::Public {
        return Err(Rejection::closed(ticket));
    }
    let answers = note.audience == Audience::Public && act.caller.side == Side::Customer;
    let waits = ticket.category == Category::Pending && ticket.pending.reason == Some(PendingReason::Customer);
    let resumed = if answers && waits { resumption(process, ticket) } else { None };
    // A note moves nothing by itself, so it may have been written at any time since the opening.
    let since = if resumed.is_some() { ticket.since.state } else { ticket.opened_at };
    let at = act.time(ticket, since)?;
    let mut change = act.change(ticket.clone(), resumed.into_iter().collect(), at);
    change.facts.insert(0, act.note(note.audience, &note.text, at));
    Ok(change)
}

/// The move by which the ticket goes on. `None`: its process has no way from waiting to working.
fn resumption(process: &Process, ticket: &Ticket) -> Option<Fact> {
    let transition = process.towards(&ticket.state, Category::Active)?;
    let target = process.state(&transition.to)?;
    Some(Fact::Transitioned(Box::new(Transitioned {
        transition: Some(transition.id.clone()),
        from_state: ticket.state.clone(),
        state: target.id.clone(),
        category: target.category,
        by: Side::Customer,
        fields: Changes::default(),
    })))
}
