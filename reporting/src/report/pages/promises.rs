//! Promises: attainment by priority, service and month, each metric by itself, with intervals against the goal.

use super::{capital, count_cell, metric_word, percent_cell};
use crate::report::chart::{Chart, Dot, DotPanel, Dots};
use crate::report::measure::{Measure, Scope};
use crate::report::page::{Block, Cell, Column, Figure, Mark, Page, Row, Table};
use crate::report::{Material, text};

/// How many services a chart shows.
const SERVICES: usize = 12;

/// Rows of a table that still stand open below a chart.
const SHORT: usize = 10;

/// One promise: what was attained of one metric in one scope.
pub(super) struct Promise<'a> {
    pub(super) metric: String,
    pub(super) attainment: &'a Measure,
    pub(super) share: f64,
    pub(super) goal: Option<&'a Measure>,
    pub(super) target: Option<&'a Measure>,
    /// What was attained without excused clocks and time.
    adjusted: Option<&'a Measure>,
    /// How many of the clocks are excused.
    excluded: Option<&'a Measure>,
    /// What can be said beyond chance.
    pub(super) mark: Mark,
}

impl<'a> Promise<'a> {
    fn of(material: &'a Material, attainment: &'a Measure) -> Option<Self> {
        let goal = material.get("sla.goal", &attainment.scope);
        Some(Self {
            metric: attainment.scope.text("metric")?,
            share: attainment.number()?,
            target: material.get("sla.target", &attainment.scope),
            adjusted: material.get("sla.attainment_adjusted", &attainment.scope),
            excluded: material.get("sla.excluded", &attainment.scope),
            mark: Mark::of(attainment.interval, goal.and_then(Measure::number)),
            attainment,
            goal,
        })
    }

    /// The contractual verdict: the point value against the goal. `None`: there is no goal.
    pub(super) fn is_kept(&self) -> Option<bool> {
        self.goal.and_then(Measure::number).map(|goal| self.share >= goal)
    }

    /// How far the share lies below the goal; negative when above.
    pub(super) fn shortfall(&self) -> f64 {
        self.goal.and_then(Measure::number).unwrap_or_default() - self.share
    }

    pub(super) fn is_illustrative(&self) -> bool {
        self.attainment.source.contains("ILLUSTRATIVE")
    }

    /// The contractual verdict as a cell.
    pub(super) fn contract(&self) -> Cell {
        Cell::text(match self.is_kept() {
            Some(true) => "met",
            Some(false) => "missed",
            None => "no goal",
        })
    }

    fn is_excused(&self) -> bool {
        self.excluded.is_some_and(|excluded| excluded.count() > 0)
    }

    /// The columns of [`Promise::adjusted_cells`].
    fn adjusted_columns() -> [Column; 3] {
        [Column::number("Excused", "clocks"), Column::number("Adjusted: of", "clocks"), Column::number("Adjusted", "")]
    }

    /// What was attained without excused clocks and time.
    fn adjusted_cells(&self) -> [Cell; 3] {
        let of = self.adjusted.map_or_else(Cell::default, |adjusted| Cell::of(adjusted, text::count(adjusted.n)));
        [count_cell(self.excluded), of, percent_cell(self.adjusted)]
    }

    /// The columns of [`Promise::cells`].
    pub(super) fn columns() -> Vec<Column> {
        vec![
            Column::number("Target", "h"),
            Column::number("Goal", ""),
            Column::number("Met", "clocks"),
            Column::number("Of", "clocks"),
            Column::number("Attained", ""),
            Column::number("95 % interval", ""),
            Column::text("By contract"),
            Column::text("Beyond chance"),
        ]
    }

    pub(super) fn cells(&self) -> Vec<Cell> {
        vec![
            self.target
                .and_then(Measure::number)
                .map_or_else(|| Cell::text("various"), |target| Cell::text(number(target))),
            self.goal.and_then(Measure::number).map_or_else(|| Cell::text("–"), |goal| Cell::text(text::goal(goal))),
            Cell::text(text::count(self.attainment.numerator.unwrap_or_default())),
            Cell::of(self.attainment, text::count(self.attainment.n)),
            percent_cell(Some(self.attainment)),
            Cell::text(text::percent_interval(self.attainment.interval)),
            self.contract(),
            Cell::mark(self.mark),
        ]
    }

