//! Calendars: message <-> domain.

use std::collections::BTreeMap;

use domain::calendar::{Definition, Exception, Hours, LocalTime, ParseError, Weekday};
use domain::violation::{self, Violation};
use proto::catalog::v1 as pb;
use servicekit::convert::Reader;
use servicekit::resource::Revisioned;
use servicekit::standard::Declared;
use servicekit::wire;

use super::enums::weekday;
use crate::store::Calendar;

/// The calendar that a message describes.
fn read(reader: &mut Reader, message: &pb::Calendar) -> Calendar {
    let mut weekly: BTreeMap<Weekday, Vec<Hours>> = BTreeMap::new();
    for (index, day) in message.weekly_hours.iter().enumerate() {
        let field = format!("weekly_hours[{index}]");
        let hours = intervals(reader, &field, &day.intervals);
        let Some(weekday) = reader.choice(&format!("{field}.day"), day.day, weekday::read) else { continue };
        if weekly.insert(weekday, hours).is_some() {
            reader.object(&format!("{field}.day"), format!("{} stands here twice: join its hours", weekday.as_str()));
        }
    }
    // A day without hours is closed, just like one that is not named.
    weekly.retain(|_, hours| !hours.is_empty());
    let exceptions = message
        .exceptions
        .iter()
        .enumerate()
        .filter_map(|(index, message)| exception(reader, &format!("exceptions[{index}]"), message))
        .collect();
    Calendar {
        display_name: message.display_name.clone(),
        definition: Definition { time_zone: message.time_zone.clone(), weekly, exceptions },
    }
}

fn exception(reader: &mut Reader, field: &str, message: &pb::CalendarException) -> Option<Exception> {
    let path = |part: &str| format!("{field}.{part}");
    let first_on = reader.date(&path("start_date"), message.start_date.as_ref());
    let last_on = reader.date(&path("end_date"), message.end_date.as_ref());
    let hours = intervals(reader, field, &message.intervals);
    Some(Exception {
        name: message.display_name.clone(),
        first_on: reader.required(&path("start_date"), first_on)?,
        last_on,
        yearly: message.yearly,
        hours,
    })
}

fn intervals(reader: &mut Reader, field: &str, messages: &[pb::LocalInterval]) -> Vec<Hours> {
    let mut hours = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let mut time = |part: &str, text: &str| {
            let fault =
                |fault: ParseError| reader.object(&format!("{field}.intervals[{index}].{part}"), fault.to_string());
            text.parse::<LocalTime>().map_err(fault).ok()
        };
        if let (Some(opens), Some(closes)) = (time("open_at", &message.open_at), time("close_at", &message.close_at)) {
            hours.push(Hours::new(opens, closes));
        }
    }
    hours
}

/// The message of a calendar, without what every resource has.
fn show(calendar: &Calendar) -> pb::Calendar {
    let Definition { time_zone, weekly, exceptions } = &calendar.definition;
    pb::Calendar {
        display_name: calendar.display_name.clone(),
        time_zone: time_zone.clone(),
        weekly_hours: weekly
            .iter()
            .map(|(day, hours)| pb::DayHours { day: weekday::show(*day), intervals: shown(hours) })
            .collect(),
        exceptions: exceptions
            .iter()
            .map(|exception| pb::CalendarException {
                display_name: exception.name.clone(),
                start_date: Some(wire::date(exception.first_on)),
                end_date: exception.last_on.map(wire::date),
                yearly: exception.yearly,
                intervals: shown(&exception.hours),
            })
            .collect(),
        ..pb::Calendar::default()
    }
}

fn shown(hours: &[Hours]) -> Vec<pb::LocalInterval> {
    hours
        .iter()
        .map(|hours| pb::LocalInterval { open_at: hours.opens.to_string(), close_at: hours.closes.to_string() })
        .collect()
}

impl Declared for Calendar {
    type Message = pb::Calendar;
    const MESSAGE: &'static str = "itsm.catalog.v1.Calendar";
    const WORDS: &'static [&'static str] = &["calendars"];
    const OUTPUT_ONLY: &'static [&'static str] = &["revision", "effective_time"];
    const REVISION_TABLE: Option<&'static str> = Some(Self::REVISIONS);

    fn read(reader: &mut Reader, _: &str, message: &pb::Calendar) -> Option<Self> {
        Some(read(reader, message))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::display_name(&mut found, &self.display_name);
        found
    }

    fn show(&self) -> pb::Calendar {
        show(self)
    }

    servicekit::head!();

    fn show_revision(message: &mut pb::Calendar, revision: i32, effective_time: prost_types::Timestamp) {
        message.revision = revision;
        message.effective_time = Some(effective_time);
    }
}
