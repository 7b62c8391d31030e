//! The period of a report: whole months or days in UTC, kept as half-open instants.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::Error;

/// When something has to have happened to count. Half-open: the end is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Period {
    /// First instant.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
}

impl Period {
    /// The days from `first` to `last`, both included, in UTC. `None` if they are in the wrong order or out of range.
    pub fn days(first: Date, last: Date) -> Option<Self> {
        let next = last.checked_add(1.day()).ok()?;
        (first <= last).then_some(Self { start: midnight(first)?, end: midnight(next)? })
    }

    /// Reads months (`2016-02..2017-02`, `2016-02`) or dates (`2016-03-01..2016-05-31`); both ends are included.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Period(text.chars().take(100).collect());
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let (first, last) = (first_day(from).ok_or_else(wrong)?, last_day(to).ok_or_else(wrong)?);
        if last < first {
            return Err(Error::PeriodReversed(text.to_owned()));
        }
        Self::days(first, last).ok_or_else(wrong)
    }

    /// Whether `at` lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// What was known at the instant asked for. By default the end of the period, or `now` while it is not over; an
    /// instant after `now` is refused.
    pub fn as_of(&self, asked: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Error> {
        match asked {
            Some(as_of) if as_of > now => Err(Error::FutureAsOf { as_of, now }),
            Some(as_of) => Ok(as_of),
            None => Ok(self.end.min(now)),
        }
    }

    /// The part of it that had passed at `as_of`; empty (start equals end) if none had.
    #[must_use]
    pub fn until(&self, as_of: Timestamp) -> Self {
        Self { start: self.start, end: self.end.min(as_of).max(self.start) }
    }

    /// The period of the same length just before: as many months where it consists of months, else as many days.
    #[must_use]
    pub fn previous(&self) -> Self {
        let (first, next) = (date(self.start), date(self.end));
        let start = if first.day() == 1 && next.day() == 1 {
            first.checked_sub(months_between(first, next).months()).ok()
        } else {
            first.until(next).and_then(|days| first.checked_sub(days)).ok()
        };
        Self { start: start.and_then(midnight).unwrap_or(self.start), end: self.start }
    }

    /// Name for people: `March to May 2016`, `February 2016 to February 2017`, `3 March 2016 to 9 March 2016`.
    pub fn label(&self) -> String {
        let (first, next) = (date(self.start), date(self.end));
        let last = next.yesterday().unwrap_or(first);
        if first.day() != 1 || next.day() != 1 {
            return format!("{} to {}", first.strftime("%-d %B %Y"), last.strftime("%-d %B %Y"));
        }
        let end = last.strftime("%B %Y").to_string();
        if first.first_of_month() == last.first_of_month() {
            end
        } else if first.year() == last.year() {
            format!("{} to {end}", first.strftime("%B"))
        } else {
            format!("{} to {end}", first.strftime("%B %Y"))
        }
    }
}

/// An ISO 8601 interval: `2016-02-01T00:00:00Z/2017-03-01T00:00:00Z`.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.start, self.end)
    }
}