    fn dot(&self, label: String, edge: bool) -> Dot {
        let ends = self.attainment.interval.unwrap_or([None, None]);
        Dot {
            label,
            value: self.share,
            interval: [ends[0].unwrap_or(0.0), ends[1].unwrap_or(1.0)],
            goal: self.goal.and_then(Measure::number),
            mark: self.mark,
            beside: format!("{} of {}", text::percent(self.share), text::count(self.attainment.n)),
            edge,
        }
    }
}

/// Hours of a target: whole where they are.
fn number(hours: f64) -> String {
    if hours.fract() == 0.0 { format!("{hours:.0}") } else { format!("{hours}") }
}

/// The promises by metric and one more dimension, in the order of scopes.
pub(super) fn promises<'a>(material: &'a Material, dimension: &'a str) -> Vec<Promise<'a>> {
    let by: Vec<&Measure> = material
        .measures()
        .iter()
        .filter(|measure| measure.id == "sla.attainment" && measure.scope.is_by(&["metric", dimension]))
        .collect();
    let mut found: Vec<Promise> = by.into_iter().filter_map(|measure| Promise::of(material, measure)).collect();
    // RESOLUTION first: restoring service is the promise people mean. Within a metric by scope, as sorted.
    found.sort_by_key(|promise| (promise.metric != "RESOLUTION", promise.metric.clone()));
    found
}

/// What the promises by priority amount to, in a sentence.
pub(super) fn finding(material: &Material) -> String {
    let all = promises(material, "priority");
    let judged: Vec<&Promise> = all.iter().filter(|promise| promise.goal.is_some()).collect();
    if all.is_empty() {
        return "No promise was due in this period: publish an agreement to measure against".to_owned();
    }
    if judged.is_empty() {
        return "No agreement states a goal: attainment is shown, and nothing can be said to be met or missed"
            .to_owned();
    }
    let missed: Vec<&&Promise> = judged.iter().filter(|promise| promise.is_kept() == Some(false)).collect();
    let Some(worst) = missed.iter().max_by(|a, b| a.shortfall().total_cmp(&b.shortfall())) else {
        return format!("All {} promises by priority met their goal", judged.len());
    };
    let how_many = if missed.len() == judged.len() {
        format!("All {} promises missed their goal", judged.len())
    } else {
        format!("{} of {} promises missed their goal", missed.len(), judged.len())
    };
    format!(
        "{how_many}; furthest off is {} of priority {}, kept in {} of {} cases against a goal of {}",
        metric_word(&worst.metric),
        worst.attainment.scope.text("priority").unwrap_or_default(),
        text::percent(worst.share),
        text::count(worst.attainment.n),
        text::goal(worst.goal.and_then(Measure::number).unwrap_or_default()),
    )
}

/// A row per promise, named by `label`.
fn table(caption: &str, heading: &str, rows: &[(&Promise, String, bool)]) -> Table {
    let excused = rows.iter().any(|(promise, ..)| promise.is_excused());
    let mut columns = vec![Column::text(heading), Column::text("Metric")];
    columns.extend(Promise::columns());
    if excused {
        columns.extend(Promise::adjusted_columns());
    }
    let rows = rows.iter().map(|(promise, label, edge)| {
        let mut cells = vec![Cell::text(label), Cell::text(metric_word(&promise.metric))];
        cells.extend(promise.cells());
        if excused {
            cells.extend(promise.adjusted_cells());
        }
        Row::of(cells).edge(*edge)
    });
    Table { caption: caption.to_owned(), columns, rows: rows.collect(), long: false }
}

