//! The first page: what is asked of a report, answered as far as the data goes.

use super::{capital, contracts, cost, flow, metric_word, promises, reliability, value};
use crate::inputs::TicketRow;
use crate::measures::Register;
use crate::report::measure::{Measure, Scope};
use crate::report::page::{Answer, Block, Cell, Column, Mark, Page, Row, Table};
use crate::report::{Material, text};

/// Services on the first page.
const SERVICES: usize = 5;

/// Decisions on the first page.
const DECISIONS: usize = 4;

/// Major incidents on the first page.
const MAJORS: usize = 3;

/// The first page: eight questions in the order in which a CIO asks them.
pub(super) fn page(material: &Material) -> Page {
    let answers = vec![
        kept(material),
        services(material),
        majors(material),
        open(material),
        spent(material),
        worth(material),
        ahead(material),
        decide(material),
        changed(material),
    ];
    let illustrative = answers.iter().any(|answer| answer.illustrative);
    Page {
        id: "answer",
        name: "The answer",
        finding: promises::finding(material),
        illustrative,
        blocks: vec![Block::Answers(answers)],
    }
}

fn kept(material: &Material) -> Answer {
    let all = promises::promises(material, "priority");
    let missed = all.iter().filter(|promise| promise.mark == Mark::Missed).count();
    let unsure = all.iter().filter(|promise| promise.mark == Mark::Unsure).count();
    let finding = if all.is_empty() {
        "No promise was due".to_owned()
    } else if missed == 0 && unsure == 0 {
        "Every goal is met beyond chance".to_owned()
    } else {
        let unsure = if unsure == 0 { String::new() } else { format!(", for {unsure} the cases are too few to tell") };
        let missed = if missed == all.len() { format!("All {missed}") } else { format!("{missed} of {}", all.len()) };
        format!("{missed} are missed beyond chance{unsure}")
    };
    let rows: Vec<_> =
        all.iter().map(|promise| (promise, promise.attainment.scope.text("priority").unwrap_or_default())).collect();
    Answer {
        question: "Are we keeping our promises?",
        finding,
        illustrative: all.iter().any(promises::Promise::is_illustrative),
        wide: false,
        table: (!all.is_empty()).then(|| compact("Priority", &rows)),
        page: Some("promises"),
    }
}

fn services(material: &Material) -> Answer {
    let all = promises::promises(material, "service");
    let metric = all.first().map(|promise| promise.metric.clone()).unwrap_or_default();
    let of_metric: Vec<&promises::Promise> = all
        .iter()
        .filter(|promise| {
            promise.metric == metric && promise.attainment.scope.text("service").is_some_and(|name| !name.is_empty())
        })
        .collect();
    let mut largest = of_metric.clone();
    largest.sort_by(|a, b| (b.attainment.n, &a.attainment.scope).cmp(&(a.attainment.n, &b.attainment.scope)));
    largest.truncate(SERVICES);
    let missed = largest.iter().filter(|promise| promise.is_kept() == Some(false)).count();
    let finding = match largest.len() {
        0 => "No incident with a promise names its service".to_owned(),
        1 if missed == 1 => format!("The only service on record missed its {} goal", metric_word(&metric)),
        1 => format!("The only service on record met its {} goal", metric_word(&metric)),
        n if missed == n => format!("All {n} services with most cases missed their {} goal", metric_word(&metric)),
        n if missed == 0 => format!("The {n} services with most cases met their {} goal", metric_word(&metric)),
        n => format!("{missed} of the {n} services with most cases missed their {} goal", metric_word(&metric)),
    };
    let name = |promise: &promises::Promise| {
        material.service(&promise.attainment.scope.text("service").unwrap_or_default()).to_owned()
    };
    let among = |promise: &&promises::Promise| {
        largest.iter().any(|large| large.attainment.scope.text("service") == promise.attainment.scope.text("service"))
    };
    let mut rows: Vec<_> = largest.iter().map(|promise| (*promise, name(promise))).collect();
    rows.extend(
        all.iter().filter(|promise| promise.metric != metric).filter(among).map(|promise| (promise, name(promise))),
    );
    Answer {
        question: "For which services?",
        finding,
        illustrative: largest.iter().any(|promise| promise.is_illustrative()),
        wide: false,
        table: (!largest.is_empty()).then(|| compact("Service", &rows)),
        page: (!largest.is_empty()).then_some("services"),
    }
}

