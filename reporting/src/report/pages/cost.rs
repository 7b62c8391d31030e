//! Cost: what was billed, exactly, by service of the catalog and by what the provider calls its services.

use super::amount_cell;
use crate::report::chart::{Bar, Bars, Chart};
use crate::report::measure::{Measure, Scope, Value};
use crate::report::page::{Block, Cell, Column, Figure, Page, Row, Table};
use crate::report::{Material, text};

/// Items that a chart shows one by one.
const ITEMS: usize = 10;

/// The page of cost.
pub(super) fn page(material: &Material) -> Page {
    let mut blocks = Vec::new();
    if totals(material).next().is_some() {
        blocks.push(Block::Text(bill(material)));
        blocks.push(Block::Figure(figure(material)));
        blocks.push(Block::Table(by_service(material)));
    }
    let illustrative = of(material, "service").iter().any(|measure| measure.source.contains("ILLUSTRATIVE"));
    Page { id: "cost", name: "Cloud cost", finding: finding(material), illustrative, blocks }
}

/// The bills, one per currency and source.
fn totals<'a>(material: &'a Material) -> impl Iterator<Item = &'a Measure> {
    material.measures().iter().filter(|measure| {
        measure.id == "cost.billed" && measure.scope.parts().all(|(name, _)| name == "currency" || name == "source")
    })
}

/// The parts of the bills by one dimension, the largest first.
fn of<'a>(material: &'a Material, dimension: &str) -> Vec<&'a Measure> {
    let within = |name: &str| match dimension {
        "provider_service" => ["provider", "provider_service", "currency", "source"].contains(&name),
        _ => [dimension, "currency", "source"].contains(&name),
    };
    let mut found: Vec<&Measure> = material
        .measures()
        .iter()
        .filter(|measure| {
            measure.id == "cost.billed"
                && measure.scope.get(dimension).is_some()
                && measure.scope.parts().all(|(name, _)| within(name))
        })
        .collect();
    found.sort_by(|a, b| exact(b).cmp(&exact(a)).then_with(|| a.scope.cmp(&b.scope)));
    found
}

fn exact(measure: &Measure) -> Option<&domain::amount::Decimal> {
    if let Value::Exact(value, _) = &measure.value { Some(value) } else { None }
}

fn spoken(measure: &Measure) -> String {
    exact(measure).map_or_else(String::new, |value| text::short_amount(value, &measure.unit))
}

/// What was billed and by whom most, in a sentence.
pub(super) fn finding(material: &Material) -> String {
    let bills: Vec<String> = totals(material).map(spoken).collect();
    if bills.is_empty() {
        return "No cost is on record: import a bill in FOCUS form or ledger lines".to_owned();
    }
    let providers = of(material, "provider");
    let Some(most) = providers.first().filter(|_| bills.len() == 1) else {
        return format!("{} were billed, one currency and source at a time", text::list(&bills));
    };
    let share = most.number().zip(totals(material).next().and_then(Measure::number)).filter(|(_, all)| *all > 0.0);
    let share = share.map_or_else(String::new, |(part, all)| text::percent(part / all));
    let dearest = of(material, "provider_service");
    let dearest = dearest.first().map_or_else(String::new, |measure| {
        format!(
            "; the dearest service is {} with {}",
            measure.scope.text("provider_service").unwrap_or_default(),
            spoken(measure)
        )
    });
    format!(
        "{} were billed, {share} of it by {}{dearest}",
        bills[0],
        most.scope.text("provider").filter(|name| !name.is_empty()).unwrap_or_else(|| "an unnamed provider".to_owned()),
    )
}

/// The exact bills with their windows.
fn bill(material: &Material) -> String {
    let said: Vec<String> = totals(material)
        .filter_map(|measure| {
            let Value::Exact(value, digits) = &measure.value else { return None };
            Some(format!(
                "{} in {} for charges of {} ({})",
                text::amount(value, *digits, &measure.unit),
                text::counted(measure.n, "line"),
                measure.window.replace("T00:00:00Z", "").replace('/', " to before "),
                measure.source,
            ))
        })
        .collect();
    format!("Billed: {}. Nothing is added across currencies or sources.", said.join("; "))
}

