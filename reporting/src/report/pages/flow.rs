//! Flow: what comes in, what leaves, what is open and how old it is.

use super::{count_cell, hours_cell, percent_cell};
use crate::measures::Measured;
use crate::report::chart::{Chart, ColumnPanel, Columns, Limits, Run, Runs};
use crate::report::measure::{Measure, Part, Scope};
use crate::report::page::{Block, Cell, Column, Figure, Page, Row, Table};
use crate::report::{Material, text};
use crate::stats::xmr;

/// Weeks shown after an extract's end; the table has them all.
const STRAGGLERS: usize = 4;

/// Classes of age, youngest first.
const AGES: [&str; 7] =
    ["under 1 day", "1 to 3 days", "3 to 7 days", "1 to 2 weeks", "2 to 4 weeks", "4 to 13 weeks", "over 13 weeks"];

/// The weekly values of a measure, in the order of time.
fn weekly<'a>(measured: &'a Measured, id: &str) -> Vec<&'a Measure> {
    measured.measures.iter().filter(|measure| measure.id == id && measure.scope.is_by(&["week"])).collect()
}

/// The page of weeks.
pub(super) fn weeks(material: &Material) -> Page {
    let all = weekly(&material.now, "flow.opened");
    // Before the record begins there is nothing to show.
    let first = all.iter().position(|week| started(material, week)).unwrap_or(all.len());
    let since = |id| weekly(&material.now, id).into_iter().skip(first).collect::<Vec<&Measure>>();
    let (opened, finished, backlog) = (since("flow.opened"), since("flow.finished"), since("flow.backlog"));
    // Only weeks within the record as a whole say something about the usual.
    let end = material.ended().and_then(|source| Some(format!("{}-01", source.end()?)));
    let is_after = |week: &&Measure| end.as_deref().is_some_and(|end| day_after(week) > end);
    let first_after = opened.iter().position(&is_after);
    let is_inside: Vec<bool> = opened.iter().map(|week| !is_after(week)).collect();
    let inside: Vec<usize> = (0..opened.len()).filter(|index| is_inside[*index]).collect();
    let chart_of = |weeks: &[&Measure]| {
        let values: Vec<f64> = inside.iter().filter_map(|index| weeks.get(*index)?.number()).collect();
        xmr::chart(&values)
    };
    let chart = chart_of(&opened);
    let mut blocks = vec![Block::Text(balance(material))];
    if !opened.is_empty() {
        let shown = first_after.map_or(opened.len(), |end| (end + STRAGGLERS).min(opened.len()));
        let signals = |chart: &Option<xmr::Chart>| -> Vec<usize> {
            let found = chart.iter().flat_map(|chart| chart.signals.iter().enumerate());
            found.filter(|(_, rules)| !rules.is_empty()).filter_map(|(index, _)| inside.get(index).copied()).collect()
        };
        let run = |title: &str, weeks: &[&Measure], limited: bool, columns: bool| {
            let chart = if limited { chart_of(weeks) } else { None };
            Run {
                title: title.to_owned(),
                values: weeks.iter().take(shown).filter_map(|week| week.number()).collect(),
                signals: signals(&chart),
                limits: chart.map(|chart| Limits { mean: chart.mean, lower: chart.lower, upper: chart.upper }),
                columns,
            }
        };
        let steps: Vec<String> = opened.iter().take(shown).filter_map(|week| week.scope.text("week")).collect();
        let mut notes = vec![
            "Whole ISO weeks, in UTC. Dashed: mean; dotted: limits at mean ± 2.66 mean moving ranges (XmR), from whole weeks within the record only and from at least 12 of them. A ring: more than noise (outside the limits, seven in a row on one side or in one direction, two of three near a limit).".to_owned(),
        ];
        if chart.is_none() {
            notes.push(format!(
                "No limits: {} within the record, 12 are needed.",
                text::counted(inside.len() as u64, "whole week")
            ));
        }
        if shown < opened.len() {
            notes.push(format!(
                "{} after the extract's end are in the table only.",
                text::counted((opened.len() - shown) as u64, "week")
            ));
        }
        notes.extend(material.end_note());
        blocks.push(Block::Figure(Figure {
            id: "flow-weeks",
            caption: format!("Incidents opened, finished and open, by week, {}", material.period.label()),
            description: describe(chart.as_ref(), &opened, &inside),
            chart: Chart::Runs(Runs {
                ticks: steps.iter().cloned().enumerate().collect(),
                steps,
                edge_from: first_after.filter(|end| *end < shown),
                panels: vec![
                    run("Opened per week", &opened, true, false),
                    run("Finished per week", &finished, true, false),
                    run("Open at the end of the week", &backlog, false, true),
                ],
            }),
            table: week_table(&opened, &finished, &backlog, &is_inside),
            notes,
        }));
    }
    blocks.push(Block::Table(by_dimension(material, "service")));
    blocks.push(Block::Table(by_dimension(material, "group")));
    Page { id: "flow", name: "Flow", finding: finding(material, chart.as_ref(), &inside), illustrative: false, blocks }
}

