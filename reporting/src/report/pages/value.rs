//! Value: benefits planned and realised against objectives, and the service credits at stake.

use domain::amount::{Currency, Decimal};

use super::amount_cell;
use super::cost::{spoken_window, sums};
use crate::inputs::Registered;
use crate::report::measure::{Measure, Value};
use crate::report::page::{Block, Cell, Column, Page, Row, Table};
use crate::report::{Material, text};

/// The page of value.
pub(super) fn page(material: &Material) -> Page {
    let mut blocks = Vec::new();
    if !material.inputs.benefits.is_empty() {
        blocks.push(Block::Table(by_objective(material)));
        blocks.push(Block::Table(benefits(material)));
        blocks.push(Block::Notes(vec![
            "A benefit counts as a whole when it has a day in the window. Low and high of several are added up, which is wider than they are likely to be together. Not recorded is not zero.".to_owned(),
        ]));
    }
    if of(material, "value.credit_exposure").any(|measure| measure.scope.get("agreement").is_some()) {
        blocks.push(Block::Table(credits(material)));
    }
    Page { id: "value", name: "Value", finding: finding(material), illustrative: is_illustrative(material), blocks }
}

fn of<'a>(material: &'a Material, id: &'a str) -> impl Iterator<Item = &'a Measure> {
    material.measures().iter().filter(move |measure| measure.id == id)
}

fn spoken(measure: &Measure) -> Option<String> {
    let Value::Exact(value, _) = &measure.value else { return None };
    Some(text::short_amount(value, &measure.unit))
}

/// Whether benefits or credits rest on invented configuration.
pub(super) fn is_illustrative(material: &Material) -> bool {
    ["value.benefit_planned", "value.benefit_realised", "value.credit_exposure"]
        .into_iter()
        .flat_map(|id| of(material, id))
        .any(|measure| measure.value != Value::None && measure.source.contains("ILLUSTRATIVE"))
}

/// What was planned and what came of it, one row for each currency. `None`: no benefit is recorded.
pub(super) fn summary(material: &Material) -> Option<Table> {
    let totals = sums(material, "value.benefit_planned").filter(|measure| measure.value != Value::None);
    let rows: Vec<Row> = totals
        .map(|planned| {
            let realised = material.get("value.benefit_realised", &planned.scope);
            let recorded = realised.filter(|realised| realised.n > 0);
            Row::of(vec![
                Cell::text(planned.unit.as_str()),
                bound(planned, 0),
                amount_cell(Some(planned)),
                bound(planned, 1),
                recorded.map_or_else(|| Cell::text("not recorded"), |realised| amount_cell(Some(realised))),
            ])
        })
        .collect();
    (!rows.is_empty()).then(|| Table {
        caption: "Benefits planned and realised".to_owned(),
        columns: vec![
            Column::text("Currency"),
            Column::number("Low", ""),
            Column::number("Likely", ""),
            Column::number("High", ""),
            Column::number("Realised", ""),
        ],
        rows,
        long: false,
    })
}

/// What service credits follow from what was missed, in a clause.
pub(super) fn credits_due(material: &Material) -> String {
    let credits: Vec<String> = sums(material, "value.credit_exposure").filter_map(spoken).collect();
    if credits.is_empty() {
        "no service credits are due, or no agreement says what they are".to_owned()
    } else {
        format!("service credits of {} follow from what was missed", text::list(&credits))
    }
}

/// What was planned, what came of it and what is at stake, in a sentence.
fn finding(material: &Material) -> String {
    let none = sums(material, "value.credit_exposure").find_map(spoken).is_none();
    let benefits = returned(material);
    if none { benefits } else { format!("{benefits}; {}", credits_due(material)) }
}

/// What was planned and what came of it, in a sentence.
pub(super) fn returned(material: &Material) -> String {
    let planned: Vec<String> = sums(material, "value.benefit_planned").filter_map(spoken).collect();
    if planned.is_empty() {
        "No benefit is recorded: record benefits with low, likely and high against objectives".to_owned()
    } else {
        let realised: Vec<String> = sums(material, "value.benefit_realised").filter_map(spoken).collect();
        let realised = if realised.is_empty() {
            "nothing realised is recorded".to_owned()
        } else {
            format!("{} were realised", text::list(&realised))
        };
        format!("Benefits of {} are planned and {realised}", text::list(&planned))
    }
}

/// A bound of a plan as an amount.
fn bound(measure: &Measure, index: usize) -> Cell {
    let digits = Currency::parse(&measure.unit).map_or(2, |currency| currency.minor_digits());
    let value = measure.interval.and_then(|ends| ends.get(index).copied().flatten());
    let decimal = value.and_then(|value| Decimal::parse(&format!("{value:.0$}", digits as usize)).ok());
    Cell::text(decimal.map_or_else(String::new, |value| text::plain_amount(&value, digits)))
}

