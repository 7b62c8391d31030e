//! What is wrong or doubtful in a calendar, before anybody relies on it.

use std::collections::BTreeMap;

use super::definition::{Definition, Exception, Hours, LocalTime, Weekday};
use super::zone::Zone;
use crate::finding::Finding;

impl Definition {
    /// What is wrong, errors first. Empty: nothing. A calendar that is never open is only doubtful:
    /// clocks on it never run, and say so.
    pub fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if Zone::load(&self.time_zone, 0).is_none() {
            let message = format!("time zone `{}` is unknown: write an IANA name like Europe/Paris", self.time_zone);
            findings.push(Finding::error("time_zone", "TIME_ZONE_UNKNOWN", message));
        }
        for (day, hours) in &self.weekly {
            check_hours(&format!("weekly.{}", day.as_str()), hours, &mut findings);
        }
        self.check_nights(&mut findings);
        for (index, exception) in self.exceptions.iter().enumerate() {
            let field = format!("exceptions[{index}]");
            check_hours(&format!("{field}.hours"), &exception.hours, &mut findings);
            check_exception(&field, exception, &self.exceptions[..index], &mut findings);
        }
        let exceptional = self.exceptions.iter().map(|exception| &exception.hours);
        if self.weekly.values().chain(exceptional).all(Vec::is_empty) {
            let message = "the calendar is never open, so clocks on it never run: add weekly hours";
            findings.push(Finding::warning("weekly", "CALENDAR_NEVER_OPEN", message));
        }
        findings.sort_by_key(|finding| finding.severity);
        findings
    }

    /// Night shifts that reach into the hours of the next day.
    fn check_nights(&self, findings: &mut Vec<Finding>) {
        let by_day: BTreeMap<_, _> = self.weekly.iter().collect();
        for (index, day) in Weekday::ALL.iter().enumerate() {
            let next = Weekday::ALL[(index + 1) % 7];
            let closes =
                by_day.get(day).into_iter().flat_map(|hours| hours.iter()).map(|hours| hours.minutes().1).max();
            let opens =
                by_day.get(&next).into_iter().flat_map(|hours| hours.iter()).map(|hours| hours.minutes().0).min();
            if let (Some(closes), Some(opens)) = (closes, opens)
                && closes - DAY > opens
            {
                let message =
                    format!("the night shift reaches into the hours of {}: time is counted once", next.as_str());
                findings.push(Finding::warning(format!("weekly.{}", day.as_str()), "HOURS_OVERLAP", message));
            }
        }
    }
}

const DAY: i64 = 24 * 60;

fn check_hours(field: &str, hours: &[Hours], findings: &mut Vec<Finding>) {
    for (index, interval) in hours.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if interval.opens == interval.closes {
            let message = format!("{interval} opens when it closes: a whole day is 00:00-24:00");
            findings.push(Finding::error(field, "HOURS_EMPTY", message));
        } else if interval.opens == LocalTime::MIDNIGHT_AFTER {
            let message = format!("{interval} opens at the end of its day: write 00:00 on the next day");
            findings.push(Finding::error(field, "HOURS_OPEN_AT_24", message));
        } else if hours[..index].iter().any(|other| overlap(*other, *interval)) {
            let message = format!("{interval} overlaps other hours of the same day: time is counted once");
            findings.push(Finding::warning(field, "HOURS_OVERLAP", message));
        }
    }
}

fn overlap(a: Hours, b: Hours) -> bool {
    let (a, b) = (a.minutes(), b.minutes());
    a.0 < b.1 && b.0 < a.1
}

fn check_exception(field: &str, exception: &Exception, earlier: &[Exception], findings: &mut Vec<Finding>) {
    if exception.name.trim().is_empty() {
        let message = "an exception needs a name that explanations can show";
        findings.push(Finding::error(format!("{field}.name"), "NAME_EMPTY", message));
    }
    if !exception.yearly && exception.last() < exception.first_on {
        let message =
            format!("`{}` ends on {} before it begins on {}", exception.name, exception.last(), exception.first_on);
        findings.push(Finding::error(format!("{field}.last_on"), "DATES_REVERSED", message));
    }
    if let Some(first) = earlier.iter().find(|other| other.matches(exception.first_on)) {
        let message =
            format!("`{}` comes first on {}: the first exception that matches decides", first.name, exception.first_on);
        findings.push(Finding::warning(field, "EXCEPTION_SHADOWED", message));
    }
}