/// A row per label with all metrics beside each other. Long tables are folded.
fn table_by_metric(caption: &str, heading: &str, rows: &[(&Promise, String, bool)]) -> Table {
    let mut metrics: Vec<&str> = Vec::new();
    let mut labels: Vec<(&str, bool)> = Vec::new();
    for (promise, label, edge) in rows {
        if !metrics.contains(&promise.metric.as_str()) {
            metrics.push(&promise.metric);
        }
        if !labels.iter().any(|(known, _)| known == label) {
            labels.push((label, *edge));
        }
    }
    let excused = rows.iter().any(|(promise, ..)| promise.is_excused());
    let mut columns = vec![Column::text(heading)];
    for metric in &metrics {
        let metric = capital(&metric_word(metric));
        columns.push(Column::number(&format!("{metric}: of"), "clocks"));
        columns.push(Column::number("Attained", ""));
        columns.push(Column::number("95 % interval", ""));
        columns.push(Column::text("By contract"));
        columns.push(Column::text("Beyond chance"));
        if excused {
            columns.extend(Promise::adjusted_columns());
        }
    }
    let row = |(label, edge): (&str, bool)| {
        let mut cells = vec![Cell::text(label)];
        for metric in &metrics {
            let found = rows.iter().find(|(promise, of, _)| of == label && promise.metric == *metric);
            match found {
                Some((promise, ..)) => {
                    cells.extend([
                        Cell::of(promise.attainment, text::count(promise.attainment.n)),
                        percent_cell(Some(promise.attainment)),
                        Cell::text(text::percent_interval(promise.attainment.interval)),
                        promise.contract(),
                        Cell::mark(promise.mark),
                    ]);
                    if excused {
                        cells.extend(promise.adjusted_cells());
                    }
                }
                None => cells.extend(vec![Cell::text("–"); if excused { 8 } else { 5 }]),
            }
        }
        Row::of(cells).edge(edge)
    };
    let long = labels.len() > SHORT;
    Table { caption: caption.to_owned(), columns, rows: labels.into_iter().map(row).collect(), long }
}

/// Panels of one metric each.
fn chart<'a>(rows: &[(&'a Promise<'a>, String, bool)]) -> Chart {
    let mut panels: Vec<DotPanel> = Vec::new();
    for (promise, label, edge) in rows {
        let title = capital(&metric_word(&promise.metric));
        let dot = promise.dot(label.clone(), *edge);
        match panels.iter_mut().find(|panel| panel.title == title) {
            Some(panel) => panel.rows.push(dot),
            None => panels.push(DotPanel { title, rows: vec![dot] }),
        }
    }
    Chart::Dots(Dots { panels })
}

fn reading_notes(material: &Material) -> Vec<String> {
    let mut notes = vec![
        "Dot: share of clocks met; line: 95 % Wilson interval; outlined bar: goal. Diamond: the whole interval is below the goal, missed beyond chance; solid dot: at or above it; hollow dot: too few to tell. The contractual verdict stays the point value.".to_owned(),
        "A breach counts at its due instant, whenever the incident was closed. Response and resolution are never pooled.".to_owned(),
    ];
    if material.measures().iter().any(|measure| measure.id == "sla.excluded" && measure.count() > 0) {
        notes.push("Adjusted: without the clocks, or the time of clocks, that approvers have excused. Everything else on the page, the contractual verdict included, is without excuses.".to_owned());
    }
    notes.extend(material.end_note());
    notes
}

/// Names of the agreements behind promises, those invented marked.
fn agreements(material: &Material) -> String {
    let names: Vec<String> = material
        .inputs
        .agreements
        .iter()
        .map(|agreement| {
            let name = if agreement.display_name.is_empty() {
                text::short_name(&agreement.name)
            } else {
                &agreement.display_name
            };
            let mark = if agreement.illustrative { ", ILLUSTRATIVE" } else { "" };
            format!("{name} (revision {}{mark})", agreement.revision)
        })
        .collect();
    text::list(&names)
}

