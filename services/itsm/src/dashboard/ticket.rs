//! A ticket: what it is, its clocks as time lines, and its history fact by fact.

use axum::extract::{Path, Query};
use jiff::Timestamp;
use maud::{Markup, html};
use proto::journal::v1::JournalEntry;
use proto::operations::v1 as pb;
use serde::Deserialize;

use super::page::{minute, page, tickets_link};
use super::{Refusal, Viewer, tickets, timeline};
use crate::explain::{bound, excuse, law, report, span, time, verdict, word};
use crate::import::timestamp;

#[derive(Debug, Deserialize)]
pub(super) struct Instants {
    /// Reads the clocks at this instant; now unless given.
    at: Option<String>,
    /// Reads only what was known at this instant; all that is known unless given.
    known: Option<String>,
}

/// An instant of the address of a page.
fn instant(text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let message = format!("{text} is not an instant: write it as 2016-03-01T09:52:00Z");
        Refusal::new(axum::http::StatusCode::BAD_REQUEST, message)
    })
}

pub(super) async fn show(
    mut viewer: Viewer,
    Path(ticket): Path<String>,
    Query(instants): Query<Instants>,
) -> Result<Markup, Refusal> {
    let name = format!("tickets/{ticket}");
    let (at, known) = (instant(instants.at.as_deref())?, instant(instants.known.as_deref())?);
    let request = pb::GetTicketRequest { name: name.clone(), view: 0 };
    let ticket = viewer.tickets.get_ticket(request).await?.into_inner();
    let request =
        pb::ExplainClocksRequest { name: name.clone(), read_time: at.map(timestamp), known_time: known.map(timestamp) };
    let clocks = viewer.tickets.explain_clocks(request).await?.into_inner();
    let facts = facts(&mut viewer, &name).await?;
    let short = name.trim_start_matches("tickets/");
    Ok(page(
        short,
        true,
        &html! {
            p.soft { (short) @if !ticket.source_id.is_empty() { " · " (ticket.source_system) " " (ticket.source_id) } }
            h1 { (ticket.title) }
            (summary(&ticket))
            h2 { "Clocks" }
            @if clocks.clocks.is_empty() { p { "No promise covers this ticket." } }
            @else { (timeline::key()) }
            (reading_form(&clocks, at, known))
            @for explanation in &clocks.clocks { (clock(explanation)) }
            @if !clocks.lost_objectives.is_empty() {
                details { summary { "Objectives that did not govern" }
                    ul { @for lost in &clocks.lost_objectives {
                        li { (lost.agreement) " " (lost.objective) ": " (lost.reason) }
                    } }
                }
            }
            @if !clocks.duties.is_empty() { (duties(&clocks.duties)) }
            h2 { "History" }
            div.scroll { table {
                thead { tr { th { "When" } th { "Recorded" } th { "What" } th { "Who" } th { "Detail" } } }
                tbody { @for fact in &facts { (history(fact)) } }
            } }
        },
    ))
}

/// When the clocks were read, by what was known when; asks for other instants.
fn reading_form(clocks: &pb::ExplainClocksResponse, at: Option<Timestamp>, known: Option<Timestamp>) -> Markup {
    let field = |name: &str, label: &str, value: Option<Timestamp>| {
        html! {
            label { (label) " "
                input type="text" name=(name) value=(value.map(|at| at.to_string()).unwrap_or_default())
                    placeholder="now, or 2016-03-01T09:52:00Z" size="26";
            }
        }
    };
    html! {
        form.instants method="get" {
            (field("at", "Read at", at)) (field("known", "as known at", known)) button { "Read" }
            span.note { "Read at " (time(clocks.read_time.as_ref()))
                @if let Some(known) = known { ", by what was known at " (known) } "." }
        }
    }
}

async fn facts(viewer: &mut Viewer, name: &str) -> Result<Vec<JournalEntry>, Refusal> {
    let mut facts = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListFactsRequest { name: name.to_owned(), page_size: 1000, page_token };
        let answer = viewer.tickets.list_facts(request).await?.into_inner();
        facts.extend(answer.facts);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(facts);
        }
    }
}

