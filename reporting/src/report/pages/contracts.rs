//! Contracts ahead: by the quarter in which notice can last be given, and what is at stake.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{amount_cell, count_cell};
use crate::inputs::ContractRow;
use crate::measures::{NOTICE_DAYS, Register};
use crate::report::chart::{Chart, ColumnPanel, Columns};
use crate::report::measure::{Measure, Scope, Value};
use crate::report::page::{Block, Cell, Column, Figure, Page, Row, Table};
use crate::report::{Material, text};

/// Quarters that a chart shows one by one; what comes later is one class.
const QUARTERS: usize = 16;

/// What the figures are called, register by register; the tables of further ones stand alone.
const FIGURES: [&str; 4] =
    ["contracts-quarters", "contracts-quarters-2", "contracts-quarters-3", "contracts-quarters-4"];

/// The page of contracts: one register after the other, for what different people record is not added up.
pub(super) fn page(material: &Material) -> Page {
    let mut blocks = Vec::new();
    for (number, register) in material.now.registers.iter().enumerate().filter(|(_, r)| !r.contracts.is_empty()) {
        let shown = Shown { material, register };
        blocks.push(Block::Text(shown.register()));
        blocks.extend(FIGURES.get(number).map(|id| Block::Figure(shown.figure(id))));
        blocks.push(Block::Table(due_table(&[register], 6)));
        blocks.push(Block::Table(shown.owner_table()));
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
    let registers = &material.now.registers;
    if registers.iter().all(|register| register.contracts.is_empty()) {
        return "No contract is on record: import the contracts register".to_owned();
    }
    let said = registers.iter().map(|register| {
        let due = register.due.len() as u64;
        let from = text::date(register.date);
        let mark = if register.is_illustrative() { " (ILLUSTRATIVE)" } else { "" };
        if due == 0 {
            return format!("No contract needs a decision in the {NOTICE_DAYS} days from {from}{mark}");
        }
        let worth = sums(material, "supplier.notice_due_committed", &register.scope);
        let worth = if worth.is_empty() { String::new() } else { format!(" worth {}", text::list(&worth)) };
        let (subject, verb) = if due == 1 {
            ("1 contract".to_owned(), "needs")
        } else {
            (format!("{} contracts", text::count(due)), "need")
        };
        format!("{subject}{worth} {verb} a decision in the {NOTICE_DAYS} days from {from}{mark}")
    });
    said.collect::<Vec<_>>().join("; ")
}

/// How many deadlines are near, in a clause for each register.
pub(super) fn deadlines(material: &Material) -> String {
    let due: usize = material.now.registers.iter().map(|register| register.due.len()).sum();
    match due as u64 {
        0 => format!("No notice deadline lies in the {NOTICE_DAYS} days ahead"),
        due => format!("{} in the {NOTICE_DAYS} days ahead", text::counted(due, "notice deadline")),
    }
}

/// The totals of an exact sum within a scope, one per currency, as spoken.
fn sums(material: &Material, id: &str, scope: &Scope) -> Vec<String> {
    let of = |measure: &&Measure| measure.id == id && beside(&measure.scope, &["currency"]) == *scope;
    let totals = material.measures().iter().filter(of);
    totals
        .filter_map(|measure| match &measure.value {
            Value::Exact(value, _) => Some(text::short_amount(value, &measure.unit)),
            _ => None,
        })
        .collect()
}

/// A scope without these dimensions.
fn beside(scope: &Scope, dimensions: &[&str]) -> Scope {
    let others = scope.parts().filter(|(name, _)| !dimensions.contains(name));
    others.fold(Scope::all(), |scope, (name, part)| scope.with(name, part.clone()))
}

/// A register as the page shows it.
struct Shown<'a> {
    material: &'a Material<'a>,
    register: &'a Register,
}

