//! What calendars and clocks cost: `cargo bench -p domain`.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, missing_docs)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use domain::agreement::{Agreement, Metric, Objective, Target};
use domain::calendar::{Calendar, Definition, Timeline};
use domain::clock::{self, Book, Signal, SignalKind};
use domain::process::{Category, PendingReason};
use domain::selection::Pinned;
use jiff::{SignedDuration, Timestamp};

const TICKETS: usize = 25_000;

fn main() {
    let definition = office_with_lunch();
    time("compile, 1970 to 2100", 50, || Calendar::compile(&definition).unwrap());

    let calendar = Calendar::compile(&definition).unwrap();
    let timeline = Timeline::from(calendar.clone());
    let instants = instants();
    let mut next = instants.iter().cycle();
    let mut instant = move || *next.next().unwrap();
    let four_hours = SignedDuration::from_hours(4);
    let month = SignedDuration::from_hours(160);
    time("elapsed, one calendar", 2_000_000, || calendar.elapsed(instant(), instant()));
    time("elapsed, timeline", 2_000_000, || timeline.elapsed(instant(), instant()));
    for (what, hours) in [("an hour", 1), ("a day", 24), ("a month", 730), ("a year", 8_766), ("fifty years", 438_300)]
    {
        let distance = SignedDuration::from_hours(hours);
        time(&format!("elapsed over {what}"), 2_000_000, || {
            let start = instant();
            timeline.elapsed(start, start + distance)
        });
    }
    time("is_open", 2_000_000, || calendar.is_open(instant()));
    time("due in 4 open hours", 2_000_000, || calendar.due(instant(), four_hours));
    time("due in 160 open hours", 2_000_000, || timeline.due(instant(), month));

    let book = book(timeline);
    let tickets: Vec<Vec<Signal>> = instants.iter().cycle().take(TICKETS).map(|at| ticket(*at)).collect();
    let now: Timestamp = "2017-02-20T00:00:00Z".parse().unwrap();
    time("read 25,000 tickets with 2 clocks", 5, || {
        tickets.iter().map(|signals| clock::read(signals, &book, now).len()).sum::<usize>()
    });
    time("explain one ticket", 10_000, || clock::explain(&tickets[7], &book, now));
}

/// Prints what one call takes, the best of five rounds.
fn time<T>(what: &str, calls: u32, mut call: impl FnMut() -> T) {
    let round = |call: &mut dyn FnMut() -> T| {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(call());
        }
        start.elapsed().as_nanos() as f64 / f64::from(calls)
    };
    let best = (0..5).map(|_| round(&mut call)).fold(f64::INFINITY, f64::min);
    println!("{what:<36} {best:>14.1} ns");
}

fn office_with_lunch() -> Definition {
    let hours = ["09:00-12:00", "13:00-17:00"];
    let holiday = |name: &str, day: &str| serde_json::json!({"name": name, "first_on": day, "yearly": true});
    serde_json::from_value(serde_json::json!({
        "time_zone": "Europe/Paris",
        "weekly": {"MONDAY": hours, "TUESDAY": hours, "WEDNESDAY": hours, "THURSDAY": hours, "FRIDAY": hours},
        "exceptions": [
            holiday("New Year", "2026-01-01"), holiday("Labour Day", "2026-05-01"), holiday("Victory", "2026-05-08"),
            holiday("Bastille", "2026-07-14"), holiday("Assumption", "2026-08-15"), holiday("Saints", "2026-11-01"),
            holiday("Armistice", "2026-11-11"), holiday("Christmas", "2026-12-25"),
        ],
    }))
    .unwrap()
}

/// Instants of 2016 in no order.
fn instants() -> Vec<Timestamp> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let year = 366 * 86_400 * 1_000_000_u64;
    let start: Timestamp = "2016-01-01T00:00:00Z".parse().unwrap();
    (0..10_007).map(|_| start + SignedDuration::from_micros((random() % year).cast_signed())).collect()
}

fn book(timeline: Timeline) -> Book {
    let objective = |id: &str, metric, hours| {
        let mut objective = Objective::new(id, metric, Some(Target::Open(SignedDuration::from_hours(hours))));
        objective.calendar = Some("calendars/office".to_owned());
        objective
    };
    let agreement: Agreement = serde_json::from_value(serde_json::json!({"kind": "SLA"})).unwrap();
    let objectives = vec![objective("response", Metric::Response, 2), objective("resolution", Metric::Resolution, 16)];
    let mut book = Book::default();
    book.add_agreement("agreements/gold", 1, Arc::new(Agreement { objectives, ..agreement }));
    book.add_calendar("calendars/office", timeline);
    book
}

/// Opened, answered, paused, resumed, resolved, closed: eight signals over five days.
fn ticket(opened: Timestamp) -> Vec<Signal> {
    let pin = |metric, objective: &str| Pinned {
        kind: domain::agreement::Kind::Sla,
        metric,
        agreement: "agreements/gold".to_owned(),
        revision: 1,
        objective: objective.to_owned(),
    };
    let state = |state: &str, category, pending| SignalKind::State { state: state.to_owned(), category, pending };
    let pinned = vec![pin(Metric::Response, "response"), pin(Metric::Resolution, "resolution")];
    let waiting = Some(PendingReason::Customer);
    let signals = [
        (0, SignalKind::Opened),
        (0, SignalKind::Governed { pinned }),
        (0, state("new", Category::New, None)),
        (1, SignalKind::Answered),
        (2, state("active", Category::Active, None)),
        (5, state("waiting", Category::Pending, waiting)),
        (50, state("active", Category::Active, None)),
        (70, state("resolved", Category::Resolved, None)),
        (120, state("closed", Category::Closed, None)),
    ];
    let signal = |(hours, kind)| Signal { at: opened + SignedDuration::from_hours(hours), position: None, kind };
    signals.map(signal).into()
}