/// A row per label, with verdict by contract, share and n of the first two metrics: intervals stand on later pages.
fn compact(heading: &str, promises: &[(&promises::Promise, String)]) -> Table {
    let mut metrics: Vec<&str> = Vec::new();
    let mut labels: Vec<&str> = Vec::new();
    for (promise, label) in promises {
        if !metrics.contains(&promise.metric.as_str()) {
            metrics.push(&promise.metric);
        }
        if !labels.contains(&label.as_str()) {
            labels.push(label);
        }
    }
    metrics.truncate(2);
    let mut columns = vec![Column::text(heading)];
    for metric in &metrics {
        columns.push(Column::text(&capital(&metric_word(metric))));
        columns.push(Column::number("kept", ""));
        columns.push(Column::number("of", ""));
    }
    let row = |label: &str| {
        let mut cells = vec![Cell::text(label)];
        for metric in &metrics {
            let found = promises.iter().find(|(promise, of)| of == label && promise.metric == *metric);
            cells.extend(found.map_or_else(
                || vec![Cell::text("–"), Cell::default(), Cell::default()],
                |(promise, _)| {
                    vec![
                        promise.contract(),
                        Cell::text(text::percent(promise.share)),
                        Cell::of(promise.attainment, text::count(promise.attainment.n)),
                    ]
                },
            ));
        }
        Row::of(cells)
    };
    let rows = labels.into_iter().map(row).collect();
    Table { caption: format!("Attainment by {}, by contract", heading.to_lowercase()), columns, rows, long: false }
}

fn majors(material: &Material) -> Answer {
    let majors = &material.now.majors;
    let row = |ticket: &TicketRow| {
        let major = ticket.major.as_ref()?;
        let until = major.stood_down_at.unwrap_or(material.inputs.as_of);
        let hours = crate::period::hours(crate::period::micros_between(major.declared_at, until));
        let going_on = if major.stood_down_at.is_none() { ", going on" } else { "" };
        let or_dash = |text: &str| if text.is_empty() { "–".to_owned() } else { text::short_name(text).to_owned() };
        Some(Row::of(vec![
            Cell::text(ticket.label()),
            Cell::text(material.service(&ticket.service)),
            Cell::text(format!("{}{going_on}", text::duration(hours))),
            Cell::text(major.users_affected.map_or_else(|| "–".to_owned(), text::count)),
            Cell::text(if major.cause.is_empty() { "–" } else { &major.cause }),
            Cell::text(or_dash(&major.commander)),
        ]))
    };
    let going_on =
        majors.iter().filter(|ticket| ticket.major.as_ref().is_some_and(|major| major.stood_down_at.is_none()));
    let declared = match (majors.len() as u64, going_on.count() as u64) {
        (0, _) => "No incident was declared a major one".to_owned(),
        (all, 0) => format!("{}, all stood down", text::counted(all, "major incident")),
        (all, open) => format!("{}, {} of them going on", text::counted(all, "major incident"), text::count(open)),
    };
    let lost = reliability::worst(material);
    let finding = lost.as_ref().map_or_else(|| declared.clone(), |lost| format!("{declared}; {lost}"));
    Answer {
        question: "What went badly wrong?",
        finding,
        illustrative: lost.is_some() && reliability::is_illustrative(material),
        wide: false,
        table: (!majors.is_empty()).then(|| Table {
            caption: "Major incidents".to_owned(),
            columns: vec![
                Column::text("Incident"),
                Column::text("Service"),
                Column::text("Lasted"),
                Column::number("Users", ""),
                Column::text("Cause"),
                Column::text("Led by"),
            ],
            rows: majors.iter().take(MAJORS).filter_map(row).collect(),
            long: false,
        }),
        page: Some("reliability"),
    }
}

fn open(material: &Material) -> Answer {
    let backlog = material.count("flow.backlog", &Scope::all());
    let risk = promises::at_risk(material);
    Answer {
        question: "What is open, and about to breach?",
        finding: if backlog == 0 { "Nothing is open, so no clock is at risk".to_owned() } else { flow::age(material) },
        illustrative: backlog > 0 && material.inputs.agreements.iter().any(|agreement| agreement.illustrative),
        wide: false,
        table: (backlog > 0 && !risk.rows.is_empty()).then_some(risk),
        page: Some("ageing"),
    }
}

fn spent(material: &Material) -> Answer {
    let dearest = cost::dearest(material, SERVICES);
    Answer {
        question: "What does it cost, and was that planned?",
        finding: cost::title(material),
        illustrative: cost::is_illustrative(material),
        wide: false,
        table: dearest.or_else(|| cost::by_provider(material)),
        page: Some("cost"),
    }
}

fn worth(material: &Material) -> Answer {
    Answer {
        question: "What is it worth?",
        finding: value::returned(material),
        illustrative: value::is_illustrative(material),
        wide: false,
        table: value::summary(material),
        page: Some("value"),
    }
}

