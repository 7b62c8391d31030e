//! Writing on a ticket.

use super::super::{Audience, Changes, Fact, NewFact, Noted, Side, Ticket, Transitioned};
use super::timer::way;
use super::transition::said_last;
use super::{Act, Change, Reason, Rejection};
use crate::process::{Category, PendingReason, Process, ReplyPolicy};
use crate::violation::Violation;

/// A note to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Who may read it.
    pub audience: Audience,
    /// What it says.
    pub text: String,
}

/// Adds a note. A public note of the customer resumes a ticket that waits for the customer, and opens a resolved one
/// again where the process says so. Who asks or is affected writes as the customer, on whatever side.
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
    let concerned =
        [&ticket.requester, &ticket.affected_user].into_iter().flatten().any(|who| *who == act.caller.actor);
    let by = if concerned { Side::Customer } else { act.caller.side };
    let answers = note.audience == Audience::Public && by == Side::Customer;
    let waits = ticket.category == Category::Pending && ticket.pending.reason == Some(PendingReason::Customer);
    let disputes = ticket.category == Category::Resolved && process.reply_when_resolved == ReplyPolicy::Reopen;
    let moved = if answers && (waits || disputes) { resumption(process, ticket) } else { Vec::new() };
    // A note moves nothing by itself, so it may have been written at any time since the opening.
    let since = if moved.is_empty() { ticket.opened_at } else { said_last(ticket) };
    let at = act.time(ticket, since)?;
    let mut change = act.moved(process, ticket, moved, at);
    let noted = Noted { by, text: note.text.clone() };
    change.facts.insert(0, NewFact { audience: note.audience, ..act.fact(Fact::Noted(noted), at) });
    Ok(change)
}

/// The move by which the ticket goes on. Empty: its process has no way to working that nobody has to decide on.
fn resumption(process: &Process, ticket: &Ticket) -> Vec<Fact> {
    let Some((transition, target)) = way(process, ticket, Category::Active) else { return Vec::new() };
    let moved = Fact::Transitioned(Box::new(Transitioned {
        transition: Some(transition.id.clone()),
        from_state: ticket.state.clone(),
        state: target.id.clone(),
        category: target.category,
        by: Side::Customer,
        fields: Changes::default(),
    }));
    let reopened = !ticket.category.is_open();
    let reopened = reopened.then(|| Fact::Reopened { reopen_count: ticket.reopen_count + 1 });
    [moved].into_iter().chain(reopened).collect()
}
