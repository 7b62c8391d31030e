//! Contracts ahead: by the quarter in which notice can last be given, and what is at stake.

use jiff::civil::Date;

use super::{amount_cell, count_cell};
use crate::inputs::ContractRow;
use crate::measures::NOTICE_DAYS;
use crate::report::chart::{Chart, ColumnPanel, Columns};
use crate::report::measure::{Measure, Scope, Value};
use crate::report::page::{Block, Cell, Column, Figure, Page, Row, Table};
use crate::report::{Material, text};

/// Quarters that a chart shows one by one; what comes later is one class.
const QUARTERS: usize = 16;

/// The page of contracts.
pub(super) fn page(material: &Material) -> Page {
    let mut blocks = Vec::new();
    if material.count("supplier.contracts", &Scope::all()) > 0 {
        blocks.push(Block::Text(register(material)));
        blocks.push(Block::Figure(figure(material)));
        blocks.push(Block::Table(due_table(material, 6)));
        blocks.push(Block::Table(owner_table(material)));
    }
    Page {
        id: "contracts",
        name: "Contracts",
        finding: finding(material),
        illustrative: material.inputs.contracts.iter().any(|contract| contract.illustrative),
        blocks,
    }
}

/// What the contracts ask for, in a sentence.
pub(super) fn finding(material: &Material) -> String {
    let due = material.count("supplier.notice_due", &Scope::all());
    let from = text::date(material.now.register_date);
    if material.count("supplier.contracts", &Scope::all()) == 0 {
        return "No contract is on record: import the contracts register".to_owned();
    }
    if due == 0 {
        return format!("No contract needs a decision in the {NOTICE_DAYS} days from {from}");
    }
    let worth = sums(material, "supplier.notice_due_committed");
    let worth = if worth.is_empty() { String::new() } else { format!(" worth {}", text::list(&worth)) };
    let (subject, verb) =
        if due == 1 { ("1 contract".to_owned(), "needs") } else { (format!("{} contracts", text::count(due)), "need") };
    format!("{subject}{worth} {verb} a decision in the {NOTICE_DAYS} days from {from}")
}

/// The totals of an exact sum, one per currency and source, as spoken.
pub(super) fn sums(material: &Material, id: &str) -> Vec<String> {
    let totals = material.measures().iter().filter(|measure| {
        measure.id == id && measure.scope.parts().all(|(name, _)| name == "currency" || name == "source")
    });
    totals
        .filter_map(|measure| match &measure.value {
            Value::Exact(value, _) => Some(text::short_amount(value, &measure.unit)),
            _ => None,
        })
        .collect()
}

fn register(material: &Material) -> String {
    let count = material.count("supplier.contracts", &Scope::all());
    let source = material.total("supplier.contracts").map_or("", |measure| measure.source.as_str());
    let exact: Vec<String> = material
        .measures()
        .iter()
        .filter(|measure| {
            measure.id == "supplier.committed"
                && !measure.scope.parts().any(|(name, _)| name == "quarter" || name == "owner_unit")
        })
        .filter_map(|measure| match &measure.value {
            Value::Exact(value, digits) => Some(text::amount(value, *digits, &measure.unit)),
            _ => None,
        })
        .collect();
    format!(
        "The register holds {}, committing {} over their whole terms. Source: {source}.",
        text::counted(count, "contract"),
        text::list(&exact)
    )
}

/// Quarters from the register's date on, the later ones as one; what has ended before comes first.
fn classes<'a>(material: &'a Material) -> Vec<(String, Vec<&'a Measure>)> {
    let this = quarter(material.now.register_date);
    let by: Vec<&Measure> = material
        .measures()
        .iter()
        .filter(|measure| measure.id == "supplier.contracts" && measure.scope.is_by(&["quarter"]))
        .collect();
    let name = |measure: &Measure| measure.scope.text("quarter").unwrap_or_default();
    let mut classes: Vec<(String, Vec<&Measure>)> = Vec::new();
    let past: Vec<&Measure> = by.iter().copied().filter(|measure| name(measure) < this).collect();
    if !past.is_empty() {
        classes.push(("past".to_owned(), past));
    }
    let mut quarter = this;
    for _ in 0..QUARTERS {
        classes.push((quarter.clone(), by.iter().copied().filter(|measure| name(measure) == quarter).collect()));
        quarter = next(&quarter);
    }
    let later: Vec<&Measure> =
        by.iter().copied().filter(|measure| name(measure) >= quarter && name(measure) != "open-ended").collect();
    if !later.is_empty() {
        classes.push(("later".to_owned(), later));
    }
    let open: Vec<&Measure> = by.into_iter().filter(|measure| name(measure) == "open-ended").collect();
    if !open.is_empty() {
        classes.push(("open-ended".to_owned(), open));
    }
    classes
}

