//! The reports of a folder: their pages, their numbers, and the rows behind each number.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::SystemTime;

use axum::extract::{Path as UrlPath, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use proto::common::v1::ResourceView;
use proto::operations::v1 as pb;
use reporting::report::measure::{Part, Scope};
use serde::Deserialize;
use serde_json::Value;

use super::page::{Section, page};
use super::part::{grouped, illustrative};
use super::site::Site;
use super::tickets::table;
use super::viewer::{Refusal, Viewer};
use super::{Config, query};
use crate::report::{INPUTS, Kept};

/// Tickets on a page of rows.
const PAGE: usize = 100;

/// What the list of reports and the page of numbers read of a `report.json`.
#[derive(Debug, Deserialize)]
struct Summary {
    period: Ends,
    as_of: String,
    /// Empty: an older program made the report.
    #[serde(default)]
    pages: Vec<PageHead>,
    measures: Vec<Number>,
}

/// What a page of a report found, in a sentence.
#[derive(Debug, Deserialize)]
struct PageHead {
    id: String,
    name: String,
    finding: String,
    illustrative: bool,
}

#[derive(Debug, Deserialize)]
struct Ends {
    start: String,
    end: String,
}

#[derive(Debug, Deserialize)]
struct Number {
    id: String,
    scope: BTreeMap<String, Value>,
    window: String,
    source: String,
    value: Value,
    unit: String,
    n: u64,
    interval: Option<Value>,
    definition: String,
    filter: Option<String>,
}

/// The folder of a report. Its name comes from a URL: one plain part, so that it cannot lead out of the reports.
fn folder(config: &Config, report: &str) -> Result<PathBuf, Refusal> {
    let plain = !report.is_empty()
        && !report.starts_with('.')
        && report.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let folder = config.reports.join(report);
    if plain && folder.join("report.json").is_file() {
        Ok(folder)
    } else {
        Err(Refusal::not_found(format!("there is no report {report}: make one with `itsm report`")))
    }
}

fn read(folder: &Path) -> Result<Summary, Refusal> {
    let broken = |detail: String| {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{} cannot be read: {detail}", folder.display()))
    };
    let text = std::fs::read(folder.join("report.json")).map_err(|error| broken(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))
}

/// The reports of the folder, each with its name, by name.
fn made(config: &Config) -> Vec<(String, Summary)> {
    let entries = std::fs::read_dir(&config.reports).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut reports: Vec<_> = names
        .filter_map(|name| {
            let summary = folder(config, &name).and_then(|folder| read(&folder)).ok()?;
            Some((name, summary))
        })
        .collect();
    reports.sort_by(|a, b| a.0.cmp(&b.0));
    reports
}

pub(super) async fn index(viewer: Viewer, State(site): State<Arc<Site>>) -> Result<Markup, Refusal> {
    viewer.verify().await?;
    Ok(page(&viewer, Section::Reports, "Reports", &html! { h1 { "Reports" } (cards(&site.config, 5)) }))
}

/// The reports as cards that say what they found; of the pages behind the first, so many.
pub(super) fn cards(config: &Config, findings: usize) -> Markup {
    let reports = made(config);
    html! {
        @if reports.is_empty() {
            p { "No report has been made yet: " code { "itsm report --period 2016-03..2016-05 --out " (config.reports.display()) "/2016-spring" } }
        }
        ul.cards { @for (name, summary) in &reports { li { (card(name, summary, findings)) } } }
    }
}

fn card(name: &str, summary: &Summary, findings: usize) -> Markup {
    let report = format!("/reports/{name}/report.html");
    let mut pages = summary.pages.iter();
    let first = pages.next();
    html! {
        p.soft { (name) " · " (day(&summary.period.start)) " to " (before(&summary.period.end)) " · as known on " (day(&summary.as_of)) }
        h2 { a href=(report) { @if let Some(first) = first { (first.finding) } @else { (name) } } (illustrative(first.is_some_and(|page| page.illustrative))) }
        @if findings > 0 && summary.pages.len() > 1 {
            dl.findings { @for page in pages.take(findings) {
                dt { a href={ (report) "#" (page.id) } { (page.name) } }
                dd { (page.finding) (illustrative(page.illustrative)) }
            } }
        }
        p { a href={ "/reports/" (name) } { (summary.measures.len()) " numbers and the rows behind them" } }
    }
}

/// The last day before an instant that begins one.
fn before(instant: &str) -> String {
    let day = day(instant).parse::<jiff::civil::Date>().and_then(jiff::civil::Date::yesterday);
    day.map_or_else(|_| instant.to_owned(), |day| day.to_string())
}

fn day(instant: &str) -> &str {
    instant.split('T').next().unwrap_or(instant)
}

#[derive(Debug, Deserialize)]
pub(super) struct Search {
    /// Shows the measures whose id contains this.
    #[serde(default)]
    id: String,
}

pub(super) async fn numbers(
    viewer: Viewer,
    State(site): State<Arc<Site>>,
    UrlPath(report): UrlPath<String>,
    Query(search): Query<Search>,
) -> Result<Markup, Refusal> {
    viewer.verify().await?;
    let summary = read(&folder(&site.config, &report)?)?;
    let shown: Vec<_> = summary.measures.iter().filter(|number| number.id.contains(&search.id)).collect();
    let mut by_id: BTreeMap<&str, Vec<&Number>> = BTreeMap::new();
    for number in shown {
        by_id.entry(&number.id).or_default().push(number);
    }
    Ok(page(
        &viewer,
        Section::Reports,
        &report,
        &html! {
            p.soft { a href={ "/reports/" (report) "/report.html" } { "The report" } }
            h1 { "The numbers of " (report) }
            form.filter method="get" role="search" {
                label for="filter" { "Measure" }
                input #filter type="text" name="id" value=(search.id) placeholder="sla.attainment" data-filter
                    autocomplete="off" autocapitalize="off" spellcheck="false";
                button { "Show" }
            }
            @for (id, numbers) in &by_id {
                section {
                    h2 { (id) }
                    @if let Some(first) = numbers.first() { p.note { (first.definition) } }
                    div.scroll tabindex="0" role="region" aria-label=(id) { table {
                        thead { tr {
                            th scope="col" { "Scope" } th.num scope="col" { "Value" } th scope="col" { "Unit" }
                            th.num scope="col" { "n" } th.num scope="col" { "95 % interval" }
                            th scope="col" { "Window" } th scope="col" { "Source" } th scope="col" { "Rows" }
                        } }
                        tbody { @for number in numbers { (row(&report, number)) } }
                    } }
                }
            }
        },
    ))
}

fn row(report: &str, number: &Number) -> Markup {
    let scope: Vec<_> = number.scope.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect();
    html! {
        tr {
            td { @if scope.is_empty() { "total" } @else { (scope.join(", ")) } }
            td.num { (value(&number.value)) }
            td { (number.unit) }
            td.num { (number.n) }
            td.num { (interval(number.interval.as_ref())) }
            td { (number.window) }
            td { (number.source) }
            td.when {
                a href=(rows_link(report, number)) { "rows" }
                @if let Some(filter) = &number.filter { " · " a href=(query::tickets(filter, "")) { "as a list" } }
            }
        }
    }
}

fn rows_link(report: &str, number: &Number) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("measure", &number.id);
    for (name, value) in &number.scope {
        query.append_pair(name, &plain(value));
    }
    format!("/reports/{report}/rows?{}", query.finish())
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "not known".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "—".to_owned(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => grouped(whole),
            (None, Some(number)) => format!("{number:.4}"),
            (None, None) => number.to_string(),
        },
        other => plain(other),
    }
}

