//! Relating tickets.

use super::super::{Fact, Link, Ticket};
use super::{Act, Change, Reason, Rejection};

/// Relates the ticket to another. The caller relates the other by [`super::super::LinkType::inverse`].
/// Nothing happens if it is so already. Tickets that have ended can be related too.
pub fn link(ticket: &Ticket, link: &Link, act: &Act<'_>) -> Result<Change, Rejection> {
    if link.ticket == ticket.name {
        let text = format!("ticket {} cannot be related to itself: name another", ticket.number());
        return Err(Rejection::new(Reason::LinkToItself, text).about(ticket));
    }
    let fact = (!ticket.links.contains(link)).then(|| Fact::Linked(link.clone()));
    related(ticket, fact, act)
}

/// Takes a relation away. Nothing happens if there is none.
pub fn unlink(ticket: &Ticket, link: &Link, act: &Act<'_>) -> Result<Change, Rejection> {
    let fact = ticket.links.contains(link).then(|| Fact::Unlinked(link.clone()));
    related(ticket, fact, act)
}

fn related(ticket: &Ticket, fact: Option<Fact>, act: &Act<'_>) -> Result<Change, Rejection> {
    let at = act.time(ticket, ticket.opened_at)?;
    Ok(act.change(ticket.clone(), fact.into_iter().collect(), at))
}