/// The first day after a week.
fn day_after(week: &Measure) -> &str {
    week.window.split_once('/').and_then(|(_, end)| end.get(..10)).unwrap_or_default()
}

/// Whether the record had begun when the week did: an opening before, or on its first day.
fn started(material: &Material, week: &Measure) -> bool {
    let day = |at: jiff::Timestamp| crate::period::date(at).to_string();
    material.now.coverage.iter().all(|source| day(source.first).as_str() <= week.window.get(..10).unwrap_or_default())
}

fn finding(material: &Material, chart: Option<&xmr::Chart>, inside: &[usize]) -> String {
    let opened = material.count("flow.opened", &Scope::all());
    let backlog = material.count("flow.backlog", &Scope::all());
    let at = text::day(material.period.until(material.inputs.as_of).end);
    let open = match backlog {
        0 => "none is".to_owned(),
        1 => "1 is".to_owned(),
        _ => format!("{} are", text::count(backlog)),
    };
    let start = format!("{} incidents were opened and {open} open on {at}", text::count(opened));
    let Some(chart) = chart else { return start };
    let signals = chart.signals.iter().filter(|rules| !rules.is_empty()).count();
    if signals == 0 {
        format!(
            "{start}; openings stay within their usual {} to {} a week",
            text::rounded(chart.lower),
            text::rounded(chart.upper)
        )
    } else {
        format!("{start}; openings of {signals} of {} weeks are more than noise", inside.len())
    }
}

/// What came in, left, came back and changed hands.
fn balance(material: &Material) -> String {
    let count = |id| text::count(material.count(id, &Scope::all()));
    let mut sentence = format!(
        "Opened: {}; resolved: {}; left the open states: {} times; reopened: {}; changed hands: {}.",
        count("flow.opened"),
        count("flow.resolved"),
        count("flow.finished"),
        count("flow.reopened"),
        count("flow.reassigned"),
    );
    let rate = |id, what: &str| {
        let measure = material.total(id)?;
        Some(format!(
            " Of those opened, {} {what} ({} of {}, interval {}).",
            text::percent(measure.number()?),
            text::count(measure.numerator?),
            text::count(measure.n),
            text::percent_interval(measure.interval),
        ))
    };
    sentence.extend(rate("flow.reopen_rate", "have been reopened"));
    sentence.extend(rate("flow.reassignment_rate", "have changed hands"));
    sentence
}

fn describe(chart: Option<&xmr::Chart>, opened: &[&Measure], inside: &[usize]) -> String {
    let weeks = inside.iter().filter_map(|index| opened.get(*index));
    let (least, most) =
        weeks.fold((u64::MAX, 0), |(least, most), week| (least.min(week.count()), most.max(week.count())));
    let usual = chart.map_or_else(String::new, |chart| {
        format!(
            " The mean is {}, the limits {} and {}.",
            text::rounded(chart.mean),
            text::rounded(chart.lower),
            text::rounded(chart.upper),
        )
    });
    if most == 0 {
        return "No incident was opened in a whole week of the record.".to_owned();
    }
    format!(
        "Between {} and {} incidents were opened per whole week of the record.{usual}",
        text::count(least),
        text::count(most)
    )
}