fn ahead(material: &Material) -> Answer {
    let registers = material.now.registers.iter().filter(|register| !register.contracts.is_empty());
    let rows: Vec<Row> = registers
        .map(|register| {
            let source = register.contracts.first().map_or("", |contract| contract.source.as_str());
            let mark = if register.is_illustrative() { " (ILLUSTRATIVE)" } else { "" };
            let first = register.due.iter().filter_map(|contract| contract.deadline_on).min();
            Row::of(vec![
                Cell::text(format!("{}{mark}", if source.is_empty() { "entered here" } else { source })),
                Cell::text(text::count(register.contracts.len() as u64)),
                material
                    .get("supplier.notice_due", &register.scope)
                    .map_or_else(Cell::default, |measure| Cell::of(measure, text::count(measure.count()))),
                Cell::text(first.map_or_else(|| "–".to_owned(), |on| on.strftime("%-d %b %Y").to_string())),
            ])
        })
        .collect();
    Answer {
        question: "What do suppliers ask of us, and owe us?",
        finding: format!("{}; {}", contracts::deadlines(material), value::credits_due(material)),
        illustrative: material.inputs.contracts.iter().any(|contract| contract.illustrative),
        wide: false,
        table: (!rows.is_empty()).then(|| Table {
            caption: "Contracts and notice deadlines by register".to_owned(),
            columns: vec![
                Column::text("Register"),
                Column::number("Contracts", ""),
                Column::number("Notice due in 90 days", ""),
                Column::text("First deadline"),
            ],
            rows,
            long: false,
        }),
        page: Some("contracts"),
    }
}

fn decide(material: &Material) -> Answer {
    let registers: Vec<&Register> = material.now.registers.iter().collect();
    let due: Vec<_> = registers.iter().flat_map(|register| &register.due).collect();
    Answer {
        question: "What must be decided?",
        finding: if due.is_empty() {
            "No decision on a contract is due in the 90 days ahead".to_owned()
        } else {
            format!("{} to renew, renegotiate or let end", text::counted(due.len() as u64, "contract"))
        },
        illustrative: due.iter().any(|contract| contract.illustrative),
        wide: true,
        table: (!due.is_empty()).then(|| contracts::due_table(&registers, DECISIONS)),
        page: Some("contracts"),
    }
}

/// The same measures one period earlier, where the record has them.
fn changed(material: &Material) -> Answer {
    let question = "What changed since the period before?";
    let label = material.period.previous().label();
    let Some(before) = &material.before else {
        return Answer {
            question,
            finding: format!("Nothing can be compared: the record does not cover {label}"),
            table: None,
            page: None,
            illustrative: false,
            wide: true,
        };
    };
    let mut rows = Vec::new();
    let mut compare = |name: &str, id: &str, scope: &Scope, show: &dyn Fn(f64) -> String| {
        let now = material.get(id, scope).and_then(Measure::number);
        let then = before.get(id, scope).and_then(Measure::number);
        let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), show);
        rows.push(Row::of(vec![Cell::text(name), Cell::text(shown(then)), Cell::text(shown(now))]));
    };
    let whole = |value: f64| text::hours(value).trim_end_matches(".0").to_owned();
    compare("Incidents opened", "flow.opened", &Scope::all(), &whole);
    compare("Incidents resolved", "flow.resolved", &Scope::all(), &whole);
    compare("Open at the end", "flow.backlog", &Scope::all(), &whole);
    compare("Median time to resolve, all", "flow.time_to_resolve.km_median", &Scope::all(), &text::duration);
    // The metric that comes first; the others stand on the page of promises.
    let all = promises::promises(material, "priority");
    for promise in all.iter().filter(|promise| promise.metric == all[0].metric) {
        let priority = promise.attainment.scope.text("priority").unwrap_or_default();
        let name = format!("Priority {priority} {}, attained", metric_word(&promise.metric));
        compare(&name, "sla.attainment", &promise.attainment.scope, &text::percent);
    }
    let opened = |measures: &crate::report::measure::Measures| {
        measures.get("flow.opened", &Scope::all()).map_or(0, Measure::count)
    };
    Answer {
        question,
        finding: format!(
            "{} incidents were opened, after {} in {label}",
            text::count(opened(material.measures())),
            text::count(opened(before)),
        ),
        illustrative: material.inputs.agreements.iter().any(|agreement| agreement.illustrative),
        table: Some(Table {
            caption: "Now and before".to_owned(),
            columns: vec![
                Column::text("Measure"),
                Column::number(&label, ""),
                Column::number(&material.period.label(), ""),
            ],
            rows,
            long: false,
        }),
        page: None,
        wide: true,
    }
}
