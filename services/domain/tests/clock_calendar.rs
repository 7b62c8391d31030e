//! A compiled calendar against the same calendar read the slow way, and the laws of both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::calendar::{
    Calendar, Definition, Exception, Hours, LocalTime, Revision, SpanKind, Timeline, Weekday, database_version,
};
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;

/// Zones in which something unusual has happened: odd offsets, half-hour summer time, skipped days,
/// changes at midnight, summer time in winter, changes of mind.
const ODD_ZONES: [&str; 24] = [
    "UTC",
    "Europe/Paris",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Europe/Istanbul",
    "Europe/Moscow",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Gaza",
    "Asia/Pyongyang",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Pacific/Chatham",
    "Antarctica/Troll",
    "Antarctica/Casey",
    "Africa/Monrovia",
    "Africa/Casablanca",
    "Africa/Cairo",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Caracas",
    "America/New_York",
];

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

/// The instant at which hours open or close, asked of the time-zone library for each one.
fn resolve(zone: &TimeZone, local: DateTime, opening: bool) -> Timestamp {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).unwrap(),
        AmbiguousOffset::Fold { before, .. } if opening => before.to_timestamp(local).unwrap(),
        AmbiguousOffset::Fold { after, .. } => after.to_timestamp(local).unwrap(),
        AmbiguousOffset::Gap { after, .. } => {
            let before_the_gap = after.to_timestamp(local).unwrap();
            zone.following(before_the_gap).next().unwrap().timestamp()
        }
    }
}

/// The open intervals of the dates around two instants, as the definition says, neither sorted nor joined.
fn slow_intervals(definition: &Definition, start: Timestamp, end: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let zone = zone(&definition.time_zone);
    let mut day = zone.to_datetime(start).date().saturating_sub(3.days());
    let last = zone.to_datetime(end).date().saturating_add(3.days());
    let mut intervals = Vec::new();
    while day <= last {
        for hours in hours_on(definition, day) {
            let midnight = day.at(0, 0, 0, 0);
            let opens = midnight + i64::from(hours.opens.minutes()).minutes();
            let mut closes = midnight + i64::from(hours.closes.minutes()).minutes();
            if hours.closes < hours.opens {
                closes += 1.day();
            }
            intervals.push((resolve(&zone, opens, true), resolve(&zone, closes, false)));
        }
        day = day.tomorrow().unwrap();
    }
    intervals
}

fn hours_on(definition: &Definition, day: Date) -> Vec<Hours> {
    for exception in &definition.exceptions {
        let last = exception.last_on.unwrap_or(exception.first_on);
        let matches = if exception.yearly {
            // Written out year by year, instead of by comparing days in the year.
            let (from, to) = ((exception.first_on.month(), exception.first_on.day()), (last.month(), last.day()));
            let wraps = to < from;
            (day.year() - 1..=day.year()).any(|year| {
                let key = |date: Date| (date.year(), date.month(), date.day());
                (year, from.0, from.1) <= key(day) && key(day) <= (year + i16::from(wraps), to.0, to.1)
            })
        } else {
            exception.first_on <= day && day <= last
        };
        if matches {
            return exception.hours.clone();
        }
    }
    definition.weekly.get(&day.weekday().into()).cloned().unwrap_or_default()
}

fn time() -> impl Strategy<Value = LocalTime> {
    let minute = prop_oneof![1 => Just(0), 1 => 0_u8..60];
    // The small hours are where most zones change their offset.
    let hour = prop_oneof![2 => 0_u8..24, 1 => 0_u8..4];
    (hour, minute).prop_map(|(hour, minute)| LocalTime::new(hour, minute).unwrap())
}

fn hours() -> impl Strategy<Value = Hours> {
    let whole_day = Just("00:00-24:00".parse().unwrap());
    let any = (time(), time()).prop_filter_map("opens when it closes", |(opens, closes)| {
        (opens != closes).then(|| Hours::new(opens, closes))
    });
    prop_oneof![1 => whole_day, 9 => any]
}

