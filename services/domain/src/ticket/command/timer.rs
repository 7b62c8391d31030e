//! What happens to a ticket by itself when its time has come: waiting that ends, and a resolved ticket that closes.

use jiff::{SignedDuration, Timestamp};

use super::super::{Changes, Ticket, Timer, TimerKind};
use super::transition::{self, missing_fields, said_last};
use super::{Act, Change, approval};
use crate::process::{Category, Process, State, Transition};

/// The timer of the ticket as it is. Empty: nothing happens to it by itself.
///
/// A ticket that waits until a time goes on then, and a resolved one closes after the days of its process, if there is a
/// way that nobody has to decide on.
pub(in super::super) fn next(process: &Process, ticket: &Ticket) -> Option<Timer> {
    let (at, kind, to) = match ticket.category {
        Category::Pending => (ticket.pending.resume_at?, TimerKind::Resume, Category::Active),
        Category::Resolved if process.auto_close_days > 0 => {
            let days = SignedDuration::from_hours(24 * i64::from(process.auto_close_days));
            (ticket.since.state.checked_add(days).ok()?, TimerKind::Close, Category::Closed)
        }
        _ => return None,
    };
    way(process, ticket, to)?;
    // Not before what was said of it since: that was said of a ticket that still waited.
    Some(Timer { at: at.max(said_last(ticket)), kind })
}

/// Lets happen what the timer is for, at its instant.
pub fn take(process: &Process, ticket: &Ticket, timer: Timer, act: &Act<'_>) -> Option<Change> {
    let to = match timer.kind {
        TimerKind::Resume => Category::Active,
        TimerKind::Close => Category::Closed,
    };
    moved(process, ticket, to, timer.at, act)
}

/// The ticket moved into a state of the category, if there is a way that nobody has to decide on.
fn moved(process: &Process, ticket: &Ticket, to: Category, at: Timestamp, act: &Act<'_>) -> Option<Change> {
    let (transition, target) = way(process, ticket, to)?;
    let facts = transition::facts(process, ticket, transition, target, &Changes::default(), act);
    Some(act.moved(process, ticket, facts, at))
}

/// The first transition into a state of the category that asks for no field that the ticket does not have, where nobody
/// has to decide. People decide on closing where it takes a role or an approval that is missing, and on going on wherever
/// one of the ways to do so takes a role or an approval at all: what was approved begins when somebody begins it.
pub(super) fn way<'a>(process: &'a Process, ticket: &Ticket, to: Category) -> Option<(&'a Transition, &'a State)> {
    let leaving = process.transitions.iter().filter(|transition| transition.from.contains(&ticket.state));
    let ways = leaving.filter_map(|transition| Some((transition, process.state(&transition.to)?)));
    let ways: Vec<_> = ways.filter(|(_, target)| target.category == to).collect();
    let decided = |transition: &Transition| transition.guard.role.is_some() || !transition.guard.approvals.is_empty();
    if to == Category::Active && ways.iter().any(|(transition, _)| decided(transition)) {
        return None;
    }
    ways.into_iter().find(|(transition, target)| {
        transition.guard.role.is_none()
            && approval::missing(process, transition, ticket).is_empty()
            && missing_fields(transition, target, ticket, &Changes::default()).is_empty()
    })
}
