//! Deadlines of law: when an authority is to be notified, counted from what was recorded of the incident.
//! They never pause. Each says which limits it follows from, by which clause, and how it was shifted.

mod rules;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::rules::{Entity, Regulation, Report};
use self::rules::{Limit, Rule, When, Within};
use super::promises::Promises;
use super::signal::{Signal, SignalKind};
use crate::calendar::{Definition, Timeline};

/// How far a working day is looked for, in days.
const LONGEST_HOLIDAY: usize = 366;

/// Something that happened and matters to a duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DutyStep {
    /// The law.
    pub regulation: Regulation,
    /// What happened.
    pub step: Step,
}

/// What happened. A step that is recorded again takes the place of the one before: that is how a time is corrected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum Step {
    /// The entity became aware of the incident: its duties begin.
    Aware {
        /// What the entity is to the law.
        entity: Entity,
        /// Name of the calendar whose open days are the working days of its Member State.
        calendar: String,
    },
    /// The incident was classified as major.
    Classified,
    /// A report was submitted; further submissions of the same report are updates of it.
    Submitted {
        /// The report.
        report: Report,
        /// What proves it: the receipt of the authority. Submissions of a report are told apart by it.
        reference: String,
    },
    /// The incident has been handled: service is restored.
    Handled,
}

/// What a limit counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Anchor {
    /// The entity became aware.
    Aware,
    /// The incident was classified as major.
    Classified,
    /// The report was first submitted.
    Submitted(Report),
    /// The report was last submitted, updates included.
    LastSubmitted(Report),
    /// The incident was handled.
    Handled,
}

/// A report that is owed to an authority, read at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// The law.
    pub regulation: Regulation,
    /// What is owed.
    pub report: Report,
    /// The verdict so far.
    pub state: DutyState,
    /// The deadline. Empty: what it counts from has not happened.
    pub due_at: Option<Timestamp>,
    /// When the report was first submitted. Empty: it was not.
    pub submitted_at: Option<Timestamp>,
    /// What proves the submission. Empty: there is none.
    pub reference: String,
    /// Every limit of the law on this report, in its order.
    pub limits: Vec<LimitReading>,
    /// How a deadline on a day that is no working day was shifted. Empty: it was not.
    pub shifted: Option<Shifted>,
}

/// The verdict on a duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DutyState {
    /// What it counts from has not happened.
    Awaited,
    /// The deadline is ahead.
    Running,
    /// The report was submitted no later than the deadline.
    Met,
    /// The deadline passed before the report was submitted.
    Breached,
}

/// A limit of the law, as it applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitReading {
    /// What it counts from.
    pub anchor: Anchor,
    /// When that happened. Empty: it did not.
    pub anchored_at: Option<Timestamp>,
    /// How long it gives, as ISO 8601: `PT4H`, `P1M`.
    pub within: String,
    /// Where it ends. Empty: its anchor has not happened.
    pub at: Option<Timestamp>,
    /// The clause it stands in.
    pub clause: String,
    /// Whether it is the deadline, before any shift.
    pub decides: bool,
    /// Why it does not apply, for people. Empty: it does.
    pub lapsed: String,
}

/// A deadline that was shifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shifted {
    /// Where it was.
    pub from: Timestamp,
    /// Where it is.
    pub to: Timestamp,
    /// The clause that allows it.
    pub clause: String,
    /// The days that are no working days, for people.
    pub because: String,
}

/// What is on record of one law.
struct Record<'a> {
    regulation: Regulation,
    aware: Option<(Timestamp, Entity, &'a str)>,
    classified: Option<Timestamp>,
    handled: Option<Timestamp>,
    submissions: Vec<Submission<'a>>,
}

#[derive(Clone, Copy)]
struct Submission<'a> {
    report: Report,
    reference: &'a str,
    at: Timestamp,
}

/// Reads the duties of a ticket at `now`, by law and in the order in which reports are owed. Steps count from when
/// they happened, with whatever has been corrected since.
pub fn duties(signals: &[Signal], promises: &impl Promises, now: Timestamp) -> Vec<Duty> {
    let mut duties = Vec::new();
    for record in records(signals) {
        let Some((_, entity, calendar)) = record.aware.filter(|(at, ..)| *at <= now) else { continue };
        let working_days = promises.calendar(calendar).unwrap_or(Timeline::never());
        let case = Case { record: &record, entity, working_days };
        duties.extend(record.regulation.rules().iter().map(|rule| case.read(rule, now)));
    }
    duties
}

