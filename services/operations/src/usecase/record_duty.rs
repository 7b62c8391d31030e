//! Records a step of a duty to notify an authority.

use domain::clock::{DutyStep, Promises, Step};
use domain::ticket::command::{Act, record_duty};
use jiff::Timestamp;
use servicekit::{Error, standard};

use super::Operations;
use crate::error::rejected;
use crate::store::ticket::Stored;

/// The step.
#[derive(Debug, Clone)]
pub struct RecordDuty {
    /// Name of the ticket.
    pub name: String,
    /// Acts only on this version. Empty: on any.
    pub etag: String,
    /// What happened.
    pub step: DutyStep,
    /// Kept as an internal note. Empty: none.
    pub comment: String,
    /// When it happened. Empty: now.
    pub occurred_at: Option<Timestamp>,
}

impl Operations {
    /// Records a step of a duty.
    pub async fn record_duty(&self, write: standard::Write, command: RecordDuty) -> Result<Stored, Error> {
        let RecordDuty { name, etag, step, comment, occurred_at } = command;
        self.change(write, name, etag, move |case| {
            if let Step::Aware { calendar, .. } = &step.step
                && case.catalog.promises().calendar(calendar).is_none()
            {
                return Err(Error::invalid("aware.calendar", format!("{calendar} is not published: publish it first")));
            }
            let act = Act { occurred_at, comment: &comment, ..case.act };
            record_duty(&case.stored.ticket, case.known, &step, &act)
                .map_err(|rejection| rejected(rejection, "submitted"))
        })
        .await
    }
}
