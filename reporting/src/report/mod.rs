//! The typed model of a report. Every format is drawn from it; nothing in it knows a data frame.

pub mod chart;
pub mod measure;
mod page;
mod pages;
#[cfg(test)]
mod tests;
pub mod text;

use jiff::Timestamp;

pub use page::{Answer, Block, Cell, Column, Figure, Gap, Mark, Page, Row, Table};

use crate::inputs::{Attribution, Horizon, Inputs};
use crate::measures::{Measured, measured};
use crate::period::Period;
use crate::{Error, measures};
use measure::Measures;

/// Version of the form of `report.json`; rises when a reader would have to change.
pub const SCHEMA_VERSION: u32 = 1;

/// A report: what it is about, its numbers, and its pages with the sentences, tables and charts made from them.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What it is called.
    pub title: String,
    /// When what it counts happened.
    pub period: Period,
    /// What was known then is in.
    pub as_of: Timestamp,
    /// How far each journal was read.
    pub horizon: Horizon,
    /// Hash of everything that was read.
    pub data_hash: String,
    /// Version of the time-zone database behind clocks.
    pub time_zone_database: String,
    /// Every number.
    pub measures: Measures,
    /// Its pages, in reading order.
    pub pages: Vec<Page>,
    /// Where the data comes from.
    pub attributions: Vec<Attribution>,
}

/// Everything the pages are written from.
struct Material<'a> {
    inputs: &'a Inputs,
    period: Period,
    data_hash: String,
    now: Measured,
    /// The same measures one period earlier. `None`: the record does not cover it as a whole.
    before: Option<Measures>,
}

impl Report {
    /// What it is, for when and as of when, in a line.
    pub fn line(&self) -> String {
        format!("{}, {}, as of {}", self.title, self.period.label(), text::instant(self.as_of))
    }
}

/// Measures the inputs over a period and writes the report.
pub fn measure(inputs: &Inputs, period: &Period) -> Result<Report, Error> {
    let now = measured(inputs, period)?;
    let before = if covers(&now, inputs, &period.previous()) {
        Some(measures::measured(inputs, &period.previous())?.measures)
    } else {
        None
    };
    let material = Material { inputs, period: *period, data_hash: inputs.data_hash(), now, before };
    let pages = pages::all(&material);
    Ok(Report {
        title: "Service report".to_owned(),
        period: *period,
        as_of: inputs.as_of,
        horizon: inputs.horizon,
        data_hash: material.data_hash,
        time_zone_database: inputs.time_zone_database.clone(),
        measures: material.now.measures,
        pages,
        attributions: inputs.attributions.clone(),
    })
}

/// Whether the record holds a whole period, so that it can be compared with.
fn covers(measured: &Measured, inputs: &Inputs, period: &Period) -> bool {
    let first = inputs.incidents().map(|row| row.opened_at).min();
    first.is_some_and(|first| first <= period.start)
        && !measured
            .coverage
            .iter()
            .any(|source| source.before.iter().any(|month| *month >= crate::period::month(period.start)))
}
