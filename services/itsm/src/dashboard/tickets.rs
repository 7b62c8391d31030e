//! The list of tickets that a filter selects.

use axum::extract::Query;
use axum::response::Redirect;
use maud::{Markup, html};
use proto::catalog::v1::StateCategory;
use proto::operations::v1 as pb;
use serde::Deserialize;

use super::list::{self, Column, Found, List, Saved, Selection, column, sorted};
use super::page::{Section, minute};
use super::part::{id, nothing, resource};
use super::query::{self, BREACHED, DECLARED, DUE_SOON, MAJOR, NEXT_DUE, OPEN, UNASSIGNED, URGENT, and};
use super::viewer::{Asked, Refusal, Viewer};
use crate::explain::word;

const COLUMNS: [Column; 10] = [
    sorted("Ticket", "name"),
    column("Title"),
    sorted("Priority", "priority").number(),
    sorted("State", "state"),
    sorted("Service", "service"),
    sorted("Group", "assignment.group"),
    sorted("Opened", "open_time"),
    sorted("Due", "due_time"),
    sorted("Resolved", "resolve_time"),
    column("Clocks"),
];

/// Lists of tickets that are often wanted.
pub(super) fn saved() -> [Saved<'static>; 8] {
    [
        ("Open", OPEN.to_owned(), URGENT),
        ("Mine", and(OPEN, "assignment.person = me"), URGENT),
        ("Unassigned", and(OPEN, UNASSIGNED), URGENT),
        ("Due within 24 hours", and(OPEN, DUE_SOON), NEXT_DUE),
        ("Beyond target", and(OPEN, BREACHED), URGENT),
        ("Major incidents", MAJOR.to_owned(), DECLARED),
        ("Waiting", "state_category = PENDING".to_owned(), URGENT),
        ("Opened in 7 days", "open_time > now() - 7d".to_owned(), "open_time desc"),
    ]
}

pub(super) async fn list(viewer: Viewer, Query(selection): Query<Selection>) -> Result<Markup, Refusal> {
    let request = pb::ListTicketsRequest {
        page_size: list::PAGE,
        page_token: selection.page_token.clone(),
        filter: selection.filter.clone(),
        order_by: selection.order_by.clone(),
        view: 0,
    };
    let (listed, total) = tokio::join!(viewer.list_tickets(request), viewer.count(&selection.filter));
    let rows = listed.and_then(|listed| {
        Ok(Found {
            rows: listed.tickets.iter().map(|ticket| row(ticket, &viewer)).collect(),
            next_page_token: listed.next_page_token,
            total: Some(total?),
        })
    });
    let list = List {
        section: Section::Tickets,
        path: "/tickets",
        noun: ("ticket", "tickets"),
        example: "priority = 1 AND state_category != CLOSED",
        saved: &saved(),
        columns: &COLUMNS,
    };
    list.show(&viewer, &selection, rows)
}

#[derive(Debug, Deserialize)]
pub(super) struct Find {
    #[serde(default)]
    filter: String,
}

/// Leads from what was typed to the ticket of that number, or to the list that the filter selects.
pub(super) async fn find(_viewer: Viewer, Query(find): Query<Find>) -> Redirect {
    let text = find.filter.trim().trim_start_matches("tickets/");
    let number = text.split_once('-').filter(|(prefix, digits)| {
        (2..=6).contains(&prefix.len())
            && prefix.bytes().all(|byte| byte.is_ascii_alphabetic())
            && !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    match number {
        Some((prefix, digits)) => Redirect::to(&format!("/tickets/{}-{digits:0>6}", prefix.to_ascii_uppercase())),
        None => Redirect::to(&query::tickets(find.filter.trim(), "")),
    }
}

/// Tickets as a table without a list around it.
pub(super) fn table(viewer: &Viewer, tickets: &[pb::Ticket]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Tickets" { table {
            thead { tr {
                @for heading in ["Ticket", "Title"] { th scope="col" { (heading) } }
                th.num scope="col" { "Priority" }
                @for heading in ["State", "Service", "Group", "Opened", "Due", "Resolved", "Clocks"] { th scope="col" { (heading) } }
            } }
            tbody { @for ticket in tickets { (row(ticket, viewer)) } }
        } }
    }
}

/// Tickets that are shown of what is due next.
const NEXT: i32 = 8;

/// The open tickets of a scope of which a clock reaches its target within a day, next due first.
pub(super) async fn next_due(viewer: &Viewer, scope: &str) -> Asked<Vec<pb::Ticket>> {
    first(viewer, &and(&and(OPEN, scope), DUE_SOON), NEXT_DUE).await
}

/// The first tickets that a filter selects.
pub(super) async fn first(viewer: &Viewer, filter: &str, order_by: &str) -> Asked<Vec<pb::Ticket>> {
    let (filter, order_by) = (filter.to_owned(), order_by.to_owned());
    let request = pb::ListTicketsRequest { page_size: NEXT, filter, order_by, ..Default::default() };
    Ok(viewer.list_tickets(request).await?.tickets)
}

