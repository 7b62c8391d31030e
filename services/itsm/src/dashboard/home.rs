//! What needs attention now: queues, clocks, backlog, notice deadlines, reports. Every number leads to what it counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use futures::future::try_join_all;
use maud::{Markup, html};
use proto::catalog::v1 as catalog;
use proto::supplier::v1 as supplier;

use super::page::{Section, page};
use super::part::{asked, bar, id, not_shown, nothing, number, outage, resource, section, text};
use super::query::{self, BREACHED, DECLARED, DUE_SOON, MAJOR, NEXT_DUE, OPEN, URGENT, and};
use super::queue::{self, Queues, queues};
use super::site::Site;
use super::viewer::{Asked, Refusal, Viewer};
use super::{approvals, contracts, reports, tickets};

/// Days within which a notice deadline needs attention.
const NOTICE_DAYS: i32 = 90;
/// Contracts that are shown of those.
const NOTICES: i32 = 8;

/// The backlog by age: what it is called, and when its tickets were opened.
const AGES: [(&str, &str); 5] = [
    ("under a day", "open_time > now() - 1d"),
    ("1 to 7 days", "open_time <= now() - 1d AND open_time > now() - 7d"),
    ("7 to 30 days", "open_time <= now() - 7d AND open_time > now() - 30d"),
    ("30 to 90 days", "open_time <= now() - 30d AND open_time > now() - 90d"),
    ("over 90 days", "open_time <= now() - 90d"),
];

pub(super) async fn show(viewer: Viewer, State(site): State<Arc<Site>>) -> Result<Markup, Refusal> {
    viewer.verify().await?;
    let notice = query::notice_within(viewer.now, NOTICE_DAYS);
    let late = and(OPEN, BREACHED);
    let queued = async {
        tokio::join!(
            queues(&viewer, "", "priority"),
            queues(&viewer, "", "practice"),
            queues(&viewer, "", "assignment.group"),
            queues(&viewer, "", "service"),
        )
    };
    let listed = async {
        tokio::join!(
            tickets::first(&viewer, MAJOR, DECLARED),
            tickets::next_due(&viewer, ""),
            tickets::first(&viewer, &late, URGENT),
            ages(&viewer),
            contracts::first(&viewer, &notice, "notice_deadline_date", NOTICES),
            service_names(&viewer),
        )
    };
    let counted =
        async { tokio::join!(viewer.count(MAJOR), approvals::count(&viewer, ""), viewer.count_contracts(&notice)) };
    let (queued, listed, (majors, approvals, notice_count)) = tokio::join!(queued, listed, counted);
    let (by_priority, by_practice, by_group, by_service) = queued;
    let (major, due, breached, ages, notices, names) = listed;
    let lacks = [by_priority.as_ref().err(), notices.as_ref().err(), names.as_ref().err()];
    let name_of = |service: &str| names.as_ref().ok().and_then(|names| names.get(service)).map_or("", String::as_str);
    let content = html! {
        h1 { "What needs attention" }
        (outage(&lacks.into_iter().flatten().collect::<Vec<_>>()))
        (find())
        (tiles(&by_priority, &majors, &approvals, &notice_count, &notice))
        @if let Ok(major) = &major { @if !major.is_empty() {
            (section("major", "Major incidents", &tickets::late_table(&viewer, major, &query::tickets(MAJOR, DECLARED))))
        } }
        div.columns {
            (asked("due", "Clocks about to breach", &due, |due| {
                tickets::due_table(&viewer, due, &query::tickets(&and(OPEN, DUE_SOON), NEXT_DUE))
            }))
            (asked("late", "Beyond target and open", &breached, |late| html! {
                @if late.is_empty() { (nothing("No open ticket is beyond a target.")) }
                @else { (tickets::late_table(&viewer, late, &query::tickets(&and(OPEN, BREACHED), URGENT))) }
            }))
        }
        div.columns {
            (queue_of("priority", "Priority", &by_priority, 10, true, |value| text(format!("P{value}"))))
            (asked("age", "Backlog by age", &ages, |ages| backlog(ages)))
        }
        (queue_of("group", "Assignment group", &by_group, 10, false, |value| text(id(value))))
        (queue_of("service", "Service", &by_service, 10, false, |value| {
            resource(value, name_of(value))
        }))
        (queue_of("practice", "Practice", &by_practice, 10, false, |value| text(value.replace('_', " "))))
        (asked("notice", "Notice deadlines in 90 days", &notices, |notices| deadlines(notices, &viewer, &notice)))
        (section("reports", "Latest reports", &reports::cards(&site.config, 2)))
    };
    Ok(page(&viewer, Section::Home, "What needs attention", &content))
}

