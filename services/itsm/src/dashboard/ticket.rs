//! A ticket: what it is, its clocks as time lines, and its history fact by fact.

use std::collections::BTreeSet;

use axum::extract::{Path, Query};
use futures::future::join_all;
use jiff::Timestamp;
use maud::{Markup, html};
use proto::catalog::v1::GetAgreementRequest;
use proto::journal::v1::{Audience, JournalEntry};
use proto::operations::v1 as pb;
use serde::Deserialize;

use super::page::{Section, minute, page};
use super::part::{self, asked, facts, id, illustrative, many_facts, resource, section, text};
use super::viewer::{Asked, Refusal, Viewer};
use super::{approvals, tickets, timeline};
use crate::explain::{bound, excuse, human, law, lower, report, span, time, verdict, word};
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
    viewer: Viewer,
    Path(ticket): Path<String>,
    Query(instants): Query<Instants>,
) -> Result<Markup, Refusal> {
    let name = format!("tickets/{ticket}");
    let (at, known) = (instant(instants.at.as_deref())?, instant(instants.known.as_deref())?);
    let request =
        pb::ExplainClocksRequest { name: name.clone(), read_time: at.map(timestamp), known_time: known.map(timestamp) };
    let (ticket, clocks, notes, history) = tokio::join!(
        viewer.get_ticket(pb::GetTicketRequest { name: name.clone(), view: 0 }),
        viewer.explain_clocks(request),
        notes(&viewer, &name),
        history(&viewer, &name),
    );
    let ticket = ticket?;
    let invented = invented(&viewer, clocks.as_ref().ok()).await;
    let short = id(&name);
    Ok(page(
        &viewer,
        Section::Tickets,
        short,
        &html! {
            p.soft { (short) @if !ticket.source_id.is_empty() { " · " (ticket.source_system) " " (ticket.source_id) } }
            h1 { (ticket.title) }
            (summary(&ticket, &viewer))
            @if !ticket.description.is_empty() { p.prose { (ticket.description) } }
            (details(&ticket))
            @if !ticket.approvals.is_empty() { (section("approvals", "Approvals", &approvals::table(&ticket.approvals))) }
            (asked("clocks", "Clocks", &clocks, |clocks| html! {
                @if clocks.clocks.is_empty() { p { "No promise covers this ticket." } }
                @else { (timeline::key()) }
                (reading_form(clocks, at, known))
                @for explanation in &clocks.clocks { (clock(explanation, &invented)) }
                @if !clocks.lost_objectives.is_empty() {
                    details { summary { "Objectives that did not govern" }
                        ul { @for lost in &clocks.lost_objectives {
                            li { (resource(&lost.agreement, "")) " " (lost.objective) ": " (lost.reason) }
                        } }
                    }
                }
            }))
            @if let Ok(clocks) = &clocks { @if !clocks.duties.is_empty() { (duties(&clocks.duties)) } }
            @if !ticket.links.is_empty() { (links(&ticket.links)) }
            (asked("notes", "Notes", &notes, |notes| html! {
                @if notes.is_empty() { (part::nothing("Nobody has written a note.")) }
                @for note in notes { (written(note)) }
            }))
            (asked("history", "History", &history, |facts| html! {
                div.scroll tabindex="0" role="region" aria-label="History" { table.history {
                    thead { tr {
                        th scope="col" { "When" } th scope="col" { "What happened" } th scope="col" { "Who" } th scope="col" { "Recorded" }
                    } }
                    tbody { @for fact in facts { (told(fact)) } }
                } }
            }))
        },
    ))
}

/// Agreements behind the clocks that are invented for demonstration, as far as the viewer may see them.
async fn invented(viewer: &Viewer, clocks: Option<&pb::ExplainClocksResponse>) -> BTreeSet<String> {
    let readings = clocks.into_iter().flat_map(|clocks| &clocks.clocks).filter_map(|clock| clock.clock.as_ref());
    let names: BTreeSet<String> = readings.map(|clock| clock.agreement.clone()).collect();
    let agreements = names.into_iter().map(|name| viewer.get_agreement(GetAgreementRequest { name }));
    let found = join_all(agreements).await.into_iter().flatten();
    found.filter(|agreement| agreement.illustrative).map(|agreement| agreement.name).collect()
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

async fn history(viewer: &Viewer, name: &str) -> Asked<Vec<JournalEntry>> {
    let mut facts = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListFactsRequest { name: name.to_owned(), page_size: 1000, page_token };
        let answer = viewer.list_facts(request).await?;
        facts.extend(answer.facts);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(facts);
        }
    }
}

async fn notes(viewer: &Viewer, name: &str) -> Asked<Vec<pb::Note>> {
    let mut notes = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListNotesRequest { parent: name.to_owned(), page_size: 1000, page_token };
        let answer = viewer.list_notes(request).await?;
        notes.extend(answer.notes);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(notes);
        }
    }
}

