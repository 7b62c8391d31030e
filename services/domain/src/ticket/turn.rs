//! The instants at which it is decided what governs a ticket.

use super::{Fact, Recorded, Ticket};
use crate::selection::Selection;

/// What selection depends on in a ticket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Matter {
    /// The customer. Empty: none.
    pub customer: Option<String>,
    /// The service. Empty: not known.
    pub service: Option<String>,
    /// The offering. Empty: none.
    pub offering: Option<String>,
    /// The practice: `incident`.
    pub practice: String,
    /// Priority in force, from 1. Empty: not known.
    pub priority: Option<u8>,
}

/// An instant at which what selection depends on changed, or what governs was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn<'a> {
    /// The last fact of the instant.
    pub last: &'a Recorded,
    /// What selection depends on after it.
    pub matter: Matter,
    /// What the instant has on record as governing. Empty: nothing, so that what governed before goes on.
    pub recorded: Option<&'a Selection>,
}

/// The turns of a ticket in order. `facts` are sorted by [`Recorded::key`]; empty if nothing opened the ticket.
pub fn turns<'a>(facts: &[&'a Recorded]) -> Vec<Turn<'a>> {
    let Some((_, mut ticket)) = Ticket::beginning(facts) else { return Vec::new() };
    let mut turns = Vec::new();
    let mut known: Option<Matter> = None;
    for instant in facts.chunk_by(|one, next| one.occurred_at == next.occurred_at) {
        let mut recorded = None;
        for fact in instant {
            ticket.apply(&fact.fact, fact.occurred_at);
            if let Fact::Governed(selection) = &fact.fact {
                recorded = Some(&**selection);
            }
        }
        let Some(last) = instant.last() else { continue };
        let changed = known.as_ref().is_none_or(|known| !known.is_of(&ticket));
        if changed || recorded.is_some() {
            let matter = Matter::of(&ticket);
            known = Some(matter.clone());
            turns.push(Turn { last, matter, recorded });
        }
    }
    turns
}

impl Matter {
    /// What selection depends on in the ticket as it is.
    pub fn of(ticket: &Ticket) -> Self {
        Self {
            customer: ticket.customer.clone(),
            service: ticket.service.clone(),
            offering: ticket.offering.clone(),
            practice: ticket.practice.to_string(),
            priority: ticket.priority,
        }
    }

    fn is_of(&self, ticket: &Ticket) -> bool {
        self.customer == ticket.customer
            && self.service == ticket.service
            && self.offering == ticket.offering
            && self.priority == ticket.priority
            && self.practice == ticket.practice.as_str()
    }
}
