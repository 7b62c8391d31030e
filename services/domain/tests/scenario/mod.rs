//! Reads the files in `scenarios/` and compares what clocks show with what they say; see `scenarios/README.md` for
//! the words a scenario may use. Shared by the test of the pure core and the one that goes through real servers.

#![allow(dead_code, missing_docs, reason = "each of the two tests uses what it can see")]

use std::collections::BTreeMap;
use std::path::Path;

use domain::agreement::Agreement;
use domain::calendar::Definition;
use domain::clock::{DutyStep, Entity, ExclusionReason, Interval, Regulation, Report, Step};
use domain::process::{Category, PendingReason};
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    #[serde(rename = "scenario")]
    pub rule: String,
    /// Where others went wrong.
    #[serde(default, rename = "seen")]
    _seen: Option<String>,
    /// Zone of the times in this file that name none.
    zone: String,
    /// By name; a revision that takes effect later is `name@2 from 2026-05-01 00:00`.
    #[serde(default)]
    pub calendars: BTreeMap<String, Definition>,
    /// By name; later revisions are `name@2`.
    #[serde(default)]
    pub agreements: BTreeMap<String, Agreement>,
    #[serde(default)]
    ticket: Vec<BTreeMap<String, String>>,
    #[serde(default)]
    pub then: Vec<Expectation>,
    #[serde(default)]
    pub select: Vec<Selected>,
    /// Reasons of what the linter finds in calendars and agreements.
    #[serde(default)]
    pub findings: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    pub at: String,
    /// Number of clocks.
    clocks: Option<usize>,
    /// The end of a clock's id: `resolution/1`.
    clock: Option<String>,
    /// A report that is owed to an authority: `INITIAL`.
    duty: Option<String>,
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
    /// Why the clock is excused: `FORCE_MAJEURE`, `no`.
    excused: Option<String>,
    /// The verdict without the excused time, and the open time used then: `MET 3h`; `none` if it is left out.
    adjusted: Option<String>,
    /// When the report was submitted.
    submitted: Option<String>,
    /// The limit that decides: `PT4H (EU) 2025/301 Art. 5(1)(a)`.
    by: Option<String>,
    /// Where the deadline was before it was shifted, and why: `2026-05-02 10:00, no working day: …`.
    shifted: Option<String>,
    /// The limits that do not apply, and why: `(EU) 2025/301 Art. 5(1)(a): …`.
    lapsed: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selected {
    pub customers: Vec<String>,
    pub service: Option<String>,
    pub line: Option<String>,
    pub offering: Option<String>,
    pub practice: String,
    pub priority: Option<u8>,
    pub winners: Vec<String>,
    #[serde(default)]
    pub losers: BTreeMap<String, String>,
}

/// Something that happens to a ticket.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// It is opened under these objectives: `gold/p1`. Empty: under every one of every first revision.
    Opened(Option<Vec<String>>),
    /// It is opened, and what governs it is recorded later.
    OpenedAlone,
    /// From then on these objectives govern.
    Governed(Vec<String>),
    State {
        id: String,
        category: Category,
        pending: Option<PendingReason>,
    },
    Assigned {
        group: Option<String>,
        contract: Option<String>,
    },
    Answered,
    Informed,
    CustomerWrote,
    Agreed(Timestamp),
    Ended(String),
    /// The clock whose id ends so is excused.
    Excluded {
        clock: String,
        reason: ExclusionReason,
        interval: Option<Interval>,
    },
    Revoked(String),
    Duty(DutyStep),
}

/// A clock as somebody shows it. What they do not tell is empty and not compared.
pub struct Shown {
    pub id: String,
    pub state: String,
    pub activity: Option<String>,
    pub elapsed: SignedDuration,
    pub remaining: SignedDuration,
    pub overrun: SignedDuration,
    pub millipercent: i64,
    pub started: Option<Timestamp>,
    pub stopped: Option<Timestamp>,
    pub due: Option<Timestamp>,
    pub breached: Option<Timestamp>,
    pub cancelled: Option<String>,
    pub revision: u32,
    /// Percent, when, whether reached.
    pub thresholds: Vec<(u32, Option<Timestamp>, bool)>,
    /// From, until, whether counted, reason, detail.
    pub segments: Vec<(Timestamp, Timestamp, bool, String, String)>,
    pub excused: Option<String>,
    pub adjusted: Option<(String, SignedDuration)>,
}