fn summary(ticket: &pb::Ticket, viewer: &Viewer) -> Markup {
    let assignment = ticket.assignment.clone().unwrap_or_default();
    let due = tickets::left(ticket, viewer.now);
    let priority = html! {
        @if ticket.priority > 0 { (ticket.priority) } @else { "not known" }
        @if let Some(set) = &ticket.priority_override {
            span.soft { " set by hand" @if !set.actor.is_empty() { " by " (set.actor) }
                @if !set.reason.is_empty() { ": " (set.reason) } }
        }
    };
    let resolution = ticket.resolution.clone().unwrap_or_default();
    let resolution: Vec<&str> = [resolution.code.as_str(), &resolution.text, &resolution.cause]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    many_facts([
        ("State", text(tickets::state(ticket))),
        ("Waits for", text(id(&ticket.awaited_party))),
        ("Resumes", text(minute(ticket.resume_time.as_ref()))),
        ("Priority", priority),
        ("Due", html! { @if ticket.due_time.is_some() { (minute(ticket.due_time.as_ref())) " · " (due) } }),
        ("Service", resource(&ticket.service, "")),
        ("Offering", text(id(&ticket.offering))),
        ("Customer", resource(&ticket.customer, "")),
        ("Requester", text(&ticket.requester)),
        ("Affected", text(&ticket.affected_user)),
        ("Category", text(ticket.category_path.join(" › "))),
        ("Items", text(ticket.configuration_items.join(", "))),
        ("Channel", text(&ticket.channel)),
        ("Location", text(&ticket.location)),
        ("Group", text(id(&assignment.group))),
        ("Person", text(id(&assignment.person))),
        ("Contract", resource(&assignment.contract, "")),
        ("Opened", text(minute(ticket.open_time.as_ref()))),
        ("Agreed date", text(minute(ticket.requested_time.as_ref()))),
        ("Resolved", text(minute(ticket.resolve_time.as_ref()))),
        ("Resolution", text(resolution.join(" · "))),
        ("Closed", text(minute(ticket.close_time.as_ref()))),
        ("Cancelled because", text(&ticket.cancel_reason)),
        ("Reassigned", text(count(ticket.reassignment_count))),
        ("Reopened", text(count(ticket.reopen_count))),
        ("Steps outside the process", text(count(ticket.nonconformance_count))),
    ])
}

/// What only tickets of one practice have.
fn details(ticket: &pb::Ticket) -> Markup {
    use pb::ticket::Details;
    let fields = ticket.custom_fields.as_ref().map_or_else(|| html! {}, answers);
    html! {
        @match &ticket.details {
            Some(Details::Incident(pb::IncidentDetails { major: Some(major) })) => {
                (section("major", "Major incident", &major_incident(major)))
            }
            Some(Details::Request(pb::RequestDetails { form_answers: Some(form) })) => {
                (section("form", "Form", &answers(form)))
            }
            Some(Details::Problem(problem)) => { (section("problem", "Problem", &cause(problem))) }
            Some(Details::Change(change)) => { (section("change", "Change", &planned(change))) }
            _ => {}
        }
        @if !fields.0.is_empty() { (section("fields", "Fields of the process", &fields)) }
    }
}

fn cause(problem: &pb::ProblemDetails) -> Markup {
    facts([
        ("Known error", text(if problem.known_error { "yes" } else { "no" })),
        ("Root cause", text(&problem.root_cause)),
        ("Workaround", text(&problem.workaround)),
    ])
}

fn major_incident(major: &pb::MajorIncident) -> Markup {
    let cadence = major.update_cadence.map(|every| human(jiff::SignedDuration::new(every.seconds, every.nanos)));
    let affected = if major.users_affected > 0 { part::grouped(major.users_affected) } else { String::new() };
    facts([
        ("Declared", text(minute(major.declare_time.as_ref()))),
        ("Led by", text(&major.commander)),
        ("News every", text(cadence.unwrap_or_default())),
        ("Users affected", text(affected)),
        (
            "Stood down",
            text(if major.stand_down_time.is_some() {
                minute(major.stand_down_time.as_ref())
            } else {
                "not yet".to_owned()
            }),
        ),
        ("Review due", text(minute(major.review_due_time.as_ref()))),
    ])
}