fn summary(ticket: &pb::Ticket) -> Markup {
    let assignment = ticket.assignment.clone().unwrap_or_default();
    let rows = [
        ("State", tickets::state(ticket)),
        ("Priority", if ticket.priority > 0 { ticket.priority.to_string() } else { "not known".to_owned() }),
        ("Service", ticket.service.clone()),
        ("Customer", ticket.customer.clone()),
        ("Requester", ticket.requester.clone()),
        ("Category", ticket.category_path.join(" › ")),
        ("Group", assignment.group),
        ("Person", assignment.person),
        ("Opened", minute(ticket.open_time.as_ref())),
        ("Resolved", minute(ticket.resolve_time.as_ref())),
        ("Closed", minute(ticket.close_time.as_ref())),
        ("Reassigned", count(ticket.reassignment_count)),
        ("Reopened", count(ticket.reopen_count)),
        ("Steps outside the process", count(ticket.nonconformance_count)),
    ];
    html! {
        dl.facts {
            @for (label, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
                dt { (label) } dd { (value) }
            }
            @for link in &ticket.links {
                dt { (word(link.r#type().as_str_name(), "LINK_TYPE_").to_lowercase().replace('_', " ")) }
                dd { a href={ "/" (link.ticket) } { (link.ticket.trim_start_matches("tickets/")) } }
            }
        }
        @if !ticket.description.is_empty() { p { (ticket.description) } }
        @if !ticket.service.is_empty() {
            p.note { a href=(tickets_link(&format!("service = \"{}\"", ticket.service), "open_time desc")) {
                "Tickets of the same service"
            } }
        }
    }
}

fn count(count: i32) -> String {
    match count {
        0 => String::new(),
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

fn clock(explanation: &pb::ClockExplanation) -> Markup {
    let clock = explanation.clock.clone().unwrap_or_default();
    let state = tickets::clock_word(clock.state());
    let bad = clock.state() == pb::ClockState::Breached;
    html! {
        section.clock {
            h3 {
                (word(clock.kind().as_str_name(), "AGREEMENT_KIND_")) " "
                (word(clock.metric().as_str_name(), "METRIC_").to_lowercase()) ": "
                span.verdict.bad[bad] { (state) @if clock.stopped && bad { ", stopped" } }
            }
            p.note {
                (span(clock.elapsed_duration.as_ref())) " of " (span(clock.target_duration.as_ref())) " used · "
                (clock.agreement) " revision " (clock.agreement_revision) ", " (clock.objective) " · "
                @if clock.calendar.is_empty() { "24x7" } @else { (clock.calendar) }
                @if let Some(at) = &clock.breach_time { " · breached " (time(Some(at))) }
                @else if let Some(at) = &clock.due_time { " · due " (time(Some(at))) }
                @if !clock.cancel_reason.is_empty() { " · " (clock.cancel_reason) }
            }
            @if let Some(exclusion) = &clock.exclusion { p.note { (excuse(exclusion)) } }
            (timeline::draw(explanation))
            details {
                summary { "The intervals that add up" }
                div.scroll { table {
                    thead { tr { th { "From" } th { "Until" } th { "Counted" } th { "Why" } } }
                    tbody { @for segment in &explanation.segments { tr {
                        td.when { (time(segment.start_time.as_ref())) }
                        td.when { (time(segment.end_time.as_ref())) }
                        td { @if segment.counted { "yes" } @else { "no" } }
                        td {
                            (word(segment.reason().as_str_name(), "SEGMENT_REASON_").to_lowercase().replace('_', " "))
                            @if !segment.detail.is_empty() { ": " (segment.detail) }
                        }
                    } } }
                } }
            }
        }
    }
}

/// What is owed to authorities, by when and why then.
fn duties(duties: &[pb::DutyDeadline]) -> Markup {
    html! {
        h2 { "Duties to notify authorities" }
        div.scroll { table {
            thead { tr { th { "Law" } th { "Report" } th { "Stands" } th { "Why then" } } }
            tbody { @for duty in duties { tr {
                td { (law(duty.regulation())) }
                td { (report(duty.report())) }
                td { span.verdict.bad[duty.state() == pb::DutyState::Breached] { (verdict(duty)) } }
                td {
                    @for limit in &duty.limits {
                        div.soft[!limit.decides] { (bound(limit)) }
                    }
                    @if let Some(shift) = &duty.shift {
                        div {
                            "shifted from " (time(shift.original_time.as_ref())) " to "
                            (time(shift.shifted_time.as_ref())) ": " (shift.reason) " (" (shift.clause) ")"
                        }
                    }
                }
            } } }
        } }
    }
}

fn history(fact: &JournalEntry) -> Markup {
    let kind = fact.kind.trim_start_matches("ticket.").rsplit_once(".v").map_or(fact.kind.as_str(), |(kind, _)| kind);
    html! {
        tr {
            td.when { (minute(fact.occur_time.as_ref())) }
            td.when { (minute(fact.record_time.as_ref())) }
            td { (kind.replace('_', " ")) }
            td { (fact.actor) }
            td { (detail(fact)) }
        }
    }
}

/// The payload as a line: only what is set, names before values.
fn detail(fact: &JournalEntry) -> String {
    let Some(payload) = &fact.payload else { return String::new() };
    let parts: Vec<_> = payload
        .fields
        .iter()
        .filter_map(|(name, value)| plain(value).map(|text| format!("{}: {text}", name.replace('_', " "))))
        .collect();
    parts.join(" · ")
}

fn plain(value: &prost_types::Value) -> Option<String> {
    use prost_types::value::Kind;
    match value.kind.as_ref()? {
        Kind::NullValue(_) => None,
        Kind::NumberValue(number) => Some(number.to_string()),
        Kind::StringValue(text) => (!text.is_empty()).then(|| text.clone()),
        Kind::BoolValue(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Kind::StructValue(fields) => {
            let parts: Vec<_> = fields
                .fields
                .iter()
                .filter_map(|(name, value)| plain(value).map(|text| format!("{} {text}", name.replace('_', " "))))
                .collect();
            (!parts.is_empty()).then(|| parts.join(", "))
        }
        Kind::ListValue(list) => {
            let parts: Vec<_> = list.values.iter().filter_map(plain).collect();
            (!parts.is_empty()).then(|| parts.join("; "))
        }
    }
}