/// The earliest deadline of a report that has not been submitted. Empty: nothing is owed, as far as is known.
pub fn next_deadline(duties: &[Duty]) -> Option<Timestamp> {
    duties.iter().filter(|duty| duty.submitted_at.is_none()).filter_map(|duty| duty.due_at).min()
}

/// What is on record of each law, by law.
fn records(signals: &[Signal]) -> Vec<Record<'_>> {
    let duty = |signal| match signal {
        &Signal { at, position, kind: SignalKind::Duty(ref duty) } => Some((position, at, duty)),
        _ => None,
    };
    let mut steps: Vec<(Option<u64>, Timestamp, &DutyStep)> = signals.iter().filter_map(duty).collect();
    // What was recorded last counts.
    steps.sort_by_key(|(position, ..)| *position);
    let mut records: Vec<Record<'_>> = Vec::new();
    for (_, at, DutyStep { regulation, step }) in steps {
        let known = records.iter().position(|record| record.regulation == *regulation);
        let record = known.unwrap_or_else(|| {
            records.push(Record {
                regulation: *regulation,
                aware: None,
                classified: None,
                handled: None,
                submissions: Vec::new(),
            });
            records.len() - 1
        });
        let record = &mut records[record];
        match step {
            Step::Aware { entity, calendar } => record.aware = Some((at, *entity, calendar)),
            Step::Classified => record.classified = Some(at),
            Step::Handled => record.handled = Some(at),
            Step::Submitted { report, reference } => {
                record.submissions.retain(|known| (known.report, known.reference) != (*report, reference));
                record.submissions.push(Submission { report: *report, reference, at });
            }
        }
    }
    records.sort_by_key(|record| record.regulation);
    records
}

/// A record as one entity has it.
struct Case<'a> {
    record: &'a Record<'a>,
    entity: Entity,
    working_days: &'a Timeline,
}

