//! What-if: the same history under another agreement. Selection and clocks are those of the live service; only what one
//! agreement says, and calendars put in place of others, differ.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::agreement::{Agreement, Metric, Month, owed};
use crate::amount::{self, Money};
use crate::attainment::Attainment;
use crate::clock::{Book, Promises, Reading, Signal, SignalKind, State};
use crate::landscape::Landscape;
use crate::selection::{InForce, Selection, reselect};
use crate::ticket::{Matter, Recorded, fold, signals, turns};

/// The revision under which the proposal stands in the readings of a simulation. Published ones count from 1.
pub const PROPOSED: u32 = 0;

/// What a simulation has to know of a ticket: far less than its facts.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Resource name.
    pub name: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Priority in force last. Empty: not known.
    pub priority: Option<u8>,
    signals: Vec<Signal>,
    turns: Vec<Turn>,
}

#[derive(Debug, Clone, PartialEq)]
struct Turn {
    at: Timestamp,
    matter: Matter,
    recorded: Option<Selection>,
}

impl History {
    /// The history that all the facts of a ticket, in any order, describe. Empty if nothing opened it.
    pub fn of(facts: &[Recorded]) -> Option<Self> {
        let mut facts: Vec<&Recorded> = facts.iter().collect();
        facts.sort_by_key(|recorded| recorded.key());
        let ticket = fold(facts.iter().copied())?;
        let turns = turns(&facts).into_iter().map(|turn| Turn {
            at: turn.last.occurred_at,
            matter: turn.matter,
            recorded: turn.recorded.cloned(),
        });
        Some(Self {
            turns: turns.collect(),
            signals: signals(facts.iter().copied()),
            name: ticket.name,
            opened_at: ticket.opened_at,
            priority: ticket.priority,
        })
    }

    /// Whether an objective of the agreement governed the ticket at any time.
    fn was_governed_by(&self, agreement: &str) -> bool {
        let recorded = self.turns.iter().filter_map(|turn| turn.recorded.as_ref());
        recorded.flat_map(|selection| &selection.winners).any(|pinned| pinned.agreement == agreement)
    }
}

/// Two ways of seeing the same history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pair<T> {
    /// As it was.
    pub before: T,
    /// As it would have been.
    pub after: T,
}

/// An agreement as it could be, and all that it is compared with.
#[derive(Debug)]
pub struct Simulation {
    name: String,
    proposed: Arc<Agreement>,
    books: Pair<Book>,
    landscape: Landscape,
    read_at: Timestamp,
}

/// What the clocks of a set of tickets come to. Sets that have no ticket in common can be put together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Tickets read.
    pub tickets: u64,
    /// Tickets that the agreement governs before or after.
    pub governed: u64,
    /// Settled clocks by metric and priority; without a priority all tickets, also those that have none.
    pub attainments: BTreeMap<(Metric, Option<u8>), Pair<Attainment>>,
    /// Tickets whose verdict on a metric changes.
    pub changes: Vec<Change>,
    /// The clocks that the agreement itself governs.
    months: Pair<Months>,
}

/// Settled clocks of what is judged together for credits.
type Months = BTreeMap<Month, Attainment>;

/// A ticket whose verdict on a metric changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Resource name of the ticket.
    pub ticket: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Its priority. Empty: not known.
    pub priority: Option<u8>,
    /// What was promised.
    pub metric: Metric,
    /// The verdicts on it.
    pub verdicts: Pair<Verdict>,
}

/// What the clocks of a metric on a ticket come to, the worst last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// No clock has a verdict.
    #[default]
    None,
    /// At least one was met and none breached.
    Met,
    /// At least one was breached.
    Breached,
}

impl Simulation {
    /// Puts `proposed` in the place of every revision of the agreement of that name, and each of the calendars in the
    /// place of every revision of its own name. `book` holds everything that is published, clocks are read at
    /// `read_at`, and services and customers belong where `landscape` says, at any time.
    pub fn new(
        name: &str,
        proposed: Agreement,
        calendars: impl IntoIterator<Item = (String, crate::calendar::Timeline)>,
        book: Book,
        landscape: Landscape,
        read_at: Timestamp,
    ) -> Self {
        let proposed = Arc::new(proposed);
        let mut after = book.clone();
        after.add_agreement(name, PROPOSED, Arc::clone(&proposed));
        for (name, timeline) in calendars {
            after.add_calendar(&name, timeline);
        }
        Self { name: name.to_owned(), proposed, books: Pair { before: book, after }, landscape, read_at }
    }

