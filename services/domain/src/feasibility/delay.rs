//! For which starts a chain is due later than a promise: all of them, to the microsecond.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::calendar::{HORIZON, SpanKind, Timeline, instant};

/// A promise of open time: from its start to the instant at which so much of it has passed.
#[derive(Debug, Clone, Copy)]
pub struct Leg<'a> {
    /// Whose open time counts.
    pub timeline: &'a Timeline,
    /// How much of it.
    pub target: SignedDuration,
}

/// How far a chain can keep a promise that begins within a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Feasibility {
    /// The starts for which it cannot, the worst interval first.
    pub gaps: Vec<Gap>,
    /// Open time of the promise's own calendar in the window.
    pub open: SignedDuration,
    /// How much of it lies in the gaps.
    pub infeasible: SignedDuration,
}

/// An interval of starts for which a chain cannot keep a promise; half-open and never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The first start.
    pub start: Timestamp,
    /// The end, exclusive.
    pub end: Timestamp,
    /// The first start in it for which the chain is latest.
    pub worst_start: Timestamp,
    /// By when a ticket that starts then was promised.
    pub promised_at: Timestamp,
    /// When each leg of the chain is due for it, in order. Shorter than the chain: that leg is never due.
    pub handovers: Vec<Timestamp>,
    /// By how much the last leg is late for it, by the wall clock. Empty: it is never due.
    pub delay: Option<SignedDuration>,
}

/// Finds the starts from `start` to `end` (exclusive) for which the chain is due later than the promise: all of them, to
/// the microsecond.
///
/// Both due instants are piecewise linear in the start: they stand still or move with it, and jump. Between the instants
/// at which any calendar opens or closes for the start or for what is due, neither bends, so the ends of each such
/// stretch tell all of it. Where the promise itself is never due nothing is infeasible.
pub fn feasibility(promise: Leg<'_>, chain: &[Leg<'_>], start: Timestamp, end: Timestamp) -> Feasibility {
    let (first, last) = (start.as_microsecond(), end.as_microsecond() - 1);
    let open = |from: i64, until: i64| promise.timeline.open(until) - promise.timeline.open(from);
    let mut found = Feasibility::default();
    if first > last {
        return found;
    }
    found.open = SignedDuration::from_micros(open(first, last + 1));
    let mut cuts = cuts(&[promise], first, last);
    cuts.extend(self::cuts(chain, first, last));
    cuts.retain(|cut| (first..last).contains(cut));
    cuts.insert(last);
    let mut runs: Vec<Run> = Vec::new();
    let mut from = first;
    for until in cuts {
        if let Some(run) = late(promise, chain, from, until) {
            match runs.last_mut().filter(|before| before.until + 1 == run.from) {
                Some(before) => before.join(run),
                None => runs.push(run),
            }
        }
        from = until + 1;
    }
    runs.sort_by_key(|run| (Reverse(run.delay), run.from));
    let infeasible = runs.iter().map(|run| open(run.from, run.until + 1)).sum();
    found.infeasible = SignedDuration::from_micros(infeasible);
    found.gaps = runs.iter().map(|run| run.gap(promise, chain)).collect();
    found
}

/// Starts from `from` to `until`, both inclusive, of which `worst` is the first of those that are latest.
struct Run {
    from: i64,
    until: i64,
    worst: i64,
    delay: i64,
}

impl Run {
    fn join(&mut self, next: Self) {
        self.until = next.until;
        if next.delay > self.delay {
            (self.worst, self.delay) = (next.worst, next.delay);
        }
    }

    fn gap(&self, promise: Leg<'_>, chain: &[Leg<'_>]) -> Gap {
        let mut handovers = Vec::new();
        let mut at = Some(self.worst);
        for leg in chain {
            at = at.and_then(|at| leg.due(at));
            handovers.extend(at.map(instant));
        }
        Gap {
            start: instant(self.from),
            end: instant(self.until + 1),
            worst_start: instant(self.worst),
            promised_at: promise.due(self.worst).map_or(HORIZON, instant),
            handovers,
            delay: (self.delay < NEVER).then(|| SignedDuration::from_micros(self.delay)),
        }
    }
}

/// What a chain that is never due is late by.
const NEVER: i64 = i64::MAX / 2;

/// By how much the chain is due after the promise for a start; nought or less if it is not.
fn delay(promise: Leg<'_>, chain: &[Leg<'_>], start: i64) -> i64 {
    let Some(promised) = promise.due(start) else { return 0 };
    let kept = chain.iter().try_fold(start, |at, leg| leg.due(at));
    kept.map_or(NEVER, |kept| kept - promised)
}

/// The late starts among `from` to `until`, between which the delay is linear and rises or falls by one for one, or
/// stands still.
fn late(promise: Leg<'_>, chain: &[Leg<'_>], from: i64, until: i64) -> Option<Run> {
    let (left, right) = (delay(promise, chain, from), delay(promise, chain, until));
    let (from, until) = match left.cmp(&right) {
        Ordering::Equal => (from, until),
        Ordering::Greater => (from, until.min(from + left - 1)),
        Ordering::Less => (from.max(until - right + 1), until),
    };
    (left.max(right) > 0).then_some(Run {
        from,
        until,
        worst: if left >= right { from } else { until },
        delay: left.max(right),
    })
}

/// The instants from `first` to `last` after which the due instant of a chain may bend or jump, for starts.
fn cuts(chain: &[Leg<'_>], first: i64, last: i64) -> BTreeSet<i64> {
    let mut cuts = BTreeSet::new();
    let (mut low, mut high) = (first, last);
    for (index, leg) in chain.iter().enumerate() {
        let due = |at: i64| leg.due(at).unwrap_or(HORIZON.as_microsecond());
        let (low_due, high_due) = (due(low), due(high));
        let own = leg.edges(low, high);
        let of_due = leg.edges(low_due, high_due).into_iter().filter_map(|edge| leg.start_for(low, edge));
        // What bends a later leg does so for the starts that reach it then through the legs before.
        let before = &chain[..index];
        cuts.extend(own.into_iter().chain(of_due).filter_map(|at| {
            let lows = before.iter().scan(first, |low, leg| {
                let this = *low;
                *low = leg.due(this)?;
                Some((leg, this))
            });
            let lows: Vec<_> = lows.collect();
            lows.iter().rev().try_fold(at, |at, (leg, low)| leg.start_for(*low, at))
        }));
        (low, high) = (low_due, high_due);
    }
    cuts
}

impl Leg<'_> {
    fn target(self) -> i64 {
        i64::try_from(self.target.as_micros()).unwrap_or(i64::MAX)
    }

    fn due(self, start: i64) -> Option<i64> {
        self.timeline.due_micros(start, self.target())
    }

    /// The first start, `low` or later, whose due instant is that of an edge or beyond. Empty: it is earlier.
    fn start_for(self, low: i64, due: i64) -> Option<i64> {
        let timeline = self.timeline;
        let wanted = timeline.open(due).checked_sub(self.target())?.checked_sub(timeline.open(low))?;
        if wanted < 0 { None } else { timeline.due_micros(low, wanted) }
    }

    /// Where open time begins or ends.
    fn edges(self, from: i64, until: i64) -> Vec<i64> {
        let spans = self.timeline.spans(instant(from), instant(until));
        let open = spans.into_iter().filter(|span| span.kind == SpanKind::Open);
        open.flat_map(|span| [span.start.as_microsecond(), span.end.as_microsecond()]).collect()
    }
}
