//! Gives a ticket to a group, a person or a supplier; also takes it from a queue.

use domain::ticket::Assignment;
use domain::ticket::command::{Act, assign};
use jiff::Timestamp;
use servicekit::{Error, standard};

use super::Operations;
use crate::error::rejected;
use crate::store::ticket::Stored;

/// The assignment.
#[derive(Debug, Clone)]
pub struct AssignTicket {
    /// Name of the ticket.
    pub name: String,
    /// Acts only on this version. Empty: on any.
    pub etag: String,
    /// Who has it from then on.
    pub assignment: Assignment,
    /// Kept as an internal note. Empty: none.
    pub comment: String,
    /// When it happened. Empty: now.
    pub occurred_at: Option<Timestamp>,
}

impl Operations {
    /// Assigns a ticket.
    pub async fn assign_ticket(&self, write: standard::Write, command: AssignTicket) -> Result<Stored, Error> {
        let AssignTicket { name, etag, assignment, comment, occurred_at } = command;
        self.change(write, name, etag, move |case| {
            let act = Act { occurred_at, comment: &comment, ..case.act };
            assign(case.process, &case.stored.ticket, &assignment, &act)
                .map_err(|rejection| rejected(rejection, "assignment"))
        })
        .await
    }
}
