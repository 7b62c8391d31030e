//! The clocks of a ticket at an instant, with the intervals that add up to each.

use std::collections::HashMap;

use domain::agreement::Kind;
use domain::clock::{Duty, Explanation, Reading, Threshold};
use domain::selection::Loser;
use domain::ticket::{Fact, Observations, Recorded, signals};
use jiff::Timestamp;
use servicekit::{Caller, Error};

use super::{Operations, for_customer, number_of, of_name};
use crate::store::fact;
use crate::store::ticket::{Part, get_many};

/// The clocks of a ticket, explained.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// Instant at which they were read.
    pub read_at: Timestamp,
    /// The clocks, the customer's first.
    pub clocks: Vec<Explanation>,
    /// Duties to notify authorities, by law.
    pub duties: Vec<Duty>,
    /// Objectives that gave way when selection last ran.
    pub losers: Vec<Loser>,
    /// What is on record of their thresholds.
    observations: Observations,
    /// When facts were put in order here, by position.
    recorded: HashMap<i64, Timestamp>,
}

impl Explained {
    /// When it was recorded that the threshold had been reached. Empty: it is not on record, or only just.
    pub fn recorded_at(&self, reading: &Reading, threshold: &Threshold) -> Option<Timestamp> {
        self.recorded.get(&self.observations.position(reading, threshold)?).copied()
    }
}

impl Operations {
    /// Explains the clocks of a ticket at `read_at` (empty: now), by what was known at `known_at` (empty: everything).
    pub async fn explain_clocks(
        &self,
        caller: &Caller,
        name: &str,
        read_at: Option<Timestamp>,
        known_at: Option<Timestamp>,
    ) -> Result<Explained, Error> {
        let scope = self.kit.scope_of(caller);
        let number = number_of(name)?;
        let mut connection = self.kit.database.get(&scope.deciding()).await?;
        let found = get_many(&mut connection, &scope, &[number], Part::WithoutClocks).await?.remove(&number);
        let stored = of_name(found, name)?;
        let entries = fact::of(&mut connection, name).await?;
        let catalog = self.catalog.latest(&mut connection).await;
        drop(connection);

        let read_at = read_at.unwrap_or_else(|| self.kit.clock.now());
        let recorded = entries.iter().filter_map(|entry| Some((entry.recorded.position, entry.recorded_at?))).collect();
        let known = entries.into_iter().filter(|entry| known_at.is_none_or(|at| entry.is_known_at(at)));
        let mut facts: Vec<Recorded> = known.map(|entry| entry.recorded).collect();
        facts.sort_by_key(Recorded::key);
        let signals = signals(&facts);
        let duties = catalog.promises().duties(&signals, read_at);
        let mut clocks = catalog.promises().explain(&signals, read_at);
        let mut governed = facts.iter().rev().filter(|recorded| recorded.occurred_at <= read_at);
        let mut losers = governed
            .find_map(|recorded| match &recorded.fact {
                Fact::Governed(selection) => Some(selection.losers.clone()),
                _ => None,
            })
            .unwrap_or_default();
        if !scope.sees_internal() {
            clocks.retain_mut(|explanation| for_customer(&mut explanation.reading));
            losers.retain(|loser| loser.pinned.kind == Kind::Sla);
        }
        let observations = Observations::of(&facts, stored.created_at);
        Ok(Explained { read_at, clocks, duties, losers, observations, recorded })
    }
}
