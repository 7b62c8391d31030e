//! What holds for every clock, whatever happens to its ticket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use domain::agreement::{Agreement, Kind, Metric, NewsPolicy, Objective, Pause, Rebase, Reopen, Target, Visit};
use domain::calendar::{Calendar, Revision, Timeline};
use domain::clock::{
    self, Activity, Book, DutyState, DutyStep, Entity, Exclusion, ExclusionReason, Explanation, Interval, Reading,
    Regulation, Report, Signal, SignalKind, State, Step,
};
use domain::process::{Category, PendingReason};
use domain::selection::Pinned;
use domain::ticket::{Audience, Fact, Observations, Recorded};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

/// A week with the spring change of the clocks in it.
const START: &str = "2026-03-25T08:00:00+01:00";
const MINUTES: i64 = 7 * 24 * 60;

static CALENDARS: LazyLock<Vec<(&str, Timeline)>> = LazyLock::new(|| {
    let compile = |json: serde_json::Value| Calendar::compile(&serde_json::from_value(json).unwrap()).unwrap();
    let day = serde_json::json!(["09:00-12:00", "13:00-17:30"]);
    let office = serde_json::json!({"time_zone": "Europe/Paris", "weekly": {
        "MONDAY": day, "TUESDAY": day, "WEDNESDAY": day, "THURSDAY": day, "FRIDAY": day,
    }});
    let mut holiday = office.clone();
    holiday["exceptions"] = serde_json::json!([{"name": "Fair", "first_on": "2026-03-27", "hours": ["10:00-11:00"]}]);
    let nights = serde_json::json!({"time_zone": "Europe/Lisbon", "weekly": {
        "THURSDAY": ["22:00-06:00"], "SATURDAY": ["20:00-04:00"], "SUNDAY": ["00:30-02:30"],
    }});
    let revision = |number, from: &str, json| Revision {
        number,
        effective_from: from.parse().unwrap(),
        calendar: Arc::new(compile(json)),
    };
    let revised = [revision(1, "2026-01-01T00:00:00Z", office), revision(2, "2026-03-26T16:00:00Z", holiday)];
    vec![
        ("office", Timeline::new(revised)),
        ("nights", compile(nights).into()),
        ("empty", compile(serde_json::json!({"time_zone": "Europe/Paris"})).into()),
    ]
});

fn objective(kind: Kind) -> impl Strategy<Value = Objective> {
    let metric = prop::sample::select(Metric::ALL.as_slice());
    let target = prop_oneof![
        9 => (1_i64..3_000).prop_map(|minutes| Target::Open(SignedDuration::from_mins(minutes))),
        1 => Just(Target::Months(1)),
    ];
    let calendar = prop::sample::select(vec![None, Some("office"), Some("office"), Some("nights"), Some("empty")]);
    let pause = prop_oneof![
        Just(None),
        Just(Some(Pause::default())),
        Just(Some(Pause { categories: vec![Category::Pending, Category::New], ..Pause::default() })),
        Just(Some(Pause { states: vec!["a".to_owned()], ..Pause::default() })),
    ];
    let policies = (
        prop::sample::select(vec![Rebase::KeepElapsed, Rebase::RestartAtChange]),
        prop::sample::select(vec![Rebase::KeepElapsed, Rebase::RestartAtChange]),
        prop::sample::select(vec![Reopen::Continue, Reopen::ContinueCounting, Reopen::NewCycle]),
        prop::sample::select(vec![Visit::Cumulative, Visit::PerVisit]),
        prop::sample::select(vec![NewsPolicy::Regular, NewsPolicy::OnRequest]),
    );
    (metric, target, calendar, pause, policies).prop_map(move |(metric, target, calendar, pause, policies)| {
        let target = (metric != Metric::AgreedDate).then_some(target);
        let mut objective = Objective::new(format!("{}-{}", kind.as_str(), metric.as_str()), metric, target);
        objective.calendar = calendar.map(str::to_owned);
        objective.pause = pause;
        (objective.on_upgrade, objective.on_downgrade, objective.on_reopen, objective.on_return, objective.news) =
            policies;
        objective
    })
}