fn interval(interval: Option<&Value>) -> String {
    let Some([low, high]) = interval.and_then(Value::as_array).map(Vec::as_slice) else { return String::new() };
    let end = |end: &Value| end.as_f64().map_or_else(|| "∞".to_owned(), |end| format!("{end:.3}"));
    format!("{} to {}", end(low), end(high))
}

/// What browsers may do with a file of a report: it holds its own style, images and fonts, and nothing that runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; font-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of a report: its page, its charts, its data.
pub(super) async fn file(
    viewer: Viewer,
    State(site): State<Arc<Site>>,
    UrlPath((report, file)): UrlPath<(String, String)>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    viewer.verify().await?;
    let folder = folder(&site.config, &report)?;
    if file == "rows" {
        return rows(viewer, &folder, &report, &query).await.map(IntoResponse::into_response);
    }
    let missing = || Refusal::not_found(format!("the report {report} has no file {file}"));
    let content_type = match file.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("csv") => "text/csv; charset=utf-8",
        _ => return Err(missing()),
    };
    // A canonical path below the report: links and dots lead nowhere else.
    let root = folder.canonicalize().map_err(|_| missing())?;
    let path = folder.join(&file).canonicalize().map_err(|_| missing())?;
    if !path.starts_with(&root) {
        return Err(missing());
    }
    let bytes = tokio::fs::read(path).await.map_err(|_| missing())?;
    let headers = [(header::CONTENT_TYPE, content_type), (header::CONTENT_SECURITY_POLICY, POLICY)];
    Ok((headers, bytes).into_response())
}

