//! From facts to what clocks see of them.

use jiff::Timestamp;

use super::fold::in_order;
use super::{Audience, Fact, Recorded, Side, Ticket};
use crate::clock::{Signal, SignalKind};
use crate::process::{Category, PendingReason};

/// What clocks see of the facts, in the order in which they happened. Empty if nothing opened the ticket.
///
/// The provider's first action answers: leaving NEW for anything but cancellation, a public note, or an opening
/// by the provider in another category than NEW. Later public notes and entering RESOLVED are news. A fact
/// that changes nothing gives no signal.
pub fn signals<'a>(facts: impl IntoIterator<Item = &'a Recorded>) -> Vec<Signal> {
    let facts = in_order(facts);
    let mut listener = Listener::default();
    let Some((opening, mut ticket)) = Ticket::beginning(&facts) else { return Vec::new() };
    listener.hear(None, opening, &ticket);
    for recorded in facts {
        let before = ticket.category;
        ticket.apply(&recorded.fact, recorded.occurred_at);
        listener.hear(Some(before), recorded, &ticket);
    }
    listener.signals
}

/// What has been told so far.
#[derive(Default)]
struct Listener {
    signals: Vec<Signal>,
    at: Option<(Timestamp, Option<u64>)>,
    state: Option<(String, Category, Option<PendingReason>)>,
    group: Option<String>,
    contract: Option<String>,
    due_at: Option<Timestamp>,
    answered: bool,
}

impl Listener {
    fn hear(&mut self, before: Option<Category>, recorded: &Recorded, ticket: &Ticket) {
        self.at = Some((recorded.occurred_at, u64::try_from(recorded.position).ok()));
        if before.is_none() {
            self.tell(SignalKind::Opened);
        }
        self.state_of(ticket);
        self.assignment_of(ticket);
        if self.due_at != ticket.requested_at {
            self.due_at = ticket.requested_at;
            self.tell(SignalKind::DateAgreed { due_at: ticket.requested_at });
        }
        match &recorded.fact {
            Fact::Opened(opened)
                if before.is_none() && opened.by == Side::Provider && opened.category != Category::New =>
            {
                self.answer();
            }
            Fact::Transitioned(moved) => {
                let taken_up =
                    before == Some(Category::New) && !matches!(ticket.category, Category::New | Category::Cancelled);
                if taken_up && moved.by == Side::Provider {
                    self.answer();
                }
            }
            Fact::Noted(note) if recorded.audience == Audience::Public => match note.by {
                Side::Customer => self.tell(SignalKind::CustomerWrote),
                Side::Provider if self.answered => self.tell(SignalKind::Informed),
                Side::Provider => self.answer(),
            },
            Fact::Governed(selection) => {
                self.tell(SignalKind::Governed { pinned: selection.winners.clone() });
            }
            Fact::ClockExcluded(exclusion) => {
                let (exclusion, actor) = (exclusion.clone(), recorded.actor.clone());
                self.tell(SignalKind::Excluded { exclusion, actor });
            }
            Fact::ClockExclusionRevoked(revoked) => {
                self.tell(SignalKind::ExclusionRevoked { clock: revoked.clock.clone() });
            }
            Fact::DutyRecorded(step) => self.tell(SignalKind::Duty(step.clone())),
            _ => {}
        }
        if before != Some(ticket.category) {
            match ticket.category {
                Category::Resolved => self.tell(SignalKind::Informed),
                Category::Cancelled => {
                    let reason = ticket.cancel_reason.clone();
                    let reason = reason.unwrap_or_else(|| "cancelled".to_owned());
                    self.tell(SignalKind::Ended { reason });
                }
                _ => {}
            }
        }
    }

    fn state_of(&mut self, ticket: &Ticket) {
        let waits = ticket.category == Category::Pending;
        let pending = ticket.pending.reason.filter(|_| waits);
        let same = self.state.as_ref().is_some_and(|(state, category, known)| {
            *state == ticket.state && *category == ticket.category && *known == pending
        });
        if same {
            return;
        }
        self.state = Some((ticket.state.clone(), ticket.category, pending));
        self.tell(SignalKind::State { state: ticket.state.clone(), category: ticket.category, pending });
    }

    fn assignment_of(&mut self, ticket: &Ticket) {
        let assignment = &ticket.assignment;
        if self.group == assignment.group && self.contract == assignment.contract {
            return;
        }
        self.group.clone_from(&assignment.group);
        self.contract.clone_from(&assignment.contract);
        self.tell(SignalKind::Assigned { group: assignment.group.clone(), contract: assignment.contract.clone() });
    }

    fn answer(&mut self) {
        if !self.answered {
            self.answered = true;
            self.tell(SignalKind::Answered);
        }
    }

    fn tell(&mut self, kind: SignalKind) {
        if let Some((at, position)) = self.at {
            self.signals.push(Signal { at, position, kind });
        }
    }
}