fn week_table(opened: &[&Measure], finished: &[&Measure], backlog: &[&Measure], is_inside: &[bool]) -> Table {
    let rows = opened.iter().enumerate().map(|(index, week)| {
        Row::of(vec![
            Cell::text(week.scope.text("week").unwrap_or_default()),
            Cell::text(week.window.get(..10).unwrap_or_default()),
            count_cell(Some(week)),
            count_cell(finished.get(index).copied()),
            count_cell(backlog.get(index).copied()),
        ])
        .edge(is_inside.get(index) == Some(&false))
    });
    Table {
        caption: "Incidents by week".to_owned(),
        columns: vec![
            Column::text("Week"),
            Column::text("From"),
            Column::number("Opened", "incidents"),
            Column::number("Finished", "incidents"),
            Column::number("Open at end", "incidents"),
        ],
        rows: rows.collect(),
        long: true,
    }
}

fn by_dimension(material: &Material, dimension: &str) -> Table {
    let opened = |scope: &Scope| material.count("flow.opened", scope);
    let mut scopes: Vec<&Scope> = material
        .measures()
        .iter()
        .filter(|measure| measure.id == "flow.opened" && measure.scope.is_by(&[dimension]))
        .map(|measure| &measure.scope)
        .collect();
    scopes.sort_by(|a, b| opened(b).cmp(&opened(a)).then_with(|| a.cmp(b)));
    let all = Scope::all();
    let rows = scopes.into_iter().map(|scope| (scope, false)).chain([(&all, true)]);
    let row = |(scope, total): (&Scope, bool)| {
        let name = scope.text(dimension).unwrap_or_default();
        let label = match (total, dimension) {
            (true, _) => "All incidents",
            (_, "service") => material.service(&name),
            _ => text::short_name(&name),
        };
        let row = Row::of(vec![
            Cell::text(label),
            count_cell(material.get("flow.opened", scope)),
            count_cell(material.get("flow.resolved", scope)),
            count_cell(material.get("flow.backlog", scope)),
            hours_cell(material.get("flow.time_to_resolve.median", scope)),
            hours_cell(material.get("flow.time_to_resolve.km_median", scope)),
            hours_cell(material.get("flow.time_to_resolve.p90", scope)),
            percent_cell(material.get("flow.reopen_rate", scope)),
            percent_cell(material.get("flow.reassignment_rate", scope)),
        ]);
        if total { row.total() } else { row }
    };
    Table {
        caption: format!("Flow by {dimension}"),
        columns: vec![
            Column::text(if dimension == "service" { "Service" } else { "Group" }),
            Column::number("Opened", "incidents"),
            Column::number("Resolved", "incidents"),
            Column::number("Open", "incidents"),
            Column::number("Median, resolved only", "h"),
            Column::number("Median, all (Kaplan-Meier)", "h"),
            Column::number("90th percentile, resolved only", "h"),
            Column::number("Reopened", ""),
            Column::number("Changed hands", ""),
        ],
        rows: rows.map(row).collect(),
        long: true,
    }
}

/// How old the backlog is, in a sentence.
pub(super) fn age(material: &Material) -> String {
    let of = |age: &&str| material.get("flow.backlog", &Scope::one("age", *age));
    let old: u64 = AGES[5..].iter().filter_map(of).map(Measure::count).sum();
    let oldest = material.now.oldest.first();
    let since =
        oldest.map_or_else(String::new, |row| format!("; the oldest was opened on {}", text::day(row.opened_at)));
    format!(
        "{} of {} open incidents are older than 4 weeks{since}",
        text::count(old),
        text::count(material.count("flow.backlog", &Scope::all())),
    )
}