/// What reports were made from, by file and with the time at which the file was written.
type Read = HashMap<PathBuf, (SystemTime, Arc<Kept>)>;

/// What was read of them, kept in memory until the file changes.
static INPUTS_READ: LazyLock<Mutex<Read>> = LazyLock::new(Mutex::default);

fn inputs(folder: &Path) -> Result<Arc<Kept>, Refusal> {
    let missing = || Refusal::not_found("the rows behind this report were not kept: make it again");
    let path = folder.join(INPUTS);
    let changed = path.metadata().and_then(|metadata| metadata.modified()).map_err(|_| missing())?;
    let mut read = INPUTS_READ.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((_, kept)) = read.get(&path).filter(|(at, _)| *at == changed) {
        return Ok(kept.clone());
    }
    let kept = Arc::new(Kept::read(&path).map_err(|_| missing())?);
    read.insert(path, (changed, kept.clone()));
    Ok(kept)
}

async fn rows(viewer: Viewer, folder: &Path, report: &str, query: &[(String, String)]) -> Result<Markup, Refusal> {
    let mut id = String::new();
    let mut from = 0;
    let mut scope = Scope::all();
    for (name, value) in query {
        match name.as_str() {
            "measure" => id.clone_from(value),
            "from" => from = value.parse().unwrap_or(0),
            _ => {
                let value = if value == "not known" { "" } else { value };
                let part = value.parse::<i64>().map_or_else(|_| Part::from(value), Part::from);
                scope = scope.with(name, part);
            }
        }
    }
    let owned = folder.to_owned();
    let measure = id.clone();
    let found = tokio::task::spawn_blocking(move || {
        let kept = inputs(&owned)?;
        reporting::measures::rows(&kept.inputs, &kept.period, &measure, &scope)
            .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
    });
    let names = found
        .await
        .map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the rows could not be found: see the log"))??;
    let shown: Vec<_> = names.iter().skip(from).take(PAGE).cloned().collect();
    let tickets = shown.iter().all(|name| name.starts_with("tickets/")) && !shown.is_empty();
    let listed = if tickets {
        let request = pb::BatchGetTicketsRequest { names: shown.clone(), view: ResourceView::Basic as i32 };
        viewer.batch_get_tickets(request).await?.tickets
    } else {
        Vec::new()
    };
    let parts: Vec<_> =
        query.iter().filter(|(name, _)| name != "measure" && name != "from").map(|(n, v)| format!("{n} {v}")).collect();
    let more = |from: usize| {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.extend_pairs(query.iter().filter(|(name, _)| name != "from"));
        pairs.append_pair("from", &from.to_string());
        format!("/reports/{report}/rows?{}", pairs.finish())
    };
    Ok(page(
        &viewer,
        Section::Reports,
        &id,
        &html! {
            p.soft { a href={ "/reports/" (report) "?id=" (id) } { (id) } " · " (parts.join(", ")) }
            h1 { (grouped(i64::try_from(names.len()).unwrap_or(i64::MAX))) " rows behind the number" }
            @if tickets { (table(&viewer, &listed)) }
            @else if shown.is_empty() { p { "No rows stand behind this number." } }
            @else { ul { @for name in &shown { li { (name) } } } }
            nav.pages aria-label="Pages" {
                @if from > 0 { a rel="prev" href=(more(from.saturating_sub(PAGE))) { "Previous page" } }
                @if from + PAGE < names.len() { a rel="next" href=(more(from + PAGE)) { "Next page" } }
            }
        },
    ))
}
