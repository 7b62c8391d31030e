//! Services: who answers for them, what they need and promise, and how they fare now.

use std::collections::BTreeMap;

use axum::extract::{Path, Query};
use domain::amount::Decimal;
use maud::{Markup, html};
use proto::catalog::v1 as catalog;

use super::agreements::objectives;
use super::list::{self, Column, Found, List, Selection, column, sorted};
use super::page::{Section, minute, page};
use super::part::{asked, facts, id, illustrative, nothing, number, outage, resource, several, tag, text};
use super::query::{self, NEXT_DUE, OPEN, URGENT, and, has, is};
use super::viewer::{Asked, Refusal, Viewer};
use super::{queue, tickets};
use crate::explain::lower;

/// Most cost entries that a page adds up.
const LEDGER: usize = 10_000;

const COLUMNS: [Column; 7] = [
    sorted("Service", "display_name"),
    sorted("Line", "line"),
    sorted("Owner", "owner"),
    column("Criticality"),
    column("State"),
    column("Open").number(),
    column("Beyond target").number(),
];

pub(super) async fn list(viewer: Viewer, Query(selection): Query<Selection>) -> Result<Markup, Refusal> {
    let request = catalog::ListServicesRequest {
        page_size: list::PAGE,
        page_token: selection.page_token.clone(),
        filter: selection.filter.clone(),
        order_by: selection.order_by.clone(),
        ..Default::default()
    };
    let late = and(OPEN, query::BREACHED);
    let (answer, open, late) =
        tokio::join!(viewer.list_services(request), viewer.counts(OPEN, "service"), viewer.counts(&late, "service"));
    let (open, late) = (by_value(open), by_value(late));
    let rows = answer.map(|answer| Found {
        rows: answer.services.iter().map(|service| row(service, open.as_ref().ok(), late.as_ref().ok())).collect(),
        next_page_token: answer.next_page_token,
        total: None,
    });
    let list = List {
        section: Section::Services,
        path: "/services",
        noun: ("service", "services"),
        example: "criticality = CRITICAL",
        saved: &[
            ("All", String::new(), ""),
            ("Live", "state = LIVE".to_owned(), ""),
            ("Critical", "criticality = CRITICAL".to_owned(), ""),
            ("Without an owner", "NOT owner:*".to_owned(), ""),
        ],
        columns: &COLUMNS,
    };
    list.show(&viewer, &selection, rows)
}

/// Counts by their values.
pub(super) fn by_value(counts: Asked<Vec<proto::operations::v1::TicketCount>>) -> Asked<BTreeMap<String, i64>> {
    counts.map(|counts| counts.into_iter().map(|counted| (counted.value, counted.count)).collect())
}

fn row(
    service: &catalog::Service,
    open: Option<&BTreeMap<String, i64>>,
    late: Option<&BTreeMap<String, i64>>,
) -> Markup {
    let of = |counts: Option<&BTreeMap<String, i64>>, filter: &str| {
        let count = counts.map(|counts| counts.get(&service.name).copied().unwrap_or_default());
        let filter = and(&and(OPEN, &is("service", &service.name)), filter);
        html! { @if let Some(count) = count { (number(count, &query::tickets(&filter, URGENT))) } @else { "—" } }
    };
    html! {
        tr {
            th scope="row" { (resource(&service.name, &service.display_name)) (illustrative(service.illustrative)) }
            td { (service.line) }
            td { (id(&service.owner)) }
            td { (criticality(service)) }
            td { (lower(service.state().as_str_name(), "SERVICE_STATE_")) }
            td.num { (of(open, "")) }
            td.num { (of(late, query::BREACHED)) }
        }
    }
}

fn criticality(service: &catalog::Service) -> String {
    match service.criticality() {
        catalog::Criticality::Unspecified => String::new(),
        level => lower(level.as_str_name(), "CRITICALITY_"),
    }
}