/// A calendar whose exceptions fall around `near`.
fn definition(time_zone: String, near: Date) -> impl Strategy<Value = Definition> {
    let weekly = prop::collection::vec(prop::collection::vec(hours(), 0..3), 7);
    let exception = (-6_i64..6, 0_i64..4, any::<bool>(), prop::collection::vec(hours(), 0..2));
    let exception = exception.prop_map(move |(offset, length, yearly, hours)| {
        let first_on = near.saturating_add(offset.days());
        Exception {
            name: format!("exception {offset}"),
            first_on,
            last_on: Some(first_on.saturating_add(length.days())),
            yearly,
            hours,
        }
    });
    let exceptions = prop::collection::vec(exception, 0..4);
    (weekly, exceptions).prop_map(move |(weekly, exceptions)| Definition {
        time_zone: time_zone.clone(),
        weekly: Weekday::ALL.into_iter().zip(weekly).collect(),
        exceptions,
    })
}

/// A zone and an instant, as often as not near a change of its offset.
fn place_and_time() -> impl Strategy<Value = (String, Timestamp)> {
    let names: Vec<String> = TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
    let zone_name = prop_oneof![
        2 => prop::sample::select(ODD_ZONES.as_slice()).prop_map(str::to_owned),
        1 => prop::sample::select(names),
    ];
    (zone_name, 100_000_000_i64..4_000_000_000, any::<bool>(), 0_i64..3 * 86_400).prop_map(
        |(name, second, near, lead)| {
            let at = Timestamp::from_second(second).unwrap();
            let zone = zone(&name);
            let change = zone.following(at).next().filter(|_| near);
            let at = change.map_or(at, |change| change.timestamp() - SignedDuration::from_secs(lead));
            let whole_minutes = at.as_second().div_euclid(60) * 60;
            (name, Timestamp::from_second(whole_minutes.min(4_090_000_000)).unwrap())
        },
    )
}

fn any_calendar() -> impl Strategy<Value = (Definition, Timestamp)> {
    place_and_time().prop_flat_map(|(name, start)| {
        let near = zone(&name).to_datetime(start).date();
        definition(name, near).prop_map(move |definition| (definition, start))
    })
}

/// Days on which the clocks of a zone did something that few others ever did, by the local date before.
const ODD_MOMENTS: [(&str, &str); 16] = [
    // A whole day was left out, or came twice.
    ("Pacific/Apia", "2011-12-29T12:00:00-10:00"),
    ("Pacific/Kwajalein", "1993-08-20T00:00:00-12:00"),
    ("Pacific/Enderbury", "1994-12-30T12:00:00-11:00"),
    // Summer time was interrupted for a month, or ended at midnight of another day than announced.
    ("Africa/Cairo", "2010-08-10T00:00:00+03:00"),
    ("Africa/Cairo", "2014-06-26T00:00:00+03:00"),
    ("Africa/Casablanca", "2025-02-22T12:00:00+01:00"),
    ("Africa/Casablanca", "2025-04-05T12:00:00Z"),
    ("Asia/Gaza", "2011-07-31T12:00:00+03:00"),
    ("Asia/Gaza", "2024-04-19T12:00:00+02:00"),
    // Half an hour, backwards and forwards, once and every year.
    ("America/Caracas", "2007-12-08T12:00:00-04:00"),
    ("America/Caracas", "2016-04-30T12:00:00-04:30"),
    ("Australia/Lord_Howe", "2025-04-05T00:00:00+11:00"),
    ("Asia/Pyongyang", "2018-05-03T00:00:00+08:30"),
    // Winter time is the exception, and two hours at once.
    ("Europe/Dublin", "1971-10-30T12:00:00+01:00"),
    ("Antarctica/Troll", "2025-03-29T12:00:00Z"),
    ("Antarctica/Troll", "2025-10-25T12:00:00+02:00"),
];

fn odd_calendar() -> impl Strategy<Value = (Definition, Timestamp)> {
    let moment = prop::sample::select(ODD_MOMENTS.as_slice());
    (moment, 0_i64..2 * 86_400).prop_flat_map(|((name, noon), lead)| {
        let start = noon.parse::<Timestamp>().unwrap() - SignedDuration::from_secs(lead / 60 * 60);
        let near = zone(name).to_datetime(start).date();
        definition(name.to_owned(), near).prop_map(move |definition| (definition, start))
    })
}

