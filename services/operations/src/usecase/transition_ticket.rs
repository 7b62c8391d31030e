//! Moves a ticket along a transition of its process.

use domain::ticket::Changes;
use domain::ticket::command::{Act, transition};
use jiff::Timestamp;
use servicekit::{Error, standard};

use super::Operations;
use crate::error::rejected;
use crate::store::ticket::Stored;

/// The move.
#[derive(Debug, Clone)]
pub struct TransitionTicket {
    /// Name of the ticket.
    pub name: String,
    /// Acts only on this version. Empty: on any.
    pub etag: String,
    /// Id of the transition.
    pub transition: String,
    /// What is set on this occasion.
    pub fields: Changes,
    /// Kept as an internal note. Empty: none.
    pub comment: String,
    /// When it happened. Empty: now.
    pub occurred_at: Option<Timestamp>,
}

impl Operations {
    /// Moves a ticket.
    pub async fn transition_ticket(&self, write: standard::Write, command: TransitionTicket) -> Result<Stored, Error> {
        let TransitionTicket { name, etag, transition: id, fields, comment, occurred_at } = command;
        self.change(write, name, etag, move |case| {
            let act = Act { occurred_at, comment: &comment, ..case.act };
            transition(case.process, &case.stored.ticket, &id, &fields, &act)
                .map_err(|rejection| rejected(rejection, "fields"))
        })
        .await
    }
}