/// The page of the backlog's age.
pub(super) fn ageing(material: &Material) -> Page {
    let at = material.period.until(material.inputs.as_of).end;
    let backlog = material.count("flow.backlog", &Scope::all());
    let of = |age: &str| material.get("flow.backlog", &Scope::one("age", age));
    let page = |finding: String, blocks| Page { id: "ageing", name: "Ageing", finding, illustrative: false, blocks };
    if backlog == 0 {
        let mut notes = vec![
            "At another as-of there may be: make the report for a period that ends while work was open.".to_owned(),
        ];
        notes.extend(material.end_note());
        return page(
            format!("Nothing was open on {}: there is no age to show", text::day(at)),
            vec![Block::Notes(notes)],
        );
    }
    let finding = age(material);
    let values = AGES
        .iter()
        .map(|age| of(age).map_or((None, String::new()), |measure| (measure.number(), text::count(measure.count()))));
    let median = material.number("flow.backlog_age.median", &Scope::all());
    let mut notes = vec![format!("Age is wall-clock time since opening, at {}.", text::instant(at))];
    notes.extend(median.map(|median| format!("Half of the backlog is older than {}.", text::duration(median))));
    let figure = Figure {
        id: "flow-ageing",
        caption: format!("Open incidents by age, {}", text::day(at)),
        description: AGES
            .iter()
            .filter_map(|age| of(age).map(|measure| format!("{age}: {}", text::count(measure.count()))))
            .collect::<Vec<_>>()
            .join("; "),
        chart: Chart::Columns(Columns {
            classes: AGES.iter().map(ToString::to_string).collect(),
            groups: Vec::new(),
            panels: vec![ColumnPanel { title: "Open incidents".to_owned(), values: values.collect() }],
        }),
        table: age_table(material),
        notes,
    };
    page(finding, vec![Block::Figure(figure), Block::Table(oldest_table(material))])
}

fn age_table(material: &Material) -> Table {
    let priorities: Vec<String> = material
        .measures()
        .iter()
        .filter(|measure| measure.id == "flow.backlog" && measure.scope.is_by(&["priority"]))
        .filter_map(|measure| measure.scope.text("priority"))
        .collect();
    let named = |priority: &String| {
        if priority.is_empty() { "No priority".to_owned() } else { format!("Priority {priority}") }
    };
    let mut columns = vec![Column::text("Age")];
    columns.extend(priorities.iter().map(|priority| Column::number(&named(priority), "incidents")));
    columns.push(Column::number("All", "incidents"));
    let scoped = |scope: Scope, priority: &str| {
        let part = priority.parse::<i64>().map_or_else(|_| Part::from(priority), Part::from);
        material.get("flow.backlog", &scope.with("priority", part))
    };
    let row = |label: &str, scope: &Scope| {
        let mut cells = vec![Cell::text(label)];
        cells.extend(priorities.iter().map(|priority| count_cell(scoped(scope.clone(), priority))));
        cells.push(count_cell(material.get("flow.backlog", scope)));
        Row::of(cells)
    };
    let mut rows: Vec<Row> = AGES.iter().map(|age| row(age, &Scope::one("age", *age))).collect();
    rows.push(row("All", &Scope::all()).total());
    Table { caption: "Open incidents by age and priority".to_owned(), columns, rows, long: false }
}

fn oldest_table(material: &Material) -> Table {
    let rows = material.now.oldest.iter().map(|ticket| {
        Row::of(vec![
            Cell::text(ticket.label()),
            Cell::text(ticket.priority.map_or_else(|| "–".to_owned(), |priority| priority.to_string())),
            Cell::text(material.service(&ticket.service)),
            Cell::text(text::short_name(&ticket.group)),
            Cell::text(text::day(ticket.opened_at)),
        ])
    });
    Table {
        caption: "Open longest".to_owned(),
        columns: ["Incident", "Priority", "Service", "Group", "Opened"].map(Column::text).into(),
        rows: rows.collect(),
        long: false,
    }
}
