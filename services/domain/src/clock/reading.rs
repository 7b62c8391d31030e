//! What a clock shows at one instant.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::excuse::Excuse;
use crate::agreement::Kind;
use crate::selection::Pinned;

/// One objective on one ticket, read at one instant. Durations are open time in whole microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// `metric/kind/agreement/objective/cycle`: unique on the ticket and stable over time.
    pub id: String,
    /// The objective and the revision that governs.
    #[serde(flatten)]
    pub pinned: Pinned,
    /// Name of the calendar. Empty: around the clock.
    pub calendar: Option<String>,
    /// Which clock of this objective on the ticket it is, from 1.
    pub cycle: u32,
    /// Open time the promise gives.
    pub target: SignedDuration,
    /// The verdict so far.
    pub state: State,
    /// What the clock is doing, whatever the verdict.
    pub activity: Activity,
    /// When it started.
    pub started_at: Timestamp,
    /// From when its objective governs: later than the start if it took over time already used.
    pub governed_at: Timestamp,
    /// When it stopped or was cancelled. Empty: it has not.
    pub stopped_at: Option<Timestamp>,
    /// Open time used.
    pub elapsed: SignedDuration,
    /// Target less elapsed; negative when overrun.
    pub remaining: SignedDuration,
    /// Elapsed beyond the target; zero while within.
    pub overrun: SignedDuration,
    /// When elapsed reaches the target if nothing changes. Empty while paused, once stopped, and
    /// beyond the calendar's horizon. Before `governed_at` if a stricter target took over too late.
    pub due_at: Option<Timestamp>,
    /// When the promise was broken: at the due instant, or at `governed_at` if that was later.
    pub breached_at: Option<Timestamp>,
    /// Elapsed over target in thousandths of a percent, rounded down.
    pub elapsed_millipercent: i64,
    /// The thresholds of the objective, lowest first; that of 100 percent is the breach.
    pub thresholds: Vec<Threshold>,
    /// Why it was cancelled. Empty: it was not.
    pub cancelled: Option<Cancelled>,
    /// Why it is excused. Empty: it is not. The reading itself is as if it were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excuse: Option<Excuse>,
}

/// The verdict on a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Within the target and going on, or waiting for its calendar to open.
    Running,
    /// Within the target and standing still by its objective's policy.
    Paused,
    /// Stopped no later than the due instant.
    Met,
    /// The due instant passed before it stopped.
    Breached,
    /// Replaced, or its ticket ended without delivery. No verdict; a breach before stays on record.
    Cancelled,
    /// Its calendar has no open time any more: no verdict.
    NeverRuns,
}

/// What a clock is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Activity {
    /// It counts whenever its calendar is open.
    Running,
    /// It stands still and may go on.
    Paused,
    /// It has stopped.
    Stopped,
}

/// A share of the target and when it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Threshold {
    /// Share of the target, in percent.
    pub percent: u32,
    /// When it was reached, or will be if nothing changes. Empty: neither.
    pub at: Option<Timestamp>,
    /// Whether it has been reached.
    pub reached: bool,
}

/// Why a clock was cancelled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cancelled {
    /// In general.
    pub reason: CancelReason,
    /// In particular: what replaced it, or why the ticket ended.
    pub detail: String,
}

/// Why a clock was cancelled, in general.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CancelReason {
    /// Another objective governs since.
    Replaced,
    /// No objective governs since.
    Uncovered,
    /// Another date was agreed, or none any more.
    DateChanged,
    /// The ticket was merged, cancelled or withdrawn.
    TicketEnded,
}

impl Reading {
    /// The next instant after `now` at which this reading changes by itself: a threshold or the breach.
    pub fn next_instant(&self, now: Timestamp) -> Option<Timestamp> {
        let thresholds = self.thresholds.iter().filter_map(|t| t.at);
        thresholds.chain(self.due_at).filter(|at| *at > now).min()
    }

    /// When the verdict was fixed: at the breach, or at the stop of a clock that was met. Empty
    /// while open, and for clocks without a verdict.
    pub fn settled_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Breached => self.breached_at,
            State::Met => self.stopped_at,
            State::Running | State::Paused | State::Cancelled | State::NeverRuns => None,
        }
    }

    /// How much attention it needs: a higher one decides the ticket's colour.
    fn urgency(&self) -> (u8, i64) {
        let rank = match (self.state, self.activity) {
            (State::Breached, Activity::Running | Activity::Paused) => 5,
            (State::Breached, Activity::Stopped) => 4,
            (State::Running | State::Paused, _) => 3,
            (State::Met, _) => 2,
            (State::NeverRuns, _) => 1,
            (State::Cancelled, _) => 0,
        };
        (rank, self.elapsed_millipercent)
    }
}

/// The reading that decides the ticket's own colour: the worst of its SLA clocks. Empty: no
/// promise to the customer covers it.
pub fn worst(readings: &[Reading]) -> Option<&Reading> {
    readings
        .iter()
        .filter(|reading| reading.pinned.kind == Kind::Sla && reading.state != State::Cancelled)
        .reduce(|worst, next| if next.urgency() > worst.urgency() { next } else { worst })
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Running, Self::Paused, Self::Met, Self::Breached, Self::Cancelled, Self::NeverRuns];

    /// The name used in the contract and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Met => "MET",
            Self::Breached => "BREACHED",
            Self::Cancelled => "CANCELLED",
            Self::NeverRuns => "NEVER_RUNS",
        }
    }

    /// The state of that exact name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}
