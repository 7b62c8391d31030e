//! Cost: spend against budget, cost and unit cost of services, and what was billed, exactly.

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
    if has_budget(material) {
        blocks.push(Block::Table(budgets(material)));
    }
    if !material.inputs.costs.is_empty() {
        blocks.push(Block::Table(services(material)));
        blocks.push(Block::Notes(notes(material)));
    }
    if totals(material).next().is_some() {
        blocks.push(Block::Text(bill(material)));
        blocks.push(Block::Figure(figure(material)));
    }
    let illustrative = is_illustrative(material);
    Page { id: "cost", name: "Cost", finding: title(material), illustrative, blocks }
}

/// Spend against budget and the dearest service, in a sentence; what was billed where that is all there is.
pub(super) fn title(material: &Material) -> String {
    let totals = sums(material, "value.budget_variance");
    let said: Vec<String> = totals.filter_map(|variance| over_or_under(material, variance)).collect();
    let mut sentence = if said.is_empty() { finding(material) } else { text::list(&said) };
    let unallocated: Vec<String> = material
        .measures()
        .iter()
        .filter(|measure| measure.id == "value.cost_per_service" && is_nobodys(&measure.scope))
        .filter(|measure| exact(measure).is_some_and(|value| !value.is_zero()))
        .map(spoken)
        .collect();
    if !unallocated.is_empty() {
        sentence = format!("{sentence}; no rule says to which service {} of it belong", text::list(&unallocated));
    }
    sentence
}

/// The measures of that id of everything, one for each currency.
pub(super) fn sums<'a>(material: &'a Material, id: &'a str) -> impl Iterator<Item = &'a Measure> {
    material
        .measures()
        .iter()
        .filter(move |measure| measure.id == id && measure.scope.parts().all(|(name, _)| name == "currency"))
}

/// `EUR 120.00 were spent of a budget of EUR 100.00: EUR 20.00 too much`. `None` without both.
fn over_or_under(material: &Material, variance: &Measure) -> Option<String> {
    let of = |id: &str| material.get(id, &variance.scope).and_then(exact);
    let (spend, budget, over) = (of("value.spend")?, of("value.budget")?, exact(variance)?);
    let unit = &variance.unit;
    let verdict = if over.is_zero() {
        "exactly as planned".to_owned()
    } else if over.is_negative() {
        format!("{} less than planned", text::short_amount(&over.abs(), unit))
    } else {
        format!("{} more than planned", text::short_amount(over, unit))
    };
    let (spend, budget) = (text::short_amount(spend, unit), text::short_amount(budget, unit));
    Some(format!("{spend} were spent against a budget of {budget}: {verdict}"))
}

fn has_budget(material: &Material) -> bool {
    material.measures().iter().any(|measure| measure.id == "value.budget" && measure.value != Value::None)
}

/// Whether a scope of cost names what belongs to nobody.
fn is_nobodys(scope: &Scope) -> bool {
    scope.text("service").is_some_and(|service| service.is_empty()) && scope.get("customer").is_none()
}

/// Whether cost or budgets rest on invented configuration.
pub(super) fn is_illustrative(material: &Material) -> bool {
    let shown = ["value.cost_per_service", "value.budget", "value.spend"];
    let mut measures = material.measures().iter();
    measures.any(|measure| shown.contains(&measure.id.as_str()) && measure.value != Value::None && is_marked(measure))
}

/// The services that cost most, with what each incident cost. `None`: no cost is allocated to a service.
pub(super) fn dearest(material: &Material, limit: usize) -> Option<Table> {
    let costs = material.measures().iter().filter(|measure| measure.id == "value.cost_per_service");
    let named = |measure: &&Measure| measure.scope.text("service").is_some_and(|name| !name.is_empty());
    let mut shown: Vec<&Measure> = costs.filter(named).filter(|measure| exact(measure).is_some()).collect();
    shown.sort_by(|a, b| (&a.unit, exact(b)).cmp(&(&b.unit, exact(a))).then_with(|| a.scope.cmp(&b.scope)));
    let rows = shown.iter().take(limit).map(|cost| {
        let name = cost.scope.text("service").unwrap_or_default();
        let unit = material.get("value.cost_per_ticket", &Scope::one("service", name.as_str()));
        Row::of(vec![
            Cell::text(material.service(&name)),
            Cell::of(cost, exact(cost).map_or_else(String::new, |value| text::short_amount(value, &cost.unit))),
            unit.and_then(|unit| Some(Cell::of(unit, text::short_amount(exact(unit)?, &unit.unit))))
                .unwrap_or_else(|| Cell::text("–")),
        ])
    });
    (!shown.is_empty()).then(|| Table {
        caption: format!("The services that cost most, {}", window(material, "value.cost_per_service")),
        columns: vec![Column::text("Service"), Column::number("Cost", ""), Column::number("Per incident", "")],
        rows: rows.collect(),
        long: false,
    })
}