impl Case<'_> {
    fn read(&self, rule: &Rule, now: Timestamp) -> Duty {
        let submitted = self.submissions(rule.report, now).min_by_key(|submission| submission.at);
        // What happened after the report was submitted has no bearing on it.
        let until = submitted.map_or(now, |submission| submission.at);
        let mut limits: Vec<LimitReading> = rule.limits.iter().map(|limit| self.limit(limit, until)).collect();
        let owed = self.anchored(rule.owed_from, until).is_some();
        let holding = limits.iter_mut().filter(|limit| limit.lapsed.is_empty() && limit.at.is_some());
        let deciding = holding.min_by_key(|limit| limit.at).filter(|_| owed);
        let deadline = deciding.and_then(|limit| {
            limit.decides = true;
            limit.at
        });
        let shifted = deadline.and_then(|at| self.shift(rule, at));
        let due_at = shifted.as_ref().map(|shifted| shifted.to).or(deadline);
        let state = match (due_at, submitted) {
            (Some(due_at), Some(submitted)) if submitted.at > due_at => DutyState::Breached,
            (_, Some(_)) => DutyState::Met,
            (Some(due_at), None) if now >= due_at => DutyState::Breached,
            (Some(_), None) => DutyState::Running,
            (None, None) => DutyState::Awaited,
        };
        Duty {
            regulation: self.record.regulation,
            report: rule.report,
            state,
            due_at,
            submitted_at: submitted.map(|submission| submission.at),
            reference: submitted.map(|submission| submission.reference.to_owned()).unwrap_or_default(),
            limits,
            shifted,
        }
    }

    fn limit(&self, limit: &Limit, until: Timestamp) -> LimitReading {
        let anchored_at = self.anchored(limit.from, until);
        let at = anchored_at.and_then(|at| self.after(at, limit.within));
        let lapsed = match limit.when {
            When::Always => None,
            When::NotOvertaken(anchor, clause) => {
                let overtaken = at.is_some_and(|at| self.anchored(anchor, until).is_some_and(|anchor| anchor > at));
                overtaken.then(|| format!("{} came later: {clause}", anchor.words()))
            }
            When::Without(report) => {
                let submitted = self.submissions(report, until).next();
                submitted.map(|_| format!("the {} was submitted", report.words()))
            }
            When::With(report) => {
                let missing = self.submissions(report, until).next().is_none();
                missing.then(|| format!("no {} was submitted", report.words()))
            }
            When::Entity(entity) => (self.entity != entity).then(|| format!("it is for a {}", entity.words())),
        };
        LimitReading {
            anchor: limit.from,
            anchored_at,
            within: limit.within.to_string(),
            at,
            clause: limit.clause.to_owned(),
            decides: false,
            lapsed: lapsed.unwrap_or_default(),
        }
    }

    /// When an anchor happened, if it did by `until`.
    fn anchored(&self, anchor: Anchor, until: Timestamp) -> Option<Timestamp> {
        let record = self.record;
        let at = match anchor {
            Anchor::Aware => record.aware.map(|(at, ..)| at),
            Anchor::Classified => record.classified,
            Anchor::Handled => record.handled,
            Anchor::Submitted(report) => self.submissions(report, until).map(|submission| submission.at).min(),
            Anchor::LastSubmitted(report) => self.submissions(report, until).map(|submission| submission.at).max(),
        };
        at.filter(|at| *at <= until)
    }

    fn submissions(&self, report: Report, until: Timestamp) -> impl Iterator<Item = Submission<'_>> {
        let all = self.record.submissions.iter().copied();
        all.filter(move |submission| submission.report == report && submission.at <= until)
    }

    fn after(&self, start: Timestamp, within: Within) -> Option<Timestamp> {
        match within {
            Within::Hours(hours) => start.checked_add(SignedDuration::from_hours(hours)).ok(),
            Within::Months(months) => {
                let months = jiff::Span::new().try_months(months).ok()?;
                Some(start.to_zoned(self.zone(start)).checked_add(months).ok()?.timestamp())
            }
        }
    }

    fn zone(&self, at: Timestamp) -> TimeZone {
        self.working_days.calendar(at).map_or(TimeZone::UTC, |calendar| calendar.time_zone().clone())
    }

    /// Noon of the next working day, if the deadline is on none, the law has such a shift and the entity may use it.
    fn shift(&self, rule: &Rule, at: Timestamp) -> Option<Shifted> {
        let shift = rule.shift.filter(|shift| !shift.except.contains(&self.entity))?;
        let (definition, zone) = (self.working_days.calendar(at)?.definition(), self.zone(at));
        let first = zone.to_datetime(at).date();
        let mut closed = Vec::new();
        let mut day = first;
        while !is_working_day(definition, day) {
            closed.push(name_of(definition, day));
            day = day.tomorrow().ok().filter(|_| closed.len() < LONGEST_HOLIDAY)?;
        }
        let noon = zone.to_ambiguous_timestamp(day.at(12, 0, 0, 0)).compatible().ok()?;
        (day != first).then(|| Shifted {
            from: at,
            to: noon,
            clause: shift.clause.to_owned(),
            because: format!("no working day: {}", closed.join(", ")),
        })
    }
}

fn is_working_day(definition: &Definition, day: Date) -> bool {
    !definition.on(day).0.is_empty()
}

/// A day that is closed: `Fri 2026-05-01 (Labour Day)`.
fn name_of(definition: &Definition, day: Date) -> String {
    let date = day.strftime("%a %Y-%m-%d");
    definition.on(day).1.map_or_else(|| date.to_string(), |exception| format!("{date} ({})", exception.name))
}

impl Anchor {
    /// As people say it.
    pub fn words(self) -> String {
        match self {
            Self::Aware => "awareness of the incident".to_owned(),
            Self::Classified => "classification as major".to_owned(),
            Self::Handled => "handling of the incident".to_owned(),
            Self::Submitted(report) => format!("submission of the {}", report.words()),
            Self::LastSubmitted(report) => format!("latest submission of the {}", report.words()),
        }
    }
}

impl DutyState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Awaited, Self::Running, Self::Met, Self::Breached];

    /// The name used in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Awaited => "AWAITED",
            Self::Running => "RUNNING",
            Self::Met => "MET",
            Self::Breached => "BREACHED",
        }
    }
}
