//! Suppliers: their contracts, the notice that is due, and the tickets they hold now.

use axum::extract::{Path, Query};
use maud::{Markup, html};
use proto::supplier::v1 as supplier;

use super::contracts::{self, held};
use super::list::{self, Column, Found, List, Selection, column, sorted};
use super::page::{Section, page};
use super::part::{asked, facts, id, illustrative, nothing, number, outage, resource, text};
use super::query::{self, OPEN, URGENT, and, has, is};
use super::viewer::{Refusal, Viewer};
use crate::explain::lower;

/// Contracts of which the held tickets can be asked for together: filters have a longest length.
const TOGETHER: usize = 40;

const COLUMNS: [Column; 4] = [
    sorted("Supplier", "display_name"),
    column("Category"),
    sorted("Manager", "manager"),
    sorted("Country", "country_code"),
];

pub(super) async fn list(viewer: Viewer, Query(selection): Query<Selection>) -> Result<Markup, Refusal> {
    let request = supplier::ListSuppliersRequest {
        page_size: list::PAGE,
        page_token: selection.page_token.clone(),
        filter: selection.filter.clone(),
        order_by: selection.order_by.clone(),
        ..Default::default()
    };
    let rows = viewer.list_suppliers(request).await.map(|answer| Found {
        rows: answer
            .suppliers
            .iter()
            .map(|supplier| {
                html! {
                    tr {
                        th scope="row" { (resource(&supplier.name, &supplier.display_name)) (illustrative(supplier.illustrative)) }
                        td { (category(supplier)) }
                        td { (id(&supplier.manager)) }
                        td { (supplier.country_code) }
                    }
                }
            })
            .collect(),
        next_page_token: answer.next_page_token,
        total: None,
    });
    let soon = query::notice_within(viewer.now, 90);
    let list = List {
        section: Section::Suppliers,
        path: "/suppliers",
        noun: ("supplier", "suppliers"),
        example: "category = STRATEGIC",
        saved: &[
            ("All", String::new(), ""),
            ("Strategic", "category = STRATEGIC".to_owned(), ""),
            ("Without a manager", "NOT manager:*".to_owned(), ""),
        ],
        columns: &COLUMNS,
    };
    let beside = html! {
        p.note { a href="/contracts" { "All contracts" } " · " a href=(query::contracts(&soon)) { "Notice within 90 days" } }
    };
    list.show_with(&viewer, &selection, rows, &beside)
}

fn category(supplier: &supplier::Supplier) -> String {
    match supplier.category() {
        supplier::SupplierCategory::Unspecified => String::new(),
        category => lower(category.as_str_name(), "SUPPLIER_CATEGORY_"),
    }
}

pub(super) async fn show(viewer: Viewer, Path(supplier): Path<String>) -> Result<Markup, Refusal> {
    let name = format!("suppliers/{supplier}");
    let supplier = viewer.get_supplier(supplier::GetSupplierRequest { name: name.clone() }).await?;
    let theirs = format!("({} OR {})", is("supplier", &name), has("additional_suppliers", &name));
    let soon = and(&theirs, &query::notice_within(viewer.now, 90));
    let (contracts, notice, count, held) = tokio::join!(
        contracts::first(&viewer, &theirs, "end_date desc", 1000),
        contracts::first(&viewer, &soon, "notice_deadline_date", 20),
        viewer.count_contracts(&theirs),
        held(&viewer),
    );
    let lacks = [contracts.as_ref().err(), notice.as_ref().err(), held.as_ref().err()];
    let names: Vec<&str> = contracts.iter().flatten().map(|contract| contract.name.as_str()).collect();
    let with_them = held.as_ref().map(|held| names.iter().filter_map(|name| held.get(*name)).sum::<i64>());
    let identifiers: Vec<String> =
        supplier.identifiers.iter().map(|identifier| format!("{} {}", identifier.scheme, identifier.value)).collect();
    let together = names.iter().map(|name| is("assignment.contract", name)).collect::<Vec<_>>().join(" OR ");
    let content = html! {
        p.soft { "Supplier · " (id(&name)) }
        h1 { (supplier.display_name) (illustrative(supplier.illustrative)) }
        (outage(&lacks.into_iter().flatten().collect::<Vec<_>>()))
        (facts([
            ("Category", text(category(&supplier))),
            ("Manager", text(&supplier.manager)),
            ("Part of", resource(&supplier.parent, "")),
            ("Country", text(&supplier.country_code)),
            ("Identifiers", text(identifiers.join(", "))),
            ("Contracts", html! {
                @if let Ok(Some(count)) = &count {
                    (number(i64::try_from(*count).unwrap_or(i64::MAX), &query::contracts(&theirs)))
                }
            }),
            ("Tickets it holds", match &with_them {
                Ok(0) => text("none"),
                Ok(count) if names.len() <= TOGETHER => number(*count, &query::tickets(&and(OPEN, &format!("({together})")), URGENT)),
                Ok(count) => text(super::part::grouped(*count)),
                Err(_) => html! {},
            }),
        ]))
        (asked("notice", "Notice within 90 days", &notice, |notice| html! {
            @if notice.is_empty() { (nothing("No notice is due within 90 days.")) }
            @else { (contracts::notice_table(notice, viewer.now)) }
        }))
        (asked("contracts", "Contracts", &contracts, |contracts| html! {
            @if contracts.is_empty() { (nothing("There is no contract with this supplier.")) }
            @else { (contracts::table(contracts, held.as_ref().ok())) }
        }))
    };
    Ok(page(&viewer, Section::Suppliers, &supplier.display_name, &content))
}