/// Tickets by what is left of their clocks, and the way to all of them.
pub(super) fn due_table(viewer: &Viewer, tickets: &[pb::Ticket], all: &str) -> Markup {
    html! {
        @if tickets.is_empty() { (nothing("No clock reaches its target within 24 hours.")) }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Clocks" { table {
                thead { tr {
                    th scope="col" { "Ticket" } th.num scope="col" { "Time left" } th.num scope="col" { "Priority" }
                    th scope="col" { "Title" } th scope="col" { "Group" }
                } }
                tbody { @for ticket in tickets { tr {
                    th.when scope="row" { (link(ticket)) }
                    td.num.when title={ "due " (minute(ticket.due_time.as_ref())) } { (left(ticket, viewer.now)) }
                    td.num { @if ticket.priority > 0 { (ticket.priority) } }
                    td.title { (ticket.title) }
                    td.when { (group(ticket)) }
                } } }
            } }
            p.more { a href=(all) { "All of them" } }
        }
    }
}

/// Tickets beyond a target by priority, with since when they were open.
pub(super) fn late_table(viewer: &Viewer, tickets: &[pb::Ticket], all: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Tickets" { table {
            thead { tr {
                th scope="col" { "Ticket" } th.num scope="col" { "Open for" } th.num scope="col" { "Priority" }
                th scope="col" { "Title" } th scope="col" { "Group" } th scope="col" { "State" }
            } }
            tbody { @for ticket in tickets { tr {
                th.when scope="row" { (link(ticket)) }
                td.num.when { (open_for(ticket, viewer.now)) }
                td.num { @if ticket.priority > 0 { (ticket.priority) } }
                td.title { (ticket.title) }
                td.when { (group(ticket)) }
                td { (state(ticket)) }
            } } }
        } }
        p.more { a href=(all) { "All of them" } }
    }
}

fn open_for(ticket: &pb::Ticket, now: jiff::Timestamp) -> String {
    let opened = ticket.open_time.as_ref().and_then(|at| jiff::Timestamp::new(at.seconds, at.nanos).ok());
    opened.map_or_else(String::new, |at| brief(at.duration_until(now)))
}

fn group(ticket: &pb::Ticket) -> &str {
    ticket.assignment.as_ref().map(|assignment| id(&assignment.group)).unwrap_or_default()
}

fn row(ticket: &pb::Ticket, viewer: &Viewer) -> Markup {
    html! {
        tr {
            th.when scope="row" { (link(ticket)) }
            td.title { (ticket.title) }
            td.num { @if ticket.priority > 0 { (ticket.priority) } }
            td.when { (state(ticket)) }
            td.when { (resource(&ticket.service, "")) }
            td.when { (group(ticket)) }
            td.when { (minute(ticket.open_time.as_ref())) }
            td.when title=(minute(ticket.due_time.as_ref())) { (left(ticket, viewer.now)) }
            td.when { (minute(ticket.resolve_time.as_ref())) }
            td { (verdict(ticket.clock_state())) }
        }
    }
}

/// A link to a ticket by its number.
pub(super) fn link(ticket: &pb::Ticket) -> Markup {
    html! { a href={ "/" (ticket.name) } { (id(&ticket.name)) } }
}

/// How long until the next target is reached, or since when it is: `3h 05m left`, `2d 4h over`.
pub(super) fn left(ticket: &pb::Ticket, now: jiff::Timestamp) -> Markup {
    let due = ticket.due_time.as_ref().and_then(|at| jiff::Timestamp::new(at.seconds, at.nanos).ok());
    html! {
        @if let Some(due) = due {
            @let left = now.duration_until(due);
            @if left.is_positive() { (brief(left)) " left" } @else { span.bad { (brief(-left)) " over" } }
        }
    }
}

/// A length of time with its two largest units: `3d 4h`, `4h 05m`, `12m`.
pub(super) fn brief(length: jiff::SignedDuration) -> String {
    let minutes = length.as_mins();
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h {minutes:02}m"),
        (days, _, _) if days >= 100 => format!("{days}d"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

/// The state, with what it waits for.
pub(super) fn state(ticket: &pb::Ticket) -> String {
    let state = ticket.state.replace('_', " ");
    if ticket.state_category() == StateCategory::Pending && ticket.pending_reason() != pb::PendingReason::Unspecified {
        let awaited = word(ticket.pending_reason().as_str_name(), "PENDING_REASON_").to_lowercase();
        return format!("{state}: {awaited}");
    }
    state
}

/// What the clocks say together, with a colour that is never alone.
fn verdict(state: pb::ClockState) -> Markup {
    html! { span.bad[state == pb::ClockState::Breached] { (clock_word(state)) } }
}

/// What the clocks say together, in a word.
pub(super) fn clock_word(state: pb::ClockState) -> &'static str {
    match state {
        pb::ClockState::Unspecified => "no promise",
        pb::ClockState::Running => "running",
        pb::ClockState::Paused => "paused",
        pb::ClockState::Met => "met",
        pb::ClockState::Breached => "breached",
        pb::ClockState::Cancelled => "cancelled",
        pb::ClockState::NeverRuns => "never runs",
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn lengths_of_time_have_two_units() {
        assert_eq!(brief(SignedDuration::from_mins(12)), "12m");
        assert_eq!(brief(SignedDuration::from_mins(245)), "4h 05m");
        assert_eq!(brief(SignedDuration::from_hours(76)), "3d 4h");
    }
}