fn quarter(on: Date) -> String {
    crate::measures::quarter(on)
}

fn next(quarter: &str) -> String {
    let (year, number) = quarter.split_once("-Q").unwrap_or((quarter, "4"));
    match (year.parse::<i32>(), number) {
        (Ok(year), "4") => format!("{}-Q1", year + 1),
        (_, number) => format!("{year}-Q{}", number.parse::<u8>().map_or(1, |number| number + 1)),
    }
}

fn figure(material: &Material) -> Figure {
    let classes = classes(material);
    let mut groups = Vec::new();
    for (index, (name, _)) in classes.iter().enumerate() {
        let year = name.split_once("-Q").map_or("", |(year, _)| year);
        if groups.last().is_none_or(|(_, last): &(usize, String)| last != year) {
            groups.push((index, year.to_owned()));
        }
    }
    let drawn = |name: &str, value: f64| (name != "later").then_some(value);
    let counts = classes.iter().map(|(name, measures)| {
        let sum: u64 = measures.iter().map(|measure| measure.count()).sum();
        (drawn(name, crate::stats::wilson::count(sum)), if sum == 0 { String::new() } else { text::count(sum) })
    });
    let mut panels = vec![ColumnPanel { title: "Contracts".to_owned(), values: counts.collect() }];
    for unit in units(material) {
        let values = classes.iter().map(|(name, measures)| {
            let worth: f64 = measures.iter().filter_map(|measure| worth(material, measure, &unit)).sum();
            let label = match worth {
                0.0 => String::new(),
                worth if worth < 9.95 => format!("{worth:.1}"),
                worth => format!("{worth:.0}"),
            };
            (drawn(name, worth), label)
        });
        panels.push(ColumnPanel { title: format!("Committed, {unit} million"), values: values.collect() });
    }
    let shown = |(name, measures): &(String, Vec<&Measure>)| {
        let sum: u64 = measures.iter().map(|measure| measure.count()).sum();
        (sum > 0).then(|| format!("{name}: {}", text::count(sum)))
    };
    Figure {
        id: "contracts-quarters",
        caption: format!(
            "Contracts and committed amounts by quarter of the notice deadline, from {}",
            text::date(material.now.register_date)
        ),
        description: format!(
            "Contracts by quarter: {}.",
            classes.iter().filter_map(shown).collect::<Vec<_>>().join(", ")
        ),
        chart: Chart::Columns(Columns {
            classes: classes
                .iter()
                .map(|(name, _)| {
                    name.split_once('-')
                        .map_or(name.clone(), |(_, q)| if name == "open-ended" { name.clone() } else { q.to_owned() })
                })
                .collect(),
            groups,
            panels,
        }),
        table: quarter_table(material),
        notes: notes(material),
    }
}

fn notes(material: &Material) -> Vec<String> {
    let contracts = &material.inputs.contracts;
    let unstated = contracts.iter().filter(|contract| !contract.notice_stated).count() as u64;
    let zero = contracts.iter().filter(|contract| contract.committed.is_none_or(|money| money.minor_units == 0)).count()
        as u64;
    let mut notes = vec![format!(
        "Later quarters are summed and not drawn; the table has them one by one. {} of {} contracts state no notice period: their last day stands for the deadline, and the real one may be earlier.",
        text::count(unstated),
        text::count(contracts.len() as u64),
    )];
    if zero > 0 {
        notes.push(format!(
            "No committed amount, or zero: {} of {} contracts.",
            text::count(zero),
            text::count(contracts.len() as u64)
        ));
    }
    if contracts.iter().any(|contract| contract.late) {
        notes.push(format!(
            "The register was first recorded after the as-of and is shown as first recorded; \"ahead\" is counted from its newest contract start, {}.",
            text::date(material.now.register_date),
        ));
    }
    notes
}

fn units(material: &Material) -> Vec<String> {
    let mut units: Vec<String> = material
        .measures()
        .iter()
        .filter(|measure| measure.id == "supplier.committed")
        .map(|measure| measure.unit.clone())
        .collect();
    units.sort();
    units.dedup();
    units
}

