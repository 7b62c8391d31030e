//! Reliability: how much of its agreed time each service was there.

use super::{hours_cell, percent_cell};
use crate::report::measure::{Measure, Value};
use crate::report::page::{Block, Cell, Column, Page, Row, Table};
use crate::report::{Material, text};

/// The page of reliability.
pub(super) fn page(material: &Material) -> Page {
    let all: Vec<&Measure> = material.measures().by("availability", &["service"]).collect();
    let mut blocks = Vec::new();
    if all.iter().any(|measure| measure.value != Value::None) {
        blocks.push(Block::Table(table(material, &all)));
        blocks.push(Block::Notes(vec![
            "Availability is the agreed service time without the outages in it: planned and excluded ones do not count, time in which several overlap counts once, a part of the users counts as that part of the time. A service without outages on record is not measured.".to_owned(),
        ]));
    }
    Page {
        id: "reliability",
        name: "Reliability",
        finding: finding(material, all.len()),
        illustrative: is_illustrative(material),
        blocks,
    }
}

/// Whether an availability rests on invented configuration.
pub(super) fn is_illustrative(material: &Material) -> bool {
    by_share(material).iter().any(|measure| invented(measure))
}

/// What the service that lost the largest share of its time to outages lost, as part of a sentence.
pub(super) fn worst(material: &Material) -> Option<String> {
    let worst = by_share(material).into_iter().find(|measure| share(measure) < 1.0)?;
    let lost = material.get("availability.downtime", &worst.scope).and_then(Measure::number)?;
    let name = worst.scope.text("service").unwrap_or_default();
    let name = material.service(&name);
    Some(format!("{name} lost most to outages, {} of its agreed time", text::duration(lost)))
}

/// The availabilities that are measured, the lowest first.
fn by_share<'a>(material: &'a Material<'_>) -> Vec<&'a Measure> {
    let mut all: Vec<&Measure> =
        material.measures().by("availability", &["service"]).filter(|measure| measure.value != Value::None).collect();
    all.sort_by(|a, b| share(a).total_cmp(&share(b)));
    all
}

fn share(measure: &Measure) -> f64 {
    measure.number().unwrap_or(1.0)
}

fn invented(measure: &Measure) -> bool {
    measure.source.contains("ILLUSTRATIVE")
}

fn service(material: &Material, measure: &Measure) -> Cell {
    Cell::text(material.service(&measure.scope.text("service").unwrap_or_default()))
}

fn finding(material: &Material, all: usize) -> String {
    let measured = by_share(material);
    let Some(least) = measured.first() else {
        return "No availability is measured: record outages of services with their begin and end; without them it is unknown, never 100 %".to_owned();
    };
    let name = least.scope.text("service").unwrap_or_default();
    let name = material.service(&name);
    let not = all - measured.len();
    let rest =
        if not == 0 { String::new() } else { format!("; {} not measured", text::counted(not as u64, "service")) };
    let among = if measured.len() == 1 { String::new() } else { format!(", the least of {} services", measured.len()) };
    format!("{name} was there for {} of its agreed time{among}{rest}", text::percent(share(least)))
}

fn table(material: &Material, all: &[&Measure]) -> Table {
    let rows = all.iter().map(|measure| {
        let mark = if invented(measure) { "ILLUSTRATIVE" } else { "" };
        Row::of(vec![
            service(material, measure),
            percent_cell(Some(measure)),
            hours_cell(material.get("availability.agreed_time", &measure.scope)),
            hours_cell(material.get("availability.downtime", &measure.scope)),
            Cell::of(measure, text::count(measure.n)),
            Cell::text(measure.reason.as_deref().unwrap_or(mark)),
        ])
    });
    Table {
        caption: format!("Availability by service, {}", material.period.label()),
        columns: vec![
            Column::text("Service"),
            Column::number("Availability", ""),
            Column::number("Agreed service time", "h"),
            Column::number("Downtime", "h"),
            Column::number("Outages", ""),
            Column::text("Note"),
        ],
        rows: rows.collect(),
        long: false,
    }
}
