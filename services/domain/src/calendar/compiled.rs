//! A calendar compiled to its cumulative function.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::definition::Definition;
use super::zone::Zone;
use super::{SECOND, instant};
use crate::finding::Finding;

/// Calendars are open from 1970 to here and closed outside.
pub const HORIZON: Timestamp = Timestamp::constant(END as i64, 0);

/// 2100-01-01T00:00:00Z. Boundaries are whole seconds, so 32 bits hold them.
const END: u32 = 4_102_444_800;

/// Seconds of a date.
const DAY: i64 = 86_400;

/// A slot of the look-up table is two to this power of seconds: 18 hours.
const SLOT: u32 = 16;

/// One revision of working time, compiled: `open(t)` is the open time from 1970 to `t`.
#[derive(Debug, Clone)]
pub struct Calendar {
    definition: Definition,
    zone: Zone,
    /// Where open intervals begin, sorted; from 1970 to a last one at the horizon.
    edges: Vec<Edge>,
    /// For each slot the last edge that is not after its beginning.
    slots: Vec<u32>,
}

/// An open interval begins `at`, after `before` seconds of open time. It lasts until the open time
/// before the next edge is used up.
#[derive(Debug, Clone, Copy)]
struct Edge {
    at: u32,
    before: u32,
}

/// The definition cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .findings.first().map_or("the calendar is refused", |first| first.message.as_str()))]
pub struct Error {
    /// What is wrong: findings of severity ERROR only, at least one.
    pub findings: Vec<Finding>,
}

impl Calendar {
    /// Compiles a definition, once per revision: a few milliseconds.
    pub fn compile(definition: &Definition) -> Result<Self, Error> {
        let zone = Zone::load(&definition.time_zone, END.into());
        let mut findings = definition.check();
        findings.retain(Finding::is_error);
        match zone {
            Some(zone) if findings.is_empty() => Ok(Self::build(definition.clone(), zone)),
            _ => Err(Error { findings }),
        }
    }

    fn build(definition: Definition, zone: Zone) -> Self {
        let mut open: Vec<(u32, u32)> = Vec::new();
        // A night shift may reach into 1970 from two dates before, in a zone west of Greenwich.
        let mut day = date(1969, 12, 30);
        let mut regime = 0;
        let mut midnight = -2 * DAY;
        while midnight < i64::from(END) + 2 * DAY {
            regime = zone.reaching(midnight, regime);
            for hours in definition.on(day).0 {
                let (opens, closes) = bounds(&zone, regime, midnight, hours.minutes());
                let interval = (clip(opens), clip(closes));
                if interval.0 < interval.1 {
                    open.push(interval);
                }
            }
            day = day.tomorrow().unwrap_or(Date::MAX);
            midnight += DAY;
        }
        open.sort_unstable();
        let edges = edges(&open);
        let slots = slots(&edges);
        Self { definition, zone, edges, slots }
    }

    /// What it was compiled from.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The zone of its hours and dates.
    pub fn time_zone(&self) -> &TimeZone {
        self.zone.time_zone()
    }

