//! `report.json`, for machines: what the report is about, what its pages found, and every measure
//! on a line of its own.

use jiff::Timestamp;
use serde::Serialize;

use crate::Error;
use crate::inputs::Horizon;
use crate::period::Period;
use crate::report::{Report, SCHEMA_VERSION};

#[derive(Serialize)]
struct Head<'a> {
    schema_version: u32,
    period: Period,
    as_of: Timestamp,
    horizon: Horizon,
    data_hash: &'a str,
    pages: Vec<PageHead<'a>>,
}

/// What a page found.
#[derive(Serialize)]
struct PageHead<'a> {
    id: &'a str,
    name: &'a str,
    finding: &'a str,
    illustrative: bool,
}

pub(super) fn document(report: &Report) -> Result<String, Error> {
    let pages = report.pages.iter().map(|page| PageHead {
        id: page.id,
        name: page.name,
        finding: &page.finding,
        illustrative: page.illustrative,
    });
    let head = Head {
        schema_version: SCHEMA_VERSION,
        period: report.period,
        as_of: report.as_of,
        horizon: report.horizon,
        data_hash: &report.data_hash,
        pages: pages.collect(),
    };
    let head = serde_json::to_string(&head).map_err(|error| Error::decode("report.json", error))?;
    let lines: Result<Vec<String>, _> = report.measures.iter().map(serde_json::to_string).collect();
    let lines = lines.map_err(|error| Error::decode("report.json", error))?;
    let head = head.trim_end_matches('}');
    Ok(format!("{head},\"measures\":[\n{}\n]}}\n", lines.join(",\n")))
}