/// A box for the number of a ticket or a filter.
fn find() -> Markup {
    html! {
        form.filter method="get" action="/find" role="search" {
            label for="filter" { "Ticket or filter" }
            input #filter type="text" name="filter" placeholder="INC-000042, or priority = 1 AND service = \"services/…\""
                data-filter autocomplete="off" autocapitalize="off" spellcheck="false";
            button { "Find" }
        }
    }
}

/// The numbers that come first.
fn tiles(
    queues: &Asked<Queues>,
    majors: &Asked<i64>,
    approvals: &Asked<i64>,
    notices: &Asked<Option<usize>>,
    notice: &str,
) -> Markup {
    let tile = |label: &str, count: i64, address: &str, urgent: bool| {
        html! { li.urgent[urgent && count > 0] { (number(count, address)) span { (label) } } }
    };
    html! {
        ul.tiles aria-label="Now" {
            @if let Ok(count) = majors { (tile("major incidents", *count, &query::tickets(MAJOR, DECLARED), true)) }
            @if let Ok(queues) = queues {
                @for (label, column, urgent) in [
                    ("open tickets", queue::ALL, false),
                    ("due within 24 hours", queue::DUE, true),
                    ("beyond target", queue::LATE, true),
                    ("assigned to nobody", queue::NOBODYS, true),
                    ("waiting", queue::WAITING, false),
                ] { (tile(label, queues.total(column), &queues.total_address(column), urgent)) }
            }
            @if let Ok(count) = approvals { (tile("approvals wait for you", *count, "/approvals", true)) }
            @if let Ok(Some(count)) = notices {
                (tile("notice deadlines in 90 days", i64::try_from(*count).unwrap_or(i64::MAX), &query::contracts(notice), false))
            }
        }
    }
}

fn queue_of(
    id: &str,
    heading: &str,
    queues: &Asked<Queues>,
    most: usize,
    by_value: bool,
    name: impl Fn(&str) -> Markup,
) -> Markup {
    let content = match queues {
        Ok(queues) if queues.is_empty() => nothing("No ticket is open."),
        Ok(queues) => queues.table(heading, most, by_value, name),
        Err(lack) => not_shown(lack),
    };
    section(id, &format!("Open by {}", heading.to_lowercase()), &content)
}

async fn ages(viewer: &Viewer) -> Asked<Vec<i64>> {
    try_join_all(AGES.map(|(_, filter)| async move { viewer.count(&and(OPEN, filter)).await })).await
}

fn backlog(ages: &[i64]) -> Markup {
    let most = ages.iter().copied().max().unwrap_or_default().max(1);
    html! {
        table.counts.bars {
            thead { tr { th scope="col" { "Age" } th.num scope="col" { "Open" } th aria-hidden="true" {} } }
            tbody { @for ((label, filter), count) in AGES.iter().zip(ages) { tr {
                th scope="row" { (label) }
                td.num { (number(*count, &query::tickets(&and(OPEN, filter), "open_time"))) }
                td.drawn { (bar(share(*count, most))) }
            } } }
        }
    }
}

fn share(part: i64, whole: i64) -> f64 {
    // A count of tickets has far fewer digits than a double keeps.
    #[allow(clippy::cast_precision_loss)]
    let share = part as f64 / whole as f64;
    share
}

fn deadlines(contracts: &[supplier::Contract], viewer: &Viewer, filter: &str) -> Markup {
    html! {
        @if contracts.is_empty() { (nothing("No notice is due within 90 days.")) }
        @else {
            (contracts::notice_table(contracts, viewer.now))
            p.more { a href=(query::contracts(filter)) { "All of them" } }
        }
    }
}

/// Names of services for people, by resource name.
async fn service_names(viewer: &Viewer) -> Asked<BTreeMap<String, String>> {
    let request = catalog::ListServicesRequest { page_size: 1000, ..Default::default() };
    let services = viewer.list_services(request).await?.services;
    Ok(services.into_iter().map(|service| (service.name, service.display_name)).collect())
}