/// Four agreements with a few objectives each.
fn agreements() -> impl Strategy<Value = Vec<Agreement>> {
    let parties = [
        (Kind::Sla, None),
        (Kind::Sla, None),
        (Kind::Ola, Some("groups/a")),
        (Kind::Underpinning, Some("contracts/c")),
    ];
    parties
        .map(|(kind, provider)| {
            prop::collection::vec(objective(kind), 0..4).prop_map(move |objectives| {
                let agreement: Agreement = serde_json::from_value(serde_json::json!({"kind": kind})).unwrap();
                Agreement { provider: provider.map(str::to_owned), objectives, ..agreement }
            })
        })
        .prop_map(Vec::from)
}

/// Something happens: the minute, and what.
fn event() -> impl Strategy<Value = (i64, Event)> {
    let state = prop_oneof![
        Just(("a", Category::Active, None)),
        Just(("n", Category::New, None)),
        Just(("p", Category::Pending, Some(PendingReason::Customer))),
        Just(("q", Category::Pending, Some(PendingReason::Supplier))),
        Just(("r", Category::Resolved, None)),
        Just(("c", Category::Closed, None)),
        Just(("x", Category::Cancelled, None)),
    ];
    let kind = prop_oneof![
        8 => state.prop_map(|(state, category, pending)| {
            Event::Is(SignalKind::State { state: state.to_owned(), category, pending })
        }),
        3 => prop::sample::select(vec![(Some("groups/a"), None), (Some("groups/b"), None), (None, Some("contracts/c"))])
            .prop_map(|(group, contract): (Option<&str>, Option<&str>)| Event::Is(SignalKind::Assigned {
                group: group.map(str::to_owned),
                contract: contract.map(str::to_owned),
            })),
        1 => Just(Event::Is(SignalKind::Answered)),
        1 => Just(Event::Is(SignalKind::Informed)),
        1 => Just(Event::Is(SignalKind::CustomerWrote)),
        1 => (0..MINUTES).prop_map(Event::Agreed),
        3 => any::<u16>().prop_map(Event::Governed),
        1 => Just(Event::Is(SignalKind::Ended { reason: "merged".to_owned() })),
    ];
    // Often at the same minute as something else.
    (prop_oneof![0..MINUTES, (0..MINUTES / 240).prop_map(|n| n * 240)], kind)
}

#[derive(Debug, Clone)]
enum Event {
    Is(SignalKind),
    Agreed(i64),
    /// Which of the objectives govern.
    Governed(u16),
}

