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
    let mut listener = Listener::default();
    let mut ticket = None;
    for recorded in in_order(facts) {
        listener.at = Some((recorded.occurred_at, u64::try_from(recorded.position).ok()));
        let before = ticket.as_ref().map(|ticket: &Ticket| ticket.category);
        Ticket::step(&mut ticket, &recorded.fact, recorded.occurred_at);
        if let Some(ticket) = &ticket {
            listener.hear(before, recorded, ticket);
        }
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
            Fact::Opened(opened) if before.is_none() => {
                if opened.by == Side::Provider && opened.category != Category::New {
                    self.answer();
                }
            }
            Fact::Transitioned(moved) => {
                let taken_up = before == Some(Category::New)
                    && !matches!(ticket.category, Category::New | Category::Cancelled);
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
        let same = self.state.as_ref().is_some_and(|(state, category, pending)| {
            *state == ticket.state
                && *category == ticket.category
                && *pending == ticket.pending.reason
        });
        if same {
            return;
        }
        self.state = Some((ticket.state.clone(), ticket.category, ticket.pending.reason));
        self.tell(SignalKind::State {
            state: ticket.state.clone(),
            category: ticket.category,
            pending: ticket.pending.reason,
        });
    }

    fn assignment_of(&mut self, ticket: &Ticket) {
        let assignment = &ticket.assignment;
        if self.group == assignment.group && self.contract == assignment.contract {
            return;
        }
        self.group.clone_from(&assignment.group);
        self.contract.clone_from(&assignment.contract);
        self.tell(SignalKind::Assigned {
            group: assignment.group.clone(),
            contract: assignment.contract.clone(),
        });
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