/// Millions of a currency behind a count of contracts, for drawing.
fn worth(material: &Material, contracts: &Measure, unit: &str) -> Option<f64> {
    let same = |measure: &&Measure| {
        measure.id == "supplier.committed"
            && measure.unit == unit
            && contracts.scope.parts().all(|(name, part)| measure.scope.get(name) == Some(part))
    };
    let found: Vec<f64> = material
        .measures()
        .iter()
        .filter(same)
        .filter_map(|measure| match &measure.value {
            Value::Exact(value, _) => Some(text::millions(value)),
            _ => None,
        })
        .collect();
    (!found.is_empty()).then(|| found.iter().sum())
}

fn quarter_table(material: &Material) -> Table {
    let units = units(material);
    let mut columns = vec![Column::text("Deadline in"), Column::number("Contracts", "")];
    columns.extend(units.iter().map(|unit| Column::number("Committed", unit)));
    let cells = |contracts: &Measure, label: String| {
        let mut cells = vec![Cell::text(label), count_cell(Some(contracts))];
        for unit in &units {
            let sum = material.measures().iter().find(|measure| {
                measure.id == "supplier.committed"
                    && measure.unit == *unit
                    && measure.scope.parts().all(|(name, part)| {
                        name == "currency" || name == "source" || contracts.scope.get(name) == Some(part)
                    })
                    && contracts.scope.parts().all(|(name, part)| measure.scope.get(name) == Some(part))
            });
            cells.push(amount_cell(sum));
        }
        cells
    };
    let by = material.measures().iter().filter(|m| m.id == "supplier.contracts" && m.scope.is_by(&["quarter"]));
    let mut rows: Vec<Row> =
        by.map(|measure| Row::of(cells(measure, measure.scope.text("quarter").unwrap_or_default()))).collect();
    rows.extend(material.total("supplier.contracts").map(|total| Row::of(cells(total, "All".to_owned())).total()));
    Table { caption: "Contracts by quarter of the notice deadline".to_owned(), columns, rows, long: true }
}

fn owner_table(material: &Material) -> Table {
    let mut by: Vec<&Measure> =
        material.measures().iter().filter(|m| m.id == "supplier.contracts" && m.scope.is_by(&["owner_unit"])).collect();
    by.sort_by(|a, b| b.count().cmp(&a.count()).then_with(|| a.scope.cmp(&b.scope)));
    let rows = by.into_iter().map(|contracts| {
        let name = contracts.scope.text("owner_unit").unwrap_or_default();
        let sum = material.get("supplier.committed", &contracts.scope);
        Row::of(vec![
            Cell::text(if name.is_empty() { "not stated" } else { &name }),
            count_cell(Some(contracts)),
            Cell::text(sum.map_or("", |measure| measure.unit.as_str())),
            amount_cell(sum),
        ])
    });
    Table {
        caption: "Contracts by the part of the organisation that holds them".to_owned(),
        columns: vec![
            Column::text("Held by"),
            Column::number("Contracts", ""),
            Column::text("Currency"),
            Column::number("Committed", ""),
        ],
        rows: rows.collect(),
        long: true,
    }
}

/// The contracts on which a decision is due, the largest first.
pub(super) fn due_table(material: &Material, limit: usize) -> Table {
    let rows = material.now.due.iter().take(limit).map(|contract| {
        Row::of(vec![
            Cell::text(title(contract)),
            Cell::text(contract.supplier.as_str()),
            Cell::text(if contract.owner_unit.is_empty() { "not stated" } else { &contract.owner_unit }),
            Cell::text(contract.deadline_on.map_or_else(String::new, |on| on.strftime("%-d %b %Y").to_string())),
            Cell::text(contract.committed.map_or_else(
                || "–".to_owned(),
                |money| text::amount(&money.value(), money.currency.minor_digits(), money.currency.code()),
            )),
        ])
    });
    Table {
        caption: format!(
            "Decisions due: the {} largest of {}",
            limit.min(material.now.due.len()),
            text::count(material.now.due.len() as u64)
        ),
        columns: vec![
            Column::text("Contract"),
            Column::text("Supplier"),
            Column::text("Held by"),
            Column::text("Deadline"),
            Column::number("Committed", ""),
        ],
        rows: rows.collect(),
        long: false,
    }
}

/// A title in one line.
fn title(contract: &ContractRow) -> String {
    contract.display_name.split_whitespace().collect::<Vec<_>>().join(" ")
}