/// The page of promises by priority.
pub(super) fn by_priority(material: &Material) -> Page {
    let all = promises(material, "priority");
    let rows: Vec<(&Promise, String, bool)> = all.iter().map(|promise| (promise, priority(promise), false)).collect();
    let mut blocks = Vec::new();
    if !rows.is_empty() {
        let mut notes = reading_notes(material);
        notes.push(format!("Promises: {}.", agreements(material)));
        if let Some(source) = material.total("sla.source_attainment").filter(|measure| measure.n > 0) {
            notes.push(format!(
                "Beside ours, and never mixed with it: by its own verdict the source met its service level in {} of {} incidents ({}, interval {}).",
                text::count(source.numerator.unwrap_or_default()),
                text::count(source.n),
                text::percent(source.number().unwrap_or_default()),
                text::percent_interval(source.interval),
            ));
        }
        blocks.push(Block::Figure(Figure {
            id: "promises-priority",
            caption: format!("Share of clocks met in %, by metric and priority, {}", material.period.label()),
            description: describe(&rows),
            chart: chart(&rows),
            table: table("Attainment by metric and priority", "Priority", &rows),
            notes,
        }));
    }
    Page {
        id: "promises",
        name: "Promises",
        finding: by_priority_finding(&all),
        illustrative: all.iter().any(Promise::is_illustrative),
        blocks,
    }
}

fn priority(promise: &Promise) -> String {
    format!("Priority\u{a0}{}", promise.attainment.scope.text("priority").unwrap_or_default())
}

fn by_priority_finding(all: &[Promise]) -> String {
    let Some(metric) = all.first().map(|promise| promise.metric.clone()) else {
        return "No promise was due in this period: publish an agreement to measure against".to_owned();
    };
    extremes(&metric, all.iter().filter(|promise| promise.metric == metric), |promise| {
        format!("priority {}", promise.attainment.scope.text("priority").unwrap_or_default())
    })
}

/// The best and the worst of one metric, in a sentence.
fn extremes<'a>(
    metric: &str,
    promises: impl Iterator<Item = &'a Promise<'a>>,
    name: impl Fn(&Promise) -> String,
) -> String {
    let mut promises: Vec<&Promise> = promises.collect();
    promises.sort_by(|a, b| a.share.total_cmp(&b.share));
    let said = |promise: &Promise| {
        format!("{} ({} of {})", name(promise), text::percent(promise.share), text::count(promise.attainment.n))
    };
    match promises.as_slice() {
        [] => format!("No {} promise was due in this period", metric_word(metric)),
        [only] => format!("The {} promise was kept for {}", metric_word(metric), said(only)),
        [worst, .., best] if worst.share >= best.share => format!(
            "The {} promise was kept equally often for {}",
            metric_word(metric),
            text::list(&promises.iter().map(|promise| said(promise)).collect::<Vec<_>>()),
        ),
        [worst, .., best] => format!(
            "The {} promise was kept most often for {} and least often for {}",
            metric_word(metric),
            said(best),
            said(worst),
        ),
    }
}

/// The page of promises by service; `None` if no clock belongs to a service.
pub(super) fn by_service(material: &Material) -> Option<Page> {
    let all = promises(material, "service");
    let name =
        |promise: &Promise| material.service(&promise.attainment.scope.text("service").unwrap_or_default()).to_owned();
    let metric = all.first()?.metric.clone();
    let shown = largest(&all, "service", SERVICES);
    let rows: Vec<(&Promise, String, bool)> = all
        .iter()
        .filter(|promise| shown.contains(&promise.attainment.scope.text("service").unwrap_or_default()))
        .map(|promise| (promise, name(promise), false))
        .collect();
    let named = all.iter().filter(|promise| {
        promise.metric == metric && promise.attainment.scope.text("service").is_some_and(|service| !service.is_empty())
    });
    let missed = named.clone().filter(|promise| promise.is_kept() == Some(false)).count();
    let judged = named.clone().filter(|promise| promise.goal.is_some()).count();
    let finding = if judged > 1 && (missed == judged || missed == 0) {
        let range = extremes(&metric, named, name);
        let outcome = if missed == 0 { "met" } else { "missed" };
        format!("All {judged} services {outcome} the goal. {range}")
    } else {
        extremes(&metric, named, name)
    };
    Some(Page {
        id: "services",
        name: "Services",
        finding,
        illustrative: all.iter().any(Promise::is_illustrative),
        blocks: vec![Block::Figure(Figure {
            id: "promises-service",
            caption: format!(
                "Share of clocks met in %, by metric and service, {}; where there are most clocks",
                material.period.label(),
            ),
            description: describe(&rows),
            chart: chart(&rows),
            table: table_by_metric("Attainment by metric and service", "Service", &rows),
            notes: reading_notes(material),
        })],
    })
}

