//! What falls due on a ticket: thresholds of its clocks as facts, what their objectives let follow, and what happens to
//! it by itself: waiting that ends, closing.

use domain::agreement::Escalation;
use domain::clock::Promises as _;
use domain::ticket::command::{Act, Caller, Change, escalate, take};
use domain::ticket::{Fact, Observations, Recorded, SCHEDULER, Side, ThresholdReached, Ticket, Timer, signals};
use jiff::{SignedDuration, Timestamp};

use crate::catalog::Snapshot;
use crate::settle::{Settled, observation, settle};
use crate::store::ticket::Stored;
use crate::usecase::process_of;

/// The ticket at `now` and its new facts: none if nothing has fallen due. `known` are all facts on record.
///
/// Everything that fell due since the last look is one change, each threshold at its own instant; what follows from
/// them happens now, in their order.
pub fn fire(catalog: &Snapshot, stored: &Stored, known: &[Recorded], now: Timestamp) -> (Ticket, Settled) {
    let last = known.iter().map(|recorded| recorded.occurred_at).max().unwrap_or(now);
    let readings = catalog.promises().read(&signals(known), last.max(now));
    let due = Observations::of(known, stored.created_at).due(&readings, now);
    // A moment later than its cause at least: a clock that is replaced at the very instant had not reached it, and a
    // promise that governs for no time was none.
    let cause = due.iter().map(|due| due.at).fold(last, Ord::max);
    let acting_at = now.max(cause.checked_add(SignedDuration::from_micros(1)).unwrap_or(cause));
    let mut ticket = stored.ticket.clone();
    let mut facts = Vec::new();
    let mut following = Vec::new();
    for due in due {
        for escalation in escalations(catalog, &due.reached).filter(|_| due.escalates) {
            match follow(catalog, &ticket, escalation, &due.reached, acting_at) {
                Ok(change) => {
                    ticket = change.next;
                    following.extend(change.facts);
                }
                // The threshold is a fact all the same; CheckAgreement finds what no ticket can follow.
                Err(cause) => tracing::warn!(ticket = ticket.name, clock = due.reached.clock, %cause, "not escalated"),
            }
        }
        facts.push(observation(Fact::ThresholdReached(Box::new(due.reached)), due.at));
    }
    facts.extend(following);
    if facts.is_empty()
        && let Some(change) = lapse(catalog, stored, known, now)
    {
        ticket = change.next;
        facts = change.facts;
    }
    let settled = settle(catalog, known, facts, &ticket, stored.created_at);
    (ticket, settled)
}

/// What happens to the ticket by itself, if its time has come: waiting ends, a resolved ticket closes.
fn lapse(catalog: &Snapshot, stored: &Stored, known: &[Recorded], now: Timestamp) -> Option<Change> {
    let process = process_of(catalog, &stored.ticket).ok()?;
    let timer = Timer::of(&process, &stored.ticket, known, stored.created_at).filter(|timer| timer.at <= now)?;
    let caller = scheduler();
    let act = Act { policies: catalog.policies(), ..Act::now(&caller, now) };
    take(&process, &stored.ticket, timer, &act)
}

fn scheduler() -> Caller {
    Caller {
        actor: SCHEDULER.to_owned(),
        side: Side::Provider,
        roles: std::collections::BTreeSet::new(),
        answering: std::collections::BTreeMap::new(),
        may_backdate: false,
    }
}

/// What the objective lets follow from this threshold.
fn escalations<'a>(catalog: &'a Snapshot, reached: &ThresholdReached) -> impl Iterator<Item = &'a Escalation> {
    let percent = reached.percent;
    let promise = catalog.promises().promise(&reached.pinned);
    let all = promise.into_iter().flat_map(|promise| &promise.objective.escalations);
    all.filter(move |escalation| escalation.percent == percent)
}

fn follow(
    catalog: &Snapshot,
    ticket: &Ticket,
    escalation: &Escalation,
    reached: &ThresholdReached,
    now: Timestamp,
) -> Result<domain::ticket::command::Change, servicekit::Error> {
    let process = process_of(catalog, ticket)?;
    let caller = scheduler();
    let ThresholdReached { percent, pinned, .. } = reached;
    let reason = format!("{percent} % of the time that {} of {} gives has passed", pinned.objective, pinned.agreement);
    let act = Act { policies: catalog.policies(), ..Act::now(&caller, now) };
    escalate(&process, ticket, escalation, &reason, &act).map_err(|rejection| crate::error::rejected(rejection, ""))
}