fn by_objective(material: &Material) -> Table {
    let planned = of(material, "value.benefit_planned").filter(|measure| measure.scope.get("service").is_none());
    let mut rows: Vec<Row> = planned
        .map(|measure| {
            let objective = measure.scope.text("objective");
            let label = match objective.as_deref() {
                Some("") => "no objective named",
                Some(name) => {
                    let known = material.inputs.estate.objectives.get(name);
                    known.map_or_else(|| text::short_name(name), |objective| &objective.display_name)
                }
                None => "All",
            };
            let realised = material.get("value.benefit_realised", &measure.scope);
            let recorded = realised.map_or(0, |realised| realised.n);
            let row = Row::of(vec![
                Cell::text(label),
                Cell::of(measure, text::count(measure.n)),
                Cell::text(measure.unit.as_str()),
                bound(measure, 0),
                amount_cell(Some(measure)),
                bound(measure, 1),
                if recorded == 0 { Cell::text("not recorded") } else { amount_cell(realised) },
                Cell::text(format!("{} of {}", text::count(recorded), text::count(measure.n))),
            ]);
            if objective.is_none() { row.total() } else { row }
        })
        .collect();
    rows.sort_by_key(|row| row.total);
    let window = sums(material, "value.benefit_planned").next().map(|measure| spoken_window(&measure.window));
    Table {
        caption: format!("Benefits by objective, {}", window.unwrap_or_default()),
        columns: vec![
            Column::text("Objective"),
            Column::number("Benefits", ""),
            Column::text("Currency"),
            Column::number("Planned, low", ""),
            Column::number("Planned, likely", ""),
            Column::number("Planned, high", ""),
            Column::number("Realised", ""),
            Column::number("Recorded for", ""),
        ],
        rows,
        long: false,
    }
}

/// Every benefit on record, with who answers for it and what shows it.
fn benefits(material: &Material) -> Table {
    let rows = material.inputs.benefits.iter().map(|Registered { content: benefit, .. }| {
        let digits = benefit.planned.likely.currency.minor_digits();
        let amount = |money: domain::amount::Money| text::plain_amount(&money.value(), digits);
        let shown = [benefit.evidence.as_str(), benefit.evidence_link.as_str()];
        let evidence: Vec<&str> = shown.into_iter().filter(|text| !text.is_empty()).collect();
        let mark = if benefit.illustrative { " (ILLUSTRATIVE)" } else { "" };
        let service = if benefit.service.is_empty() { "" } else { material.service(&benefit.service) };
        Row::of(vec![
            Cell::text(format!("{}{mark}", benefit.display_name)),
            Cell::text(service),
            Cell::text(format!("{} to {}", benefit.start_on, benefit.end_on)),
            Cell::text(benefit.planned.likely.currency.to_string()),
            Cell::text(amount(benefit.planned.likely)),
            Cell::text(benefit.realised.map_or_else(|| "not recorded".to_owned(), amount)),
            Cell::text(if evidence.is_empty() { "none recorded".to_owned() } else { evidence.join(", ") }),
            Cell::text(if benefit.owner.is_empty() { "nobody named" } else { text::short_name(&benefit.owner) }),
        ])
    });
    Table {
        caption: "Benefits on record".to_owned(),
        columns: vec![
            Column::text("Benefit"),
            Column::text("Service"),
            Column::text("Period"),
            Column::text("Currency"),
            Column::number("Planned, likely", ""),
            Column::number("Realised", ""),
            Column::text("Evidence"),
            Column::text("Owner"),
        ],
        rows: rows.collect(),
        long: false,
    }
}

fn credits(material: &Material) -> Table {
    let rows = of(material, "value.credit_exposure").filter_map(|measure| {
        let name = measure.scope.text("agreement")?;
        let agreement = material.inputs.agreements.iter().rfind(|row| row.name == name);
        let label = agreement.map(|row| row.display_name.as_str()).filter(|text| !text.is_empty());
        let mark = if measure.source.contains("ILLUSTRATIVE") { "ILLUSTRATIVE" } else { "" };
        Some(Row::of(vec![
            Cell::text(label.unwrap_or_else(|| text::short_name(&name))),
            Cell::of(measure, text::count(measure.n)),
            Cell::text(measure.unit.as_str()),
            amount_cell(Some(measure)),
            Cell::text(measure.reason.as_deref().unwrap_or(mark)),
        ]))
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.extend(sums(material, "value.credit_exposure").filter(|measure| measure.value != Value::None).map(
        |measure| {
            Row::of(vec![
                Cell::text("All"),
                Cell::of(measure, text::count(measure.n)),
                Cell::text(measure.unit.as_str()),
                amount_cell(Some(measure)),
                Cell::default(),
            ])
            .total()
        },
    ));
    Table {
        caption: "Service credits that follow from attainment, by agreement".to_owned(),
        columns: vec![
            Column::text("Agreement"),
            Column::number("Clocks", ""),
            Column::text("Currency"),
            Column::number("Credits", ""),
            Column::text("Note"),
        ],
        rows,
        long: false,
    }
}
