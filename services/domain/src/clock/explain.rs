//! How a reading comes about: every interval since the opening, and whether it counted.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::clockwork::{Clock, Mode, Phase, Standstill};
use super::excuse::Standing;
use super::reading::Reading;
use crate::calendar::{SpanKind, database_version, instant};

/// A reading with the intervals that add up to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The reading.
    pub reading: Reading,
    /// From the opening of the ticket to the instant of the reading, without gaps. The counted ones
    /// sum to the elapsed time exactly.
    pub segments: Vec<Segment>,
    /// The calendars that measured it, in the order in which they did.
    pub calendars: Vec<CalendarUse>,
    /// Version of the time-zone database the calendars were compiled with.
    pub time_zone_database: String,
}

/// An interval of one reason; half-open and never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Where it begins, inclusive.
    pub start: Timestamp,
    /// Where it ends, exclusive.
    pub end: Timestamp,
    /// Whether it counts towards the elapsed time.
    pub counted: bool,
    /// Why it counts or does not.
    pub reason: SegmentReason,
    /// The holiday, or what the clock waits for. Empty: nothing to add.
    pub detail: String,
    /// Position of the fact that put the clock into this mode. Empty: not in a journal.
    pub position: Option<u64>,
}

/// Why an interval counts or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SegmentReason {
    /// Counted.
    Running,
    /// The objective pauses in the state of the ticket, or the ticket is with somebody else.
    Paused,
    /// Outside the weekly hours of the calendar.
    OutsideHours,
    /// Closed by an exception of the calendar.
    Holiday,
    /// What starts the clock had not happened.
    NotStarted,
    /// The clock had stopped or was cancelled.
    Stopped,
}

/// A revision of a calendar that measured a clock for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarUse {
    /// Name of the calendar. Empty: around the clock.
    pub calendar: Option<String>,
    /// Number of the revision.
    pub revision: u32,
    /// IANA name of its zone.
    pub time_zone: String,
}

impl Clock<'_> {
    /// The reading at `now` with the intervals that add up to it.
    pub(super) fn explain(&self, now: i64, cycle: u32, standing: &HashMap<&str, Standing<'_>>) -> Explanation {
        let mut segments = Vec::new();
        let mut calendars = Vec::new();
        for (phase, end) in self.phases(now).filter(|(phase, end)| phase.start < *end) {
            match phase.mode {
                Mode::Running => phase.explain_running(end, &mut segments, &mut calendars),
                Mode::Paused(standstill) => {
                    segments.push(phase.segment(end, SegmentReason::Paused, standstill.detail()));
                }
                Mode::NotStarted => {
                    segments.push(phase.segment(end, SegmentReason::NotStarted, String::new()));
                }
                Mode::Stopped => {
                    segments.push(phase.segment(end, SegmentReason::Stopped, String::new()));
                }
            }
        }
        Explanation {
            reading: self.judge(now, cycle, standing),
            segments,
            calendars,
            time_zone_database: database_version().to_owned(),
        }
    }
}

impl Phase<'_> {
    fn segment(&self, end: i64, reason: SegmentReason, detail: String) -> Segment {
        Segment {
            start: instant(self.start),
            end: instant(end),
            counted: false,
            reason,
            detail,
            position: self.position,
        }
    }

    fn explain_running(&self, end: i64, segments: &mut Vec<Segment>, calendars: &mut Vec<CalendarUse>) {
        let (start, end) = (instant(self.start), instant(end));
        let timeline = self.measure.timeline;
        for span in timeline.spans(start, end) {
            let (reason, detail) = match span.kind {
                SpanKind::Open => (SegmentReason::Running, ""),
                SpanKind::OutsideHours => (SegmentReason::OutsideHours, ""),
                SpanKind::Holiday(name) => (SegmentReason::Holiday, name),
            };
            segments.push(Segment {
                start: span.start,
                end: span.end,
                counted: span.kind == SpanKind::Open,
                reason,
                detail: detail.to_owned(),
                position: self.position,
            });
        }
        for (revision, calendar, ..) in timeline.revisions(start, end) {
            let used = CalendarUse {
                calendar: self.measure.calendar.map(str::to_owned),
                revision,
                time_zone: calendar.definition().time_zone.clone(),
            };
            if !calendars.contains(&used) {
                calendars.push(used);
            }
        }
    }
}

impl Standstill<'_> {
    fn detail(self) -> String {
        match self {
            Self::State(state, Some(awaited)) => format!("{state} ({})", awaited.as_str()),
            Self::State(state, None) => state.to_owned(),
            Self::Away => "with another group or supplier".to_owned(),
            Self::Excused => "excused".to_owned(),
        }
    }
}
