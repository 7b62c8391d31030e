//! A calendar as people write it: a zone, hours by weekday, and dates with hours of their own.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Working time as it is agreed. In JSON: `{"time_zone": "Europe/Paris", "weekly": {"MONDAY":
/// ["09:00-12:00", "13:00-17:00"]}, "exceptions": [{"name": "Christmas", "first_on": "2026-12-25",
/// "yearly": true}]}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// IANA name of the zone in which all hours and dates are meant.
    pub time_zone: String,
    /// Open hours by the day on which they open. A missing day is closed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weekly: BTreeMap<Weekday, Vec<Hours>>,
    /// Dates with hours of their own; the first that matches a date decides its hours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
}

/// Dates whose hours replace the weekly ones: a holiday, a half day, an extra open Saturday.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// What explanations call it: `Christmas`.
    pub name: String,
    /// The first date.
    pub first_on: Date,
    /// The last date, inclusive. Empty: the same as the first. If yearly, it may come before the
    /// first in the year, and the range then crosses the year's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_on: Option<Date>,
    /// Whether it recurs each year on the same days and months; the years of the dates are not read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yearly: bool,
    /// The hours that open on these dates. Empty: closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<Hours>,
}

/// An interval of local time, `09:00-17:00`. One that closes before it opens closes on the next
/// day; a whole day is `00:00-24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hours {
    /// When it opens, on the date it belongs to.
    pub opens: LocalTime,
    /// When it closes, on the same date or the next.
    pub closes: LocalTime,
}

/// A time of day to the minute, `00:00` to `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime(u16);

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// The text is no time of day, or no interval of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not `HH:MM` between `00:00` and `24:00`.
    #[error("`{0}` is no time of day: write HH:MM, 00:00 to 24:00")]
    Time(String),
    /// Not two times with a dash between.
    #[error("`{0}` is no interval of hours: write HH:MM-HH:MM")]
    Hours(String),
}

impl Definition {
    /// The hours that open on `date`, and the exception they come from, if it is one.
    pub fn on(&self, date: Date) -> (&[Hours], Option<&Exception>) {
        match self.exceptions.iter().find(|e| e.matches(date)) {
            Some(exception) => (&exception.hours, Some(exception)),
            None => (self.weekly_on(date), None),
        }
    }

    /// The hours that would open on `date` if there were no exceptions.
    pub fn weekly_on(&self, date: Date) -> &[Hours] {
        self.weekly.get(&date.weekday().into()).map_or(&[], Vec::as_slice)
    }
}

impl Exception {
    /// The last date, inclusive.
    pub fn last(&self) -> Date {
        self.last_on.unwrap_or(self.first_on)
    }

    /// Whether `date` is one of its dates.
    pub fn matches(&self, date: Date) -> bool {
        if !self.yearly {
            return self.first_on <= date && date <= self.last();
        }
        let in_year = |d: Date| (d.month(), d.day());
        let (first, last, day) = (in_year(self.first_on), in_year(self.last()), in_year(date));
        if first <= last { first <= day && day <= last } else { first <= day || day <= last }
    }
}

impl Hours {
    /// The interval between two times of day.
    pub fn new(opens: LocalTime, closes: LocalTime) -> Self {
        Self { opens, closes }
    }

    /// Minutes from the start of its date to its opening and to its closing; the latter is above
    /// 1,440 if it closes on the next day.
    pub fn minutes(self) -> (i64, i64) {
        let (opens, closes) = (i64::from(self.opens.0), i64::from(self.closes.0));
        let overnight = if closes < opens { LocalTime::DAY } else { 0 };
        (opens, closes + i64::from(overnight))
    }
}

impl LocalTime {
    const DAY: u16 = 24 * 60;

    /// `24:00`: the end of a date, which only a closing may be.
    pub const MIDNIGHT_AFTER: Self = Self(Self::DAY);

    /// The time of day at `hour` and `minute`; none beyond `24:00`.
    pub fn new(hour: u8, minute: u8) -> Option<Self> {
        let minutes = u16::from(hour) * 60 + u16::from(minute);
        (minute < 60 && minutes <= Self::DAY).then_some(Self(minutes))
    }

    /// Minutes since midnight.
    pub fn minutes(self) -> u16 {
        self.0
    }
}

impl Weekday {
    /// Every day, Monday first.
    pub const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];

    /// The name used in the contract and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monday => "MONDAY",
            Self::Tuesday => "TUESDAY",
            Self::Wednesday => "WEDNESDAY",
            Self::Thursday => "THURSDAY",
            Self::Friday => "FRIDAY",
            Self::Saturday => "SATURDAY",
            Self::Sunday => "SUNDAY",
        }
    }
}

impl From<jiff::civil::Weekday> for Weekday {
    fn from(day: jiff::civil::Weekday) -> Self {
        use jiff::civil::Weekday as Civil;
        match day {
            Civil::Monday => Self::Monday,
            Civil::Tuesday => Self::Tuesday,
            Civil::Wednesday => Self::Wednesday,
            Civil::Thursday => Self::Thursday,
            Civil::Friday => Self::Friday,
            Civil::Saturday => Self::Saturday,
            Civil::Sunday => Self::Sunday,
        }
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for LocalTime {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let two_digits = |part: &str| {
            let plain = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse().ok()).flatten()
        };
        text.split_once(':')
            .and_then(|(hour, minute)| Self::new(two_digits(hour)?, two_digits(minute)?))
            .ok_or_else(|| ParseError::Time(text.to_owned()))
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.opens, self.closes)
    }
}

impl FromStr for Hours {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (opens, closes) = text.split_once('-').ok_or_else(|| ParseError::Hours(text.to_owned()))?;
        Ok(Self::new(opens.parse()?, closes.parse()?))
    }
}

macro_rules! serde_as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
serde_as_text!(Hours, LocalTime);
