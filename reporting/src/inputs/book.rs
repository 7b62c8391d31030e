//! The published promises and calendars, as `domain` reads them.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::agreement::Agreement;
use domain::calendar::{Calendar, Definition, Revision, Timeline};
use domain::clock::Book;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{AgreementRow, CalendarRow};
use crate::Error;

/// One published revision of an agreement or a calendar.
#[derive(Clone, Debug, PartialEq)]
pub struct Revised {
    /// Resource name.
    pub name: String,
    /// Number, from 1.
    pub revision: u32,
    /// From when it is in force.
    pub effective_from: Timestamp,
    /// The content as published, as `domain` reads it.
    pub body: Value,
    /// Name for people.
    pub display_name: String,
    /// Whether it is invented for demonstration.
    pub illustrative: bool,
}

/// Every revision as a promise that clocks can be read with, and as a row for the report.
///
/// Revisions count whenever they were published: tickets pin theirs, and a calendar is read by its effective dates.
pub(super) fn read(agreements: &[Revised], calendars: &[CalendarRow]) -> Result<(Book, Vec<AgreementRow>), Error> {
    let mut book = Book::default();
    let mut rows = Vec::new();
    for revised in agreements {
        let what = || format!("{} revision {}", revised.name, revised.revision);
        let agreement = Agreement::deserialize(&revised.body).map_err(|error| Error::decode(what(), error))?;
        rows.push(AgreementRow {
            name: revised.name.clone(),
            revision: revised.revision,
            display_name: revised.display_name.clone(),
            kind: agreement.kind,
            goal_percent: agreement.attainment_goal_percent.clone(),
            effective_from: revised.effective_from,
            services: agreement.services.clone(),
            lines: agreement.lines.clone(),
            calendars: match &agreement.service_hours {
                Some(hours) => vec![Some(hours.clone())],
                None => agreement.objectives.iter().map(|objective| objective.calendar.clone()).collect(),
            },
            credits: agreement.credit_terms(),
            illustrative: revised.illustrative,
        });
        book.add_agreement(&revised.name, revised.revision, Arc::new(agreement));
    }
    rows.sort_by(|a, b| (&a.name, a.revision).cmp(&(&b.name, b.revision)));
    for (name, timeline) in timelines(calendars)? {
        book.add_calendar(&name, timeline);
    }
    Ok((book, rows))
}

/// The calendars as rows.
pub(super) fn calendars(revised: &[Revised]) -> Result<Vec<CalendarRow>, Error> {
    let row = |revised: &Revised| {
        let what = || format!("{} revision {}", revised.name, revised.revision);
        Ok(CalendarRow {
            name: revised.name.clone(),
            revision: revised.revision,
            effective_from: revised.effective_from,
            definition: Definition::deserialize(&revised.body).map_err(|error| Error::decode(what(), error))?,
        })
    };
    let mut rows: Vec<CalendarRow> = revised.iter().map(row).collect::<Result<_, Error>>()?;
    rows.sort_by(|a, b| (&a.name, a.revision).cmp(&(&b.name, b.revision)));
    Ok(rows)
}

/// Each calendar with its revisions, compiled.
pub(super) fn timelines(calendars: &[CalendarRow]) -> Result<BTreeMap<String, Timeline>, Error> {
    let mut revisions: BTreeMap<String, Vec<Revision>> = BTreeMap::new();
    for revised in calendars {
        let what = || format!("{} revision {}", revised.name, revised.revision);
        let calendar = Calendar::compile(&revised.definition).map_err(|error| Error::decode(what(), error))?;
        revisions.entry(revised.name.clone()).or_default().push(Revision {
            number: revised.revision,
            effective_from: revised.effective_from,
            calendar: Arc::new(calendar),
        });
    }
    Ok(revisions.into_iter().map(|(name, revisions)| (name, Timeline::new(revisions))).collect())
}
