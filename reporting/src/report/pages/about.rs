//! What the numbers mean, what they rest on, and what no data answers yet.

use super::{count_cell, percent_cell};
use crate::measures::DEFINITIONS;
use crate::report::measure::{Measure, Scope};
use crate::report::page::{Block, Cell, Column, Gap, Page, Row, Table};
use crate::report::{Material, text};

/// The pages of the report that wait for data, each with what would fill it.
pub(super) fn gaps() -> Page {
    let gap = |what, needs| Gap { what, needs };
    let gaps = vec![
        gap(
            "Value tree: objectives, services, cost, utility and warranty",
            "objectives with measures and targets, linked to services",
        ),
        gap("Cost bridge: price, volume and mix", "units consumed and their prices, in two periods"),
        gap(
            "Reliability: error budgets, downtime cost, time between failures",
            "availability goals in agreements, and what an hour of downtime costs",
        ),
        gap(
            "Problems and knowledge: recurrence, known errors, articles that resolve",
            "problems with causes linked to incidents, and articles used to resolve them",
        ),
        gap(
            "Change and delivery: success, conflicts, incidents caused",
            "changes with planned and actual times and outcomes, linked to configuration items",
        ),
        gap(
            "Requests and experience: fulfilment times, satisfaction",
            "service requests with offerings, and ratings by requesters",
        ),
        gap(
            "Suppliers: scorecard, credits claimed and received, concentration",
            "assessments, invoices, and credit claims",
        ),
        gap(
            "Risk and compliance: regulatory clocks, register quality, evidence by clause",
            "risks, regulated incidents with awareness and classification, register entities",
        ),
        gap("Outlook: arrivals, breaches and cost ahead, with intervals", "a record of at least two seasons"),
        gap(
            "Portfolio: services by state, owner and criticality",
            "services with owners beyond those of a demonstration",
        ),
    ];
    let finding =
        format!("{} questions of this report wait for data that nobody records yet", text::number_word(gaps.len()));
    Page { id: "gaps", name: "Not yet answered", finding, illustrative: false, blocks: vec![Block::Gaps(gaps)] }
}

/// The page of data quality, origin and invention.
pub(super) fn data(material: &Material) -> Page {
    let mut blocks = vec![Block::Table(quality(material))];
    let mut notes: Vec<String> = material.end_note().into_iter().collect();
    for (reason, count) in &material.inputs.rejected {
        notes.push(format!("{} not used: {reason}.", text::count(*count)));
    }
    let others = material.inputs.tickets.len() - material.inputs.incidents().count();
    if others > 0 {
        notes.push(format!(
            "Tickets of other practices on record, most of them stubs that incidents link to, in no measure: {}.",
            text::count(others as u64)
        ));
    }
    blocks.push(Block::Notes(notes));
    blocks.push(Block::Table(origins(material)));
    blocks.push(Block::Table(invented(material)));
    blocks.push(Block::Table(reproduce(material)));
    Page { id: "data", name: "Data", finding: finding(material), illustrative: false, blocks }
}

fn finding(material: &Material) -> String {
    let opened = material.count("flow.opened", &Scope::all());
    let without = material.count("quality.resolved_without_time", &Scope::all())
        + material.count("quality.closed_without_resolution", &Scope::all());
    if without == 0 {
        return format!("Every one of the {} incidents opened has what the measures need", text::count(opened));
    }
    format!(
        "{} of {} incidents opened have no resolved time: they are left out of times to resolve, and named",
        text::count(without),
        text::count(opened),
    )
}

fn quality(material: &Material) -> Table {
    let all = Scope::all();
    let opened = material.count("flow.opened", &all);
    let line = |what: &str, id: &str, effect: &str| {
        let measure = material.get(id, &all);
        let count = measure.map_or(0, Measure::count);
        let share = if opened == 0 {
            "–".to_owned()
        } else {
            text::percent(crate::stats::wilson::count(count) / crate::stats::wilson::count(opened))
        };
        Row::of(vec![Cell::text(what), count_cell(measure), Cell::text(share), Cell::text(effect)])
    };
    let mut rows = vec![
        line(
            "Only a state row says they are resolved; no resolved time",
            "quality.resolved_without_time",
            "left out of every time to resolve",
        ),
        line(
            "Ended without ever being resolved",
            "quality.closed_without_resolution",
            "left out of every time to resolve",
        ),
        line("Steps that the process does not have", "quality.nonconforming", "kept and counted; they change no time"),
        line("No promise to a customer covers them", "quality.uncovered", "not in any attainment"),
    ];
    if let Some(source) = material.total("sla.source_attainment").filter(|measure| measure.n > 0) {
        rows.push(Row::of(vec![
            Cell::text("Met their service level by the source's own verdict"),
            Cell::text(text::count(source.numerator.unwrap_or_default())),
            percent_cell(Some(source)),
            Cell::text("shown beside ours, never mixed with it"),
        ]));
    }
    Table {
        caption: format!("Quality of the {} incidents opened", text::count(opened)),
        columns: vec![
            Column::text("Incidents"),
            Column::number("Number", ""),
            Column::number("Share", ""),
            Column::text("Effect"),
        ],
        rows,
        long: false,
    }
}

