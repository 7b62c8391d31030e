//! Clocks that are excused: what an approver said about one, and how its verdict looks without the excused time.
//! A reading stays as it is; the excuse stands beside it, so that both can be shown.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::clockwork::{Clock, Mode, Phase, Standstill};
use super::reading::{Reading, State};
use super::signal::{Signal, SignalKind};

/// That a clock is excused, as it was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// Id of the clock: [`Reading::id`].
    pub clock: String,
    /// Why, in general.
    pub reason: ExclusionReason,
    /// What shows it, for people.
    pub evidence: String,
    /// The time that does not count. Empty: the clock as a whole is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// Why a clock is excused, in general.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExclusionReason {
    /// Nobody could have prevented it.
    ForceMajeure,
    /// The customer brought it about.
    CustomerCaused,
    /// The agreement does not mean such a case.
    OutOfScope,
    /// What was recorded is wrong.
    DataError,
}

/// A half-open interval that is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Where it begins, inclusive.
    pub start: Timestamp,
    /// Where it ends, exclusive.
    pub end: Timestamp,
}

/// An excuse that stands, on a reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excuse {
    /// Why, in general.
    pub reason: ExclusionReason,
    /// What shows it, for people.
    pub evidence: String,
    /// Who approved it.
    pub actor: String,
    /// When it was approved.
    pub approved_at: Timestamp,
    /// The time that does not count. Empty: the clock as a whole is left out.
    pub interval: Option<Interval>,
    /// How the clock stands without that time. Empty: it is left out as a whole.
    pub adjusted: Option<Adjusted>,
}

/// A clock without its excused time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjusted {
    /// The verdict then.
    pub state: State,
    /// Open time used then.
    pub elapsed: SignedDuration,
    /// When elapsed reaches the target then. Empty as for [`Reading::due_at`].
    pub due_at: Option<Timestamp>,
    /// When the verdict was fixed then. Empty as for [`Reading::settled_at`].
    pub settled_at: Option<Timestamp>,
}

/// An exclusion that was not revoked, who approved it and when.
#[derive(Clone, Copy)]
pub(super) struct Standing<'a> {
    exclusion: &'a Exclusion,
    actor: &'a str,
    at: Timestamp,
}

/// The exclusions that stand after the signals, by the id of their clock.
pub(super) fn standing(signals: &[Signal]) -> HashMap<&str, Standing<'_>> {
    let mut standing = HashMap::new();
    for signal in signals {
        match &signal.kind {
            SignalKind::Excluded { exclusion, actor } => {
                standing.insert(exclusion.clock.as_str(), Standing { exclusion, actor, at: signal.at });
            }
            SignalKind::ExclusionRevoked { clock } => {
                standing.remove(clock.as_str());
            }
            _ => {}
        }
    }
    standing
}

impl Standing<'_> {
    /// The excuse on a clock that is read at `now`.
    pub(super) fn excuse(self, clock: &Clock<'_>, now: i64, cycle: u32) -> Excuse {
        let Exclusion { reason, ref evidence, interval, .. } = *self.exclusion;
        let adjusted = interval.map(|interval| {
            let reading = clock.without(interval, now).read(now, cycle);
            Adjusted {
                state: reading.state,
                elapsed: reading.elapsed,
                due_at: reading.due_at,
                settled_at: reading.settled_at(),
            }
        });
        let evidence = evidence.clone();
        Excuse { reason, evidence, actor: self.actor.to_owned(), approved_at: self.at, interval, adjusted }
    }
}

impl Clock<'_> {
    /// The clock as if it had stood still in the interval.
    fn without(&self, interval: Interval, now: i64) -> Self {
        let (start, end) = (interval.start.as_microsecond(), interval.end.as_microsecond());
        let mut phases = Vec::with_capacity(self.phases.len() + 2);
        let last = self.phases.len().saturating_sub(1);
        for (index, (phase, until)) in self.phases(now).enumerate() {
            let (from, to) = (start.max(phase.start), end.min(until));
            if phase.mode != Mode::Running || from >= to {
                phases.push(phase);
                continue;
            }
            if phase.start < from {
                phases.push(phase);
            }
            phases.push(Phase { start: from, mode: Mode::Paused(Standstill::Excused), ..phase });
            // Once the interval is over the clock goes on, also at its very end.
            if to < until || (index == last && end <= now) {
                phases.push(Phase { start: to, ..phase });
            }
        }
        Self { phases, ..self.clone() }
    }
}

impl Reading {
    /// The verdict without excused time, and when it was fixed; with an excuse for the whole clock there is none.
    /// Equal to the raw one where nothing is excused.
    pub fn adjusted(&self) -> Option<(State, Option<Timestamp>)> {
        match &self.excuse {
            None => Some((self.state, self.settled_at())),
            Some(excuse) => excuse.adjusted.map(|adjusted| (adjusted.state, adjusted.settled_at)),
        }
    }
}

impl Interval {
    /// How much of the wall clock it takes.
    pub fn length(self) -> SignedDuration {
        self.end.duration_since(self.start)
    }
}

impl ExclusionReason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::ForceMajeure, Self::CustomerCaused, Self::OutOfScope, Self::DataError];

    /// The name used in facts and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ForceMajeure => "FORCE_MAJEURE",
            Self::CustomerCaused => "CUSTOMER_CAUSED",
            Self::OutOfScope => "OUT_OF_SCOPE",
            Self::DataError => "DATA_ERROR",
        }
    }

    /// The reason of that exact name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}
