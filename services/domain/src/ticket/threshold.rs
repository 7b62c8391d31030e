//! Thresholds of clocks as facts: which are on record, which are due, which were refuted by what became known later.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Fact, Recorded};
use crate::clock::{Reading, State, Threshold};
use crate::selection::Pinned;

/// Who observes thresholds, and acts where an objective says so.
pub const SCHEDULER: &str = "systems/scheduler";

/// A clock reached a share of its target; when is when the fact occurred. 100 percent is the breach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThresholdReached {
    /// Id of the clock: [`Reading::id`].
    pub clock: String,
    /// The objective and the revision that governs.
    #[serde(flatten)]
    pub pinned: Pinned,
    /// Which clock of this objective on the ticket it is, from 1.
    pub cycle: u32,
    /// Open time the promise gives.
    pub target: SignedDuration,
    /// The share, in percent.
    pub percent: u32,
}

/// What became known later refutes that a clock had reached a share of its target at the instant of this fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdWithdrawn {
    /// Id of the clock.
    pub clock: String,
    /// Revision of the agreement that governed it.
    pub revision: u32,
    /// The share, in percent.
    pub percent: u32,
}

/// A threshold that has been reached and is not on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// When it was reached.
    pub at: Timestamp,
    /// What is to be recorded.
    pub reached: ThresholdReached,
    /// Whether what follows from it is to follow: the clock has not stopped and is not excused as a whole, and this
    /// threshold of it is observed for the first time. An instant that is corrected escalates nothing again.
    pub escalates: bool,
}

/// Tells one threshold of a ticket from every other: clock, revision of the agreement, percent.
type Key = (String, u32, u32);

/// What is on record of the thresholds of a ticket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observations {
    /// When those that stand were reached, and the positions of their facts.
    standing: BTreeMap<Key, (Timestamp, i64)>,
    /// All that were ever observed.
    seen: BTreeSet<Key>,
    /// Thresholds reached up to this instant are history that was imported with the ticket: they never fire.
    history_until: Option<Timestamp>,
}

impl Observations {
    /// What the facts of a ticket say that is on record here since `known_since`.
    pub fn of<'a>(facts: impl IntoIterator<Item = &'a Recorded>, known_since: Timestamp) -> Self {
        let mut facts: Vec<&Recorded> = facts.into_iter().collect();
        facts.sort_by_key(|recorded| recorded.position);
        let opening = facts.iter().find(|recorded| matches!(recorded.fact, Fact::Opened(_)));
        let imported = opening.is_some_and(|opening| opening.is_imported());
        let mut record = Self { history_until: imported.then_some(known_since), ..Self::default() };
        for recorded in facts {
            match &recorded.fact {
                Fact::ThresholdReached(reached) => {
                    let key = (reached.clock.clone(), reached.pinned.revision, reached.percent);
                    record.seen.insert(key.clone());
                    record.standing.insert(key, (recorded.occurred_at, recorded.position));
                }
                Fact::ThresholdWithdrawn(withdrawn) => {
                    record.standing.remove(&(withdrawn.clock.clone(), withdrawn.revision, withdrawn.percent));
                }
                _ => {}
            }
        }
        record
    }

    /// Position of the fact that observed a threshold where the reading shows it. Empty: it is not on record.
    pub fn position(&self, reading: &Reading, threshold: &Threshold) -> Option<i64> {
        let (at, position) = self.standing.get(&key(reading, threshold.percent))?;
        (threshold.at == Some(*at)).then_some(*position)
    }

    /// Thresholds that have been reached by `now` and are not on record, in the order in which they were. `readings`
    /// are of `now`, or of the last fact if that is later: where a clock was set back nothing fires early or twice.
    pub fn due(&self, readings: &[Reading], now: Timestamp) -> Vec<Due> {
        let awaited = self.awaited(readings);
        let reached = awaited.filter(|(_, threshold, at)| threshold.reached && *at <= now);
        let mut due: Vec<Due> = reached
            .map(|(reading, Threshold { percent, .. }, at)| Due {
                at,
                reached: ThresholdReached {
                    clock: reading.id.clone(),
                    pinned: reading.pinned.clone(),
                    cycle: reading.cycle,
                    target: reading.target,
                    percent: *percent,
                },
                escalates: reading.stopped_at.is_none()
                    && reading.excuse.as_ref().is_none_or(|excuse| excuse.interval.is_some())
                    && !self.seen.contains(&key(reading, *percent)),
            })
            .collect();
        due.sort_by_key(|due| due.at);
        due
    }

    /// When the next threshold that is not on record is reached, or was, if nothing changes. Empty: none is.
    pub fn next_at(&self, readings: &[Reading]) -> Option<Timestamp> {
        self.awaited(readings).map(|(_, _, at)| at).min()
    }

    /// What stands on record and the readings do not show, or show at another instant; each with that of its fact.
    /// `readings` are of the last fact or later.
    pub fn refuted(&self, readings: &[Reading]) -> Vec<(Timestamp, ThresholdWithdrawn)> {
        if self.standing.is_empty() {
            return Vec::new();
        }
        let shown: BTreeMap<Key, Option<Timestamp>> = readings
            .iter()
            .flat_map(|reading| reading.thresholds.iter().map(|t| (key(reading, t.percent), t.at)))
            .collect();
        let refuted = self.standing.iter().filter(|(key, (at, _))| shown.get(key).copied().flatten() != Some(*at));
        refuted
            .map(|((clock, revision, percent), (at, _))| {
                let withdrawn = ThresholdWithdrawn { clock: clock.clone(), revision: *revision, percent: *percent };
                (*at, withdrawn)
            })
            .collect()
    }

    /// Thresholds that fire, or would have, and are not on record as the readings show them. A clock that was
    /// cancelled fires no more.
    fn awaited<'r>(
        &'r self,
        readings: &'r [Reading],
    ) -> impl Iterator<Item = (&'r Reading, &'r Threshold, Timestamp)> + 'r {
        let alive = readings.iter().filter(|reading| reading.state != State::Cancelled);
        let all = alive.flat_map(|reading| reading.thresholds.iter().map(move |threshold| (reading, threshold)));
        all.filter_map(|(reading, threshold)| Some((reading, threshold, threshold.at?))).filter(
            |(reading, threshold, at)| {
                self.history_until.is_none_or(|until| until < *at) && self.position(reading, threshold).is_none()
            },
        )
    }
}

fn key(reading: &Reading, percent: u32) -> Key {
    (reading.id.clone(), reading.pinned.revision, percent)
}
