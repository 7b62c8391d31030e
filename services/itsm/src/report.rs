//! `itsm report`: reads what the services recorded and makes the Service Value Report.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use reporting::{Attribution, Extract, Inputs, Period, Source, render};
use serde::{Deserialize, Serialize};
use servicekit::clock::{Clock as _, System};

use crate::cli::ReportArgs;
use crate::import::Problem;
use crate::suite::{Database, problem};

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

/// Where known sources come from. Rows of other sources carry their own name only.
const ATTRIBUTIONS: &str = include_str!("../../../demo/data/attributions.json");

/// Makes a report: reads, measures, writes.
pub async fn make(args: &ReportArgs) -> Result<Made, Problem> {
    let period = Period::parse(&args.period).map_err(sentence)?;
    let now = System.now();
    let as_of = match &args.as_of {
        Some(text) => parse_instant(text)?,
        None => period.end.min(now),
    };
    if as_of > now {
        return Err(Problem::new(format!("--as-of {as_of} is in the future: give a time that has come")));
    }
    let database = Database::open(&args.database, args.data_dir.as_deref()).await?;
    let outcome = match database.config.url() {
        Ok(url) => reporting::extract(&Source { url }).await.map_err(sentence),
        Err(error) => Err(problem(error)),
    };
    database.close().await?;
    let extract = outcome?;
    let out = args.out.clone();
    let formats: Vec<_> = args.formats.iter().map(|format| format.rendered()).collect();
    tokio::task::spawn_blocking(move || write(&extract, period, as_of, &out, &formats))
        .await
        .map_err(|_| Problem::new("making the report stopped unexpectedly"))
        .flatten()
}

fn write(
    extract: &Extract,
    period: Period,
    as_of: Timestamp,
    out: &Path,
    formats: &[render::Format],
) -> Result<Made, Problem> {
    let attributions: Vec<Attribution> = serde_json::from_str(ATTRIBUTIONS)
        .map_err(|error| Problem::new(format!("the attributions cannot be read: {error}")))?;
    let inputs = extract.inputs(as_of).map_err(sentence)?.with_attributions(attributions);
    let report = reporting::measure(&inputs, &period).map_err(sentence)?;
    let formats = if formats.is_empty() { &render::Format::ALL } else { formats };
    let mut files = render::write(&report, out, formats).map_err(sentence)?;
    let kept = Kept { period, inputs };
    let path = out.join(INPUTS);
    let problem = |detail: String| Problem::new(format!("{} cannot be written: {detail}", path.display()));
    let bytes = serde_json::to_vec(&kept).map_err(|error| problem(error.to_string()))?;
    std::fs::write(&path, bytes).map_err(|error| problem(error.to_string()))?;
    files.push(path);
    let headline = report.pages.first().map_or_else(|| report.title.clone(), |page| page.finding.clone());
    Ok(Made { headline, files })
}

fn sentence(error: reporting::Error) -> Problem {
    Problem::new(error.to_string())
}

/// An instant, or the start of a day in UTC.
fn parse_instant(text: &str) -> Result<Timestamp, Problem> {
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    text.parse::<Timestamp>()
        .ok()
        .or_else(day)
        .ok_or_else(|| Problem::new(format!("{text} is no time: give 2016-06-01 or 2016-06-01T00:00:00Z")))
}
