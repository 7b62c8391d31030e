//! What falls due on the clocks of a ticket: its thresholds as facts, and what their objectives let follow.

use domain::agreement::Escalation;
use domain::clock::Promises as _;
use domain::ticket::command::{Act, Caller, escalate};
use domain::ticket::{Fact, Observations, Recorded, SCHEDULER, Side, ThresholdReached, Ticket, signals};
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
    (ticket, settle(catalog, known, facts, stored.created_at))
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
    let caller = Caller {
        actor: SCHEDULER.to_owned(),
        side: Side::Provider,
        roles: std::collections::BTreeSet::new(),
        answering: std::collections::BTreeMap::new(),
        may_backdate: false,
    };
    let ThresholdReached { percent, pinned, .. } = reached;
    let reason = format!("{percent} % of the time that {} of {} gives has passed", pinned.objective, pinned.agreement);
    escalate(&process, ticket, escalation, &reason, &Act::now(&caller, now))
        .map_err(|rejection| crate::error::rejected(rejection, ""))
}
