//! Runs every file in `scenarios/` against the pure core: what happened to a ticket, and what its clocks show.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod scenario;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use domain::calendar::{Calendar, Definition, Revision, Timeline};
use domain::clock::{self, Book, Duty, Exclusion, Explanation, Signal, SignalKind};
use domain::selection::{self, InForce, Pinned, Subject};
use jiff::Timestamp;
use scenario::{Event, Owed, Scenario, Selected, Shown, revision};

#[test]
fn every_scenario_reads_as_it_says() {
    let scenarios = scenario::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios"));
    assert!(scenarios.len() >= 50, "{} scenarios", scenarios.len());
    let mut faults = String::new();
    for (name, scenario) in &scenarios {
        for fault in run(scenario) {
            writeln!(faults, "{name}: {}: {fault}", scenario.rule).unwrap();
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

fn run(scenario: &Scenario) -> Vec<String> {
    let world = World::new(scenario);
    let opened = world.signals.iter().find(|signal| signal.kind == SignalKind::Opened).map(|signal| signal.at);
    let mut faults = Vec::new();
    for expected in &scenario.then {
        let now = scenario.time(&expected.at);
        let explained = clock::explain(&world.signals, &world.book, now);
        let readings = clock::read(&world.signals, &world.book, now);
        if explained.iter().map(|explanation| &explanation.reading).ne(&readings) {
            faults.push(format!("{}: reading and explanation differ", expected.at));
        }
        let clocks: Vec<Shown> = explained.iter().map(shown).collect();
        faults.extend(clocks.iter().filter_map(|clock| scenario::unsound(clock, opened.unwrap(), now)));
        let duties: Vec<Owed> = clock::duties(&world.signals, &world.book, now).iter().map(owed).collect();
        let worst = clock::worst(&readings).map_or("none", |reading| &reading.pinned.objective);
        faults.extend(scenario.compare(expected, &clocks, &duties, Some(worst)));
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

fn shown(explanation: &Explanation) -> Shown {
    let text = |value: serde_json::Value| value.as_str().unwrap().to_owned();
    let word = |value: serde_json::Result<serde_json::Value>| text(value.unwrap());
    let Explanation { reading, segments, .. } = explanation;
    let cancelled = reading.cancelled.as_ref();
    let excuse = reading.excuse.as_ref();
    Shown {
        id: reading.id.clone(),
        state: reading.state.as_str().to_owned(),
        activity: Some(word(serde_json::to_value(reading.activity))),
        elapsed: reading.elapsed,
        remaining: reading.remaining,
        overrun: reading.overrun,
        millipercent: reading.elapsed_millipercent,
        started: Some(reading.started_at),
        stopped: reading.stopped_at,
        due: reading.due_at,
        breached: reading.breached_at,
        cancelled: Some(cancelled.map_or("no".to_owned(), |cancelled| word(serde_json::to_value(cancelled.reason)))),
        revision: reading.pinned.revision,
        thresholds: reading
            .thresholds
            .iter()
            .map(|threshold| (threshold.percent, threshold.at, threshold.reached))
            .collect(),
        segments: segments
            .iter()
            .map(|segment| {
                let reason = word(serde_json::to_value(segment.reason));
                (segment.start, segment.end, segment.counted, reason, segment.detail.clone())
            })
            .collect(),
        excused: excuse.map(|excuse| excuse.reason.as_str().to_owned()),
        adjusted: excuse
            .and_then(|excuse| excuse.adjusted)
            .map(|adjusted| (adjusted.state.as_str().to_owned(), adjusted.elapsed)),
    }
}

fn owed(duty: &Duty) -> Owed {
    let deciding = duty.limits.iter().find(|limit| limit.decides);
    let lapsed = duty.limits.iter().filter(|limit| !limit.lapsed.is_empty());
    Owed {
        report: duty.report.as_str().to_owned(),
        state: duty.state.as_str().to_owned(),
        due: duty.due_at,
        submitted: duty.submitted_at,
        by: deciding.map(|limit| (limit.within.clone(), limit.clause.clone())),
        shifted: duty.shifted.as_ref().map(|shifted| (shifted.from, shifted.because.clone())),
        lapsed: lapsed.map(|limit| (limit.clause.clone(), limit.lapsed.clone())).collect(),
    }
}

struct World<'a> {
    scenario: &'a Scenario,
    book: Book,
    timelines: BTreeMap<String, Timeline>,
    signals: Vec<Signal>,
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let mut world = Self { scenario, book: Book::default(), timelines: BTreeMap::new(), signals: Vec::new() };
        let mut revisions: BTreeMap<&str, Vec<Revision>> = BTreeMap::new();
        for (name, number, from, definition) in scenario.calendar_revisions() {
            let calendar = Arc::new(Calendar::compile(definition).unwrap());
            let effective_from = from.unwrap_or(Timestamp::UNIX_EPOCH);
            revisions.entry(name).or_default().push(Revision { number, effective_from, calendar });
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
        for (at, event) in scenario.events() {
            world.happens(at, event);
        }
        world.signals.sort_by_key(|signal| signal.at);
        world
    }

    fn happens(&mut self, at: Timestamp, event: Event) {
        let kinds = match event {
            Event::OpenedAlone => vec![SignalKind::Opened],
            Event::Opened(under) => {
                vec![SignalKind::Opened, SignalKind::Governed { pinned: self.pin(under.as_deref()) }]
            }
            Event::Governed(by) => vec![SignalKind::Governed { pinned: self.pin(Some(&by)) }],
            Event::State { id, category, pending } => vec![SignalKind::State { state: id, category, pending }],
            Event::Assigned { group, contract } => vec![SignalKind::Assigned { group, contract }],
            Event::Answered => vec![SignalKind::Answered],
            Event::Informed => vec![SignalKind::Informed],
            Event::CustomerWrote => vec![SignalKind::CustomerWrote],
            Event::Agreed(due_at) => vec![SignalKind::DateAgreed { due_at: Some(due_at) }],
            Event::Ended(reason) => vec![SignalKind::Ended { reason }],
            Event::Excluded { clock, reason, interval } => {
                let exclusion = Exclusion { clock: self.id(at, &clock), reason, evidence: "seen".to_owned(), interval };
                vec![SignalKind::Excluded { exclusion, actor: "people/ann".to_owned() }]
            }
            Event::Revoked(clock) => vec![SignalKind::ExclusionRevoked { clock: self.id(at, &clock) }],
            Event::Duty(step) => vec![SignalKind::Duty(step)],
        };
        for kind in kinds {
            let position = Some(self.signals.len() as u64 + 1);
            self.signals.push(Signal { at, position, kind });
        }
    }

    /// The id of the clock that ends so.
    fn id(&self, at: Timestamp, ending: &str) -> String {
        let clocks = clock::read(&self.signals, &self.book, at);
        let found = clocks.into_iter().find(|reading| reading.id.ends_with(&format!("/{ending}")));
        found.unwrap_or_else(|| panic!("no clock `{ending}` at {at}")).id
    }

    /// The objectives of these names; without names every one of every first revision.
    fn pin(&self, names: Option<&[String]>) -> Vec<Pinned> {
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
        let all: BTreeMap<String, Pinned> = objectives.collect();
        match names {
            None => all.into_values().filter(|pinned| pinned.revision == 1).collect(),
            Some(names) => {
                let find = |name: &String| all.get(name).unwrap_or_else(|| panic!("no objective `{name}`")).clone();
                names.iter().map(find).collect()
            }
        }
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
