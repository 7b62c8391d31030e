//! Excusing a clock, and taking the excuse back. Four eyes: nobody excuses the clock of their own ticket.

use super::super::{ExclusionRevoked, Fact, Recorded, Ticket};
use super::{Act, Change, Reason, Rejection};
use crate::clock::{Exclusion, Reading, State};
use crate::violation::Violation;

/// Excuses one of the ticket's clocks, as a whole or for an interval that has passed. `known` are the facts on record.
pub fn exclude_clock(
    ticket: &Ticket,
    clocks: &[Reading],
    known: &[Recorded],
    exclusion: &Exclusion,
    act: &Act<'_>,
) -> Result<Change, Rejection> {
    if exclusion.evidence.trim().is_empty() {
        let violation = Violation::new("evidence", "is empty: say what shows it");
        Rejection::of_fields(Reason::FieldRequired, vec![violation])?;
    }
    if let Some(interval) = exclusion.interval {
        let violation = if interval.end <= interval.start {
            Some(Violation::new("interval.end_time", "is not after the start: give an interval that is not empty"))
        } else if interval.end > act.now {
            Some(Violation::new("interval.end_time", "is in the future: excuse what has passed"))
        } else {
            None
        };
        Rejection::of_fields(Reason::FieldInvalid, violation.into_iter().collect())?;
    }
    if ticket.assignment.person.as_deref() == Some(act.caller.actor.as_str()) {
        let text = format!("ticket {} is with {}: ask another approver", ticket.number(), act.caller.actor);
        return Err(Rejection::new(Reason::FourEyesRequired, text).about(ticket));
    }
    let clock = find(ticket, clocks, &exclusion.clock)?;
    if matches!(clock.state, State::Cancelled | State::NeverRuns) {
        let text = format!("clock {} of ticket {} has no verdict: nothing is to be excused", clock.id, ticket.number());
        return Err(Rejection::new(Reason::ClockWithoutVerdict, text).about(ticket).with("clock", &*clock.id));
    }
    if clock.excuse.is_some() {
        let text = format!("clock {} of ticket {} is excused: revoke that first", clock.id, ticket.number());
        return Err(Rejection::new(Reason::ClockAlreadyExcluded, text).about(ticket).with("clock", &*clock.id));
    }
    let at = act.time(ticket, last_decision(ticket, known))?;
    Ok(act.change(ticket.clone(), vec![Fact::ClockExcluded(exclusion.clone())], at))
}

/// Takes the excuse of a clock back. `known` are the facts on record.
pub fn revoke_exclusion(
    ticket: &Ticket,
    clocks: &[Reading],
    known: &[Recorded],
    revoked: &ExclusionRevoked,
    act: &Act<'_>,
) -> Result<Change, Rejection> {
    if revoked.comment.trim().is_empty() {
        let violation = Violation::new("comment", "is empty: say why the excuse no longer holds");
        Rejection::of_fields(Reason::FieldRequired, vec![violation])?;
    }
    let clock = find(ticket, clocks, &revoked.clock)?;
    if clock.excuse.is_none() {
        let text =
            format!("clock {} of ticket {} is not excused: there is nothing to revoke", clock.id, ticket.number());
        return Err(Rejection::new(Reason::ClockNotExcluded, text).about(ticket).with("clock", &*clock.id));
    }
    let at = act.time(ticket, last_decision(ticket, known))?;
    Ok(act.change(ticket.clone(), vec![Fact::ClockExclusionRevoked(revoked.clone())], at))
}

fn find<'a>(ticket: &Ticket, clocks: &'a [Reading], id: &str) -> Result<&'a Reading, Rejection> {
    clocks.iter().find(|clock| clock.id == id).ok_or_else(|| {
        let ids: Vec<&str> = clocks.iter().map(|clock| clock.id.as_str()).collect();
        let text = format!("ticket {} has no clock {id}: choose one of its clocks", ticket.number());
        Rejection::new(Reason::ClockUnknown, text).about(ticket).with("clocks", ids.join(","))
    })
}

/// When an excuse was last given or taken back, so that the next decision comes after it on any machine.
fn last_decision(ticket: &Ticket, known: &[Recorded]) -> jiff::Timestamp {
    let decided =
        known.iter().filter(|known| matches!(known.fact, Fact::ClockExcluded(_) | Fact::ClockExclusionRevoked(_)));
    decided.map(|known| known.occurred_at).max().unwrap_or(ticket.opened_at)
}