fn origins(material: &Material) -> Table {
    let inputs = material.inputs;
    let mut sources: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    let tickets = inputs.incidents().map(|row| row.source.as_str());
    let costs = inputs.costs.iter().map(|row| row.source.as_str());
    let contracts = inputs.contracts.iter().map(|row| row.source.as_str());
    for source in tickets.chain(costs).chain(contracts) {
        *sources.entry(source).or_default() += 1;
    }
    let rows = sources.into_iter().map(|(source, count)| {
        let known = inputs.attributions.iter().find(|attribution| attribution.source == source);
        let title = known
            .map_or(if source.is_empty() { "Recorded by this installation" } else { "Not described" }, |known| {
                &known.title
            });
        let licence = known.map_or(if source.is_empty() { "own" } else { "not stated" }, |known| &known.licence);
        Row::of(vec![
            Cell::text(if source.is_empty() { "entered here" } else { source }),
            Cell::text(title),
            Cell::text(licence),
            Cell::text(known.map_or("", |known| known.link.as_str())),
            Cell::text(text::count(count)),
        ])
    });
    Table {
        caption: "Where the data comes from".to_owned(),
        columns: vec![
            Column::text("Source"),
            Column::text("What it is"),
            Column::text("Licence"),
            Column::text("Link"),
            Column::number("Rows", ""),
        ],
        rows: rows.collect(),
        long: false,
    }
}

fn invented(material: &Material) -> Table {
    let inputs = material.inputs;
    let agreements = inputs.agreements.iter().filter(|row| row.illustrative).map(|row| {
        (
            format!(
                "Agreement {}, revision {}",
                if row.display_name.is_empty() { &row.name } else { &row.display_name },
                row.revision
            ),
            "attainment, goals, targets, clocks at risk",
        )
    });
    let names: Vec<String> =
        inputs.services.values().filter(|row| row.illustrative).map(|row| row.display_name.clone()).collect();
    let services =
        (!names.is_empty()).then(|| (format!("Services {}", text::list(&names)), "every figure by these services"));
    let rows: Vec<Row> = agreements
        .chain(services)
        .map(|(what, where_shown)| Row::of(vec![Cell::text(what), Cell::text(where_shown)]))
        .collect();
    let caption = if rows.is_empty() {
        "Invented configuration: none"
    } else {
        "ILLUSTRATIVE: configuration invented for demonstration"
    };
    Table {
        caption: caption.to_owned(),
        columns: vec![Column::text("What is invented"), Column::text("What derives from it")],
        rows,
        long: false,
    }
}

fn reproduce(material: &Material) -> Table {
    let inputs = material.inputs;
    let horizon = inputs.horizon;
    let line = |what: &str, value: String| Row::of(vec![Cell::text(what), Cell::text(value)]);
    Table {
        caption: "To make the same report again".to_owned(),
        columns: vec![Column::text("What"), Column::text("Value")],
        rows: vec![
            line("Period", format!("{} ({})", material.period.label(), material.period)),
            line("As of", inputs.as_of.to_string()),
            line(
                "Journals read up to",
                format!(
                    "catalog {}, operations {}, supplier {}",
                    horizon.catalog, horizon.operations, horizon.supplier
                ),
            ),
            line("Hash of the data", material.data_hash.clone()),
            line("Time-zone database", inputs.time_zone_database.clone()),
        ],
        long: false,
    }
}

/// The page of definitions.
pub(super) fn definitions(material: &Material) -> Page {
    let used =
        DEFINITIONS.iter().filter(|definition| material.measures().iter().any(|measure| measure.id == definition.id));
    let rows: Vec<Row> = used
        .map(|definition| {
            Row::of(vec![
                Cell::text(format!("{}@{}", definition.id, definition.version)),
                Cell::text(if definition.unit.is_empty() { "currency" } else { definition.unit }),
                Cell::text(definition.text),
            ])
        })
        .collect();
    let finding =
        format!("{} measures, each with its population, its window and its version", text::count(rows.len() as u64));
    let table = Table {
        caption: "Definitions".to_owned(),
        columns: vec![Column::text("Measure"), Column::text("Unit"), Column::text("Meaning")],
        rows,
        long: false,
    };
    Page { id: "definitions", name: "Definitions", finding, illustrative: false, blocks: vec![Block::Table(table)] }
}
