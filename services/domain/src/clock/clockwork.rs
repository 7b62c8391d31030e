//! One clock: its phases, what they add up to, and when they reach a share of the target.

use std::collections::HashMap;

use jiff::SignedDuration;

use super::excuse::Standing;
use super::reading::{Activity, Cancelled, Reading, State, Threshold};
use crate::agreement::Objective;
use crate::calendar::{HORIZON, Timeline, instant};
use crate::process::PendingReason;
use crate::selection::Pinned;

/// A clock. Instants and durations are microseconds.
#[derive(Debug, Clone)]
pub(super) struct Clock<'a> {
    pub(super) pinned: &'a Pinned,
    pub(super) objective: &'a Objective,
    pub(super) measure: Measure<'a>,
    pub(super) target: i64,
    pub(super) started_at: i64,
    pub(super) governed_at: i64,
    /// From the opening of the ticket on, each until the next, the last until now.
    pub(super) phases: Vec<Phase<'a>>,
    pub(super) cancelled: Option<Cancelled>,
    /// Whether it governed for no time at all.
    pub(super) void: bool,
}

/// What a clock does for a while, and why.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phase<'a> {
    pub(super) start: i64,
    pub(super) mode: Mode<'a>,
    /// What measures the phase if it runs.
    pub(super) measure: Measure<'a>,
    pub(super) position: Option<u64>,
}

/// Whose open time counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure<'a> {
    /// Its name. Empty: around the clock.
    pub(super) calendar: Option<&'a str>,
    pub(super) timeline: &'a Timeline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode<'a> {
    NotStarted,
    Running,
    Paused(Standstill<'a>),
    Stopped,
}

/// Why a clock stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standstill<'a> {
    /// The objective pauses in that state, or while that is awaited.
    State(&'a str, Option<PendingReason>),
    /// The ticket is not with the group or supplier.
    Away,
    /// An approver has excused that time.
    Excused,
}

/// When a clock reached a share of its target.
#[derive(Clone, Copy)]
struct Reach {
    /// When its elapsed time got there.
    at: i64,
    /// When that became true of this clock: not while it was stopped.
    fired: i64,
}

impl<'a> Clock<'a> {
    /// Enters a mode; nothing happens if it is in that mode.
    pub(super) fn enter(&mut self, at: i64, mode: Mode<'a>, position: Option<u64>) {
        if self.mode() != mode {
            self.push(at, mode, position);
        }
    }

    /// Begins a phase, measured by the calendar that now counts. It takes the place of one that had
    /// no time to last.
    pub(super) fn push(&mut self, at: i64, mode: Mode<'a>, position: Option<u64>) {
        while self.phases.last().is_some_and(|phase| phase.start >= at) {
            self.phases.pop();
        }
        self.phases.push(Phase { start: at, mode, measure: self.measure, position });
    }

    /// Measures the whole clock anew by one calendar.
    pub(super) fn measure_all_by(&mut self, measure: Measure<'a>) {
        self.measure = measure;
        for phase in &mut self.phases {
            phase.measure = measure;
        }
    }

    /// Counts the time for which it has been stopped.
    pub(super) fn count_standstill(&mut self) {
        if let Some(phase) = self.phases.last_mut().filter(|phase| phase.mode == Mode::Stopped) {
            phase.mode = Mode::Running;
        }
    }

    /// Since when it has been stopped. Empty: it is not.
    pub(super) fn stopped_at(&self) -> Option<i64> {
        let last = self.phases.last().filter(|phase| phase.mode == Mode::Stopped);
        last.map(|phase| phase.start)
    }

    fn mode(&self) -> Mode<'a> {
        self.phases.last().map_or(Mode::NotStarted, |phase| phase.mode)
    }

    /// The phases with their ends.
    pub(super) fn phases(&self, now: i64) -> impl Iterator<Item = (Phase<'a>, i64)> {
        let ends = self.phases.iter().skip(1).map(|next| next.start).chain([now]);
        self.phases.iter().copied().zip(ends)
    }

    /// Reads the clock at `now`, which is not before any of its phases.
    pub(super) fn read(&self, now: i64, cycle: u32) -> Reading {
        let mode = self.mode();
        let running = mode == Mode::Running;
        let elapsed = self.elapsed(now);
        let breach = self.reach(self.target, now);
        let state = self.state(elapsed, breach.is_some());
        let ahead = |goal: i64| {
            let due = self.measure.timeline.due_micros(now, goal - elapsed);
            due.filter(|_| running && state != State::NeverRuns)
        };
        let due_at = if running { breach.map(|reach| reach.at).or_else(|| ahead(self.target)) } else { None };
        let thresholds = self.objective.percents().into_iter().map(|percent| {
            let goal = share(self.target, percent);
            let reach = self.reach(goal, now);
            let at = reach.map(|reach| reach.fired).or_else(|| ahead(goal));
            Threshold { percent, at: at.map(instant), reached: reach.is_some() }
        });
        let pinned = self.pinned;
        Reading {
            id: format!(
                "{}/{}/{}/{}/{cycle}",
                pinned.metric.as_str(),
                pinned.kind.as_str(),
                pinned.agreement,
                pinned.objective,
            ),
            pinned: pinned.clone(),
            calendar: self.objective.calendar.clone(),
            cycle,
            target: SignedDuration::from_micros(self.target),
            state,
            activity: match mode {
                Mode::Running => Activity::Running,
                Mode::Paused(_) | Mode::NotStarted => Activity::Paused,
                Mode::Stopped => Activity::Stopped,
            },
            started_at: instant(self.started_at),
            governed_at: instant(self.governed_at),
            stopped_at: self.stopped_at().map(instant),
            elapsed: SignedDuration::from_micros(elapsed),
            remaining: SignedDuration::from_micros(self.target - elapsed),
            overrun: SignedDuration::from_micros((elapsed - self.target).max(0)),
            due_at: due_at.map(instant),
            breached_at: breach.map(|reach| instant(reach.fired)),
            elapsed_millipercent: millipercent(elapsed, self.target),
            thresholds: thresholds.collect(),
            cancelled: self.cancelled.clone(),
            excuse: None,
        }
    }

    /// Reads the clock with the excuse that stands on it, if one does.
    pub(super) fn judge(&self, now: i64, cycle: u32, standing: &HashMap<&str, Standing<'_>>) -> Reading {
        let mut reading = self.read(now, cycle);
        let excused = standing.get(reading.id.as_str());
        reading.excuse = excused.map(|excused| excused.excuse(self, now, cycle));
        reading
    }

    fn state(&self, elapsed: i64, breached: bool) -> State {
        if self.cancelled.is_some() {
            State::Cancelled
        } else if elapsed == 0 && self.never_runs() {
            State::NeverRuns
        } else if breached {
            State::Breached
        } else {
            match self.mode() {
                Mode::Running => State::Running,
                Mode::Paused(_) | Mode::NotStarted => State::Paused,
                Mode::Stopped => State::Met,
            }
        }
    }

    /// Whether its calendar has no open time. One whose open time is excused has run.
    fn never_runs(&self) -> bool {
        let timeline = self.measure.timeline;
        let excused = self.phases.iter().any(|phase| phase.mode == Mode::Paused(Standstill::Excused));
        !excused && timeline.open(self.started_at) == timeline.open(HORIZON.as_microsecond())
    }

    fn elapsed(&self, now: i64) -> i64 {
        let running = self.phases(now).filter(|(phase, _)| phase.mode == Mode::Running);
        running.map(|(phase, end)| phase.open_until(end)).sum()
    }

    /// When its elapsed time reached `goal`. Empty: not by `now`, or it stopped at that very instant.
    fn reach(&self, goal: i64, now: i64) -> Option<Reach> {
        let mut used = 0;
        let mut phases = self.phases(now);
        while let Some((phase, end)) = phases.next() {
            let open = match phase.mode {
                Mode::Running => phase.open_until(end),
                // Where nothing is left to be used up it makes no difference that it stands still.
                Mode::Paused(_) if used == goal => 0,
                Mode::Paused(_) | Mode::NotStarted | Mode::Stopped => continue,
            };
            if used + open < goal {
                used += open;
                continue;
            }
            let at = phase.measure.timeline.due_micros(phase.start, goal - used)?;
            let fired = if at < end {
                at
            } else {
                // The last instant of the phase: in time if the clock stopped there and stayed so.
                let goes_on = phases.find(|(next, _)| next.mode != Mode::Stopped);
                let goes_on = goes_on.map(|(next, _)| next.start.max(at));
                if self.mode() == Mode::Stopped && goes_on.is_none() {
                    return None;
                }
                goes_on.unwrap_or(at)
            };
            return Some(Reach { at, fired: fired.max(self.governed_at) });
        }
        None
    }
}

