//! Declaring an incident a major one, keeping what is known of it up to date, and standing it down.

use jiff::Timestamp;

use super::super::{Fact, Major, MajorDeclared, MajorUpdated, Ticket};
use super::{Act, Change, Reason, Rejection};
use crate::process::Practice;
use crate::violation::Violation;

/// Declares the incident a major one. One that was stood down can be declared again.
pub fn declare_major(ticket: &Ticket, declared: &MajorDeclared, act: &Act<'_>) -> Result<Change, Rejection> {
    if ticket.practice.as_str() != Practice::INCIDENT {
        let text = format!("ticket {} is no incident but a {}: declare an incident", ticket.number(), ticket.practice);
        return Err(Rejection::new(Reason::NotAnIncident, text).about(ticket));
    }
    if ticket.category.is_final() {
        return Err(Rejection::closed(ticket));
    }
    if ticket.major().is_some_and(|major| major.stood_down_at.is_none()) {
        let text = format!("ticket {} is a major incident already: update it", ticket.number());
        return Err(Rejection::new(Reason::MajorAlreadyDeclared, text).about(ticket));
    }
    check_cadence(declared.update_cadence)?;
    let at = act.time(ticket, ticket.since.fields)?;
    Ok(act.change(ticket.clone(), vec![Fact::MajorDeclared(declared.clone())], at))
}

/// Changes what is known of the major incident. What is as it is already is left alone.
pub fn update_major(ticket: &Ticket, updated: &MajorUpdated, act: &Act<'_>) -> Result<Change, Rejection> {
    let major = declared(ticket)?;
    check_cadence(updated.update_cadence.value().copied())?;
    if major.stood_down_at.is_none() && !updated.review_due_at.is_keep() {
        let violation = Violation::new("review_due_time", "is agreed when the incident is stood down: leave it out");
        Rejection::of_fields(Reason::FieldInvalid, vec![violation])?;
    }
    let updated = updated.against(major);
    let at = act.time(ticket, ticket.since.fields)?;
    let fact = (!updated.is_empty()).then_some(Fact::MajorUpdated(updated));
    Ok(act.change(ticket.clone(), fact.into_iter().collect(), at))
}

/// Stands the major incident down: the crisis is over, whatever the state of the ticket. The review may be due later.
pub fn stand_down_major(ticket: &Ticket, review_due_at: Option<Timestamp>, act: &Act<'_>) -> Result<Change, Rejection> {
    if declared(ticket)?.stood_down_at.is_some() {
        let text = format!("major incident {} was stood down already: declare it again first", ticket.number());
        return Err(Rejection::new(Reason::MajorNotDeclared, text).about(ticket));
    }
    let at = act.time(ticket, ticket.since.fields)?;
    if review_due_at.is_some_and(|due_at| due_at < at) {
        let violation = Violation::new("review_due_time", "has passed: give a time to come, or leave it out");
        Rejection::of_fields(Reason::FieldInvalid, vec![violation])?;
    }
    Ok(act.change(ticket.clone(), vec![Fact::MajorStoodDown { review_due_at }], at))
}

fn declared(ticket: &Ticket) -> Result<&Major, Rejection> {
    ticket.major().ok_or_else(|| {
        let text = format!("ticket {} is no major incident: declare it first", ticket.number());
        Rejection::new(Reason::MajorNotDeclared, text).about(ticket)
    })
}

fn check_cadence(cadence: Option<jiff::SignedDuration>) -> Result<(), Rejection> {
    let wrong = cadence.is_some_and(|cadence| cadence <= jiff::SignedDuration::ZERO);
    let violation = wrong.then(|| Violation::new("update_cadence", "is not above zero: give a length of time"));
    Rejection::of_fields(Reason::FieldInvalid, violation.into_iter().collect())
}
