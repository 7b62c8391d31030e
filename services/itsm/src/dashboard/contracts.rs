//! Contracts: until when, for how much, and by when notice has to be given.

use std::collections::BTreeMap;

use axum::extract::{Path, Query};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use proto::common::v1 as common;
use proto::supplier::v1 as supplier;

use super::list::{self, Column, Found, List, Selection, column, sorted};
use super::page::{Section, page};
use super::part::{date, facts, id, illustrative, money, number, resource, resources, text};
use super::query::{self, OPEN, URGENT, and, is};
use super::viewer::{Asked, Refusal, Viewer};

const COLUMNS: [Column; 8] = [
    sorted("Contract", "display_name"),
    sorted("Supplier", "supplier"),
    sorted("Held by", "owner_unit"),
    sorted("Starts", "start_date"),
    sorted("Ends", "end_date"),
    sorted("Notice by", "notice_deadline_date"),
    sorted("Committed", "committed_amount.minor_units").number(),
    column("Tickets").number(),
];

pub(super) async fn list(viewer: Viewer, Query(selection): Query<Selection>) -> Result<Markup, Refusal> {
    let request = supplier::ListContractsRequest {
        page_size: list::PAGE,
        page_token: selection.page_token.clone(),
        filter: selection.filter.clone(),
        order_by: selection.order_by.clone(),
        ..Default::default()
    };
    let (answer, total, held) =
        tokio::join!(viewer.list_contracts(request), viewer.count_contracts(&selection.filter), held(&viewer));
    let rows = answer.and_then(|answer| {
        Ok(Found {
            rows: answer.contracts.iter().map(|contract| row(contract, held.as_ref().ok())).collect(),
            next_page_token: answer.next_page_token,
            total: total?.and_then(|total| i64::try_from(total).ok()),
        })
    });
    let today = today(viewer.now);
    let list = List {
        section: Section::Suppliers,
        path: "/contracts",
        noun: ("contract", "contracts"),
        example: "end_date < \"2026-06-30\"",
        saved: &[
            ("All", String::new(), ""),
            ("Notice within 90 days", query::notice_within(viewer.now, 90), "notice_deadline_date"),
            ("In force", format!("start_date <= \"{today}\" AND end_date >= \"{today}\""), "end_date"),
            ("Renew by themselves", "renewal_policy = RENEWS".to_owned(), "notice_deadline_date"),
            ("Without an owner", "NOT owner:*".to_owned(), ""),
        ],
        columns: &COLUMNS,
    };
    list.show(&viewer, &selection, rows)
}

/// The first contracts that a filter selects.
pub(super) async fn first(viewer: &Viewer, filter: &str, order_by: &str, most: i32) -> Asked<Vec<supplier::Contract>> {
    let (filter, order_by) = (filter.to_owned(), order_by.to_owned());
    let request = supplier::ListContractsRequest { page_size: most, filter, order_by, ..Default::default() };
    Ok(viewer.list_contracts(request).await?.contracts)
}

/// How many open tickets are with a supplier, by contract.
pub(super) async fn held(viewer: &Viewer) -> Asked<BTreeMap<String, i64>> {
    let with_suppliers = and(OPEN, "assignment.contract:*");
    super::services::by_value(viewer.counts(&with_suppliers, "contract").await)
}

/// Contracts as a table.
pub(super) fn table(contracts: &[supplier::Contract], held: Option<&BTreeMap<String, i64>>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Contracts" { table {
            thead { tr {
                @for heading in ["Contract", "Supplier", "Held by", "Starts", "Ends", "Notice by"] { th scope="col" { (heading) } }
                @for heading in ["Committed", "Tickets"] { th.num scope="col" { (heading) } }
            } }
            tbody { @for contract in contracts { (row(contract, held)) } }
        } }
    }
}

fn row(contract: &supplier::Contract, held: Option<&BTreeMap<String, i64>>) -> Markup {
    let tickets = held.map(|held| held.get(&contract.name).copied().unwrap_or_default());
    html! {
        tr {
            th.title scope="row" { (resource(&contract.name, &contract.display_name)) (illustrative(contract.illustrative)) }
            td { (resource(&contract.supplier, "")) }
            td { (contract.owner_unit) }
            td.when { (date(contract.start_date.as_ref())) }
            td.when { (date(contract.end_date.as_ref())) }
            td.when { (notice(contract)) }
            td.num.when { (money(contract.committed_amount.as_ref())) }
            td.num { @match tickets { Some(count) => (number(count, &tickets_of(contract))), None => "—" } }
        }
    }
}

fn tickets_of(contract: &supplier::Contract) -> String {
    query::tickets(&and(OPEN, &is("assignment.contract", &contract.name)), URGENT)
}

