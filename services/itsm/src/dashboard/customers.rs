//! Customers: whom they are part of, what they were promised, and how they fare now.

use axum::extract::{Path, Query};
use maud::{Markup, html};
use proto::catalog::v1 as catalog;

use super::agreements::objectives;
use super::list::{self, Column, List, Rows, Selection, column, sorted};
use super::page::{Section, page};
use super::part::{asked, facts, id, illustrative, nothing, number, outage, resource, section, text};
use super::query::{self, BREACHED, NEXT_DUE, OPEN, URGENT, and, has, is};
use super::services::by_value;
use super::viewer::{Asked, Refusal, Viewer};
use super::{queue, tickets};

/// Customers above one another that are looked up.
const DEPTH: usize = 16;

const COLUMNS: [Column; 5] = [
    sorted("Customer", "display_name"),
    sorted("Part of", "parent"),
    sorted("Business unit", "business_unit"),
    column("Open").number(),
    column("Beyond target").number(),
];

pub(super) async fn list(viewer: Viewer, Query(selection): Query<Selection>) -> Result<Markup, Refusal> {
    let request = catalog::ListCustomersRequest {
        page_size: list::PAGE,
        page_token: selection.page_token.clone(),
        filter: selection.filter.clone(),
        order_by: selection.order_by.clone(),
        ..Default::default()
    };
    let late = and(OPEN, BREACHED);
    let (answer, open, late) =
        tokio::join!(viewer.list_customers(request), viewer.counts(OPEN, "customer"), viewer.counts(&late, "customer"));
    let (open, late) = (by_value(open), by_value(late));
    let rows = answer.map(|answer| Rows {
        rows: answer
            .customers
            .iter()
            .map(|customer| {
                let of = |counts: &Asked<std::collections::BTreeMap<String, i64>>, filter: &str| {
                    let filter = and(&and(OPEN, &is("customer", &customer.name)), filter);
                    let address = query::tickets(&filter, URGENT);
                    let count = counts.as_ref().map(|counts| counts.get(&customer.name).copied().unwrap_or_default());
                    html! { @match count { Ok(count) => (number(count, &address)), Err(_) => "—" } }
                };
                html! {
                    tr {
                        th scope="row" { (resource(&customer.name, &customer.display_name)) (illustrative(customer.illustrative)) }
                        td { (resource(&customer.parent, "")) }
                        td { (customer.business_unit) }
                        td.num { (of(&open, "")) }
                        td.num { (of(&late, BREACHED)) }
                    }
                }
            })
            .collect(),
        next_page_token: answer.next_page_token,
        total: None,
    });
    let list = List {
        section: Section::Customers,
        path: "/customers",
        noun: ("customer", "customers"),
        example: "parent = \"customers/group\"",
        saved: &[("All", String::new(), ""), ("Not part of another", "NOT parent:*".to_owned(), "")],
        columns: &COLUMNS,
    };
    list.show(&viewer, &selection, rows)
}

pub(super) async fn show(viewer: Viewer, Path(customer): Path<String>) -> Result<Markup, Refusal> {
    let name = format!("customers/{customer}");
    let customer = viewer.get_customer(catalog::GetCustomerRequest { name: name.clone() }).await?;
    let above = above(&viewer, &customer.parent).await;
    let scope = is("customer", &name);
    let promised: Vec<String> = std::iter::once(name.as_str())
        .chain(above.iter().map(|of| of.name.as_str()))
        .map(|of| has("customers", of))
        .collect();
    let (below, agreements, queues, due) = tokio::join!(
        viewer.list_customers(catalog::ListCustomersRequest {
            filter: is("parent", &name),
            page_size: 1000,
            ..Default::default()
        }),
        viewer.list_agreements(catalog::ListAgreementsRequest {
            filter: format!("kind = SLA AND ({} OR NOT customers:*)", promised.join(" OR ")),
            page_size: 1000,
            ..Default::default()
        }),
        queue::queues(&viewer, &scope, "priority"),
        tickets::next_due(&viewer, &scope),
    );
    let lacks = [below.as_ref().err(), agreements.as_ref().err(), queues.as_ref().err(), due.as_ref().err()];
    let all = and(OPEN, &scope);
    let content = html! {
        p.soft { "Customer · " (id(&name)) }
        h1 { (customer.display_name) (illustrative(customer.illustrative)) }
        (outage(&lacks.into_iter().flatten().collect::<Vec<_>>()))
        (facts([
            ("Part of", html! {
                @for (at, of) in above.iter().enumerate() { @if at > 0 { " › " } (resource(&of.name, &of.display_name)) }
            }),
            ("Business unit", text(&customer.business_unit)),
            ("LEI", text(&customer.lei)),
        ]))
        (asked("open", "Open tickets", &queues, |queues| html! {
            @if queues.is_empty() { (nothing("No ticket of this customer is open.")) }
            @else { (queues.table("Priority", 10, true, |value| text(format!("P{value}")))) }
        }))
        (asked("due", "Clocks, next due first", &due, |due| tickets::due_table(&viewer, due, &query::tickets(&and(&all, query::DUE_SOON), NEXT_DUE))))
        (asked("agreements", "What was promised", &agreements, |answer| objectives(&answer.agreements, true)))
        @if let Ok(below) = &below {
            @if !below.customers.is_empty() {
                (section("below", "Customers that are part of it", &html! {
                    ul.plain { @for of in &below.customers { li { (resource(&of.name, &of.display_name)) } } }
                }))
            }
        }
        p.note { a href=(query::tickets(&scope, "open_time desc")) { "Every ticket of this customer" } }
    };
    Ok(page(&viewer, Section::Customers, &customer.display_name, &content))
}

/// The customers that this one is part of, the nearest first. One that cannot be read ends the way.
async fn above(viewer: &Viewer, parent: &str) -> Vec<catalog::Customer> {
    let mut above: Vec<catalog::Customer> = Vec::new();
    let mut next = parent.to_owned();
    while !next.is_empty() && above.len() < DEPTH {
        let Ok(customer) = viewer.get_customer(catalog::GetCustomerRequest { name: std::mem::take(&mut next) }).await
        else {
            break;
        };
        next = customer.parent.clone();
        above.push(customer);
    }
    above
}