pub(super) async fn show(viewer: Viewer, Path(service): Path<String>) -> Result<Markup, Refusal> {
    let name = format!("services/{service}");
    let service = viewer.get_service(catalog::GetServiceRequest { name: name.clone() }).await?;
    let scope = is("service", &name);
    let line = if service.line.is_empty() { String::new() } else { format!(" OR {}", has("lines", &service.line)) };
    let covering = format!("{}{line} OR (NOT services:* AND NOT lines:*)", has("services", &name));
    let (dependants, offerings, agreements, queues, due, cost) = tokio::join!(
        viewer.list_services(catalog::ListServicesRequest {
            filter: has("depends_on", &name),
            page_size: 1000,
            ..Default::default()
        }),
        viewer.list_offerings(catalog::ListOfferingsRequest {
            parent: name.clone(),
            page_size: 1000,
            ..Default::default()
        }),
        viewer.list_agreements(catalog::ListAgreementsRequest {
            filter: covering,
            page_size: 1000,
            ..Default::default()
        }),
        queue::queues(&viewer, &scope, "priority"),
        tickets::next_due(&viewer, &scope),
        cost(&viewer, &name),
    );
    let lacks = [
        dependants.as_ref().err(),
        offerings.as_ref().err(),
        agreements.as_ref().err(),
        queues.as_ref().err(),
        due.as_ref().err(),
        cost.as_ref().err(),
    ];
    let all = and(OPEN, &scope);
    let content = html! {
        p.soft { "Service · " (id(&name)) " · " (lower(service.state().as_str_name(), "SERVICE_STATE_")) }
        h1 { (service.display_name) (illustrative(service.illustrative)) }
        (outage(&lacks.into_iter().flatten().collect::<Vec<_>>()))
        @if !service.description.is_empty() { p.prose { (service.description) } }
        div.columns {
            div {
                (facts([
                    ("Owner", text(&service.owner)),
                    ("Criticality", text(criticality(&service))),
                    ("Line", text(&service.line)),
                    ("Utility", text(&service.utility)),
                    ("Warranty", text(&service.warranty)),
                ]))
                @if service.owner.is_empty() { p.refused { "Nobody answers for this service." } }
            }
            div {
                (facts([
                    ("Needs", html! { @if service.depends_on.is_empty() { "no other service" } @else { (super::part::resources(&service.depends_on)) } }),
                    ("Needed by", html! {
                        @match &dependants {
                            Ok(answer) if answer.services.is_empty() => { "no other service" }
                            Ok(answer) => { @for (at, other) in answer.services.iter().enumerate() {
                                @if at > 0 { ", " } (resource(&other.name, &other.display_name))
                            } }
                            Err(_) => { "not known" }
                        }
                    }),
                ]))
            }
        }
        (asked("open", "Open tickets", &queues, |queues| html! {
            @if queues.is_empty() { (nothing("No ticket of this service is open.")) }
            @else { (queues.table("Priority", 10, true, |value| text(format!("P{value}")))) }
        }))
        (asked("due", "Clocks, next due first", &due, |due| tickets::due_table(&viewer, due, &query::tickets(&and(&all, query::DUE_SOON), NEXT_DUE))))
        (asked("agreements", "What is promised", &agreements, |answer| objectives(&answer.agreements, true)))
        (asked("offerings", "What can be asked for", &offerings, |answer| html! {
            @if answer.offerings.is_empty() { (nothing("The service has no offering.")) }
            @else { (offered(&answer.offerings)) }
        }))
        (asked("cost", "Cost", &cost, ledger))
        p.note { a href=(query::tickets(&scope, "open_time desc")) { "Every ticket of this service" } }
    };
    Ok(page(&viewer, Section::Services, &service.display_name, &content))
}

fn offered(offerings: &[catalog::Offering]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Offerings" { table {
            thead { tr { th scope="col" { "Offering" } th scope="col" { "What one gets" } th scope="col" { "Fulfilled by" } th.num scope="col" { "Price" } } }
            tbody { @for offering in offerings { tr {
                th scope="row" {
                    a href=(query::tickets(&is("offering", &offering.name), "open_time desc")) {
                        @if offering.display_name.is_empty() { (id(&offering.name)) } @else { (offering.display_name) }
                    }
                    @if offering.request_form.is_some() { " " (tag("FORM")) }
                }
                td { (offering.description) }
                td { (id(&offering.fulfilment_process)) }
                td.num { @if let Some(price) = &offering.unit_price {
                    (price.currency_code) " " (price.value.as_ref().map(|value| value.value.as_str()).unwrap_or_default())
                } }
            } } }
        } }
    }
}

/// What the ledger has for a service.
struct Ledger {
    entries: Vec<catalog::CostEntry>,
    complete: bool,
}

async fn cost(viewer: &Viewer, service: &str) -> Asked<Ledger> {
    let mut entries = Vec::new();
    let mut page_token = String::new();
    loop {
        let filter = is("service", service);
        let request = catalog::ListCostEntriesRequest { filter, page_size: 1000, page_token, ..Default::default() };
        let answer = viewer.list_cost_entries(request).await?;
        entries.extend(answer.cost_entries);
        page_token = answer.next_page_token;
        if page_token.is_empty() || entries.len() >= LEDGER {
            return Ok(Ledger { entries, complete: page_token.is_empty() });
        }
    }
}

/// What was billed, by currency: amounts of different currencies are never added.
fn ledger(ledger: &Ledger) -> Markup {
    let mut billed: BTreeMap<&str, Vec<Decimal>> = BTreeMap::new();
    for amount in ledger.entries.iter().filter_map(|entry| entry.billed_cost.as_ref()) {
        let value = amount.value.as_ref().and_then(|value| Decimal::parse(&value.value).ok());
        billed.entry(&amount.currency_code).or_default().extend(value);
    }
    let sums: Vec<String> = billed
        .iter()
        .filter_map(|(currency, values)| Some(format!("{currency} {}", Decimal::sum(values).ok()?.fixed(2))))
        .collect();
    let at = |at: &Option<prost_types::Timestamp>| at.as_ref().map(|at| at.seconds);
    let since = ledger.entries.iter().filter_map(|entry| entry.start_time.as_ref()).min_by_key(|start| start.seconds);
    let until = ledger.entries.iter().max_by_key(|entry| at(&entry.end_time)).and_then(|entry| entry.end_time.as_ref());
    let entries = i64::try_from(ledger.entries.len()).unwrap_or(i64::MAX);
    html! {
        @if entries == 0 { (nothing("No entry of the cost ledger names this service.")) }
        @else {
            p {
                strong { (sums.join(" and ")) } " billed in " (several(entries, "entry", "entries"))
                " of the ledger, " (minute(since)) " to " (minute(until)) "."
                @if !ledger.complete { " There are more entries: this is not all." }
            }
        }
    }
}
