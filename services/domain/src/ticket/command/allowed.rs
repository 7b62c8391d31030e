//! What may be done next.

use super::super::{Changes, Ticket};
use super::Caller;
use super::approval::{self, Missing};
use super::transition::{missing_fields, missing_roles};
use crate::process::{Process, Transition};

/// A transition that leaves the state of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed<'a> {
    /// The transition.
    pub transition: &'a Transition,
    /// Roles of which the caller would have to hold one. Empty: the caller may make it.
    pub missing_roles: Vec<&'a str>,
    /// Paths of the fields it asks for and the ticket does not have: to be given with it.
    pub missing_fields: Vec<&'a str>,
    /// Approvals it needs and that have not been given.
    pub missing_approvals: Vec<Missing>,
}

/// Every transition that leaves the state of the ticket, in the order of the process.
pub fn allowed_transitions<'a>(process: &'a Process, ticket: &Ticket, caller: &'a Caller) -> Vec<Allowed<'a>> {
    process
        .transitions
        .iter()
        .filter(|transition| transition.from.contains(&ticket.state))
        .filter_map(|transition| {
            let target = process.state(&transition.to)?;
            Some(Allowed {
                transition,
                missing_roles: missing_roles(transition, caller),
                missing_fields: missing_fields(transition, target, ticket, &Changes::default()),
                missing_approvals: approval::missing(process, transition, ticket),
            })
        })
        .collect()
}
