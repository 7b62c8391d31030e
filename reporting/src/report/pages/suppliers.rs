//! Suppliers and groups behind the promises: what they keep, and how long they had our tickets.

use domain::agreement::Kind;

use super::metric_word;
use crate::inputs::AgreementRow;
use crate::report::measure::Measure;
use crate::report::page::{Block, Cell, Column, Gap, Page, Row, Table};
use crate::report::{Material, text};

pub(super) fn page(material: &Material) -> Page {
    let rows = behind(material);
    let illustrative = rows.iter().any(|(measure, _)| measure.source.contains("ILLUSTRATIVE"));
    let blocks = if rows.is_empty() {
        vec![Block::Gaps(vec![Gap {
            what: "Promises kept by suppliers and groups, and the time they held our tickets",
            needs: "agreements of kind UNDERPINNING with contracts or OLA with groups, and tickets assigned to them",
        }])]
    } else {
        vec![
            Block::Table(table(material, &rows)),
            Block::Notes(vec![
                "Time held is open time of the agreement's calendar while the ticket was with the supplier or group, read by the same clocks as promises to customers; visits add up unless the agreement counts each on its own.".to_owned(),
            ]),
        ]
    };
    Page { id: "suppliers", name: "Suppliers", finding: finding(material, &rows), illustrative, blocks }
}

/// Attainment by agreement and metric, suppliers first, with the newest revision of the agreement.
fn behind<'a>(material: &'a Material) -> Vec<(&'a Measure, &'a AgreementRow)> {
    let all = material.measures().by("supplier.attainment", &["agreement", "metric"]);
    let mut rows: Vec<_> = all
        .filter(|measure| measure.n > 0)
        .filter_map(|measure| {
            let name = measure.scope.text("agreement")?;
            let agreement = material.inputs.agreements.iter().rfind(|agreement| agreement.name == name)?;
            Some((measure, agreement))
        })
        .collect();
    rows.sort_by_key(|(measure, agreement)| (agreement.kind != Kind::Underpinning, &measure.scope));
    rows
}

fn finding(material: &Material, rows: &[(&Measure, &AgreementRow)]) -> String {
    let suppliers: Vec<&(&Measure, &AgreementRow)> =
        rows.iter().filter(|(_, agreement)| agreement.kind == Kind::Underpinning).collect();
    let held: f64 = suppliers
        .iter()
        .filter_map(|(measure, _)| material.get("supplier.time_held", &measure.scope).and_then(Measure::number))
        .sum();
    let worst = suppliers.iter().min_by(|a, b| {
        let share = |measure: &Measure| measure.number().unwrap_or(1.0);
        share(a.0).total_cmp(&share(b.0))
    });
    match worst {
        None if rows.is_empty() => "No promise of a supplier or a group was due".to_owned(),
        None => "Groups made promises that were due; no supplier did".to_owned(),
        Some((measure, agreement)) => format!(
            "Suppliers held our tickets for {}; least kept is {} of {}, {} of {}",
            text::duration(held),
            metric_word(&measure.scope.text("metric").unwrap_or_default()),
            agreement.display_name,
            text::percent(measure.number().unwrap_or_default()),
            text::count(measure.n),
        ),
    }
}

fn table(material: &Material, rows: &[(&Measure, &AgreementRow)]) -> Table {
    let row = |(measure, agreement): &(&Measure, &AgreementRow)| {
        let duration = |id: &str| {
            material.get(id, &measure.scope).map_or_else(Cell::default, |held| {
                Cell::text(held.number().map_or_else(|| "–".to_owned(), text::duration))
            })
        };
        Row::of(vec![
            Cell::text(agreement.display_name.as_str()),
            Cell::text(if agreement.kind == Kind::Underpinning { "supplier" } else { "group" }),
            Cell::text(metric_word(&measure.scope.text("metric").unwrap_or_default())),
            Cell::text(measure.number().map_or_else(|| "–".to_owned(), text::percent)),
            Cell::text(text::count(measure.n)),
            duration("supplier.time_held.median"),
            duration("supplier.time_held"),
            Cell::text(if agreement.illustrative { "ILLUSTRATIVE" } else { "" }),
        ])
    };
    Table {
        caption: format!("Promises of suppliers and groups, {}", material.period.label()),
        columns: vec![
            Column::text("Agreement"),
            Column::text("With"),
            Column::text("Metric"),
            Column::number("Kept", ""),
            Column::number("Of", "clocks"),
            Column::number("Held, median", ""),
            Column::number("Held, in all", ""),
            Column::text("Note"),
        ],
        rows: rows.iter().map(row).collect(),
        long: false,
    }
}