/// Budgets with what was spent.
fn budgets(material: &Material) -> Table {
    let budgets = material.measures().iter().filter(|measure| measure.id == "value.budget");
    let rows = budgets.map(|budget| {
        let scope = &budget.scope;
        let whole = scope.parts().all(|(name, _)| name == "currency");
        let label = match (scope.text("pool"), scope.text("service")) {
            (Some(pool), _) => format!("Pool {pool}"),
            (_, Some(service)) => material.service(&service).to_owned(),
            _ => "All".to_owned(),
        };
        let variance = material.get("value.budget_variance", scope);
        let reason = variance.and_then(|measure| measure.reason.clone()).unwrap_or_default();
        let row = Row::of(vec![
            Cell::text(label),
            Cell::text(budget.unit.as_str()),
            amount_cell(Some(budget)),
            amount_cell(material.get("value.spend", scope)),
            amount_cell(variance),
            Cell::text(if is_marked(budget) && reason.is_empty() { "ILLUSTRATIVE".to_owned() } else { reason }),
        ]);
        if whole { row.total() } else { row }
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.sort_by_key(|row| row.total);
    Table {
        caption: format!("Spend against budget, {}", window(material, "value.budget")),
        columns: vec![
            Column::text("Budget for"),
            Column::text("Currency"),
            Column::number("Budget", ""),
            Column::number("Spent", ""),
            Column::number("Over (−: under)", ""),
            Column::text("Note"),
        ],
        rows,
        long: false,
    }
}

fn is_marked(measure: &Measure) -> bool {
    measure.source.contains("ILLUSTRATIVE")
}

/// The window of the first measure of an id, as people read it.
fn window(material: &Material, id: &str) -> String {
    let measure = material.measures().iter().find(|measure| measure.id == id && measure.value != Value::None);
    measure.map_or_else(String::new, |measure| spoken_window(&measure.window))
}

/// An interval of whole days: `2016-03-01 to before 2016-04-01`.
pub(super) fn spoken_window(window: &str) -> String {
    window.replace("T00:00:00Z", "").replace('/', " to before ")
}

/// What services cost, as a whole and for each incident resolved; what belongs to no service stands with them.
fn services(material: &Material) -> Table {
    let costs = material.measures().iter().filter(|measure| measure.id == "value.cost_per_service");
    let mut shown: Vec<&Measure> = costs.filter(|measure| measure.value != Value::None).collect();
    shown.sort_by(|a, b| {
        let place = |scope: &Scope| (scope.parts().all(|(name, _)| name == "currency"), is_nobodys(scope));
        let by_amount = || exact(b).cmp(&exact(a)).then_with(|| a.scope.cmp(&b.scope));
        (place(&a.scope), &a.unit).cmp(&(place(&b.scope), &b.unit)).then_with(by_amount)
    });
    let rows = shown.into_iter().map(|cost| {
        let scope = &cost.scope;
        let service = scope.text("service");
        let label = match (service.as_deref(), scope.text("customer")) {
            (_, Some(customer)) => format!("straight to customer {}", text::short_name(&customer)),
            (Some(""), None) => "not allocated: no rule says to whom".to_owned(),
            (Some(name), None) => material.service(name).to_owned(),
            (None, None) => "All".to_owned(),
        };
        let unit = service.filter(|name| !name.is_empty());
        let unit = unit.and_then(|name| material.get("value.cost_per_ticket", &Scope::one("service", name)));
        let note = unit.and_then(|unit| unit.reason.clone());
        let row = Row::of(vec![
            Cell::text(label),
            Cell::text(text::count(cost.n)),
            Cell::text(cost.unit.as_str()),
            amount_cell(Some(cost)),
            unit.map_or_else(Cell::default, |unit| Cell::of(unit, text::count(unit.n))),
            amount_cell(unit),
            Cell::text(note.unwrap_or_else(|| if is_marked(cost) { "ILLUSTRATIVE".to_owned() } else { String::new() })),
        ]);
        if scope.parts().all(|(name, _)| name == "currency") { row.total() } else { row }
    });
    Table {
        caption: format!("Cost per service after allocation, {}", window(material, "value.cost_per_service")),
        columns: vec![
            Column::text("Service"),
            Column::number("Lines", ""),
            Column::text("Currency"),
            Column::number("Cost", ""),
            Column::number("Incidents resolved", ""),
            Column::number("Cost per incident", ""),
            Column::text("Note"),
        ],
        rows: rows.collect(),
        long: false,
    }
}

/// How to read the table of services.
fn notes(material: &Material) -> Vec<String> {
    let mut notes = vec![
        "What a ledger line names goes to that service; the rest by the allocation rule of its pool, and between services step by step. The parts add up to the whole, to the minor unit; currencies are not added.".to_owned(),
    ];
    if !has_budget(material) {
        notes.push("No budget is recorded for any day of the window: budgets for pools or services would say what is too much or too little.".to_owned());
    }
    if material.inputs.rules.is_empty() {
        notes.push(
            "No allocation rule is recorded: rules that share pools out by a driver would give services their cost."
                .to_owned(),
        );
    }
    notes
}

/// The bills, one per currency and source, without what is invented for demonstration.
fn totals<'a>(material: &'a Material) -> impl Iterator<Item = &'a Measure> {
    material.measures().iter().filter(|measure| {
        measure.id == "cost.billed"
            && measure.scope.parts().all(|(name, _)| name == "currency" || name == "source")
            && !is_invented(&measure.scope)
    })
}

/// Whether a scope of a bill holds what is invented for demonstration.
fn is_invented(scope: &Scope) -> bool {
    scope.text("source").is_some_and(|source| source.ends_with("ILLUSTRATIVE"))
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
                && !is_invented(&measure.scope)
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
    if bills.is_empty() && !material.inputs.costs.is_empty() {
        return "The only cost on record is invented for demonstration (ILLUSTRATIVE)".to_owned();
    }
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
                spoken_window(&measure.window),
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
