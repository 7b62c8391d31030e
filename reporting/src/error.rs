//! What can go wrong between the database and the page.

use std::path::PathBuf;

use jiff::Timestamp;

/// Why there is no report. Each message is one sentence that a person at a terminal can act on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is no period.
    #[error(
        "'{0}' is no period: write months such as 2016-02..2017-02, or dates such as 2016-03-01..2016-05-31, the last one included"
    )]
    Period(String),
    /// The period ends before it starts.
    #[error("the period {0} ends before it starts: swap its ends")]
    PeriodReversed(String),
    /// The as-of lies in the future.
    #[error("the as-of {as_of} is later than now ({now}): nothing is known of it yet")]
    FutureAsOf {
        /// Instant asked for.
        as_of: Timestamp,
        /// Instant it was asked.
        now: Timestamp,
    },
    /// The database cannot be reached, or refuses to answer.
    #[error("cannot read {what} from the database: {problem}")]
    Database {
        /// What was being read.
        what: String,
        /// What the driver says.
        problem: String,
    },
    /// A row does not hold what its view promises.
    #[error("{what} cannot be read: {problem}")]
    Decode {
        /// View, row or column.
        what: String,
        /// What does not fit.
        problem: String,
    },
    /// The query engine failed.
    #[error("cannot compute the measures: {0}")]
    Compute(#[from] polars::error::PolarsError),
    /// Amounts do not add up.
    #[error("cannot add up amounts: {0}")]
    Amount(#[from] domain::amount::Error),
    /// A chart cannot be drawn.
    #[error("cannot draw chart {chart}: {problem}")]
    Draw {
        /// Id of the chart.
        chart: String,
        /// What the drawing library says.
        problem: String,
    },
    /// The document cannot be typeset.
    #[error("cannot typeset report.pdf: {0}")]
    Typeset(String),
    /// The workbook cannot be made.
    #[error("cannot make report.xlsx: {0}")]
    Workbook(String),
    /// A file cannot be written.
    #[error("cannot write {}: {problem}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        problem: std::io::Error,
    },
    /// The text names no format.
    #[error("'{0}' is no format: choose from json, html, pdf, svg, png, csv, xlsx")]
    Format(String),
}

impl Error {
    /// A row that does not hold what it should.
    pub(crate) fn decode(what: impl Into<String>, problem: impl ToString) -> Self {
        Self::Decode { what: what.into(), problem: problem.to_string() }
    }
}
