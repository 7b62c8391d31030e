//! Gives the fields of a ticket new values.

use domain::ticket::command::update;
use domain::ticket::{Changes, FieldSet};
use servicekit::{Error, standard};

use super::{Operations, answers, refer};
use crate::error::rejected;
use crate::store::ticket::Stored;

impl Operations {
    /// Updates a ticket; `wanted` says what every field is to hold, given the ticket as it is.
    pub async fn update_ticket<F>(
        &self,
        write: standard::Write,
        name: String,
        etag: String,
        wanted: F,
    ) -> Result<Stored, Error>
    where
        F: Fn(&Stored) -> Result<Changes, Error> + Send + Sync + 'static,
    {
        let scope = self.kit.scope_of(&write.caller);
        self.change(write, name, etag, move |case| {
            let ticket = &case.stored.ticket;
            let changes = wanted(case.stored)?.against(ticket, FieldSet::ALL);
            refer::check(&changes, &scope, case.catalog)?;
            answers::check(case.process, Some(ticket), &changes, case.catalog)?;
            update(case.process, ticket, &changes, &case.act).map_err(|rejection| rejected(rejection, "ticket"))
        })
        .await
    }
}