/// Compares a compiled calendar with a walk through five days, half a minute at a time.
fn walk(definition: &Definition, start: Timestamp) -> Result<(), TestCaseError> {
    let calendar = Calendar::compile(definition).unwrap();
    // Offsets of old are odd by half minutes at the finest, so that each step is open or closed as a whole.
    let step = SignedDuration::from_secs(30);
    let end = start + SignedDuration::from_hours(5 * 24);
    let open = slow_intervals(definition, start, end);
    let mut walked = SignedDuration::ZERO;
    let mut at = start;
    while at < end {
        let is_open = open.iter().any(|(opens, closes)| *opens <= at && at < *closes);
        prop_assert_eq!(calendar.is_open(at), is_open, "at {}", at);
        prop_assert_eq!(calendar.elapsed(start, at), walked, "until {}", at);
        if is_open {
            walked += step;
        }
        at += step;
    }
    let spans = calendar.spans(start, end);
    let open = spans.iter().filter(|span| span.kind == SpanKind::Open);
    let counted: SignedDuration = open.map(|span| span.end.duration_since(span.start)).sum();
    prop_assert_eq!(counted, walked);
    prop_assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].start && pair[0].kind != pair[1].kind));
    prop_assert_eq!(spans.first().map(|span| span.start), Some(start));
    prop_assert_eq!(spans.last().map(|span| span.end), Some(end));
    Ok(())
}

#[test]
fn the_odd_moments_are_changes_of_the_clocks() {
    for (name, noon) in ODD_MOMENTS {
        let noon: Timestamp = noon.parse().unwrap();
        let change = zone(name).following(noon).next().unwrap().timestamp();
        assert!(change.duration_since(noon) < SignedDuration::from_hours(72), "{name} {noon}: {change}");
    }
}

