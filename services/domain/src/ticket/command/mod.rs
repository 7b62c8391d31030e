//! What people and systems may do with a ticket: each command decides and says which facts follow.

mod allowed;
mod approval;
mod assign;
mod duty;
mod edit;
mod escalate;
mod exclude;
mod link;
mod major;
mod note;
mod open;
mod rejection;
mod timer;
mod transition;
mod update;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub use self::allowed::{Allowed, allowed_transitions};
pub use self::approval::{Deciding, Delegating, Missing, decide_approval, delegate_approval};
pub use self::assign::assign;
pub use self::duty::record_duty;
pub(super) use self::edit::{assigned, prioritised};
pub use self::escalate::escalate;
pub use self::exclude::{exclude_clock, revoke_exclusion};
pub use self::link::{link, unlink};
pub use self::major::{declare_major, stand_down_major, update_major};
pub use self::note::{Note, add_note};
pub use self::open::{Opening, open};
pub use self::rejection::{Class, Reason, Rejection};
pub(super) use self::timer::next;
pub use self::timer::take;
pub use self::transition::transition;
pub use self::update::update;
use super::{Audience, Fact, NewFact, Noted, Side, Ticket};
use crate::approval::{NO_POLICIES, Policies};
use crate::process::Process;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who it is: `people/ann`.
    pub actor: String,
    /// On whose side.
    pub side: Side,
    /// Roles held for this ticket, as guards of transitions and approvals name them; membership of a group is held like
    /// a role that is called as the group.
    pub roles: BTreeSet<String>,
    /// By the id of a transition, the roles that answer for the activity it belongs to: one of them is needed.
    pub answering: BTreeMap<String, BTreeSet<String>>,
    /// Whether the caller may say that something happened in the past.
    pub may_backdate: bool,
}

/// Who acts, when, and with what comment.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// Who acts.
    pub caller: &'a Caller,
    /// The present.
    pub now: Timestamp,
    /// When it happened. Empty: now. In the past only with the permission and a comment.
    pub occurred_at: Option<Timestamp>,
    /// Kept as an internal note beside what is done. Empty: none.
    pub comment: &'a str,
    /// Who approves what is ordered.
    pub policies: &'a Policies,
}

/// What a command leads to: to be stored together, or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The ticket afterwards: what folding the facts gives.
    pub next: Ticket,
    /// The facts, in order. Empty: there was nothing to do.
    pub facts: Vec<NewFact>,
}

impl<'a> Act<'a> {
    /// By that caller, at this moment, without a comment.
    pub fn now(caller: &'a Caller, now: Timestamp) -> Self {
        Self { caller, now, occurred_at: None, comment: "", policies: &NO_POLICIES }
    }

    /// When the act happens, given since when the part of the ticket that it touches is as it is.
    ///
    /// Without an explicit time never before `since`, even if this clock is behind the one that wrote it:
    /// the facts of a ticket stay in the order in which they were decided.
    fn time(&self, ticket: &Ticket, since: Timestamp) -> Result<Timestamp, Rejection> {
        let Some(at) = self.occurred_at else {
            let after = since.checked_add(jiff::SignedDuration::from_micros(1)).unwrap_or(since);
            return Ok(if self.now < since { after } else { self.now });
        };
        self.check_past(at)?;
        if at < ticket.opened_at {
            let text = format!(
                "{at} is before ticket {} was opened: say a time from {} on",
                ticket.number(),
                ticket.opened_at
            );
            return Err(Rejection::new(Reason::BackdateBeforeOpening, text).about(ticket));
        }
        if at < since {
            let text = format!("ticket {} changed after {at}: say a time from {since} on", ticket.number());
            return Err(Rejection::new(Reason::BackdateBeforeLaterChange, text).about(ticket));
        }
        Ok(at)
    }

    /// Refuses a time in the future, and one in the past without permission or comment.
    fn check_past(&self, at: Timestamp) -> Result<(), Rejection> {
        if at > self.now {
            let text = format!("{at} is in the future: leave the time out to act now");
            return Err(Rejection::new(Reason::BackdateInFuture, text));
        }
        if at < self.now && !self.caller.may_backdate {
            let text = "saying that it happened earlier needs the permission tickets.backdate: leave the time out";
            return Err(Rejection::new(Reason::BackdateNotPermitted, text));
        }
        if at < self.now && self.comment.trim().is_empty() {
            let text = "saying that it happened earlier needs a reason: give a comment";
            return Err(Rejection::new(Reason::BackdateReasonRequired, text));
        }
        Ok(())
    }

    fn fact(&self, fact: Fact, occurred_at: Timestamp) -> NewFact {
        let audience = fact.usual_audience();
        NewFact {
            fact,
            occurred_at,
            source_recorded_at: None,
            source_sequence: 0,
            actor: self.caller.actor.clone(),
            audience,
        }
    }

    /// The ticket after the facts, with the comment as a note beside them.
    fn change(&self, mut ticket: Ticket, facts: Vec<Fact>, at: Timestamp) -> Change {
        let mut recorded = Vec::with_capacity(facts.len() + 1);
        for fact in facts {
            ticket.apply(&fact, at);
            recorded.push(self.fact(fact, at));
        }
        if !self.comment.trim().is_empty() {
            recorded.push(self.note(Audience::Internal, self.comment, at));
        }
        Change { next: ticket, facts: recorded }
    }

    /// The same, with what follows for approvals: those lapse whose matter has changed, and those are asked for that
    /// the state or the change calls for.
    fn moved(&self, process: &Process, before: &Ticket, mut facts: Vec<Fact>, at: Timestamp) -> Change {
        let mut after = before.clone();
        for fact in &facts {
            after.apply(fact, at);
        }
        facts.extend(approval::follow(process, Some(before), &after, self));
        self.change(before.clone(), facts, at)
    }

    fn note(&self, audience: Audience, text: &str, at: Timestamp) -> NewFact {
        let noted = Noted { by: self.caller.side, text: text.to_owned() };
        NewFact { audience, ..self.fact(Fact::Noted(noted), at) }
    }
}
