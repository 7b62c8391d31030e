//! Whether a promise can be kept by those who stand behind it, found before anybody breaks it: ISO/IEC 20000-1 8.3.4
//! asks that what suppliers and groups promise is aligned with what the customer was promised.
//!
//! The chain rule. Objectives of an OLA and of an UNDERPINNING agreement that promise the same metric for some of the
//! same tickets stand behind a promise. Parties of the same kind stand side by side: a ticket needs one of them, any of
//! them may be the one, so each is judged by itself. Kinds stand one after the other: the group may use its whole target
//! before it hands over, and the supplier then its own. A chain is one of each kind, as far as there are any. It is
//! infeasible for a start at which its last due instant lies after that of the promise. Nothing pauses.

mod chain;
mod delay;

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};

pub use self::chain::{Chain, Link, Support};
pub use self::delay::{Feasibility, Gap, Leg, feasibility};
use crate::agreement::{Agreement, Metric, Objective, Target};
use crate::calendar::Timeline;
use crate::landscape::Landscape;
use crate::selection::InForce;

/// How an objective fares with those who stand behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prospect {
    /// Id of the objective.
    pub objective: String,
    /// What is measured.
    pub metric: Metric,
    /// In one word.
    pub state: State,
    /// What stands behind it and for which starts that is too slow; the chain with the largest infeasible share first.
    pub chains: Vec<(Chain, Feasibility)>,
}

/// Whether a promise can be kept, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// By every chain, for every start.
    Feasible,
    /// Not by some chain for some starts.
    Infeasible,
    /// Nothing stands behind it.
    Unsupported,
    /// Its target is a date or calendar months, or its calendar has no open time.
    NotComputed,
}

/// What stands behind the promises of others.
#[derive(Debug, Clone, Copy)]
pub struct Backing<'a, C> {
    /// The agreements in force; those that promise less than the one in question count.
    pub in_force: &'a [InForce<'a>],
    /// Finds a published calendar by name. Empty: it is never open.
    pub calendar: C,
    /// Where services and customers belong.
    pub landscape: &'a Landscape,
}

impl<'a, C: Fn(&str) -> Option<&'a Timeline>> Backing<'a, C> {
    /// How the objectives of an agreement fare for tickets that start from `start` to `end` (exclusive), that with the
    /// largest infeasible share first.
    pub fn prospects(&self, agreement: &Agreement, start: Timestamp, end: Timestamp) -> Vec<Prospect> {
        let objectives = agreement.objectives.iter();
        let mut prospects: Vec<Prospect> =
            objectives.map(|objective| self.prospect(agreement, objective, start, end)).collect();
        prospects.sort_by_key(|prospect| Reverse(prospect.chains.first().map(|(_, feasibility)| rank(feasibility))));
        prospects
    }

    fn prospect(&self, agreement: &Agreement, objective: &Objective, start: Timestamp, end: Timestamp) -> Prospect {
        let timeline = self.timeline(objective.calendar.as_deref());
        let opens = timeline.due(start, SignedDuration::from_micros(1)).is_some();
        let (state, chains) = match objective.target.filter(|_| opens) {
            Some(Target::Open(target)) => self.against(Leg { timeline, target }, agreement, objective, start, end),
            Some(Target::Months(_)) | None => (State::NotComputed, Vec::new()),
        };
        Prospect { objective: objective.id.clone(), metric: objective.metric, state, chains }
    }

    fn against(
        &self,
        promise: Leg<'_>,
        agreement: &Agreement,
        objective: &Objective,
        start: Timestamp,
        end: Timestamp,
    ) -> (State, Vec<(Chain, Feasibility)>) {
        let chains = chain::chains(agreement, objective, self.in_force, self.landscape).into_iter();
        let mut judged: Vec<(Chain, Feasibility)> = chains
            .map(|chain| {
                let links = chain.links.iter();
                let legs =
                    links.map(|link| Leg { timeline: self.timeline(link.calendar.as_deref()), target: link.target });
                let feasibility = feasibility(promise, &legs.collect::<Vec<_>>(), start, end);
                (chain, feasibility)
            })
            .collect();
        judged.sort_by_key(|(_, feasibility)| Reverse(rank(feasibility)));
        let state = if judged.is_empty() {
            State::Unsupported
        } else if judged.iter().any(|(_, feasibility)| !feasibility.gaps.is_empty()) {
            State::Infeasible
        } else {
            State::Feasible
        };
        (state, judged)
    }

    fn timeline(&self, calendar: Option<&str>) -> &'a Timeline {
        calendar.map_or(Timeline::always(), |name| (self.calendar)(name).unwrap_or(Timeline::never()))
    }
}

/// Infeasible starts in open time, and then by the clock.
fn rank(feasibility: &Feasibility) -> (SignedDuration, SignedDuration) {
    let gaps = feasibility.gaps.iter().map(|gap| gap.end.duration_since(gap.start));
    (feasibility.infeasible, gaps.fold(SignedDuration::ZERO, |sum, gap| sum + gap))
}