proptest! {
    #[test]
    fn a_compiled_calendar_is_open_when_a_walk_through_its_minutes_says_so((definition, start) in any_calendar()) {
        walk(&definition, start)?;
    }


    #[test]
    fn due_is_the_first_instant_at_which_the_duration_has_elapsed(
        (definition, start) in any_calendar(),
        offset in 0_i64..500_000_000_000,
        duration in 1_i64..2_000_000_000_000,
    ) {
        let calendar = Calendar::compile(&definition).unwrap();
        let start = start + SignedDuration::from_micros(offset);
        let duration = SignedDuration::from_micros(duration);
        match calendar.due(start, duration) {
            Some(due) => {
                prop_assert_eq!(calendar.elapsed(start, due), duration);
                prop_assert!(calendar.elapsed(start, due - SignedDuration::from_micros(1)) < duration);
            }
            None => prop_assert!(calendar.elapsed(start, domain::calendar::HORIZON) < duration),
        }
    }

    #[test]
    fn elapsed_adds_up_over_any_instant_between(
        (definition, start) in any_calendar(),
        b in 0_i64..9_000_000_000_000,
        c in 0_i64..9_000_000_000_000,
    ) {
        let calendar = Calendar::compile(&definition).unwrap();
        let (b, c) = (start + SignedDuration::from_micros(b), start + SignedDuration::from_micros(c));
        prop_assert_eq!(calendar.elapsed(start, c), calendar.elapsed(start, b) + calendar.elapsed(b, c));
        prop_assert!(c < b || calendar.elapsed(b, c) >= SignedDuration::ZERO);
    }

    #[test]
    fn a_timeline_reads_each_piece_by_its_own_revision(
        ((first, start), second, third) in any_calendar().prop_flat_map(|(first, start)| {
            let near = zone(&first.time_zone).to_datetime(start).date();
            let other = definition(first.time_zone.clone(), near);
            let another = definition("Asia/Tokyo".to_owned(), near);
            (Just((first, start)), other, another)
        }),
        lengths in (1_i64..200_000_000_000, 1_i64..200_000_000_000, 1_i64..900_000_000_000),
        duration in 1_i64..600_000_000_000,
    ) {
        let after = |from: Timestamp, micros| from + SignedDuration::from_micros(micros);
        let change = after(start, lengths.0);
        let again = after(change, lengths.1);
        let end = after(again, lengths.2);
        let calendars = [first, second, third].map(|d| Arc::new(Calendar::compile(&d).unwrap()));
        let revision = |number, from: Timestamp, calendar: &Arc<Calendar>| {
            Revision { number, effective_from: from, calendar: calendar.clone() }
        };
        let timeline = Timeline::new([
            revision(3, again, &calendars[2]),
            revision(1, start, &calendars[0]),
            revision(2, change, &calendars[1]),
        ]);
        let expected = calendars[0].elapsed(start, change)
            + calendars[1].elapsed(change, again)
            + calendars[2].elapsed(again, end);
        prop_assert_eq!(timeline.elapsed(start, end), expected);
        let counted: SignedDuration = timeline.spans(start, end).iter().filter(|span| span.kind == SpanKind::Open)
            .map(|span| span.end.duration_since(span.start)).sum();
        prop_assert_eq!(counted, expected);
        for at in [start, change, again, end] {
            let in_force = &calendars[usize::from(at >= change) + usize::from(at >= again)];
            prop_assert_eq!(timeline.is_open(at), in_force.is_open(at));
        }
        let duration = SignedDuration::from_micros(duration);
        if let Some(due) = timeline.due(start, duration) {
            prop_assert_eq!(timeline.elapsed(start, due), duration);
            prop_assert!(timeline.elapsed(start, due - SignedDuration::from_micros(1)) < duration);
        } else {
            prop_assert!(timeline.elapsed(start, domain::calendar::HORIZON) < duration);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn days_that_were_left_out_and_hours_that_were_halved_are_walked_too((definition, start) in odd_calendar()) {
        walk(&definition, start)?;
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn calendar(json: serde_json::Value) -> Calendar {
    Calendar::compile(&serde_json::from_value(json).unwrap()).unwrap()
}

fn office(time_zone: &str) -> serde_json::Value {
    let hours = ["09:00-17:00"];
    serde_json::json!({"time_zone": time_zone, "weekly": {
        "MONDAY": hours, "TUESDAY": hours, "WEDNESDAY": hours, "THURSDAY": hours, "FRIDAY": hours,
    }})
}

#[test]
fn around_the_clock_is_the_wall_clock_difference_in_every_zone() {
    let (start, end) = (at("2026-03-28T23:30:00.000001+01:00"), at("2026-10-26T10:00:00.5+01:00"));
    for name in TimeZoneDatabase::bundled().available() {
        let weekly: BTreeMap<Weekday, Vec<Hours>> =
            Weekday::ALL.map(|day| (day, vec!["00:00-24:00".parse().unwrap()])).into();
        let definition = Definition { time_zone: name.to_string(), weekly, exceptions: Vec::new() };
        let calendar = Calendar::compile(&definition).unwrap();
        assert_eq!(calendar.elapsed(start, end), end.duration_since(start), "{name}");
    }
    assert_eq!(Timeline::always().elapsed(start, end), end.duration_since(start));
}

#[test]
fn the_hour_that_is_missing_in_spring_is_not_open() {
    let night = calendar(serde_json::json!({
        "time_zone": "Europe/Paris", "weekly": {"SUNDAY": ["02:30-04:00"]},
    }));
    // 02:30 does not exist on that Sunday: it opens at 03:00, the first instant after the gap.
    let sunday = (at("2026-03-29T00:00:00Z"), at("2026-03-30T00:00:00Z"));
    assert_eq!(night.elapsed(sunday.0, sunday.1), SignedDuration::from_hours(1));
    assert!(!night.is_open(at("2026-03-29T00:59:59.999999Z")));
    assert!(night.is_open(at("2026-03-29T01:00:00Z")));
}

#[test]
fn the_hour_that_is_repeated_in_autumn_is_open_twice() {
    let night = calendar(serde_json::json!({
        "time_zone": "Europe/Paris", "weekly": {"SUNDAY": ["02:10-02:20"]},
    }));
    // From the first 02:10 to the second 02:20.
    let sunday = (at("2026-10-25T00:00:00Z"), at("2026-10-26T00:00:00Z"));
    assert_eq!(night.elapsed(sunday.0, sunday.1), SignedDuration::from_mins(70));
}

#[test]
fn a_date_that_was_skipped_has_no_hours() {
    let definition = office("Pacific/Apia");
    let apia = calendar(definition);
    // Samoa went from Thursday 2011-12-29 to Saturday 2011-12-31.
    let (thursday, saturday) = (at("2011-12-29T17:00:00-10:00"), at("2011-12-31T23:00:00+14:00"));
    assert_eq!(apia.elapsed(thursday, saturday), SignedDuration::ZERO);
}

#[test]
fn hours_that_overlap_count_once_and_hours_that_touch_join() {
    let mut json = office("UTC");
    json["weekly"]["MONDAY"] = serde_json::json!(["13:00-17:00", "09:00-12:00", "10:00-13:00"]);
    let monday = calendar(json);
    let day = (at("2026-06-01T00:00:00Z"), at("2026-06-02T00:00:00Z"));
    assert_eq!(monday.elapsed(day.0, day.1), SignedDuration::from_hours(8));
    let open: Vec<_> = monday.spans(day.0, day.1).into_iter().filter(|s| s.kind == SpanKind::Open).collect();
    assert_eq!(open.len(), 1);
}

#[test]
fn a_night_shift_belongs_to_the_date_on_which_it_opens() {
    let nights = calendar(serde_json::json!({
        "time_zone": "Europe/Paris",
        "weekly": {"MONDAY": ["22:00-06:00"], "TUESDAY": ["22:00-06:00"]},
        "exceptions": [{"name": "Armistice", "first_on": "2025-11-11"}],
    }));
    // Tuesday 11 November is a holiday: Monday's shift ends on it all the same, Tuesday's never opens.
    assert!(nights.is_open(at("2025-11-11T05:59:00+01:00")));
    assert!(!nights.is_open(at("2025-11-11T22:30:00+01:00")));
    assert!(!nights.is_open(at("2025-11-12T05:59:00+01:00")));
    let spans = nights.spans(at("2025-11-11T05:00:00+01:00"), at("2025-11-12T12:00:00+01:00"));
    let kinds: Vec<_> = spans.iter().map(|span| (span.end.to_string(), span.kind)).collect();
    let expected = [
        ("2025-11-11T05:00:00Z", SpanKind::Open),
        ("2025-11-12T05:00:00Z", SpanKind::Holiday("Armistice")),
        ("2025-11-12T11:00:00Z", SpanKind::OutsideHours),
    ];
    assert_eq!(kinds, expected.map(|(end, kind)| (end.to_owned(), kind)));
    let after_midnight = nights.spans(at("2025-11-12T01:00:00+01:00"), at("2025-11-12T05:00:00+01:00"));
    assert_eq!(after_midnight.iter().map(|span| span.kind).collect::<Vec<_>>(), [SpanKind::Holiday("Armistice")]);
}

#[test]
fn only_the_hours_that_an_exception_takes_away_are_its_own() {
    let mut json = office("UTC");
    json["exceptions"] = serde_json::json!([
        {"name": "Half day", "first_on": "2026-12-24", "hours": ["09:00-12:00"]},
        {"name": "Stocktaking", "first_on": "2026-12-26", "hours": ["10:00-12:00"]},
    ]);
    let calendar = calendar(json);
    let kinds = |start: &str, end: &str| -> Vec<&str> {
        let spans = calendar.spans(at(start), at(end));
        let name = |kind| match kind {
            SpanKind::Open => "open",
            SpanKind::OutsideHours => "outside",
            SpanKind::Holiday(name) => name,
        };
        spans.into_iter().map(|span| name(span.kind)).collect()
    };
    let half_day = kinds("2026-12-24T08:00:00Z", "2026-12-24T20:00:00Z");
    assert_eq!(half_day, ["outside", "open", "Half day", "outside"]);
    let extra_day = kinds("2026-12-26T00:00:00Z", "2026-12-27T00:00:00Z");
    assert_eq!(extra_day, ["outside", "open", "outside"]);
}

#[test]
fn the_first_exception_that_matches_decides() {
    let mut json = office("UTC");
    json["exceptions"] = serde_json::json!([
        {"name": "Open after all", "first_on": "2026-12-28", "hours": ["09:00-17:00"]},
        {"name": "Holidays", "first_on": "2020-12-24", "last_on": "2021-01-02", "yearly": true},
    ]);
    let calendar = calendar(json);
    assert!(calendar.is_open(at("2026-12-28T10:00:00Z")));
    assert!(!calendar.is_open(at("2026-12-29T10:00:00Z")));
    assert!(!calendar.is_open(at("2026-01-02T10:00:00Z")));
    assert!(calendar.is_open(at("2026-01-05T10:00:00Z")));
}

#[test]
fn nothing_is_open_outside_the_horizon() {
    let always = Timeline::always();
    assert!(!always.is_open(at("1969-12-31T23:59:59Z")));
    assert!(always.is_open(at("1970-01-01T00:00:00Z")));
    assert!(always.is_open(at("2099-12-31T23:59:59Z")));
    assert!(!always.is_open(at("2100-01-01T00:00:00Z")));
    assert_eq!(always.due(at("2099-12-31T23:00:00Z"), SignedDuration::from_hours(2)), None);
    assert_eq!(Timeline::never().due(at("2026-01-01T00:00:00Z"), SignedDuration::from_hours(2)), None);
}

#[test]
fn a_definition_survives_json_and_reads_as_it_is_written() {
    let json = serde_json::json!({
        "time_zone": "Europe/Paris",
        "weekly": {"MONDAY": ["09:00-12:00", "13:00-24:00"], "SATURDAY": ["22:00-06:00"]},
        "exceptions": [
            {"name": "Christmas", "first_on": "2026-12-24", "last_on": "2027-01-02", "yearly": true},
            {"name": "Half day", "first_on": "2026-12-23", "hours": ["09:00-12:00"]},
        ],
    });
    let definition: Definition = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&definition).unwrap(), json);
    for wrong in ["9:00-12:00", "09:00", "09:00-24:01", "09:60-10:00", "+9:00-10:00", "09:00-12:00 "] {
        assert!(wrong.parse::<Hours>().is_err(), "{wrong}");
    }
}

#[test]
fn the_check_names_every_fault_and_only_faults_forbid_compiling() {
    let definition: Definition = serde_json::from_value(serde_json::json!({
        "time_zone": "Mars/Olympus",
        "weekly": {
            "MONDAY": ["09:00-09:00", "24:00-06:00", "10:00-12:00", "11:00-13:00"],
            "TUESDAY": ["22:00-06:00"],
            "WEDNESDAY": ["05:00-09:00"],
        },
        "exceptions": [
            {"name": " ", "first_on": "2026-01-02", "last_on": "2026-01-01"},
            {"name": "A", "first_on": "2026-01-05", "last_on": "2026-01-09"},
            {"name": "B", "first_on": "2026-01-06"},
        ],
    }))
    .unwrap();
    let found: Vec<_> = definition.check().into_iter().map(|f| (f.is_error(), f.field, f.reason)).collect();
    let expected = [
        (true, "time_zone", "TIME_ZONE_UNKNOWN"),
        (true, "weekly.MONDAY[0]", "HOURS_EMPTY"),
        (true, "weekly.MONDAY[1]", "HOURS_OPEN_AT_24"),
        (true, "exceptions[0].name", "NAME_EMPTY"),
        (true, "exceptions[0].last_on", "DATES_REVERSED"),
        (false, "weekly.MONDAY[3]", "HOURS_OVERLAP"),
        (false, "weekly.TUESDAY", "HOURS_OVERLAP"),
        (false, "exceptions[2]", "EXCEPTION_SHADOWED"),
    ];
    assert_eq!(found, expected.map(|(error, field, reason)| (error, field.to_owned(), reason.to_owned())));
    assert_eq!(Calendar::compile(&definition).unwrap_err().findings.len(), 5);

    let empty: Definition = serde_json::from_value(serde_json::json!({"time_zone": "UTC"})).unwrap();
    assert_eq!(empty.check()[0].reason, "CALENDAR_NEVER_OPEN");
    assert!(Calendar::compile(&empty).is_ok());
}

#[test]
fn the_time_zone_database_is_the_programs_own() {
    assert!(database_version().starts_with("20"));
}