impl FromStr for Period {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// The date of an instant in UTC.
pub(crate) fn date(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// The first instant of a date in UTC; `None` beyond what a timestamp holds.
pub(crate) fn midnight(on: Date) -> Option<Timestamp> {
    on.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The month of an instant in UTC: `2016-03`.
pub(crate) fn month(at: Timestamp) -> String {
    let on = date(at);
    format!("{:04}-{:02}", on.year(), on.month())
}

/// The Monday of the ISO week of an instant in UTC.
pub(crate) fn monday(at: Timestamp) -> Date {
    let on = date(at);
    let since = i64::from(on.weekday().to_monday_zero_offset());
    on.checked_sub(since.days()).unwrap_or(on)
}

/// The ISO week that starts on `monday`: `2016-W09`.
pub(crate) fn week_label(monday: Date) -> String {
    let week = monday.iso_week_date();
    format!("{}-W{:02}", week.year(), week.week())
}

/// Hours of a duration in microseconds.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn hours(micros: i64) -> f64 {
    micros as f64 / 3.6e9
}

/// Microseconds from `from` to `to`.
pub(crate) fn micros_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_microsecond() - from.as_microsecond()
}

/// `at` plus whole days of 24 hours; `at` itself beyond what a timestamp holds.
pub(crate) fn plus_days(at: Timestamp, days: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(at)
}

fn months_between(first: Date, next: Date) -> i64 {
    i64::from(next.year() - first.year()) * 12 + i64::from(next.month() - first.month())
}

fn first_day(text: &str) -> Option<Date> {
    match text.len() {
        7 => format!("{text}-01").parse().ok(),
        10 => text.parse().ok(),
        _ => None,
    }
}

fn last_day(text: &str) -> Option<Date> {
    let first = first_day(text)?;
    Some(if text.len() == 7 { first.last_of_month() } else { first })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn months_are_included_to_their_last_instant() {
        let period = Period::parse("2016-02..2017-02").unwrap();
        assert_eq!(period.to_string(), "2016-02-01T00:00:00Z/2017-03-01T00:00:00Z");
        assert!(period.contains(at("2017-02-28T23:59:59.999999Z")));
        assert!(!period.contains(period.end));
        assert_eq!(Period::parse("2016-02").unwrap().end, at("2016-03-01T00:00:00Z"));
    }

    #[test]
    fn dates_are_included_too() {
        let period = Period::parse("2016-03-01..2016-05-31").unwrap();
        assert_eq!(period, Period::parse("2016-03..2016-05").unwrap());
    }

    #[test]
    fn what_is_no_period_is_refused_with_an_example() {
        for text in ["", "2016", "2016-13", "2016-02..", "..2016-02", "2016-02-30", "2016-02 .. 2016-03", "now"] {
            assert!(matches!(Period::parse(text), Err(Error::Period(_))), "{text}");
        }
        assert!(matches!(Period::parse("2017-02..2016-02"), Err(Error::PeriodReversed(_))));
    }

    #[test]
    fn the_as_of_is_the_end_of_the_period_once_it_is_over() {
        let period = Period::parse("2016-03..2016-05").unwrap();
        let (during, after) = (at("2016-05-10T12:00:00Z"), at("2020-01-01T00:00:00Z"));
        assert_eq!(period.as_of(None, after).unwrap(), period.end);
        assert_eq!(period.as_of(None, during).unwrap(), during);
        assert_eq!(period.as_of(Some(during), after).unwrap(), during);
        assert!(matches!(period.as_of(Some(after), during), Err(Error::FutureAsOf { .. })));
        assert_eq!(period.until(during).end, during);
        assert_eq!(period.until(at("2000-01-01T00:00:00Z")).end, period.start);
    }

    #[test]
    fn the_previous_period_has_as_many_months_or_days() {
        let previous = |text: &str| Period::parse(text).unwrap().previous();
        assert_eq!(previous("2016-03..2016-05"), Period::parse("2015-12..2016-02").unwrap());
        assert_eq!(previous("2016-03-10..2016-03-12"), Period::parse("2016-03-07..2016-03-09").unwrap());
    }

    #[test]
    fn a_period_is_called_as_people_call_it() {
        let label = |text: &str| Period::parse(text).unwrap().label();
        assert_eq!(label("2016-03..2016-05"), "March to May 2016");
        assert_eq!(label("2016-02..2017-02"), "February 2016 to February 2017");
        assert_eq!(label("2016-02"), "February 2016");
        assert_eq!(label("2016-02-03..2016-02-09"), "3 February 2016 to 9 February 2016");
    }

    #[test]
    fn weeks_start_on_monday_and_belong_to_the_year_of_their_thursday() {
        assert_eq!(week_label(monday(at("2016-03-06T23:59:00Z"))), "2016-W09");
        assert_eq!(week_label(monday(at("2016-01-01T00:00:00Z"))), "2015-W53");
    }
}