impl<'a> Shown<'a> {
    /// The measures of the register that are split by this dimension alone, beside the currency.
    fn by(&self, id: &str, dimension: &str) -> Vec<&'a Measure> {
        let holds = |measure: &&Measure| {
            measure.id == id
                && measure.scope.get(dimension).is_some()
                && beside(&measure.scope, &[dimension, "currency"]) == self.register.scope
        };
        self.material.measures().iter().filter(holds).collect()
    }

    fn total(&self) -> Option<&'a Measure> {
        self.material.get("supplier.contracts", &self.register.scope)
    }

    /// What it is called where there are several.
    fn mark(&self) -> String {
        let source = self.register.scope.text("source").map(|source| format!(" ({source})")).unwrap_or_default();
        let invented = if self.register.is_illustrative() { ", ILLUSTRATIVE" } else { "" };
        format!("{source}{invented}")
    }

    fn register(&self) -> String {
        let count = self.register.contracts.len() as u64;
        let source = self.total().map_or("", |measure| measure.source.as_str());
        let exact: Vec<String> = self
            .material
            .measures()
            .iter()
            .filter(|measure| {
                measure.id == "supplier.committed" && beside(&measure.scope, &["currency"]) == self.register.scope
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
    fn classes(&self) -> Vec<(String, Vec<&'a Measure>)> {
        let this = quarter(self.register.date);
        let by = self.by("supplier.contracts", "quarter");
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

    fn figure(&self, id: &'static str) -> Figure {
        let classes = self.classes();
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
        for unit in self.units() {
            let values = classes.iter().map(|(name, measures)| {
                let worth: f64 = measures.iter().filter_map(|measure| self.worth(measure, &unit)).sum();
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
            id,
            caption: format!(
                "Contracts and committed amounts by quarter of the notice deadline, from {}{}",
                text::date(self.register.date),
                self.mark()
            ),
            description: format!(
                "Contracts by quarter: {}.",
                classes.iter().filter_map(shown).collect::<Vec<_>>().join(", ")
            ),
            chart: Chart::Columns(Columns {
                classes: classes
                    .iter()
                    .map(|(name, _)| {
                        name.split_once('-').map_or(name.clone(), |(_, q)| {
                            if name == "open-ended" { name.clone() } else { q.to_owned() }
                        })
                    })
                    .collect(),
                groups,
                panels,
            }),
            table: self.quarter_table(),
            notes: self.notes(),
        }
    }

    fn notes(&self) -> Vec<String> {
        let contracts = &self.register.contracts;
        let unstated = contracts.iter().filter(|contract| !contract.notice_stated).count() as u64;
        let zero =
            contracts.iter().filter(|contract| contract.committed.is_none_or(|money| money.minor_units == 0)).count()
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
                text::date(self.register.date),
            ));
        }
        notes
    }

    fn units(&self) -> Vec<String> {
        let committed = self.register.contracts.iter().filter_map(|contract| contract.committed);
        let units: BTreeSet<String> = committed.map(|money| money.currency.to_string()).collect();
        units.into_iter().collect()
    }

    /// Millions of a currency behind a count of contracts, for drawing.
    fn worth(&self, contracts: &Measure, unit: &str) -> Option<f64> {
        let material = self.material;
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

    fn quarter_table(&self) -> Table {
        let material = self.material;
        let units = self.units();
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
        let by = self.by("supplier.contracts", "quarter");
        let mut rows: Vec<Row> = by
            .into_iter()
            .map(|measure| Row::of(cells(measure, measure.scope.text("quarter").unwrap_or_default())))
            .collect();
        rows.extend(self.total().map(|total| Row::of(cells(total, "All".to_owned())).total()));
        Table {
            caption: format!("Contracts by quarter of the notice deadline{}", self.mark()),
            columns,
            rows,
            long: true,
        }
    }

    fn owner_table(&self) -> Table {
        let material = self.material;
        let mut by = self.by("supplier.contracts", "owner_unit");
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
            caption: format!("Contracts by the part of the organisation that holds them{}", self.mark()),
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

/// The contracts on which a decision is due, the largest first.
pub(super) fn due_table(registers: &[&Register], limit: usize) -> Table {
    let due: Vec<&ContractRow> = registers.iter().flat_map(|register| &register.due).collect();
    let rows = due.iter().take(limit).map(|contract| {
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
        caption: format!("Decisions due: the {} largest of {}", limit.min(due.len()), text::count(due.len() as u64)),
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
    let mark = if contract.illustrative { " (ILLUSTRATIVE)" } else { "" };
    contract.display_name.split_whitespace().collect::<Vec<_>>().join(" ") + mark
}
