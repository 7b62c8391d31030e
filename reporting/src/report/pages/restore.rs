//! Time to resolve: by Kaplan-Meier, so that what is still open counts too.

use super::{count_cell, hours_cell};
use crate::period::hours;
use crate::report::chart::{Chart, CurveLine, Curves};
use crate::report::measure::{Measure, Scope};
use crate::report::page::{Block, Cell, Column, Figure, Page, Row, Table};
use crate::report::{Material, text};
use crate::stats::survival::Curve;

/// The page of times to resolve.
pub(super) fn page(material: &Material) -> Page {
    let blocks = if material.now.curves.iter().any(|(_, curve)| curve.n > 0) {
        vec![Block::Figure(figure(material))]
    } else {
        Vec::new()
    };
    Page { id: "restore", name: "Time to resolve", finding: finding(material), illustrative: false, blocks }
}

fn finding(material: &Material) -> String {
    let all = Scope::all();
    let median = material.number("flow.time_to_resolve.km_median", &all);
    let closed = material.number("flow.time_to_resolve.median", &all);
    let open = whole(material).map_or(0, |curve| curve.censored);
    let n = material.get("flow.time_to_resolve.km_median", &all).map_or(0, |measure| measure.n);
    match (median, closed) {
        _ if n == 0 => "No incident was opened in this period: there is no time to resolve".to_owned(),
        (None, _) => {
            format!("Less than half of the {} incidents are resolved: a median cannot be told yet", text::count(n))
        }
        (Some(median), Some(closed)) if open > 0 => format!(
            "Half of the incidents are resolved within {}; to count the resolved ones only would say {}",
            text::duration(median),
            text::duration(closed),
        ),
        (Some(median), _) => format!(
            "Half of the {} incidents were resolved within {}, and none is still open",
            text::count(n),
            text::duration(median),
        ),
    }
}

fn whole<'a>(material: &'a Material) -> Option<&'a Curve> {
    material.now.curves.iter().find(|(scope, _)| *scope == Scope::all()).map(|(_, curve)| curve)
}

/// The curves by priority, with the place of each in the series colours.
fn by_priority<'a>(material: &'a Material) -> impl Iterator<Item = (usize, String, &'a Curve)> {
    let curves = material.now.curves.iter().filter(|(scope, curve)| scope.is_by(&["priority"]) && curve.n > 0);
    curves.map(|(scope, curve)| {
        let priority = scope.text("priority").unwrap_or_default();
        let series = priority.parse::<usize>().unwrap_or(5).saturating_sub(1);
        let label = if priority.is_empty() { "No priority".to_owned() } else { format!("Priority {priority}") };
        (series, label, curve)
    })
}

fn figure(material: &Material) -> Figure {
    let curves = by_priority(material).map(|(series, label, curve)| CurveLine {
        label,
        series,
        points: curve.points.iter().map(|point| (hours(point.time), point.incidence, point.interval())).collect(),
        last: curve.last.map_or(0.0, hours),
    });
    let description = by_priority(material).map(|(_, label, curve)| match curve.quantile(0.5) {
        Some(time) => format!("{label}: half resolved within {}", text::duration(hours(time))),
        None => format!("{label}: less than half resolved"),
    });
    Figure {
        id: "restore-curves",
        caption: format!(
            "Share of incidents resolved in %, by time since opening and priority; opened {}",
            material.period.label()
        ),
        description: format!("{}.", description.collect::<Vec<_>>().join("; ")),
        chart: Chart::Curves(Curves { curves: curves.collect() }),
        table: table(material),
        notes: notes(material),
    }
}

fn notes(material: &Material) -> Vec<String> {
    let count = |id| material.count(id, &Scope::all());
    let mut notes = vec![
        "Kaplan-Meier with 95 % intervals: incidents still open at the as-of count as waiting for as long as they have, cancellations as another end (Aalen-Johansen). Wall-clock time from opening to the resolved time; the axis of time is logarithmic.".to_owned(),
        format!(
            "Left out, because nothing says when they were resolved: {} that only a state row says are resolved, and {} closed without ever having been resolved.",
            text::count(count("quality.resolved_without_time")),
            text::count(count("quality.closed_without_resolution")),
        ),
        "Columns marked \"resolved only\" are of incidents resolved in the period, whenever opened; while many are open they are too short.".to_owned(),
    ];
    notes.extend(material.end_note());
    notes
}

fn table(material: &Material) -> Table {
    let mut scopes: Vec<(&Scope, &Curve)> = material.now.curves.iter().map(|(scope, curve)| (scope, curve)).collect();
    scopes.sort_by_key(|(scope, _)| (**scope == Scope::all(), (*scope).clone()));
    let interval = |measure: Option<&Measure>| {
        let Some([low, high]) = measure.and_then(|measure| measure.interval) else { return String::new() };
        let end = |end: Option<f64>| end.map_or_else(|| "?".to_owned(), text::hours);
        format!("{} to {}", end(low), end(high))
    };
    let rows = scopes.into_iter().map(|(scope, curve)| {
        let km = material.get("flow.time_to_resolve.km_median", scope);
        let label =
            scope.text("priority").map_or_else(|| "All".to_owned(), |priority| format!("Priority\u{a0}{priority}"));
        let row = Row::of(vec![
            Cell::text(label),
            Cell::text(text::count(curve.n)),
            Cell::text(text::count(curve.events)),
            Cell::text(text::count(curve.censored)),
            hours_cell(km),
            Cell::text(interval(km)),
            count_cell(material.get("flow.resolved", scope)),
            hours_cell(material.get("flow.time_to_resolve.median", scope)),
            hours_cell(material.get("flow.time_to_resolve.mean", scope)),
            hours_cell(material.get("flow.time_to_resolve.p90", scope)),
        ]);
        if *scope == Scope::all() { row.total() } else { row }
    });
    Table {
        caption: "Time to resolve by priority".to_owned(),
        columns: vec![
            Column::text("Priority"),
            Column::number("Opened, n", "incidents"),
            Column::number("Resolved", "incidents"),
            Column::number("Still open", "incidents"),
            Column::number("Median", "h"),
            Column::number("95 % interval", "h"),
            Column::number("Resolved only, n", "incidents"),
            Column::number("Resolved only: median", "h"),
            Column::number("Resolved only: mean", "h"),
            Column::number("Resolved only: 90th percentile", "h"),
        ],
        rows: rows.collect(),
        long: false,
    }
}