    /// Whether the instant is open time.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let at = at.as_microsecond();
        self.open(at) < self.open(at.saturating_add(1))
    }

    /// The open time from `start` to `end`; negative if `end` comes first.
    pub fn elapsed(&self, start: Timestamp, end: Timestamp) -> SignedDuration {
        SignedDuration::from_micros(self.open(end.as_microsecond()) - self.open(start.as_microsecond()))
    }

    /// The first instant, `start` or later, at which `duration` of open time has passed since
    /// `start`. Empty: not before the horizon.
    pub fn due(&self, start: Timestamp, duration: SignedDuration) -> Option<Timestamp> {
        let start = start.as_microsecond();
        let duration = i64::try_from(duration.as_micros()).ok()?;
        if duration <= 0 {
            return Some(instant(start));
        }
        let open = self.open(start).checked_add(duration)?;
        self.reaches(open, start).map(instant)
    }

    /// Open microseconds from 1970 to `at`.
    pub(super) fn open(&self, at: i64) -> i64 {
        let edge = self.edge(at);
        let (this, next) = (self.edges[edge], self.edges[edge + 1]);
        let within = (at - micros(this.at)).clamp(0, micros(next.before - this.before));
        micros(this.before) + within
    }

    /// The first instant at which `open` microseconds have been open, given that `from` is before it.
    pub(super) fn reaches(&self, open: i64, from: i64) -> Option<i64> {
        let is_before = |edge: &Edge| micros(edge.before) < open;
        let mut low = self.edge(from);
        let mut step = 1;
        while self.edges.get(low + step).is_some_and(is_before) {
            low += step;
            step *= 2;
        }
        let high = self.edges.len().min(low + step);
        let next = low + self.edges[low..high].partition_point(is_before);
        if next == self.edges.len() {
            return None;
        }
        let edge = self.edges[next.saturating_sub(1)];
        Some(micros(edge.at) + open - micros(edge.before))
    }

    /// The open intervals between two instants, clipped to them.
    pub(super) fn open_between(&self, start: i64, end: i64) -> impl Iterator<Item = (i64, i64)> {
        let edges = self.edges[self.edge(start)..].windows(2);
        edges
            .map(|pair| {
                let opens = micros(pair[0].at);
                (opens, opens + micros(pair[1].before - pair[0].before))
            })
            .take_while(move |(opens, _)| *opens < end)
            .map(move |(opens, closes)| (opens.max(start), closes.min(end)))
            .filter(|(opens, closes)| opens < closes)
    }

    /// When hours of that date open and close, in microseconds.
    pub(super) fn bounds(&self, day: Date, minutes: (i64, i64)) -> (i64, i64) {
        let midnight = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX);
        let (opens, closes) = bounds(&self.zone, 0, midnight.as_second(), minutes);
        (opens * SECOND, closes * SECOND)
    }

    /// The local date at `at`, in microseconds.
    pub(super) fn date(&self, at: i64) -> Date {
        let local = self.zone.local(at.div_euclid(SECOND));
        TimeZone::UTC.to_datetime(instant(local * SECOND)).date()
    }

    /// The last edge that is not after `at`, and not the last one.
    fn edge(&self, at: i64) -> usize {
        let second = at.div_euclid(SECOND).clamp(0, i64::from(END) - 1);
        let second = u32::try_from(second).unwrap_or_default();
        let mut edge = self.slots[(second >> SLOT) as usize] as usize;
        while self.edges[edge + 1].at <= second {
            edge += 1;
        }
        edge
    }
}

/// The instants at which hours of a date open and close, in seconds; `midnight` is its beginning as
/// if in UTC, and `regime` where to begin the search for its offset.
fn bounds(zone: &Zone, regime: usize, midnight: i64, (opens, closes): (i64, i64)) -> (i64, i64) {
    let (opens, closes) = (midnight + opens * 60, midnight + closes * 60);
    (zone.opening(opens, regime), zone.closing(closes, regime))
}

/// Joins sorted intervals that touch or overlap, and counts the open time before each.
fn edges(open: &[(u32, u32)]) -> Vec<Edge> {
    let mut edges = vec![Edge { at: 0, before: 0 }];
    let mut before = 0;
    let mut closed_until = None;
    for &(opens, closes) in open {
        match closed_until {
            Some(until) if opens <= until => before += closes.max(until) - until,
            _ => {
                edges.push(Edge { at: opens, before });
                before += closes - opens;
            }
        }
        closed_until = closed_until.max(Some(closes));
    }
    edges.push(Edge { at: END, before });
    edges
}

fn slots(edges: &[Edge]) -> Vec<u32> {
    let mut edge = 0;
    (0..=(END - 1) >> SLOT)
        .map(|slot| {
            while edges[edge as usize + 1].at <= slot << SLOT {
                edge += 1;
            }
            edge
        })
        .collect()
}

fn clip(second: i64) -> u32 {
    u32::try_from(second.clamp(0, END.into())).unwrap_or(END)
}

fn micros(seconds: u32) -> i64 {
    i64::from(seconds) * SECOND
}