/// Contracts by the day until which notice can be given.
pub(super) fn notice_table(contracts: &[supplier::Contract], now: Timestamp) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Notice deadlines" { table {
            thead { tr {
                th scope="col" { "Notice by" } th.num scope="col" { "Days left" } th scope="col" { "Contract" }
                th scope="col" { "Supplier" } th.num scope="col" { "Committed" }
            } }
            tbody { @for contract in contracts { tr {
                td.when { (notice(contract)) }
                td.num { @if let Some(day) = deadline(contract) { (days(today(now), day)) } }
                td.title { (resource(&contract.name, &contract.display_name)) (illustrative(contract.illustrative)) }
                td { (resource(&contract.supplier, "")) }
                td.num.when { (money(contract.committed_amount.as_ref())) }
            } } }
        } }
    }
}

/// Today, in UTC as deadlines are counted.
fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

fn days(from: Date, until: Date) -> i32 {
    from.until(until).map_or(0, |span| span.get_days())
}

/// The last day on which notice can be given: the end less the notice days, as the supplier service reckons it.
fn deadline(contract: &supplier::Contract) -> Option<Date> {
    let end = civil(contract.end_date.as_ref()?)?;
    end.checked_sub(jiff::Span::new().try_days(contract.notice_days.max(0)).ok()?).ok()
}

fn civil(date: &common::Date) -> Option<Date> {
    Date::new(date.year.try_into().ok()?, date.month.try_into().ok()?, date.day.try_into().ok()?).ok()
}

/// The deadline, and whether it is the end itself because no notice is stated.
fn notice(contract: &supplier::Contract) -> Markup {
    html! {
        @if let Some(day) = deadline(contract) {
            (day) @if contract.notice_days == 0 { span.soft title="No notice is stated: this is its end" { " (end)" } }
        }
    }
}

pub(super) async fn show(viewer: Viewer, Path(contract): Path<String>) -> Result<Markup, Refusal> {
    let name = format!("contracts/{contract}");
    let contract = viewer.get_contract(supplier::GetContractRequest { name: name.clone() }).await?;
    let tickets = viewer.count(&and(OPEN, &is("assignment.contract", &name))).await;
    let policy = match contract.renewal_policy() {
        supplier::RenewalPolicy::Unspecified => String::new(),
        supplier::RenewalPolicy::Expires => "it ends".to_owned(),
        supplier::RenewalPolicy::Renews => "it goes on unless notice is given".to_owned(),
        supplier::RenewalPolicy::Option => "it can be extended by decision".to_owned(),
    };
    let days_left = deadline(&contract).map(|day| days(today(viewer.now), day));
    let left = match days_left {
        Some(days) if days < 0 => format!(" · {} days ago", -days),
        Some(days) => format!(" · in {days} days"),
        None => String::new(),
    };
    let content = html! {
        p.soft { "Contract · " (id(&name)) @if !contract.reference.is_empty() { " · " (contract.reference) } }
        h1 { (contract.display_name) (illustrative(contract.illustrative)) }
        (facts([
            ("Supplier", resource(&contract.supplier, "")),
            ("Further suppliers", resources(&contract.additional_suppliers)),
            ("Type", text(&contract.contract_type)),
            ("Held by", text(&contract.owner_unit)),
            ("Owner", text(&contract.owner)),
            ("Status", text(&contract.register_status)),
            ("Starts", text(date(contract.start_date.as_ref()))),
            ("Ends", text(date(contract.end_date.as_ref()))),
            ("Notice by", html! { @if days_left.is_some() { (notice(&contract)) (left) } }),
            ("Notice", text(if contract.notice_days > 0 { format!("{} days", contract.notice_days) } else { String::new() })),
            ("At its end", text(policy)),
            ("Committed", text(money(contract.committed_amount.as_ref()))),
            ("Services", resources(&contract.services)),
            ("Open tickets", html! { @if let Ok(count) = tickets { (number(count, &tickets_of(&contract))) } }),
            ("In force", text(if contract.revision > 0 { format!("revision {}", contract.revision) } else { String::new() })),
            ("Source", text(&contract.source)),
        ]))
    };
    Ok(page(&viewer, Section::Suppliers, &contract.display_name, &content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notice_is_due_before_the_end_by_the_days_it_takes() {
        let end = Some(common::Date { year: 2027, month: 3, day: 1 });
        let contract = supplier::Contract { end_date: end, notice_days: 30, ..Default::default() };
        assert_eq!(deadline(&contract).unwrap().to_string(), "2027-01-30");
        assert_eq!(deadline(&supplier::Contract::default()), None);
    }
}
