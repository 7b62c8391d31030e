//! Agreements: what was promised to whom, and by whom it is kept.

use axum::extract::{Path, Query};
use maud::{Markup, html};
use proto::catalog::v1 as catalog;

use super::list::{self, Column, Found, List, Selection, column, sorted};
use super::page::{Section, minute, page};
use super::part::{facts, id, illustrative, money, nothing, resource, resources, section, text};
use super::viewer::{Refusal, Viewer};
use crate::explain::{lower, span, word};

const COLUMNS: [Column; 7] = [
    sorted("Agreement", "display_name"),
    column("Kind"),
    column("Customers"),
    column("Services"),
    sorted("Kept by", "provider"),
    column("Objectives").number(),
    column("Revision").number(),
];

pub(super) async fn list(viewer: Viewer, Query(selection): Query<Selection>) -> Result<Markup, Refusal> {
    let request = catalog::ListAgreementsRequest {
        page_size: list::PAGE,
        page_token: selection.page_token.clone(),
        filter: selection.filter.clone(),
        order_by: selection.order_by.clone(),
        ..Default::default()
    };
    let rows = viewer.list_agreements(request).await.map(|answer| Found {
        rows: answer.agreements.iter().map(row).collect(),
        next_page_token: answer.next_page_token,
        total: None,
    });
    let list = List {
        section: Section::Services,
        path: "/agreements",
        noun: ("agreement", "agreements"),
        example: "kind = SLA",
        saved: &[
            ("All", String::new(), ""),
            ("To customers", "kind = SLA".to_owned(), ""),
            ("Inside", "kind = OLA".to_owned(), ""),
            ("By suppliers", "kind = UNDERPINNING".to_owned(), ""),
        ],
        columns: &COLUMNS,
    };
    list.show(&viewer, &selection, rows)
}

fn row(agreement: &catalog::Agreement) -> Markup {
    html! {
        tr {
            th scope="row" { (resource(&agreement.name, &agreement.display_name)) (illustrative(agreement.illustrative)) }
            td { (kind(agreement)) }
            td { (customers(agreement)) }
            td { (services(agreement)) }
            td { (keeper(agreement)) }
            td.num { (agreement.objectives.len()) }
            td.num { @if agreement.revision > 0 { (agreement.revision) } @else { span.soft { "draft" } } }
        }
    }
}

pub(super) async fn show(viewer: Viewer, Path(agreement): Path<String>) -> Result<Markup, Refusal> {
    let name = format!("agreements/{agreement}");
    let agreement = viewer.get_agreement(catalog::GetAgreementRequest { name }).await?;
    let goal = agreement.attainment_goal_percent.as_ref().map(|goal| format!("{} % of clocks met", goal.value));
    let content = html! {
        p.soft { (kind(&agreement)) " · " (id(&agreement.name)) }
        h1 { (agreement.display_name) (illustrative(agreement.illustrative)) }
        (facts([
            ("Customers", customers(&agreement)),
            ("Services", services(&agreement)),
            ("Kept by", keeper(&agreement)),
            ("Goal", text(goal.unwrap_or_default())),
            ("Monthly charge", text(money(agreement.monthly_charge.as_ref()))),
            ("In force", text(if agreement.revision > 0 {
                format!("revision {} since {}", agreement.revision, minute(agreement.effective_time.as_ref()))
            } else { "not published yet".to_owned() })),
        ]))
        (section("objectives", "Objectives", &objectives(std::slice::from_ref(&agreement), false)))
        @if !agreement.credit_bands.is_empty() { (section("credits", "Service credits", &credits(&agreement))) }
    };
    Ok(page(&viewer, Section::Services, &agreement.display_name, &content))
}

fn credits(agreement: &catalog::Agreement) -> Markup {
    html! {
        ul.plain { @for band in &agreement.credit_bands { li {
            "Below " (band.below_percent.as_ref().map(|percent| percent.value.as_str()).unwrap_or_default()) " %: "
            @if let Some(share) = &band.charge_percent { (share.value) " % of the monthly charge" }
            @else { (money(band.amount.as_ref())) }
        } } }
    }
}

/// The objectives of agreements, a row each.
pub(super) fn objectives(agreements: &[catalog::Agreement], named: bool) -> Markup {
    let rows: Vec<_> =
        agreements.iter().flat_map(|of| of.objectives.iter().map(move |objective| (of, objective))).collect();
    html! {
        @if rows.is_empty() { (nothing("Nothing is promised.")) }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Objectives" { table {
                thead { tr {
                    @if named { th scope="col" { "Agreement" } th scope="col" { "Kind" } th scope="col" { "For" } }
                    th scope="col" { "Objective" } th scope="col" { "Metric" } th scope="col" { "Practices" }
                    th scope="col" { "Priorities" } th.num scope="col" { "Target" } th scope="col" { "Counted in" }
                } }
                tbody { @for (of, objective) in rows { tr {
                    @if named {
                        td { (resource(&of.name, &of.display_name)) (illustrative(of.illustrative)) }
                        td { (kind(of)) }
                        td { (customers(of)) }
                    }
                    td { (objective.id) }
                    td { (lower(objective.metric().as_str_name(), "METRIC_")) }
                    td { @if objective.practices.is_empty() { "all" } @else { (objective.practices.join(", ")) } }
                    td { (priorities(objective)) }
                    td.num { (target(objective)) }
                    td { @if objective.target.is_some() { @if objective.calendar.is_empty() { "24x7" } @else { (id(&objective.calendar)) } } }
                } } }
            } }
        }
    }
}

fn priorities(objective: &catalog::Objective) -> String {
    if objective.priorities.is_empty() {
        return "all".to_owned();
    }
    objective.priorities.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn target(objective: &catalog::Objective) -> String {
    match (&objective.target, objective.target_months) {
        (Some(target), _) => span(Some(target)),
        (None, 0) => "the agreed date".to_owned(),
        (None, 1) => "1 month".to_owned(),
        (None, months) => format!("{months} months"),
    }
}

fn kind(agreement: &catalog::Agreement) -> &'static str {
    match word(agreement.kind().as_str_name(), "AGREEMENT_KIND_") {
        "UNDERPINNING" => "underpinning",
        "OLA" => "OLA",
        "SLA" => "SLA",
        _ => "",
    }
}

fn customers(agreement: &catalog::Agreement) -> Markup {
    html! { @if agreement.customers.is_empty() { "all" } @else { (resources(&agreement.customers)) } }
}

fn services(agreement: &catalog::Agreement) -> Markup {
    html! {
        @if agreement.services.is_empty() && agreement.lines.is_empty() { "all" }
        @else {
            (resources(&agreement.services))
            @if !agreement.lines.is_empty() {
                @if !agreement.services.is_empty() { ", " } "line " (agreement.lines.join(", "))
            }
        }
    }
}

/// Who keeps it: the provider as a whole, a group, or the supplier of a contract.
fn keeper(agreement: &catalog::Agreement) -> Markup {
    html! {
        @if agreement.provider.starts_with("contracts/") { (resource(&agreement.provider, "")) }
        @else { (id(&agreement.provider)) }
    }
}
