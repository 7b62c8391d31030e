//! Approvals that the viewer has to decide on, and those of a ticket.

use axum::extract::Query;
use maud::{Markup, html};
use proto::common::v1::ApprovalPolicy;
use proto::operations::v1 as pb;

use super::list::{self, Column, Found, List, Selection, column, sorted};
use super::page::{Section, minute};
use super::part::{id, several};
use super::viewer::{Asked, Refusal, Viewer};
use crate::explain::lower;

const COLUMNS: [Column; 5] = [
    sorted("Ticket", "ticket"),
    column("What is to be approved"),
    column("Who decides"),
    column("Asked by"),
    sorted("Asked", "ask_time"),
];

/// The approvals that wait for the viewer, oldest first unless another order is asked for.
pub(super) async fn list(viewer: Viewer, Query(selection): Query<Selection>) -> Result<Markup, Refusal> {
    let order_by = if selection.order_by.is_empty() { "ask_time".to_owned() } else { selection.order_by.clone() };
    let request = pb::ListApprovalsRequest {
        page_size: list::PAGE,
        page_token: selection.page_token.clone(),
        filter: selection.filter.clone(),
        order_by,
        pending_for: "me".to_owned(),
    };
    let (answer, total) = tokio::join!(viewer.list_approvals(request), count(&viewer, &selection.filter));
    let rows = answer.and_then(|answer| {
        Ok(Found {
            rows: answer.approvals.iter().map(row).collect(),
            next_page_token: answer.next_page_token,
            total: Some(total?),
        })
    });
    let list = List {
        section: Section::Home,
        path: "/approvals",
        noun: ("approval", "approvals that wait for you"),
        example: "practice = \"change\"",
        saved: &[
            ("All", String::new(), ""),
            ("Changes", "practice = \"change\"".to_owned(), ""),
            ("Asked over 3 days ago", "ask_time < now() - 3d".to_owned(), ""),
        ],
        columns: &COLUMNS,
    };
    list.show(&viewer, &selection, rows)
}

/// How many approvals wait for the viewer.
pub(super) async fn count(viewer: &Viewer, filter: &str) -> Asked<i64> {
    let mut count = 0;
    let mut page_token = String::new();
    loop {
        let (filter, pending_for) = (filter.to_owned(), "me".to_owned());
        let request =
            pb::ListApprovalsRequest { page_size: 1000, page_token, filter, pending_for, ..Default::default() };
        let answer = viewer.list_approvals(request).await?;
        count += i64::try_from(answer.approvals.len()).unwrap_or(i64::MAX);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(count);
        }
    }
}

fn row(approval: &pb::Approval) -> Markup {
    html! {
        tr {
            th.when scope="row" { a href={ "/" (approval.ticket) } { (id(&approval.ticket)) } }
            td { (approval.rule.replace(['_', '-'], " ")) }
            td { (deciders(approval.policy.as_ref())) }
            td { (id(&approval.asker)) }
            td.when { (minute(approval.ask_time.as_ref())) }
        }
    }
}

/// The approvals of a ticket, oldest first.
pub(super) fn table(approvals: &[pb::Approval]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Approvals" { table {
            thead { tr {
                @for heading in ["Approval", "State", "Who decides", "Decisions", "Asked", "Came to it"] {
                    th scope="col" { (heading) }
                }
            } }
            tbody { @for approval in approvals { tr {
                th scope="row" { (approval.approval) }
                td { (state(approval)) }
                td { (deciders(approval.policy.as_ref())) }
                td { @for decision in &approval.decisions { div { (decided(decision)) } } }
                td.when { (minute(approval.ask_time.as_ref())) @if !approval.asker.is_empty() { " by " (id(&approval.asker)) } }
                td.when { (minute(approval.decide_time.as_ref())) }
            } } }
        } }
    }
}

fn state(approval: &pb::Approval) -> Markup {
    let state = lower(approval.state().as_str_name(), "APPROVAL_STATE_");
    html! {
        span.bad[approval.state() == pb::ApprovalState::Rejected] { (state) }
        @if approval.state() == pb::ApprovalState::Pending && approval.missing_count > 0 {
            ", " (several(approval.missing_count.into(), "approval", "approvals")) " missing"
        }
        @if !approval.changed_fields.is_empty() { ": " (approval.changed_fields.join(", ")) " changed" }
    }
}

fn decided(decision: &pb::ApprovalDecision) -> Markup {
    let verdict = if decision.verdict() == pb::ApprovalVerdict::Reject { "rejected" } else { "approved" };
    html! {
        (id(&decision.approver)) " " (verdict)
        @if !decision.delegate.is_empty() { " through " (id(&decision.delegate)) }
        @if !decision.comment.is_empty() { ": " (decision.comment) }
    }
}

fn deciders(policy: Option<&ApprovalPolicy>) -> String {
    let Some(policy) = policy else { return String::new() };
    let names: Vec<&str> =
        policy.people.iter().chain(&policy.groups).chain(&policy.roles).map(|name| id(name)).collect();
    match policy.quorum {
        0 => names.join(", "),
        quorum => format!("{quorum} of {}", names.join(", ")),
    }
}
