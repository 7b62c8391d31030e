//! Where a reading looks up what was promised and which calendar counts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::duty::Duty;
use super::explain::Explanation;
use super::reading::Reading;
use super::signal::Signal;
use crate::agreement::{Agreement, Objective};
use crate::calendar::Timeline;
use crate::selection::Pinned;

/// The published promises and calendars. Lookups are made once per signal that pins, so they
/// should be quick.
pub trait Promises {
    /// The pinned objective with the agreement it stands in. Empty: unknown, and it has no clock.
    fn promise(&self, pinned: &Pinned) -> Option<Promise<'_>>;

    /// The calendar of that name with all its revisions. Empty: unknown, and never open.
    fn calendar(&self, name: &str) -> Option<&Timeline>;
}

/// An objective in the revision of the agreement it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Promise<'a> {
    /// The revision.
    pub agreement: &'a Agreement,
    /// One of its objectives.
    pub objective: &'a Objective,
}

/// Promises and calendars in memory.
#[derive(Debug, Clone, Default)]
pub struct Book {
    agreements: HashMap<String, BTreeMap<u32, Arc<Agreement>>>,
    calendars: HashMap<String, Timeline>,
}

impl Book {
    /// Adds a revision of an agreement, or replaces the one of that number.
    pub fn add_agreement(&mut self, name: &str, revision: u32, agreement: Arc<Agreement>) {
        let revisions = self.agreements.entry(name.to_owned()).or_default();
        revisions.insert(revision, agreement);
    }

    /// A revision of an agreement. Empty: unknown.
    pub fn agreement(&self, name: &str, revision: u32) -> Option<&Agreement> {
        self.agreements.get(name)?.get(&revision).map(Arc::as_ref)
    }

    /// Adds a calendar, or replaces the one of that name.
    pub fn add_calendar(&mut self, name: &str, timeline: Timeline) {
        self.calendars.insert(name.to_owned(), timeline);
    }
}

impl Book {
    /// Reads every clock as [`super::read`] does. Compiled here, not once more with each caller.
    pub fn read(&self, signals: &[Signal], now: Timestamp) -> Vec<Reading> {
        super::read(signals, self, now)
    }

    /// Reads every duty as [`super::duties`] does. Compiled here, not once more with each caller.
    pub fn duties(&self, signals: &[Signal], now: Timestamp) -> Vec<Duty> {
        super::duties(signals, self, now)
    }

    /// Explains every clock as [`super::explain`] does. Compiled here, not once more with each caller.
    pub fn explain(&self, signals: &[Signal], now: Timestamp) -> Vec<Explanation> {
        super::explain(signals, self, now)
    }
}

impl Promises for Book {
    fn promise(&self, pinned: &Pinned) -> Option<Promise<'_>> {
        let agreement = self.agreement(&pinned.agreement, pinned.revision)?;
        let objective = agreement.objective(&pinned.objective)?;
        Some(Promise { agreement, objective })
    }

    fn calendar(&self, name: &str) -> Option<&Timeline> {
        self.calendars.get(name)
    }
}