    /// Reads the clocks of the tickets both ways.
    pub fn run<'a>(&self, histories: impl IntoIterator<Item = &'a History>) -> Tally {
        let mut tally = Tally::default();
        for history in histories {
            tally.tickets += 1;
            let (signals, covers) = self.signals(history);
            if covers || history.was_governed_by(&self.name) {
                tally.governed += 1;
                let readings = Pair {
                    before: self.books.before.read(&history.signals, self.read_at),
                    after: self.books.after.read(&signals, self.read_at),
                };
                self.count(history, &readings, &mut tally);
            }
        }
        tally
    }

    /// What clocks would have seen, and whether the proposal governs the ticket at any time.
    fn signals(&self, history: &History) -> (Vec<Signal>, bool) {
        let plain = |signal: &&Signal| !matches!(signal.kind, SignalKind::Governed { .. });
        let mut rest = history.signals.iter().filter(plain).peekable();
        let mut signals = Vec::with_capacity(history.signals.len());
        let nothing = Selection::default();
        let (mut recorded, mut covers) = (&nothing, false);
        for turn in &history.turns {
            // What governs is found at the end of an instant.
            while let Some(signal) = rest.next_if(|signal| signal.at <= turn.at) {
                signals.push(signal.clone());
            }
            recorded = turn.recorded.as_ref().unwrap_or(recorded);
            let customers = self.landscape.chain(turn.matter.customer.as_deref());
            let subject = self.landscape.subject(&turn.matter, &customers);
            let proposed = InForce { name: &self.name, revision: PROPOSED, agreement: &self.proposed };
            let book = &self.books.before;
            let promise = |pinned: &_| book.promise(pinned).map(|promise| (promise.agreement, promise.objective));
            let pinned = reselect(recorded, proposed, promise, &subject).winners;
            covers |= pinned.iter().any(|pinned| pinned.agreement == self.name);
            signals.push(Signal { at: turn.at, position: None, kind: SignalKind::Governed { pinned } });
        }
        signals.extend(rest.cloned());
        (signals, covers)
    }

    fn count(&self, history: &History, readings: &Pair<Vec<Reading>>, tally: &mut Tally) {
        let mut verdicts: BTreeMap<Metric, Pair<Verdict>> = BTreeMap::new();
        for (after, readings) in [(false, &readings.before), (true, &readings.after)] {
            let book = if after { &self.books.after } else { &self.books.before };
            for reading in readings.iter().filter(|reading| self.competes(book, reading)) {
                let verdict = match reading.state {
                    State::Met => Verdict::Met,
                    State::Breached => Verdict::Breached,
                    State::Running | State::Paused | State::Cancelled | State::NeverRuns => continue,
                };
                let (met, metric) = (verdict == Verdict::Met, reading.pinned.metric);
                for priority in history.priority.map(Some).into_iter().chain([None]) {
                    let pair = tally.attainments.entry((metric, priority)).or_default();
                    pair.side(after).count(met);
                }
                if reading.pinned.agreement == self.name {
                    let on = history.opened_at.to_zoned(jiff::tz::TimeZone::UTC).date();
                    let month = Month { revision: reading.pinned.revision, of: (on.year(), on.month()), metric };
                    tally.months.side(after).entry(month).or_default().count(met);
                }
                let worst = verdicts.entry(metric).or_default().side(after);
                *worst = verdict.max(*worst);
            }
        }
        let changes = verdicts.into_iter().filter(|(_, verdicts)| verdicts.before != verdicts.after);
        tally.changes.extend(changes.map(|(metric, verdicts)| Change {
            ticket: history.name.clone(),
            opened_at: history.opened_at,
            priority: history.priority,
            metric,
            verdicts,
        }));
    }

    /// Whether a clock is of the same kind as those of the proposal, and kept by the same party.
    fn competes(&self, book: &Book, reading: &Reading) -> bool {
        let provider = book.promise(&reading.pinned).and_then(|promise| promise.agreement.provider.as_deref());
        reading.pinned.kind == self.proposed.kind && provider == self.proposed.provider.as_deref()
    }

    /// The service credits that the agreement owes for a tally, in each currency, none of nought, as [`owed`] says:
    /// months are added exactly and rounded once.
    pub fn credits(&self, tally: &Tally) -> Result<Pair<Vec<Money>>, amount::Error> {
        Ok(Pair { before: self.owed(&tally.months.before, false)?, after: self.owed(&tally.months.after, true)? })
    }

    fn owed(&self, months: &Months, after: bool) -> Result<Vec<Money>, amount::Error> {
        let book = if after { &self.books.after } else { &self.books.before };
        let terms = |revision| Some(book.agreement(&self.name, revision)?.credit_terms());
        owed(months, terms)?.values().map(|sum| Ok(sum.to_money()?.money)).collect()
    }
}

impl<T> Pair<T> {
    fn side(&mut self, after: bool) -> &mut T {
        if after { &mut self.after } else { &mut self.before }
    }
}

impl Tally {
    /// Adds the tally of other tickets.
    pub fn add(&mut self, other: Self) {
        let Self { tickets, governed, attainments, changes, months } = other;
        self.tickets += tickets;
        self.governed += governed;
        for (key, pair) in attainments {
            let sum = self.attainments.entry(key).or_default();
            sum.before.add(pair.before);
            sum.after.add(pair.after);
        }
        for (sums, months) in [(&mut self.months.before, months.before), (&mut self.months.after, months.after)] {
            for (key, attainment) in months {
                sums.entry(key).or_default().add(attainment);
            }
        }
        self.changes.extend(changes);
    }
}
