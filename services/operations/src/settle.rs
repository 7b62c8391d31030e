//! What follows from new facts of a ticket besides the ticket itself: which promises govern it, and how its clocks
//! stand as of its last fact. Pure, and the same for a single change and for an import.

use domain::agreement::Kind;
use domain::clock::{self, Reading, State};
use domain::selection::Selection;
use domain::ticket::{
    Audience, Fact, NewFact, Observations, Recorded, SCHEDULER, Ticket, Timer, Turn, fold, nonconformities, signals,
    turns,
};
use jiff::Timestamp;

use crate::catalog::Snapshot;

/// New facts with what follows from them.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// The new facts, with the observations that follow.
    pub facts: Vec<NewFact>,
    /// Readings of the clocks as of the last fact.
    pub clocks: Vec<Reading>,
    /// The worst of the customer's clocks. Empty: no promise covers the ticket.
    pub clock_state: Option<State>,
    /// Earliest instant at which a running one of the customer's clocks reaches, or reached, its target.
    pub due_at: Option<Timestamp>,
    /// Earliest deadline of law for a report that has not been submitted.
    pub duty_due_at: Option<Timestamp>,
    /// Earliest instant at which a clock reaches, or reached, a threshold that is not on record, or something happens to
    /// the ticket by itself. Empty: none of it will.
    pub next_fire_at: Option<Timestamp>,
    /// How many revisions of calendars the clocks were read by.
    pub calendars: i64,
    /// Deviations from the process that stand.
    pub nonconformance_count: u32,
}

/// Adds to the new facts of a ticket what follows from them. `known` are all facts on record, the first of them since
/// `known_since`; `after` is the ticket that all of them together describe.
pub fn settle(
    catalog: &Snapshot,
    known: &[Recorded],
    new_facts: Vec<NewFact>,
    after: &Ticket,
    known_since: Timestamp,
) -> Settled {
    let mut fresh = positioned(known, new_facts);
    let mut facts = in_order(known, &fresh);
    let observed = govern(catalog, &facts, &fresh);
    if !observed.is_empty() {
        fresh.extend(observed);
        facts = in_order(known, &fresh);
    }
    let (clocks, duty_due_at) = read_clocks(catalog, &facts);
    let observations = Observations::of(facts.iter().copied(), known_since);
    let process = catalog.process(&after.process, after.process_revision);
    let timer = process.and_then(|process| Timer::of(process, after, facts.iter().copied(), known_since));
    let timer = timer.map(|timer| timer.at);
    let refuted = observations.refuted(&clocks).into_iter();
    let withdrawn = refuted.map(|(at, withdrawn)| observation(Fact::ThresholdWithdrawn(withdrawn), at));
    Settled {
        clock_state: clock::worst(&clocks).map(|worst| worst.state),
        due_at: due_at(&clocks),
        duty_due_at,
        next_fire_at: [observations.next_at(&clocks), timer].into_iter().flatten().min(),
        calendars: catalog.calendars(),
        nonconformance_count: u32::try_from(nonconformities(facts).len()).unwrap_or(u32::MAX),
        facts: fresh.into_iter().map(unpositioned).chain(withdrawn).collect(),
        clocks,
    }
}

/// What the scheduler observes of an instant.
pub fn observation(fact: Fact, occurred_at: Timestamp) -> NewFact {
    let audience = fact.usual_audience();
    NewFact { fact, occurred_at, source_recorded_at: None, source_sequence: 0, actor: SCHEDULER.to_owned(), audience }
}

/// The ticket that all the facts describe. `known` are those on record.
pub fn fold_all(known: &[Recorded], new_facts: &[NewFact]) -> Option<Ticket> {
    let fresh = positioned(known, new_facts.to_vec());
    fold(known.iter().chain(&fresh))
}

/// The clocks as of the last of the facts, and the earliest deadline of law for a report that has not been submitted.
pub fn read_clocks(catalog: &Snapshot, facts: &[&Recorded]) -> (Vec<Reading>, Option<Timestamp>) {
    let Some(last) = facts.iter().map(|recorded| recorded.occurred_at).max() else { return (Vec::new(), None) };
    let signals = signals(facts.iter().copied());
    let duties = catalog.promises().duties(&signals, last);
    (catalog.promises().read(&signals, last), clock::next_deadline(&duties))
}

/// Earliest instant at which a running one of the customer's clocks reaches, or reached, its target.
pub fn due_at(clocks: &[Reading]) -> Option<Timestamp> {
    let of_customer = clocks.iter().filter(|reading| reading.pinned.kind == Kind::Sla);
    of_customer.filter(|reading| reading.state != State::Cancelled).filter_map(|reading| reading.due_at).min()
}

/// New facts where their positions will put them: after all that are on record.
fn positioned(known: &[Recorded], new_facts: Vec<NewFact>) -> Vec<Recorded> {
    let first = known.iter().map(|recorded| recorded.position).max().unwrap_or(0) + 1;
    new_facts.into_iter().zip(first..).map(|(fact, position)| fact.at(position)).collect()
}

fn unpositioned(recorded: Recorded) -> NewFact {
    let Recorded { fact, occurred_at, source_recorded_at, source_sequence, actor, audience, .. } = recorded;
    NewFact { fact, occurred_at, source_recorded_at, source_sequence, actor, audience }
}

/// All facts in the order in which they happened.
fn in_order<'a>(known: &'a [Recorded], fresh: &'a [Recorded]) -> Vec<&'a Recorded> {
    let mut facts: Vec<&Recorded> = known.iter().chain(fresh).collect();
    facts.sort_by_key(|recorded| recorded.key());
    facts
}

/// Runs selection wherever, from the first new fact on that is no observation, the ticket's customer, service, offering
/// or priority changes, and observes what governs from then on where the record says otherwise. What was pinned before
/// stays pinned.
fn govern(catalog: &Snapshot, facts: &[&Recorded], fresh: &[Recorded]) -> Vec<Recorded> {
    let caused = fresh.iter().filter(|recorded| !recorded.fact.is_observation());
    let Some(from) = caused.map(|recorded| recorded.occurred_at).min() else { return Vec::new() };
    let mut observed = Vec::new();
    let mut governing: Option<Selection> = None;
    for Turn { last, matter, recorded, .. } in turns(facts) {
        governing = recorded.cloned().or(governing);
        if last.occurred_at < from {
            continue;
        }
        let selection = catalog.select(&matter, last.occurred_at);
        if governing.as_ref() == Some(&selection) {
            continue;
        }
        governing = Some(selection.clone());
        let after = fresh.iter().chain(&observed).map(|recorded| recorded.position).max().unwrap_or(0);
        let fact = NewFact {
            fact: Fact::Governed(Box::new(selection)),
            occurred_at: last.occurred_at,
            source_recorded_at: last.source_recorded_at,
            source_sequence: last.source_sequence,
            actor: last.actor.clone(),
            audience: Audience::Internal,
        };
        observed.push(fact.at(after + 1));
    }
    observed
}