fn figure(material: &Material) -> Figure {
    let all = of(material, "provider_service");
    let name = |measure: &Measure| measure.scope.text("provider_service").unwrap_or_default();
    let provider = |measure: &Measure| measure.scope.text("provider").unwrap_or_default();
    // What is dear, and all credits: a negative line explains a bill as much as a large one.
    let credits = all.iter().filter(|measure| exact(measure).is_some_and(domain::amount::Decimal::is_negative));
    let shown: Vec<&&Measure> = all
        .iter()
        .take(ITEMS)
        .chain(credits.filter(|measure| !all.iter().take(ITEMS).any(|kept| kept == *measure)))
        .collect();
    let rows = shown.iter().map(|measure| Bar {
        label: format!("{} · {}", name(measure), provider(measure)),
        group: provider(measure),
        value: measure.number().unwrap_or_default(),
        text: exact(measure).map_or_else(String::new, |value| text::plain_amount(value, 2)),
    });
    let units: std::collections::BTreeSet<&str> = all.iter().map(|measure| measure.unit.as_str()).collect();
    let rest = all.len() - shown.len();
    let mut notes = vec![
        "Bars start at zero; lighter bars to the left are credits and adjustments. Exact amounts are in the table."
            .to_owned(),
    ];
    if rest > 0 {
        notes.push(format!(
            "{} with smaller amounts are in the table only.",
            text::counted(rest as u64, "further service")
        ));
    }
    notes.push("No budget is recorded, so nothing is said about too much or too little.".to_owned());
    Figure {
        id: "cost-services",
        caption: format!("Billed cost by provider's service, {}", units.into_iter().collect::<Vec<_>>().join(", ")),
        description: shown
            .iter()
            .take(5)
            .map(|measure| format!("{}: {}", name(measure), spoken(measure)))
            .collect::<Vec<_>>()
            .join("; "),
        chart: Chart::Bars(Bars { rows: rows.collect() }),
        table: item_table(material, &all),
        notes,
    }
}

fn item_table(material: &Material, all: &[&Measure]) -> Table {
    let cell = |measure: &Measure, name: &str| Cell::text(measure.scope.text(name).unwrap_or_default());
    let mut rows: Vec<Row> = all
        .iter()
        .map(|measure| {
            Row::of(vec![
                cell(measure, "provider"),
                cell(measure, "provider_service"),
                Cell::text(text::count(measure.n)),
                Cell::text(measure.unit.as_str()),
                amount_cell(Some(measure)),
            ])
        })
        .collect();
    rows.extend(totals(material).map(|total| {
        Row::of(vec![
            Cell::text("All"),
            Cell::default(),
            Cell::text(text::count(total.n)),
            Cell::text(total.unit.as_str()),
            amount_cell(Some(total)),
        ])
        .total()
    }));
    Table {
        caption: "Billed cost by provider and service".to_owned(),
        columns: vec![
            Column::text("Provider"),
            Column::text("Service of the provider"),
            Column::number("Lines", ""),
            Column::text("Currency"),
            Column::number("Billed", ""),
        ],
        rows,
        long: true,
    }
}

/// The bill by provider; `None` without a bill.
pub(super) fn by_provider(material: &Material) -> Option<Table> {
    let providers = of(material, "provider");
    let rows = providers.iter().map(|measure| {
        Row::of(vec![
            Cell::text(
                measure
                    .scope
                    .text("provider")
                    .filter(|name| !name.is_empty())
                    .unwrap_or_else(|| "not stated".to_owned()),
            ),
            Cell::text(text::count(measure.n)),
            Cell::text(exact(measure).map_or_else(String::new, |value| text::amount(value, 2, &measure.unit))),
        ])
    });
    (!providers.is_empty()).then(|| Table {
        caption: "Billed cost by provider".to_owned(),
        columns: vec![Column::text("Provider"), Column::number("Lines", ""), Column::number("Billed", "")],
        rows: rows.collect(),
        long: false,
    })
}

fn by_service(material: &Material) -> Table {
    let rows = of(material, "service").into_iter().map(|measure| {
        let scope: &Scope = &measure.scope;
        let name = scope.text("service").unwrap_or_default();
        let label = if name.is_empty() { "not allocated to a service" } else { material.service(&name) };
        Row::of(vec![
            Cell::text(label),
            Cell::text(text::count(measure.n)),
            Cell::text(measure.unit.as_str()),
            amount_cell(Some(measure)),
        ])
    });
    Table {
        caption: "Billed cost by service of the catalog".to_owned(),
        columns: vec![
            Column::text("Service"),
            Column::number("Lines", ""),
            Column::text("Currency"),
            Column::number("Billed", ""),
        ],
        rows: rows.collect(),
        long: false,
    }
}
