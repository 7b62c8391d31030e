//! Declares an incident a major one, keeps what is known of it up to date, and stands it down.

use domain::ticket::command::{Act, declare_major, stand_down_major, update_major};
use domain::ticket::{MajorDeclared, MajorUpdated};
use jiff::Timestamp;
use servicekit::{Error, standard};

use super::Operations;
use crate::error::rejected;
use crate::store::ticket::Stored;

/// What is done to a major incident.
#[derive(Debug, Clone)]
pub enum Step {
    /// It is declared.
    Declare(MajorDeclared),
    /// What is known of it changes.
    Update(MajorUpdated),
    /// It is stood down; its review is due then. Empty: none was agreed.
    StandDown(Option<Timestamp>),
}

/// A step in the life of a major incident.
#[derive(Debug, Clone)]
pub struct MajorIncident {
    /// Name of the ticket.
    pub name: String,
    /// Acts only on this version. Empty: on any.
    pub etag: String,
    /// What is done.
    pub step: Step,
    /// Kept as an internal note. Empty: none.
    pub comment: String,
    /// When it happened. Empty: now.
    pub occurred_at: Option<Timestamp>,
}

impl Operations {
    /// Takes a step in the life of a major incident.
    pub async fn major_incident(&self, write: standard::Write, command: MajorIncident) -> Result<Stored, Error> {
        let MajorIncident { name, etag, step, comment, occurred_at } = command;
        self.change(write, name, etag, move |case| {
            let act = Act { occurred_at, comment: &comment, ..case.act };
            let ticket = &case.stored.ticket;
            let change = match &step {
                Step::Declare(declared) => declare_major(ticket, declared, &act),
                Step::Update(updated) => update_major(ticket, updated, &act),
                Step::StandDown(review_due_at) => stand_down_major(ticket, *review_due_at, &act),
            };
            change.map_err(|rejection| rejected(rejection, ""))
        })
        .await
    }
}
