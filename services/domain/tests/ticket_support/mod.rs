//! What the tests about tickets share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use domain::process::{Process, shipped};
use domain::ticket::command::{Act, Caller, Change};
use domain::ticket::import::Import;
use domain::ticket::{Audience, Fact, NewFact, Recorded, Side};
use jiff::{SignedDuration, Timestamp};

static INCIDENT: LazyLock<Process> = LazyLock::new(|| shipped().remove(0));

/// The incident process that ships.
pub fn incident() -> &'static Process {
    &INCIDENT
}

/// That many minutes after the beginning.
pub fn at(minute: i64) -> Timestamp {
    let start: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minute)
}

/// An import into the incident process.
#[allow(dead_code)]
pub fn import() -> Import<'static> {
    Import { name: "tickets/INC-000001", process: incident(), process_revision: 1, actor: "systems/servicenow" }
}

/// Puts facts into the journal, behind those that are there.
#[allow(dead_code)]
pub fn record(journal: &mut Vec<Recorded>, facts: Vec<NewFact>) {
    for fact in facts {
        let position = journal.last().map_or(1, |last| last.position + 1);
        journal.push(fact.at(position));
    }
}

/// A fact that a person caused here.
#[allow(dead_code)]
pub fn live(fact: Fact, occurred_at: Timestamp, position: i64) -> Recorded {
    Recorded {
        fact,
        occurred_at,
        source_recorded_at: None,
        source_sequence: 0,
        position,
        actor: "people/ann".into(),
        audience: Audience::Public,
    }
}

/// Somebody at the provider.
#[allow(dead_code)]
pub fn agent() -> Caller {
    Caller {
        actor: "people/bob".into(),
        side: Side::Provider,
        roles: BTreeSet::new(),
        answering: BTreeMap::new(),
        may_backdate: false,
    }
}

/// Somebody at the customer.
#[allow(dead_code)]
pub fn customer() -> Caller {
    Caller { actor: "people/ann".into(), side: Side::Customer, ..agent() }
}

/// What happens now, at that minute.
#[allow(dead_code)]
pub fn now(caller: &Caller, minute: i64) -> Act<'_> {
    Act::now(caller, at(minute))
}

/// The kinds of the facts of a change, without what they have in common.
#[allow(dead_code)]
pub fn kinds(change: &Change) -> Vec<&'static str> {
    change.facts.iter().map(|fact| &fact.fact.kind()["ticket.".len()..]).collect()
}
