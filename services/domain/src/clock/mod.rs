//! The clock engine: what happened to a ticket and what was promised, read at an instant.
//! A pure function that can show its work: the counted segments of an explanation sum to the elapsed time.

mod clockwork;
mod duty;
mod excuse;
mod explain;
mod promises;
mod reading;
mod signal;
mod track;

use jiff::Timestamp;

pub use self::duty::{
    Anchor, Duty, DutyState, DutyStep, Entity, LimitReading, Regulation, Report, Shifted, Step, duties, next_deadline,
};
pub use self::excuse::{Adjusted, Exclusion, ExclusionReason, Excuse, Interval};
pub use self::explain::{CalendarUse, Explanation, Segment, SegmentReason};
pub use self::promises::{Book, Promise, Promises};
pub use self::reading::{Activity, CancelReason, Cancelled, Reading, State, Threshold, worst};
pub use self::signal::{Signal, SignalKind};

/// Reads every clock of a ticket at `now`, the customer's first. `signals` are sorted by what the
/// ticket is folded by; those after `now` are not read.
pub fn read(signals: &[Signal], promises: &impl Promises, now: Timestamp) -> Vec<Reading> {
    let signals = until(signals, now);
    let (clocks, standing) = (track::track(signals, promises), excuse::standing(signals));
    let numbered = clockwork::number(&clocks).into_iter();
    numbered.map(|(clock, cycle)| clock.judge(now.as_microsecond(), cycle, &standing)).collect()
}

/// Reads every clock as [`read`] does, with the intervals that add up to each.
pub fn explain(signals: &[Signal], promises: &impl Promises, now: Timestamp) -> Vec<Explanation> {
    let signals = until(signals, now);
    let (clocks, standing) = (track::track(signals, promises), excuse::standing(signals));
    let numbered = clockwork::number(&clocks).into_iter();
    numbered.map(|(clock, cycle)| clock.explain(now.as_microsecond(), cycle, &standing)).collect()
}

/// The signals that have happened by `now`.
fn until(signals: &[Signal], now: Timestamp) -> &[Signal] {
    &signals[..signals.partition_point(|signal| signal.at <= now)]
}