fn minute(minute: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

fn pins(agreements: &[Agreement], mask: u16) -> Vec<Pinned> {
    let all = agreements.iter().enumerate().flat_map(|(number, agreement)| {
        agreement.objectives.iter().map(move |objective| Pinned {
            kind: agreement.kind,
            metric: objective.metric,
            agreement: format!("agreements/{number}"),
            revision: 1,
            objective: objective.id.clone(),
        })
    });
    all.enumerate().filter(|(bit, _)| mask & (1 << (bit % 16)) != 0).map(|(_, pinned)| pinned).collect()
}

fn book(agreements: &[Agreement]) -> Book {
    let mut book = Book::default();
    for (number, agreement) in agreements.iter().enumerate() {
        book.add_agreement(&format!("agreements/{number}"), 1, Arc::new(agreement.clone()));
    }
    for (name, timeline) in CALENDARS.iter() {
        book.add_calendar(name, timeline.clone());
    }
    book
}

fn ticket() -> impl Strategy<Value = (Vec<Agreement>, Vec<Signal>)> {
    (agreements(), any::<u16>(), prop::collection::vec(event(), 0..14)).prop_map(|(agreements, mask, mut events)| {
        events.sort_by_key(|(minute, _)| *minute);
        let begin = [(0, Event::Is(SignalKind::Opened)), (0, Event::Governed(mask))];
        let signals = begin.into_iter().chain(events).enumerate().map(|(position, (at, event))| Signal {
            at: minute(at),
            position: Some(position as u64),
            kind: match event {
                Event::Is(kind) => kind,
                Event::Agreed(due) => SignalKind::DateAgreed { due_at: Some(minute(due)) },
                Event::Governed(mask) => SignalKind::Governed { pinned: pins(&agreements, mask) },
            },
        });
        let signals = signals.collect();
        (agreements, signals)
    })
}

/// Looks at a ticket at an instant that may lie before earlier looks, and puts on record what has fallen due.
fn look(signals: &[Signal], book: &Book, now: Timestamp, record: &mut Vec<Recorded>) -> Result<(), TestCaseError> {
    let observed = record.iter().map(|recorded| recorded.occurred_at);
    let last = signals.iter().map(|signal| signal.at).chain(observed).max().unwrap();
    let observations = Observations::of(record.iter(), minute(0));
    let of_last = clock::read(signals, book, last);
    let readings = clock::read(signals, book, last.max(now));
    prop_assert_eq!(observations.refuted(&of_last), []);
    prop_assert_eq!(observations.refuted(&readings), []);
    let due = observations.due(&readings, now);
    let next = observations.next_at(&of_last);
    prop_assert_eq!(next, observations.next_at(&readings));
    prop_assert_eq!(next.is_some_and(|at| at <= now), !due.is_empty());
    prop_assert_eq!(next.filter(|at| *at <= now), due.first().map(|due| due.at));
    for due in due {
        let position = record.len() as i64;
        record.push(Recorded {
            fact: Fact::ThresholdReached(Box::new(due.reached)),
            occurred_at: due.at,
            source_recorded_at: None,
            source_sequence: 0,
            position,
            actor: String::new(),
            audience: Audience::Internal,
        });
    }
    prop_assert_eq!(Observations::of(record.iter(), minute(0)).due(&readings, now), []);
    Ok(())
}

/// What is on record, without the order in which it came.
fn told(record: &[Recorded]) -> BTreeSet<(Timestamp, String)> {
    record.iter().map(|recorded| (recorded.occurred_at, recorded.fact.payload().to_string())).collect()
}

fn check_sound(explanation: &Explanation, opened: Timestamp, now: Timestamp) -> Result<(), TestCaseError> {
    let Explanation { reading, segments, .. } = explanation;
    let counted = segments.iter().filter(|segment| segment.counted);
    let sum: SignedDuration = counted.map(|segment| segment.end.duration_since(segment.start)).sum();
    prop_assert_eq!(sum, reading.elapsed);
    if now > opened {
        prop_assert_eq!(segments.first().unwrap().start, opened);
        prop_assert_eq!(segments.last().unwrap().end, now);
    }
    prop_assert!(segments.windows(2).all(|pair| pair[0].end == pair[1].start));
    prop_assert!(segments.iter().all(|segment| segment.start < segment.end));
    prop_assert_eq!(reading.remaining, reading.target - reading.elapsed);
    prop_assert_eq!(reading.stopped_at.is_some(), reading.activity == Activity::Stopped);
    prop_assert!(reading.started_at <= reading.governed_at && reading.governed_at <= now);
    let within = reading.elapsed < reading.target;
    match reading.state {
        State::Running => prop_assert!(within && reading.activity == Activity::Running),
        State::Paused => prop_assert!(within && reading.activity == Activity::Paused && reading.due_at.is_none()),
        State::Met => prop_assert!(reading.elapsed <= reading.target && reading.breached_at.is_none()),
        State::Breached => prop_assert!(!within && reading.breached_at.is_some_and(|at| at <= now)),
        State::Cancelled => prop_assert!(reading.cancelled.is_some() && reading.due_at.is_none()),
        State::NeverRuns => prop_assert!(reading.elapsed.is_zero() && reading.breached_at.is_none()),
    }
    for threshold in &reading.thresholds {
        prop_assert!(!threshold.reached || threshold.at.is_some_and(|at| reading.governed_at <= at && at <= now));
        prop_assert!(threshold.reached || threshold.at.is_none_or(|at| at > now));
    }
    Ok(())
}

proptest! {
    #[test]
    fn counted_segments_sum_to_the_elapsed_time((agreements, signals) in ticket(), after in 0..MINUTES * 60) {
        let book = book(&agreements);
        let now = minute(0) + SignedDuration::from_secs(after);
        let explained = clock::explain(&signals, &book, now);
        let readings = clock::read(&signals, &book, now);
        prop_assert!(explained.iter().map(|explanation| &explanation.reading).eq(&readings));
        for explanation in &explained {
            check_sound(explanation, minute(0), now)?;
        }
        let mut ids: Vec<&str> = readings.iter().map(|reading| reading.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), readings.len());
    }

    #[test]
    fn elapsed_never_falls_as_time_passes((agreements, signals) in ticket()) {
        let book = book(&agreements);
        let mut before: HashMap<String, Reading> = HashMap::new();
        for now in (0..=MINUTES).step_by(131).map(minute) {
            let readings = clock::read(&signals, &book, now);
            for old in before.values() {
                prop_assert!(readings.iter().any(|reading| reading.id == old.id), "{} is gone", old.id);
            }
            for reading in readings {
                if let Some(old) = before.get(&reading.id) {
                    prop_assert!(old.elapsed <= reading.elapsed);
                    prop_assert_eq!(old.started_at, reading.started_at);
                    prop_assert_eq!(old.target, reading.target);
                }
                before.insert(reading.id.clone(), reading);
            }
        }
    }

    #[test]
    fn what_is_foreseen_comes_true_if_nothing_happens((agreements, signals) in ticket()) {
        let book = book(&agreements);
        let last = signals.last().unwrap().at;
        for now in [last, last + SignedDuration::from_mins(77)] {
            for reading in clock::read(&signals, &book, now) {
                let again = |at| clock::read(&signals, &book, at).into_iter().find(|r| r.id == reading.id).unwrap();
                if let (State::Running, Some(due)) = (reading.state, reading.due_at) {
                    prop_assert!(due > now);
                    prop_assert_eq!(again(due).state, State::Breached);
                    prop_assert_eq!(again(due).breached_at, Some(due));
                    prop_assert_eq!(again(due).elapsed, reading.target);
                    prop_assert_eq!(again(due - SignedDuration::from_micros(1)).state, State::Running);
                }
                for threshold in &reading.thresholds {
                    if let Some(at) = threshold.at {
                        let then = again(at.max(now));
                        let same = then.thresholds.iter().find(|t| t.percent == threshold.percent).unwrap();
                        prop_assert!(same.reached);
                        prop_assert_eq!(same.at, Some(at));
                    }
                }
                let next = reading.next_instant(now);
                prop_assert!(next.is_none_or(|at| at > now));
                // Nothing changes by itself before the next instant.
                let quiet = next.map_or(now + SignedDuration::from_hours(9_000), |at| at - SignedDuration::from_micros(1));
                prop_assert_eq!(again(quiet).state, reading.state);
            }
        }
    }

    /// Whoever looks, how often, and with whatever clock: each threshold comes on record once, at its instant, and
    /// stays there. Only a clock that was cancelled before anybody looked keeps to itself what nobody saw.
    #[test]
    fn each_threshold_fires_once_whenever_somebody_looks(
        (agreements, signals) in ticket(),
        looks in prop::collection::vec(0..MINUTES * 2, 0..12),
    ) {
        let book = book(&agreements);
        let mut record = Vec::new();
        let mut known = 1;
        for now in looks.into_iter().chain([MINUTES * 2]).map(minute) {
            known = known.max(signals.partition_point(|signal| signal.at <= now));
            look(&signals[..known], &book, now, &mut record)?;
        }
        let once = told(&record);
        prop_assert_eq!(once.len(), record.len());
        let mut late = Vec::new();
        look(&signals, &book, minute(MINUTES * 2), &mut late)?;
        let late = told(&late);
        prop_assert!(late.is_subset(&once), "missing {:?}", late.difference(&once));
        let readings = clock::read(&signals, &book, minute(MINUTES * 2));
        let alive: BTreeSet<&str> =
            readings.iter().filter(|reading| reading.cancelled.is_none()).map(|reading| reading.id.as_str()).collect();
        for recorded in &record {
            let Fact::ThresholdReached(reached) = &recorded.fact else { panic!() };
            let seen_late = late.contains(&(recorded.occurred_at, recorded.fact.payload().to_string()));
            prop_assert_eq!(seen_late, alive.contains(reached.clock.as_str()));
        }
    }

    #[test]
    fn a_verdict_does_not_change_by_itself((agreements, signals) in ticket(), later in 1..MINUTES) {
        let book = book(&agreements);
        let last = signals.last().unwrap().at;
        let then = clock::read(&signals, &book, last + SignedDuration::from_mins(later));
        for (reading, later) in clock::read(&signals, &book, last).iter().zip(&then) {
            prop_assert_eq!(&reading.id, &later.id);
            if reading.activity == Activity::Stopped {
                prop_assert_eq!(reading, later);
            }
            if reading.state == State::Breached {
                prop_assert_eq!(reading.breached_at, later.breached_at);
            }
        }
    }

    #[test]
    fn an_excuse_takes_off_what_was_counted_in_its_interval_and_nothing_else(
        (agreements, signals) in ticket(),
        start in 0..MINUTES,
        length in 1..MINUTES,
        after in 0..MINUTES,
    ) {
        let book = book(&agreements);
        let now = signals.last().unwrap().at.max(minute(start + length)) + SignedDuration::from_mins(after);
        let interval = Interval { start: minute(start), end: minute(start + length) };
        let raw = clock::explain(&signals, &book, now);
        let mut excused = signals.clone();
        excused.extend(raw.iter().map(|explanation| Signal {
            at: now,
            position: None,
            kind: SignalKind::Excluded {
                exclusion: Exclusion {
                    clock: explanation.reading.id.clone(),
                    reason: ExclusionReason::ForceMajeure,
                    evidence: "seen".to_owned(),
                    interval: Some(interval),
                },
                actor: "people/ann".to_owned(),
            },
        }));
        for (before, after) in raw.iter().zip(clock::explain(&excused, &book, now)) {
            let adjusted = after.reading.excuse.as_ref().unwrap().adjusted.unwrap();
            let counted = before.segments.iter().filter(|segment| segment.counted);
            let taken: SignedDuration = counted
                .map(|segment| segment.end.min(interval.end).duration_since(segment.start.max(interval.start)))
                .filter(|common| common.is_positive())
                .sum();
            prop_assert_eq!(adjusted.elapsed, before.reading.elapsed - taken);
            if before.reading.state == State::Met {
                prop_assert_eq!(adjusted.state, State::Met);
            }
            match adjusted.state {
                State::Met => prop_assert_eq!(adjusted.settled_at, before.reading.stopped_at),
                State::Breached => prop_assert!(adjusted.settled_at >= before.reading.breached_at),
                _ => prop_assert_eq!(adjusted.settled_at, None),
            }
            let plain = Reading { excuse: None, ..after.reading.clone() };
            prop_assert_eq!(&plain, &before.reading);
            prop_assert_eq!(&after.segments, &before.segments);
        }
    }

    #[test]
    fn deadlines_of_law_follow_from_the_steps_in_whatever_order_they_are_recorded(
        steps in prop::collection::vec((0_usize..6, 0..MINUTES * 8), 1..10),
        entity in prop::sample::select(Entity::ALL.as_slice()),
        turn in 0_usize..10,
        now in 0..MINUTES * 12,
    ) {
        let regulation = Regulation::EuDora2025301;
        let submitted = |report, at: i64| Step::Submitted { report, reference: at.to_string() };
        // Each step once, but for submissions, so that none takes the place of another.
        let mut seen = Vec::new();
        let mut steps: Vec<(i64, Step)> = [(0, Step::Aware { entity, calendar: "office".to_owned() })]
            .into_iter()
            .chain(steps.into_iter().filter_map(|(kind, at)| {
                let step = match kind {
                    0 if seen.contains(&kind) => return None,
                    0 => Step::Classified,
                    1 => submitted(Report::Initial, at),
                    2 | 3 => submitted(Report::Intermediate, at),
                    4 => submitted(Report::Final, at),
                    _ => return None,
                };
                seen.push(kind);
                Some((at, step))
            }))
            .collect();
        let read = |steps: &[(i64, Step)], now: Timestamp| {
            let signals = steps.iter().enumerate().map(|(position, (at, step))| Signal {
                at: minute(*at),
                position: Some(position as u64),
                kind: SignalKind::Duty(DutyStep { regulation, step: step.clone() }),
            });
            let mut signals: Vec<Signal> = signals.collect();
            signals.sort_by_key(|signal| signal.at);
            clock::duties(&signals, &book(&[]), now)
        };
        let now = minute(now);
        let duties = read(&steps, now);
        let turn = turn.min(steps.len());
        steps.rotate_left(turn);
        prop_assert_eq!(&read(&steps, now), &duties);

        let classified = steps.iter().find(|(_, step)| *step == Step::Classified).map(|(at, _)| minute(*at));
        for duty in duties {
            prop_assert_eq!(duty.due_at.is_some(), duty.limits.iter().any(|limit| limit.decides));
            let deadline = duty.shifted.as_ref().map_or(duty.due_at, |shifted| Some(shifted.from));
            let applying = duty.limits.iter().filter(|limit| limit.lapsed.is_empty()).filter_map(|limit| limit.at);
            if duty.due_at.is_some() {
                prop_assert_eq!(deadline, applying.min());
            }
            if let Some(shifted) = &duty.shifted {
                prop_assert!(shifted.to > shifted.from);
                let office = &CALENDARS[0].1;
                prop_assert!(office.is_open(shifted.to + SignedDuration::from_hours(1)), "noon of a working day");
                prop_assert!(duty.report == Report::Final || entity == Entity::Other);
            }
            match duty.state {
                DutyState::Awaited => prop_assert!(duty.due_at.is_none() && duty.submitted_at.is_none()),
                DutyState::Running => prop_assert!(duty.due_at.unwrap() > now && duty.submitted_at.is_none()),
                DutyState::Met => prop_assert!(duty.due_at.is_none_or(|due| duty.submitted_at.unwrap() <= due)),
                DutyState::Breached => prop_assert!(duty.submitted_at.unwrap_or(now) >= duty.due_at.unwrap()),
            }
            if let (Report::Initial, Some(deadline), Some(classified)) = (duty.report, deadline, classified) {
                let day = minute(0) + SignedDuration::from_hours(24);
                let four = classified + SignedDuration::from_hours(4);
                prop_assert_eq!(deadline, if classified > day { four } else { four.min(day) });
            }
        }
    }

    /// The engine against a walk over minutes, for the promise most people make.
    #[test]
    fn a_resolution_clock_counts_the_open_minutes_in_which_it_runs(
        target in 1_i64..2_000,
        events in prop::collection::vec((0..MINUTES, 0_usize..5), 0..12),
        now in 0..MINUTES,
    ) {
        let mut events = events;
        events.sort_by_key(|(at, _)| *at);
        events.dedup_by_key(|(at, _)| *at);
        let states = [
            ("active", Category::Active, None),
            ("customer", Category::Pending, Some(PendingReason::Customer)),
            ("supplier", Category::Pending, Some(PendingReason::Supplier)),
            ("resolved", Category::Resolved, None),
            ("closed", Category::Closed, None),
        ];
        let counts = [true, false, true, false, false];
        let mut objective =
            Objective::new("fix", Metric::Resolution, Some(Target::Open(SignedDuration::from_mins(target))));
        objective.calendar = Some("office".to_owned());
        let agreement: Agreement = serde_json::from_value(serde_json::json!({"kind": "SLA"})).unwrap();
        let agreements = [Agreement { objectives: vec![objective], ..agreement }];
        let signal = |at, kind| Signal { at: minute(at), position: None, kind };
        let mut signals = vec![
            signal(0, SignalKind::Opened),
            signal(0, SignalKind::Governed { pinned: pins(&agreements, 1) }),
        ];
        signals.extend(events.iter().map(|&(at, state)| {
            let (state, category, pending) = states[state];
            signal(at, SignalKind::State { state: state.to_owned(), category, pending })
        }));
        let office = &CALENDARS[0].1;
        let mut walked = 0;
        let mut reached = None;
        for step in 0..now {
            let state = events.iter().rev().find(|(at, _)| *at <= step).map(|(_, state)| *state);
            if state.is_none_or(|state| counts[state]) && office.is_open(minute(step)) {
                walked += 1;
                if walked == target {
                    reached = Some(minute(step + 1));
                }
            }
        }
        let readings = clock::read(&signals, &book(&agreements), minute(now));
        let reading = &readings[0];
        prop_assert_eq!(reading.elapsed, SignedDuration::from_mins(walked));
        // Reached at the very end of a phase it may count later, or as met; then there is nothing to compare.
        if let (Some(breached), Some(reached)) = (reading.breached_at, reached) {
            prop_assert!(breached == reached || events.iter().any(|(at, _)| minute(*at) == reached));
        } else {
            prop_assert!(reading.breached_at.is_none());
            prop_assert!(reached.is_none_or(|reached| events.iter().any(|(at, _)| minute(*at) == reached)));
        }
    }
}