/// The values of a dimension with the most clocks of any metric.
pub(super) fn largest(promises: &[Promise], dimension: &str, limit: usize) -> Vec<String> {
    let mut sizes: Vec<(u64, String)> = Vec::new();
    for promise in promises {
        let name = promise.attainment.scope.text(dimension).unwrap_or_default();
        match sizes.iter_mut().find(|(_, known)| *known == name) {
            Some((size, _)) => *size = (*size).max(promise.attainment.n),
            None => sizes.push((promise.attainment.n, name)),
        }
    }
    sizes.sort_by(|a, b| (b.0, &a.1).cmp(&(a.0, &b.1)));
    sizes.into_iter().take(limit).map(|(_, name)| name).collect()
}

/// The page of promises by month of opening; `None` if there is but one month.
pub(super) fn by_month(material: &Material) -> Option<Page> {
    let all = promises(material, "month");
    let month = |promise: &Promise| promise.attainment.scope.text("month").unwrap_or_default();
    let months: std::collections::BTreeSet<String> = all.iter().map(month).collect();
    if months.len() < 2 {
        return None;
    }
    let metric = all.first()?.metric.clone();
    let rows: Vec<(&Promise, String, bool)> =
        all.iter().map(|promise| (promise, text::month(&month(promise)), material.is_edge(&month(promise)))).collect();
    let whole = all.iter().filter(|promise| promise.metric == metric && !material.is_edge(&month(promise)));
    let finding = extremes(&metric, whole, |promise| format!("incidents opened in {}", text::month(&month(promise))));
    let mut notes = reading_notes(material);
    notes.push("Months are those of the incidents' opening. Grey: a month at the edge of the record.".to_owned());
    Some(Page {
        id: "months",
        name: "Months",
        finding,
        illustrative: all.iter().any(Promise::is_illustrative),
        blocks: vec![Block::Figure(Figure {
            id: "promises-month",
            caption: format!("Share of clocks met in %, by metric and month of opening, {}", material.period.label()),
            description: describe(&rows),
            chart: chart(&rows),
            table: table_by_metric("Attainment by metric and month of opening", "Opened", &rows),
            notes,
        })],
    })
}

fn describe(rows: &[(&Promise, String, bool)]) -> String {
    let parts: Vec<String> = rows
        .iter()
        .map(|(promise, label, _)| {
            format!(
                "{label} {}: {} of {} ({})",
                metric_word(&promise.metric),
                text::percent(promise.share),
                text::count(promise.attainment.n),
                promise.mark.label(),
            )
        })
        .collect();
    format!("{}.", parts.join("; "))
}

/// Open clocks that are late or nearly so, as a table by metric.
pub(super) fn at_risk(material: &Material) -> Table {
    let metrics: Vec<&Measure> =
        material.measures().iter().filter(|m| m.id == "sla.open" && m.scope.is_by(&["metric"])).collect();
    let row = |open: &&Measure| {
        let scope: &Scope = &open.scope;
        Row::of(vec![
            Cell::text(metric_word(&scope.text("metric").unwrap_or_default())),
            count_cell(Some(open)),
            count_cell(material.get("sla.due_24h", scope)),
            count_cell(material.get("sla.overdue", scope)),
        ])
    };
    Table {
        caption: "Clocks at risk".to_owned(),
        columns: vec![
            Column::text("Metric"),
            Column::number("Open, in time", "clocks"),
            Column::number("Due in 24 h", "clocks"),
            Column::number("Overdue", "clocks"),
        ],
        rows: metrics.iter().map(row).collect(),
        long: false,
    }
}
