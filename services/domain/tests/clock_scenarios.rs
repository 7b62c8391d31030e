//! Runs every file in `scenarios/`: what happened to a ticket, and what its clocks show. See
//! `scenarios/README.md` for the words a scenario may use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use domain::agreement::Agreement;
use domain::calendar::{Calendar, Definition, Revision, Timeline};
use domain::clock::{self, Book, Explanation, Signal, SignalKind};
use domain::process::{Category, PendingReason};
use domain::selection::{self, InForce, Pinned, Subject};
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    #[serde(rename = "scenario")]
    rule: String,
    /// Where others went wrong.
    #[serde(default, rename = "seen")]
    _seen: Option<String>,
    /// Zone of the times in this file that name none.
    zone: String,
    /// By name; a revision that takes effect later is `name@2 from 2026-05-01 00:00`.
    #[serde(default)]
    calendars: BTreeMap<String, Definition>,
    /// By name; later revisions are `name@2`.
    agreements: BTreeMap<String, Agreement>,
    #[serde(default)]
    ticket: Vec<BTreeMap<String, String>>,
    #[serde(default)]
    then: Vec<Expectation>,
    #[serde(default)]
    select: Vec<Selected>,
    /// Reasons of what the linter finds in calendars and agreements.
    #[serde(default)]
    findings: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectation {
    at: String,
    /// Number of clocks.
    clocks: Option<usize>,
    /// The end of a clock's id: `resolution/1`.
    clock: Option<String>,
    state: Option<String>,
    activity: Option<String>,
    elapsed: Option<String>,
    remaining: Option<String>,
    overrun: Option<String>,
    percent: Option<f64>,
    started: Option<String>,
    stopped: Option<String>,
    due: Option<String>,
    breached: Option<String>,
    cancelled: Option<String>,
    revision: Option<u32>,
    thresholds: Option<BTreeMap<u32, String>>,
    /// `start to end: reason detail`, in order; those left out are not asked about.
    segments: Option<Vec<String>>,
    /// The clock that decides the ticket's colour.
    worst: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Selected {
    customers: Vec<String>,
    service: Option<String>,
    line: Option<String>,
    offering: Option<String>,
    practice: String,
    priority: Option<u8>,
    winners: Vec<String>,
    #[serde(default)]
    losers: BTreeMap<String, String>,
}

#[test]
fn every_scenario_reads_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(files.len() >= 28, "{} scenarios", files.len());
    let mut faults = String::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let scenario: Scenario = serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        for fault in run(&scenario) {
            writeln!(faults, "{name}: {}: {fault}", scenario.rule).unwrap();
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

fn run(scenario: &Scenario) -> Vec<String> {
    let world = World::new(scenario);
    let mut faults = Vec::new();
    for expected in &scenario.then {
        let now = world.time(&expected.at);
        let explained = clock::explain(&world.signals, &world.book, now);
        let readings = clock::read(&world.signals, &world.book, now);
        if explained.iter().map(|explanation| &explanation.reading).ne(&readings) {
            faults.push(format!("{}: reading and explanation differ", expected.at));
        }
        faults.extend(explained.iter().filter_map(|explanation| world.unsound(explanation, now)));
        faults.extend(world.compare(expected, &explained));
    }
    for selected in &scenario.select {
        faults.extend(world.select(selected));
    }
    if let Some(expected) = &scenario.findings {
        let found = world.findings();
        if found != *expected {
            faults.push(format!("findings {found:?}, not {expected:?}"));
        }
    }
    faults
}

struct World<'a> {
    scenario: &'a Scenario,
    zone: TimeZone,
    book: Book,
    timelines: BTreeMap<String, Timeline>,
    signals: Vec<Signal>,
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let zone = TimeZoneDatabase::bundled().get(&scenario.zone).unwrap();
        let mut world = Self { scenario, zone, book: Book::default(), timelines: BTreeMap::new(), signals: Vec::new() };
        let mut revisions: BTreeMap<&str, Vec<Revision>> = BTreeMap::new();
        for (name, definition) in &scenario.calendars {
            let (name, from) = name.split_once(" from ").unwrap_or((name, "1970-01-01 00:00"));
            let (name, number) = revision(name);
            let calendar = Arc::new(Calendar::compile(definition).unwrap());
            let revision = Revision { number, effective_from: world.time(from), calendar };
            revisions.entry(name).or_default().push(revision);
        }
        for (name, revisions) in revisions {
            let timeline = Timeline::new(revisions);
            world.book.add_calendar(name, timeline.clone());
            world.timelines.insert(name.to_owned(), timeline);
        }
        for (name, agreement) in &scenario.agreements {
            let (name, number) = revision(name);
            world.book.add_agreement(name, number, Arc::new(agreement.clone()));
        }
        for line in &scenario.ticket {
            for (at, what) in line {
                world.happens(at, what);
            }
        }
        world
    }

    /// `2026-03-29 12:00` in the scenario's zone, or a time with its offset.
    fn time(&self, text: &str) -> Timestamp {
        if let Ok(timestamp) = text.parse() {
            return timestamp;
        }
        let local: DateTime = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        self.zone.to_ambiguous_timestamp(local).unambiguous().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn happens(&mut self, at: &str, what: &str) {
        let at = self.time(at);
        let state = |state: &str, category, pending| SignalKind::State { state: state.to_owned(), category, pending };
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        let kinds = match verb {
            // Selection is recorded by a later line.
            "opened" if rest == "alone" => vec![SignalKind::Opened],
            "opened" => vec![SignalKind::Opened, SignalKind::Governed { pinned: self.pin(rest) }],
            "governed" => vec![SignalKind::Governed { pinned: self.pin(rest.trim_start_matches("by ")) }],
            "new" => vec![state("new", Category::New, None)],
            "active" => vec![state("active", Category::Active, None)],
            "resolved" => vec![state("resolved", Category::Resolved, None)],
            "closed" => vec![state("closed", Category::Closed, None)],
            "cancelled" => vec![state("cancelled", Category::Cancelled, None)],
            "waiting" => {
                let pending = PendingReason::parse(rest.trim_start_matches("for "));
                vec![state("waiting", Category::Pending, Some(pending.expect(what)))]
            }
            // `state parts PENDING SUPPLIER`: id, category, awaited party.
            "state" => {
                let mut words = rest.split(' ');
                let id = words.next().unwrap();
                let category = Category::parse(words.next().unwrap()).expect(what);
                let pending = words.next().map(|word| PendingReason::parse(word).expect(what));
                vec![state(id, category, pending)]
            }
            "assigned" => {
                let to = rest.trim_start_matches("to ").to_owned();
                let group = to.starts_with("groups/").then(|| to.clone());
                let contract = to.starts_with("contracts/").then_some(to);
                vec![SignalKind::Assigned { group, contract }]
            }
            "answered" => vec![SignalKind::Answered],
            "informed" => vec![SignalKind::Informed],
            "customer" => vec![SignalKind::CustomerWrote],
            "agreed" => vec![SignalKind::DateAgreed { due_at: Some(self.time(rest.trim_start_matches("on "))) }],
            "merged" => vec![SignalKind::Ended { reason: what.to_owned() }],
            _ => panic!("`{what}` is not a thing that happens to a ticket"),
        };
        for kind in kinds {
            let position = Some(self.signals.len() as u64 + 1);
            self.signals.push(Signal { at, position, kind });
        }
    }

    /// `gold/p1, gold@2/p1`; nothing names every objective of every first revision.
    fn pin(&self, names: &str) -> Vec<Pinned> {
        let objectives = self.scenario.agreements.iter().flat_map(|(name, agreement)| {
            let (agreement_name, number) = revision(name);
            agreement.objectives.iter().map(move |objective| {
                let pinned = Pinned {
                    kind: agreement.kind,
                    metric: objective.metric,
                    agreement: agreement_name.to_owned(),
                    revision: number,
                    objective: objective.id.clone(),
                };
                (format!("{name}/{}", objective.id), pinned)
            })
        });
        let names = names.trim_start_matches("under ");
        let wanted: Vec<&str> = names.split(", ").filter(|name| !name.is_empty() && *name != "nothing").collect();
        let all: BTreeMap<String, Pinned> = objectives.collect();
        if names.is_empty() {
            return all.into_values().filter(|pinned| pinned.revision == 1).collect();
        }
        wanted
            .into_iter()
            .map(|name| all.get(name).unwrap_or_else(|| panic!("no objective `{name}`")).clone())
            .collect()
    }

    /// What no explanation may get wrong, whatever the scenario is about.
    fn unsound(&self, explanation: &Explanation, now: Timestamp) -> Option<String> {
        let Explanation { reading, segments, .. } = explanation;
        let counted = segments.iter().filter(|segment| segment.counted);
        let sum: SignedDuration = counted.map(|segment| segment.end.duration_since(segment.start)).sum();
        let whole = segments.windows(2).all(|pair| pair[0].end == pair[1].start);
        let opened = self.signals.iter().find(|signal| signal.kind == SignalKind::Opened).map(|signal| signal.at);
        let ends = segments.first().is_none_or(|first| Some(first.start) == opened)
            && segments.last().is_none_or(|last| last.end == now);
        let sane = sum == reading.elapsed
            && whole
            && ends
            && reading.elapsed >= SignedDuration::ZERO
            && reading.remaining == reading.target - reading.elapsed
            && (reading.stopped_at.is_none() || reading.due_at.is_none());
        (!sane).then(|| format!("{now} {}: the explanation does not add up: {explanation:#?}", reading.id))
    }

    fn compare(&self, expected: &Expectation, explained: &[Explanation]) -> Vec<String> {
        let mut faults = Vec::new();
        let mut differ = |what: &str, found: String, expected: &str| {
            if found != expected {
                faults.push(format!("{what} is {found}, not {expected}"));
            }
        };
        let place = |what: &str| format!("{} {}: {what}", expected.at, expected.clock.as_deref().unwrap_or_default());
        if let Some(clocks) = expected.clocks {
            let ids: Vec<&str> = explained.iter().map(|e| e.reading.id.as_str()).collect();
            differ(&place(&format!("number of {ids:?}")), explained.len().to_string(), &clocks.to_string());
        }
        if let Some(worst) = &expected.worst {
            let readings: Vec<_> = explained.iter().map(|e| e.reading.clone()).collect();
            let found = clock::worst(&readings).map_or("none", |reading| &reading.pinned.objective);
            differ(&place("worst"), found.to_owned(), worst);
        }
        let Some(id) = &expected.clock else { return faults };
        let ending = format!("/{id}");
        let Some(Explanation { reading, segments, .. }) = explained.iter().find(|e| e.reading.id.ends_with(&ending))
        else {
            faults.push(place("there is no such clock"));
            return faults;
        };
        let time = |at: Option<Timestamp>| {
            at.map_or("none".to_owned(), |at| self.zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string())
        };
        let duration = |text: &str| format!("{:#}", text.parse::<SignedDuration>().expect(text));
        let mut field = |what: &str, found: String, expected: Option<&str>| {
            if let Some(expected) = expected {
                differ(&place(what), found, expected);
            }
        };
        let text = |value: serde_json::Value| value.as_str().unwrap().to_owned();
        field("state", reading.state.as_str().to_owned(), expected.state.as_deref());
        field("activity", text(serde_json::to_value(reading.activity).unwrap()), expected.activity.as_deref());
        let amounts = [
            ("elapsed", reading.elapsed, &expected.elapsed),
            ("remaining", reading.remaining, &expected.remaining),
            ("overrun", reading.overrun, &expected.overrun),
        ];
        for (what, found, wanted) in amounts {
            field(what, format!("{found:#}"), wanted.as_deref().map(duration).as_deref());
        }
        field("started", time(Some(reading.started_at)), expected.started.as_deref());
        field("stopped", time(reading.stopped_at), expected.stopped.as_deref());
        field("due", time(reading.due_at), expected.due.as_deref());
        field("breached", time(reading.breached_at), expected.breached.as_deref());
        let cancelled = reading.cancelled.as_ref();
        let cancelled = cancelled.map_or("no".to_owned(), |c| text(serde_json::to_value(c.reason).unwrap()));
        field("cancelled", cancelled, expected.cancelled.as_deref());
        let percent = expected.percent.map(|percent| format!("{:.0}", percent * 1000.0));
        field("millipercent", reading.elapsed_millipercent.to_string(), percent.as_deref());
        let revision = expected.revision.map(|revision| revision.to_string());
        field("revision", reading.pinned.revision.to_string(), revision.as_deref());
        for (percent, wanted) in expected.thresholds.iter().flatten() {
            let threshold = reading.thresholds.iter().find(|threshold| threshold.percent == *percent);
            let found = threshold.map_or("missing".to_owned(), |threshold| {
                let reached = if threshold.reached { "reached " } else { "" };
                format!("{reached}{}", time(threshold.at))
            });
            field(&format!("threshold {percent}"), found, Some(wanted));
        }
        if let Some(wanted) = &expected.segments {
            let found: Vec<String> = segments
                .iter()
                .map(|segment| {
                    let (start, end) = (time(Some(segment.start)), time(Some(segment.end)));
                    let reason = text(serde_json::to_value(segment.reason).unwrap());
                    format!("{start} to {end}: {reason} {}", segment.detail).trim_end().to_owned()
                })
                .collect();
            let all_there = wanted.iter().all(|line| found.contains(line));
            if !all_there {
                faults.push(place(&format!("segments are {found:#?}, without all of {wanted:#?}")));
            }
        }
        faults
    }

    fn select(&self, selected: &Selected) -> Vec<String> {
        let customers: Vec<&str> = selected.customers.iter().map(String::as_str).collect();
        let subject = Subject {
            customers: &customers,
            service: selected.service.as_deref(),
            line: selected.line.as_deref(),
            offering: selected.offering.as_deref(),
            practice: &selected.practice,
            priority: selected.priority,
        };
        let in_force = self.scenario.agreements.iter().map(|(name, agreement)| {
            let (name, revision) = revision(name);
            InForce { name, revision, agreement }
        });
        let choice = selection::select(in_force, &subject);
        let name = |pinned: &Pinned| format!("{}/{}", pinned.agreement, pinned.objective);
        let winners: Vec<String> = choice.winners.iter().map(name).collect();
        let losers: BTreeMap<String, String> =
            choice.losers.iter().map(|loser| (name(&loser.pinned), loser.reason.as_str().to_owned())).collect();
        let mut faults = Vec::new();
        if winners != selected.winners || losers != selected.losers {
            faults.push(format!("{subject:?} is governed by {winners:?} and not by {losers:?}"));
        }
        faults
    }

    fn findings(&self) -> Vec<String> {
        let calendars = self.scenario.calendars.values().flat_map(Definition::check);
        let agreements = self.scenario.agreements.values();
        let agreements = agreements.flat_map(|agreement| agreement.check(|name| self.timelines.get(name), &[]));
        calendars.chain(agreements).map(|finding| finding.reason).collect()
    }
}

/// A name and its revision: `gold@2`, or 1.
fn revision(name: &str) -> (&str, u32) {
    match name.split_once('@') {
        Some((name, number)) => (name, number.parse().unwrap()),
        None => (name, 1),
    }
}