impl Phase<'_> {
    fn open_until(&self, end: i64) -> i64 {
        self.measure.timeline.open(end) - self.measure.timeline.open(self.start)
    }
}

/// `percent` of a target, rounded up so that it has been reached when it shows.
fn share(target: i64, percent: u32) -> i64 {
    let hundredfold = i128::from(target) * i128::from(percent);
    i64::try_from((hundredfold + 99) / 100).unwrap_or(i64::MAX)
}

fn millipercent(elapsed: i64, target: i64) -> i64 {
    if target == 0 {
        return 100_000;
    }
    i64::try_from(i128::from(elapsed) * 100_000 / i128::from(target)).unwrap_or(i64::MAX)
}

/// All readings at `now`, the customer's first, each with its number among those of its objective.
pub(super) fn number<'c, 'a>(clocks: &'c [Clock<'a>]) -> Vec<(&'c Clock<'a>, u32)> {
    let same = |a: &Clock<'_>, b: &Clock<'_>| {
        let (a, b) = (a.pinned, b.pinned);
        (a.kind, a.metric) == (b.kind, b.metric) && a.agreement == b.agreement && a.objective == b.objective
    };
    let mut numbered: Vec<_> = clocks
        .iter()
        .enumerate()
        .map(|(index, clock)| {
            let before = clocks[..index].iter().filter(|other| same(other, clock)).count();
            (clock, u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1))
        })
        .collect();
    numbered.sort_by_key(|(clock, _)| (clock.pinned.kind, clock.pinned.metric));
    numbered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_been_reached_when_it_shows() {
        // A third of a microsecond is not yet half of one.
        assert_eq!((share(3, 50), share(200, 1), share(1, 100)), (2, 2, 1));
        assert_eq!(share(i64::MAX, 200), i64::MAX);
        assert_eq!((millipercent(2, 3), millipercent(3, 3), millipercent(0, 0)), (66_666, 100_000, 100_000));
    }
}