/// A duty as somebody shows it.
pub struct Owed {
    pub report: String,
    pub state: String,
    pub due: Option<Timestamp>,
    pub submitted: Option<Timestamp>,
    /// How long the limit that decides gives, and its clause.
    pub by: Option<(String, String)>,
    /// Where the deadline was, and why it was shifted.
    pub shifted: Option<(Timestamp, String)>,
    /// Clauses of limits that do not apply, and why.
    pub lapsed: Vec<(String, String)>,
}

/// Every scenario of a folder by the name of its file, in order.
pub fn read_all(folder: &Path) -> Vec<(String, Scenario)> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let scenario = serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, scenario)
    };
    files.iter().map(read).collect()
}

/// A name and its revision: `gold@2`, or 1.
pub fn revision(name: &str) -> (&str, u32) {
    match name.split_once('@') {
        Some((name, number)) => (name, number.parse().unwrap()),
        None => (name, 1),
    }
}

impl Scenario {
    pub fn zone(&self) -> TimeZone {
        TimeZoneDatabase::bundled().get(&self.zone).unwrap()
    }

    /// `2026-03-29 12:00` in the scenario's zone, or a time with its offset.
    pub fn time(&self, text: &str) -> Timestamp {
        if let Ok(timestamp) = text.parse() {
            return timestamp;
        }
        let local: DateTime = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        self.zone().to_ambiguous_timestamp(local).unambiguous().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Revisions of calendars: name, number, from when, content.
    pub fn calendar_revisions(&self) -> Vec<(&str, u32, Option<Timestamp>, &Definition)> {
        let revisions = self.calendars.iter().map(|(name, definition)| {
            let (name, from) =
                name.split_once(" from ").map_or((name.as_str(), None), |(name, from)| (name, Some(from)));
            let (name, number) = revision(name);
            (name, number, from.map(|from| self.time(from)), definition)
        });
        revisions.collect()
    }

    /// What happens, in the order of the file, which is the order in which it is recorded.
    pub fn events(&self) -> Vec<(Timestamp, Event)> {
        let lines = self.ticket.iter().flatten();
        lines.map(|(at, what)| (self.time(at), self.event(what))).collect()
    }

    fn event(&self, what: &str) -> Event {
        let words: Vec<&str> = what.split(' ').collect();
        let state = |id: &str, category| Event::State { id: id.to_owned(), category, pending: None };
        let names = |rest: &str| {
            let names = rest.split(", ").filter(|name| !name.is_empty() && *name != "nothing");
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        match words.as_slice() {
            ["opened"] => Event::Opened(None),
            ["opened", "alone"] => Event::OpenedAlone,
            ["opened", "under", ..] => Event::Opened(Some(names(&what["opened under ".len()..]))),
            ["governed", "by", ..] => Event::Governed(names(&what["governed by ".len()..])),
            ["new"] => state("new", Category::New),
            ["active"] => state("active", Category::Active),
            ["resolved"] => state("resolved", Category::Resolved),
            ["closed"] => state("closed", Category::Closed),
            ["cancelled"] => state("cancelled", Category::Cancelled),
            ["waiting", "for", reason] => Event::State {
                id: "waiting".to_owned(),
                category: Category::Pending,
                pending: Some(PendingReason::parse(reason).expect(what)),
            },
            // `state parts PENDING SUPPLIER`: id, category, awaited party.
            ["state", id, category, pending @ ..] => Event::State {
                id: (*id).to_owned(),
                category: Category::parse(category).expect(what),
                pending: pending.first().map(|reason| PendingReason::parse(reason).expect(what)),
            },
            ["assigned", "to", to] => Event::Assigned {
                group: to.starts_with("groups/").then(|| (*to).to_owned()),
                contract: to.starts_with("contracts/").then(|| (*to).to_owned()),
            },
            ["answered"] => Event::Answered,
            ["informed"] => Event::Informed,
            ["customer", "wrote"] => Event::CustomerWrote,
            ["agreed", "on", ..] => Event::Agreed(self.time(&what["agreed on ".len()..])),
            ["merged", ..] => Event::Ended(what.to_owned()),
            ["excluded", clock, "as", reason, rest @ ..] => Event::Excluded {
                clock: (*clock).to_owned(),
                reason: ExclusionReason::parse(reason).expect(what),
                interval: match rest {
                    [] => None,
                    ["from", day, time, "to", last_day, last_time] => Some(Interval {
                        start: self.time(&format!("{day} {time}")),
                        end: self.time(&format!("{last_day} {last_time}")),
                    }),
                    _ => panic!("`{what}` names no interval"),
                },
            },
            ["revoked", clock] => Event::Revoked((*clock).to_owned()),
            ["aware", "under", law, "as", entity, "by", calendar] => {
                duty(law, Step::Aware { entity: Entity::parse(entity).expect(what), calendar: (*calendar).to_owned() })
            }
            ["classified", "under", law] => duty(law, Step::Classified),
            ["handled", "under", law] => duty(law, Step::Handled),
            ["submitted", report, "under", law, "as", reference] => duty(
                law,
                Step::Submitted { report: Report::parse(report).expect(what), reference: (*reference).to_owned() },
            ),
            _ => panic!("`{what}` is not a thing that happens to a ticket"),
        }
    }

    /// What is shown at the time of an expectation and should not be.
    pub fn compare(
        &self,
        expected: &Expectation,
        clocks: &[Shown],
        duties: &[Owed],
        worst: Option<&str>,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        let subject = expected.clock.as_deref().or(expected.duty.as_deref()).unwrap_or_default();
        let mut field = |what: &str, found: Option<String>, wanted: Option<&str>| {
            if let (Some(found), Some(wanted)) = (found, wanted)
                && found != wanted
            {
                faults.push(format!("{} {subject}: {what} is {found}, not {wanted}", expected.at));
            }
        };
        let number = expected.clocks.map(|clocks| clocks.to_string());
        let ids: Vec<&str> = clocks.iter().map(|clock| clock.id.as_str()).collect();
        field(&format!("number of {ids:?}"), Some(clocks.len().to_string()), number.as_deref());
        field("worst", worst.map(str::to_owned), expected.worst.as_deref());
        let time = |at: Option<Timestamp>| {
            at.map_or("none".to_owned(), |at| self.zone().to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string())
        };
        let short = |duration: SignedDuration| format!("{duration:#}");
        let duration = |text: &str| short(text.parse::<SignedDuration>().expect(text));
        if let Some(report) = &expected.duty {
            let Some(owed) = duties.iter().find(|duty| duty.report == *report) else {
                return vec![format!("{} {subject}: there is no such duty", expected.at)];
            };
            field("state", Some(owed.state.clone()), expected.state.as_deref());
            field("due", Some(time(owed.due)), expected.due.as_deref());
            field("submitted", Some(time(owed.submitted)), expected.submitted.as_deref());
            let by = owed.by.as_ref().map_or("nothing".to_owned(), |(within, clause)| format!("{within} {clause}"));
            field("by", Some(by), expected.by.as_deref());
            let shifted = owed.shifted.as_ref();
            let shifted = shifted.map_or("no".to_owned(), |(from, why)| format!("{}, {why}", time(Some(*from))));
            field("shifted", Some(shifted), expected.shifted.as_deref());
            let lapsed: Vec<String> = owed.lapsed.iter().map(|(clause, why)| format!("{clause}: {why}")).collect();
            let wanted = expected.lapsed.as_ref().map(|wanted| format!("{wanted:?}"));
            field("lapsed", Some(format!("{lapsed:?}")), wanted.as_deref());
            return faults;
        }
        let Some(id) = &expected.clock else { return faults };
        let ending = format!("/{id}");
        let Some(clock) = clocks.iter().find(|clock| clock.id.ends_with(&ending)) else {
            return vec![format!("{} {subject}: there is no such clock", expected.at)];
        };
        field("state", Some(clock.state.clone()), expected.state.as_deref());
        field("activity", clock.activity.clone(), expected.activity.as_deref());
        let amounts = [
            ("elapsed", clock.elapsed, &expected.elapsed),
            ("remaining", clock.remaining, &expected.remaining),
            ("overrun", clock.overrun, &expected.overrun),
        ];
        for (what, found, wanted) in amounts {
            field(what, Some(short(found)), wanted.as_deref().map(duration).as_deref());
        }
        let times = [
            ("started", clock.started, &expected.started),
            ("stopped", clock.stopped, &expected.stopped),
            ("due", clock.due, &expected.due),
            ("breached", clock.breached, &expected.breached),
        ];
        for (what, found, wanted) in times {
            field(what, Some(time(found)), wanted.as_deref());
        }
        field("cancelled", clock.cancelled.clone(), expected.cancelled.as_deref());
        let percent = expected.percent.map(|percent| format!("{:.0}", percent * 1000.0));
        field("millipercent", Some(clock.millipercent.to_string()), percent.as_deref());
        let revision = expected.revision.map(|revision| revision.to_string());
        field("revision", Some(clock.revision.to_string()), revision.as_deref());
        let excused = clock.excused.clone().unwrap_or_else(|| "no".to_owned());
        field("excused", Some(excused), expected.excused.as_deref());
        let adjusted = clock.adjusted.as_ref();
        let adjusted = adjusted.map_or("none".to_owned(), |(state, elapsed)| format!("{state} {}", short(*elapsed)));
        let wanted = expected.adjusted.as_deref().map(|wanted| match wanted.split_once(' ') {
            Some((state, elapsed)) => format!("{state} {}", duration(elapsed)),
            None => wanted.to_owned(),
        });
        field("adjusted", Some(adjusted), wanted.as_deref());
        for (percent, wanted) in expected.thresholds.iter().flatten() {
            let threshold = clock.thresholds.iter().find(|(found, ..)| found == percent);
            let found = threshold.map_or("missing".to_owned(), |(_, at, reached)| {
                format!("{}{}", if *reached { "reached " } else { "" }, time(*at))
            });
            field(&format!("threshold {percent}"), Some(found), Some(wanted));
        }
        if let Some(wanted) = &expected.segments {
            let line = |(start, end, _, reason, detail): &(Timestamp, Timestamp, bool, String, String)| {
                format!("{} to {}: {reason} {detail}", time(Some(*start)), time(Some(*end))).trim_end().to_owned()
            };
            let found: Vec<String> = clock.segments.iter().map(line).collect();
            if !wanted.iter().all(|line| found.contains(line)) {
                faults.push(format!("{} {subject}: segments are {found:#?}, without all of {wanted:#?}", expected.at));
            }
        }
        faults
    }
}

/// What no explanation may get wrong, whatever the scenario is about.
pub fn unsound(clock: &Shown, opened: Timestamp, now: Timestamp) -> Option<String> {
    let counted = clock.segments.iter().filter(|(_, _, counted, ..)| *counted);
    let sum: SignedDuration = counted.map(|(start, end, ..)| end.duration_since(*start)).sum();
    let sane = sum == clock.elapsed
        && clock.segments.windows(2).all(|pair| pair[0].1 == pair[1].0)
        && clock.segments.first().is_none_or(|(start, ..)| *start == opened)
        && clock.segments.last().is_none_or(|(_, end, ..)| *end == now)
        && clock.elapsed >= SignedDuration::ZERO
        && (clock.stopped.is_none() || clock.due.is_none());
    (!sane).then(|| format!("{now} {}: the explanation does not add up: {:#?}", clock.id, clock.segments))
}

fn duty(law: &str, step: Step) -> Event {
    Event::Duty(DutyStep { regulation: Regulation::parse(law).expect(law), step })
}