fn planned(change: &pb::ChangeDetails) -> Markup {
    let window = |start: Option<&prost_types::Timestamp>, end: Option<&prost_types::Timestamp>| match (start, end) {
        (None, None) => String::new(),
        (start, None) => format!("from {}", minute(start)),
        (None, end) => format!("until {}", minute(end)),
        (start, end) => format!("{} to {}", minute(start), minute(end)),
    };
    let outcome = match change.outcome() {
        pb::ChangeOutcome::Unspecified => String::new(),
        outcome => lower(outcome.as_str_name(), "CHANGE_OUTCOME_"),
    };
    facts([
        ("Type", text(lower(change.r#type().as_str_name(), "CHANGE_TYPE_"))),
        ("Risk", text(&change.risk)),
        ("Planned", text(window(change.planned_start_time.as_ref(), change.planned_end_time.as_ref()))),
        ("Actual", text(window(change.actual_start_time.as_ref(), change.actual_end_time.as_ref()))),
        ("Outcome", text(outcome)),
        ("Implementation", text(&change.implementation_plan)),
        ("Test", text(&change.test_plan)),
        ("Back-out", text(&change.back_out_plan)),
    ])
}

/// Answers to a form: names and values in two columns.
fn answers(form: &prost_types::Struct) -> Markup {
    html! {
        @if !form.fields.is_empty() {
            dl.facts { @for (name, value) in &form.fields {
                dt { (super::page::sentence_case(&name.replace('_', " "))) } dd { (super::facts::value(value)) }
            } }
        }
    }
}

fn links(links: &[pb::TicketLink]) -> Markup {
    section(
        "links",
        "Related tickets",
        &html! {
            ul.plain { @for link in links {
                li { "This ticket " (relation(link.r#type())) " " a href={ "/" (link.ticket) } { (id(&link.ticket)) } }
            } }
        },
    )
}

fn relation(of: pb::LinkType) -> &'static str {
    match of {
        pb::LinkType::Parent => "is the parent of",
        pb::LinkType::Child => "is a child of",
        pb::LinkType::Duplicates => "is a duplicate of",
        pb::LinkType::DuplicatedBy => "has the duplicate",
        pb::LinkType::CausedBy => "was caused by",
        pb::LinkType::Causes => "causes",
        pb::LinkType::Problem => "is an incident of",
        pb::LinkType::Incident => "is the problem behind",
        pb::LinkType::Change => "is handled by",
        pb::LinkType::Handles => "is the change that handles",
        pb::LinkType::RelatesTo | pb::LinkType::Unspecified => "has to do with",
    }
}

fn written(note: &pb::Note) -> Markup {
    html! {
        article.note-of {
            p.soft { (minute(note.create_time.as_ref())) " · " (note.author)
                @if note.audience() == Audience::Internal { " " (part::tag("INTERNAL")) } }
            p.prose { (note.text) }
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

fn clock(explanation: &pb::ClockExplanation, invented: &BTreeSet<String>) -> Markup {
    let clock = explanation.clock.clone().unwrap_or_default();
    let state = tickets::clock_word(clock.state());
    let bad = clock.state() == pb::ClockState::Breached;
    html! {
        section.clock {
            h3 {
                (word(clock.kind().as_str_name(), "AGREEMENT_KIND_")) " "
                (word(clock.metric().as_str_name(), "METRIC_").to_lowercase()) ": "
                span.verdict.bad[bad] { (state) @if clock.stopped && bad { ", stopped" } }
                (illustrative(invented.contains(&clock.agreement)))
            }
            p.note {
                (span(clock.elapsed_duration.as_ref())) " of " (span(clock.target_duration.as_ref())) " used · "
                (resource(&clock.agreement, "")) " revision " (clock.agreement_revision) ", " (clock.objective) " · "
                @if clock.calendar.is_empty() { "24x7" } @else { (clock.calendar) }
                @if let Some(at) = &clock.breach_time { " · breached " (time(Some(at))) }
                @else if let Some(at) = &clock.due_time { " · due " (time(Some(at))) }
                @if !clock.cancel_reason.is_empty() { " · " (clock.cancel_reason) }
            }
            @if let Some(exclusion) = &clock.exclusion { p.note { (excuse(exclusion)) } }
            (timeline::draw(explanation))
            details {
                summary { "The intervals that add up" }
                div.scroll tabindex="0" role="region" aria-label="Intervals" { table {
                    thead { tr { th scope="col" { "From" } th scope="col" { "Until" } th scope="col" { "Counted" } th scope="col" { "Why" } } }
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
    let table = html! {
        div.scroll tabindex="0" role="region" aria-label="Duties" { table {
            thead { tr { th scope="col" { "Law" } th scope="col" { "Report" } th scope="col" { "Stands" } th scope="col" { "Why then" } } }
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
    };
    section("duties", "Duties to notify authorities", &table)
}

fn told(fact: &JournalEntry) -> Markup {
    let (occurred, recorded) = (minute(fact.occur_time.as_ref()), minute(fact.record_time.as_ref()));
    html! {
        tr {
            td.when { (occurred) }
            td.prose { (super::facts::sentence(fact)) }
            td { (fact.actor) }
            td.when { (recorded) }
        }
    }
}
