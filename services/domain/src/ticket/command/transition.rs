//! Moving a ticket along a transition of its process.

use super::super::field::{ASSIGNMENT, DERIVED, OF_A_MOVE, PENDING, PRIORITY, RESOLUTION};
use super::super::{Changes, Fact, Field, FieldSet, Resolution, Ticket, Transitioned};
use super::{Act, Caller, Change, Reason, Rejection, approval, edit};
use crate::process::{Category, Process, State, Transition};
use crate::violation::Violation;

/// Moves the ticket, with what the transition requires or people want to set on this occasion.
///
/// Leaving a resolved, closed or cancelled state for an open one reopens the ticket.
pub fn transition(
    process: &Process,
    ticket: &Ticket,
    id: &str,
    fields: &Changes,
    act: &Act<'_>,
) -> Result<Change, Rejection> {
    let (transition, target) = find(process, ticket, id)?;
    let roles = missing_roles(transition, act.caller);
    if !roles.is_empty() {
        let text = format!(
            "to {} ticket {} takes the role {}: ask somebody who holds it",
            transition.id,
            ticket.number(),
            roles.join(" or ")
        );
        let rejection = Rejection::new(Reason::RoleRequired, text).about(ticket);
        return Err(rejection.with("transition", id).with("role", roles.join(",")));
    }
    let fields = &edit::completed(process, fields);
    edit::check_writable(fields, writable(target.category))?;
    edit::check(process, Some(ticket), fields)?;
    let missing = missing_fields(transition, target, ticket, fields);
    let missing =
        missing.into_iter().map(|path| Violation::new(path, format!("is required to {}: give a value", transition.id)));
    Rejection::of_fields(Reason::FieldRequired, missing.collect())
        .map_err(|rejection| rejection.about(ticket).with("transition", id))?;
    approval::required(process, transition, ticket, fields)?;
    let at = act.time(ticket, since(ticket, fields))?;
    Ok(act.moved(process, ticket, facts(process, ticket, transition, target, fields, act), at))
}

/// The transition and the state it enters, if it leaves the ticket's state.
fn find<'a>(process: &'a Process, ticket: &Ticket, id: &str) -> Result<(&'a Transition, &'a State), Rejection> {
    process
        .transition(id)
        .filter(|transition| transition.from.contains(&ticket.state))
        .and_then(|transition| Some((transition, process.state(&transition.to)?)))
        .ok_or_else(|| {
            let allowed = process.leaving(&ticket.state).map(|transition| transition.id.as_str());
            let allowed = allowed.collect::<Vec<_>>();
            let way_out = if allowed.is_empty() {
                "no transition leaves this state".to_owned()
            } else {
                format!("use one of {}", allowed.join(", "))
            };
            let text = format!("ticket {} is {} and cannot {id}: {way_out}", ticket.number(), ticket.state);
            Rejection::new(Reason::TransitionNotAllowed, text)
                .about(ticket)
                .with("transition", id)
                .with("allowed", allowed.join(","))
        })
}

/// Roles of which the caller would have to hold one to make the transition: the one it asks for, or those that answer
/// for the activity it belongs to. Empty: the caller may make it.
pub(super) fn missing_roles<'a>(transition: &'a Transition, caller: &'a Caller) -> Vec<&'a str> {
    let guard = transition.guard.role.as_deref().filter(|role| !caller.roles.contains(*role));
    let answering = caller.answering.get(&transition.id).filter(|roles| caller.roles.is_disjoint(roles));
    match guard {
        Some(role) => vec![role],
        None => answering.into_iter().flatten().map(String::as_str).collect(),
    }
}

/// Paths that the transition asks for and that neither the ticket nor the fields have.
pub(super) fn missing_fields<'a>(
    transition: &'a Transition,
    target: &State,
    ticket: &Ticket,
    fields: &Changes,
) -> Vec<&'a str> {
    let mut after = ticket.clone();
    // What entering the state clears has to be given again.
    after.enter(&target.id, target.category, ticket.since.state);
    fields.apply(&mut after);
    let given = |path: &str| match (path.strip_prefix("custom_fields."), Field::parse(path)) {
        (Some(id), _) => after.custom_fields.contains_key(id),
        (None, Some(field)) => field.is_set(&after),
        (None, None) => after.has(path),
    };
    transition.guard.fields.iter().map(String::as_str).filter(|path| !given(path)).collect()
}

/// What may be set on the occasion of entering a state of that category.
fn writable(category: Category) -> FieldSet {
    let always = FieldSet::ALL.without(DERIVED).without(OF_A_MOVE).without(RESOLUTION);
    match category {
        Category::Pending => always.or(PENDING),
        Category::Resolved | Category::Closed => always.or(RESOLUTION),
        Category::Cancelled => always.or(FieldSet::of(&[Field::CancelReason])),
        Category::New | Category::Active => always,
    }
}

/// When something was last said that belongs to the state of the ticket, and ends with it: why it waits, how it was
/// resolved, what is to be approved.
pub(super) fn said_last(ticket: &Ticket) -> jiff::Timestamp {
    let corrected = matches!(ticket.category, Category::Pending | Category::Resolved).then_some(ticket.since.fields);
    ticket.since.state.max(ticket.since.approval()).max(corrected.unwrap_or(ticket.since.state))
}

/// Since when everything that the move touches is as it is.
fn since(ticket: &Ticket, fields: &Changes) -> jiff::Timestamp {
    let touched = fields.fields();
    let part = |set: FieldSet, since| (!touched.and(set).is_empty()).then_some(since);
    let others = touched.without(ASSIGNMENT).without(PRIORITY).without(OF_A_MOVE);
    [
        part(ASSIGNMENT, ticket.since.assignment),
        part(PRIORITY, ticket.since.priority),
        part(others, ticket.since.fields),
    ]
    .into_iter()
    .flatten()
    .fold(said_last(ticket), Ord::max)
}

/// The facts of the move, whatever guards it.
pub(super) fn facts(
    process: &Process,
    ticket: &Ticket,
    transition: &Transition,
    target: &State,
    fields: &Changes,
    act: &Act<'_>,
) -> Vec<Fact> {
    let mut rest = fields.clone();
    let mut facts = vec![Fact::Transitioned(Box::new(Transitioned {
        transition: Some(transition.id.clone()),
        from_state: ticket.state.clone(),
        state: target.id.clone(),
        category: target.category,
        by: act.caller.side,
        fields: rest.take(OF_A_MOVE),
    }))];
    if target.category.is_open() && !ticket.category.is_open() {
        facts.push(Fact::Reopened { reopen_count: ticket.reopen_count + 1 });
    }
    if target.category == Category::Resolved && ticket.category != Category::Resolved {
        let given = rest.take(RESOLUTION);
        let mut after = ticket.clone();
        given.apply(&mut after);
        let Resolution { code, text, cause } = after.resolution;
        facts.push(Fact::Resolved(Resolution { code, text, cause }));
    }
    facts.extend(edit::facts(process, ticket, &rest, act.caller));
    facts
}
