//! The list of tickets that a filter selects.

use axum::extract::Query;
use maud::{Markup, html};
use proto::catalog::v1::StateCategory;
use proto::operations::v1 as pb;
use serde::Deserialize;

use super::page::{minute, page, tickets_link};
use super::{Refusal, Viewer};
use crate::explain::word;

/// Tickets on a page.
const PAGE: i32 = 100;

#[derive(Debug, Deserialize)]
pub(super) struct Selection {
    #[serde(default)]
    filter: String,
    #[serde(default)]
    order_by: String,
    #[serde(default)]
    page_token: String,
}

pub(super) async fn list(mut viewer: Viewer, Query(selection): Query<Selection>) -> Result<Markup, Refusal> {
    let request = pb::ListTicketsRequest {
        page_size: PAGE,
        page_token: selection.page_token.clone(),
        filter: selection.filter.clone(),
        order_by: selection.order_by.clone(),
        view: 0,
    };
    let outcome = viewer.tickets.list_tickets(request).await;
    let listed = match outcome {
        Ok(answer) => answer.into_inner(),
        Err(status) if status.code() == tonic::Code::InvalidArgument => {
            let message = crate::client::sentence(&status);
            return Ok(page(
                "Tickets",
                true,
                &html! {
                    h1 { "Tickets" }
                    (filter_form(&selection))
                    p.refused role="alert" { (message) }
                },
            ));
        }
        Err(status) => return Err(status.into()),
    };
    let request = pb::CountTicketsRequest { filter: selection.filter.clone(), group_by: String::new() };
    let total = viewer.tickets.count_tickets(request).await?.into_inner().total_count;
    let title = match total {
        0 => "No ticket matches".to_owned(),
        1 => "1 ticket".to_owned(),
        total => format!("{} tickets", grouped(total)),
    };
    Ok(page(
        &title,
        true,
        &html! {
            h1 { (title) }
            (filter_form(&selection))
            @if !listed.tickets.is_empty() { (table(&listed.tickets)) }
            div.pages {
                @if !selection.page_token.is_empty() {
                    a href=(tickets_link(&selection.filter, &selection.order_by)) { "First page" }
                }
                @if !listed.next_page_token.is_empty() {
                    a rel="next" href=(next(&selection, &listed.next_page_token)) { "Next page" }
                }
            }
        },
    ))
}

/// Tickets as a table.
pub(super) fn table(tickets: &[pb::Ticket]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th { "Ticket" } th { "Title" } th.num { "Priority" } th { "State" } th { "Group" }
                th { "Opened" } th { "Resolved" } th { "Clocks" }
            } }
            tbody { @for ticket in tickets { (row(ticket)) } }
        } }
    }
}

fn row(ticket: &pb::Ticket) -> Markup {
    let short = ticket.name.trim_start_matches("tickets/");
    let group = ticket.assignment.as_ref().map(|assignment| assignment.group.trim_start_matches("groups/").to_owned());
    html! {
        tr {
            td.when { a href={ "/tickets/" (short) } { (short) } }
            td { (ticket.title) }
            td.num { @if ticket.priority > 0 { (ticket.priority) } }
            td { (state(ticket)) }
            td { (group.unwrap_or_default()) }
            td.when { (minute(ticket.open_time.as_ref())) }
            td.when { (minute(ticket.resolve_time.as_ref())) }
            td { (clock_word(ticket.clock_state())) }
        }
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

fn filter_form(selection: &Selection) -> Markup {
    html! {
        form.filter method="get" action="/tickets" role="search" {
            input type="text" name="filter" value=(selection.filter) aria-label="Filter"
                placeholder="priority = 1 AND state_category != CLOSED";
            @if !selection.order_by.is_empty() { input type="hidden" name="order_by" value=(selection.order_by); }
            button { "Show" }
        }
    }
}

fn next(selection: &Selection, token: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("filter", &selection.filter).append_pair("order_by", &selection.order_by);
    query.append_pair("page_token", token);
    format!("/tickets?{}", query.finish())
}

/// A count with its thousands apart.
pub(super) fn grouped(count: i64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
