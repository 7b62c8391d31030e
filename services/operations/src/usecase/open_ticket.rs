//! Opens a ticket under the process in force, with a number of its own.

use domain::governance::Standing;
use domain::name::TicketName;
use domain::ticket::command::{Act, Opening, open};
use domain::ticket::{Changes, Patch, Ticket};
use jiff::Timestamp;
use servicekit::error::{self, Error};
use servicekit::{Scope, standard};

use super::change_ticket::{begun, came_second};
use super::{Operations, actor, answers, for_scope, refer, replay};
use crate::catalog::Snapshot;
use crate::error::{PROCESS_NOT_PUBLISHED, rejected};
use crate::settle::settle;
use crate::store::case;
use crate::store::ticket::Stored;
use crate::store::write::{Outcome, SOURCE_KEY, Write};

/// The ticket to be opened.
#[derive(Debug, Clone)]
pub struct OpenTicket {
    /// Process it is to follow: `processes/incident`.
    pub process: String,
    /// What is known of it.
    pub fields: Changes,
    /// When it began. Empty: now.
    pub opened_at: Option<Timestamp>,
    /// Kept as an internal note. Empty: none.
    pub comment: String,
}

impl Operations {
    /// Opens a ticket; with `validate_only` the answer has no name.
    pub async fn open_ticket(&self, write: standard::Write, command: OpenTicket) -> Result<Stored, Error> {
        let operations = self.clone();
        let opening = async move {
            // Lost only to the same request at the same time, whose answer the next attempt finds.
            for _ in 0..2 {
                if let Some(stored) = operations.try_to_open(&write, &command).await? {
                    return Ok(stored);
                }
            }
            Err(came_second("the request"))
        };
        self.kit.complete(opening).await
    }

    async fn try_to_open(&self, write: &standard::Write, command: &OpenTicket) -> Result<Option<Stored>, Error> {
        let scope = self.kit.scope_of(&write.caller);
        let now = self.kit.clock.now();
        let opening = case::Open {
            key: write.key.clone(),
            numbered: !write.validate_only,
            scope: scope.deciding(),
            catalog: self.catalog.clone(),
        };
        let case::Opened { done, number, catalog } = self.openings.find(opening).await?;
        if let Some(done) = done? {
            let mut connection = self.kit.database.get(&scope.deciding()).await?;
            return replay::rebuild(&mut connection, &catalog, &scope, &write.key, &done).await.map(Some);
        }
        let process = catalog.process_in_force(&command.process, now).ok_or_else(|| not_published(&command.process))?;
        let fields = fields(command, write, &scope, &catalog)?;
        answers::check(&process.body, None, &fields, &catalog)?;
        let name = TicketName::new(&process.body.ticket_prefix, number)
            .map_err(|fault| Error::internal(format!("{} of {}", fault.message, command.process)))?;

        let caller = actor(&write.caller, Standing::default());
        let act = Act {
            occurred_at: command.opened_at,
            comment: &command.comment,
            policies: catalog.policies(),
            ..Act::now(&caller, now)
        };
        let opening = Opening { name: name.to_string(), process_revision: process.revision, fields };
        let change = open(&process.body, opening, &act).map_err(|rejection| rejected(rejection, "ticket"))?;
        let settled = settle(&catalog, &[], change.facts, &change.next, now);
        let number = i64::try_from(number).map_err(Error::internal)?;
        let (after, facts) = begun(number, self.kit.clock.id(), change.next, settled, now);
        if write.validate_only {
            let ticket = Ticket { name: String::new(), ..after.ticket };
            return Ok(Some(for_scope(Stored { ticket, ..after }, &scope)));
        }
        let mut job = Write::new(0, after.clone(), facts, self.kit.clock.id())?;
        job.request = Some(write.key.clone());
        job.scope = scope.deciding();
        job.deadline = write.deadline;
        match self.writer.write(job).await {
            Ok(Outcome::Written) => Ok(Some(for_scope(after, &scope))),
            Ok(Outcome::Raced) => Ok(None),
            Err(error) if error.reason() == error::CONFLICT => Ok(None),
            Err(error) => Err(error.on_constraint(SOURCE_KEY, || taken(&after.ticket))),
        }
    }
}

fn not_published(process: &str) -> Error {
    let text = format!("no revision of {process} is in force: publish one, or name another process");
    Error::refused(PROCESS_NOT_PUBLISHED, process, text)
}

/// The fields as they are to be, with the customer that a bound caller need not say.
fn fields(command: &OpenTicket, write: &standard::Write, scope: &Scope, catalog: &Snapshot) -> Result<Changes, Error> {
    let mut fields = command.fields.clone();
    if let (Some(customer), Patch::Keep) = (&write.caller.customer, &fields.customer) {
        fields.customer = Patch::Set(customer.clone());
    }
    refer::check(&fields, scope, catalog)?;
    if fields.source_system.is_keep() != fields.source_id.is_keep() {
        let text = "goes with source_system: give both or neither";
        return Err(Error::invalid("ticket.source_id", text));
    }
    Ok(fields)
}

fn taken(ticket: &Ticket) -> Error {
    let id = ticket.source_id.as_deref().unwrap_or_default();
    let text = format!(
        "a ticket with the id {id} of {} exists already: look it up by its source",
        ticket.source_system.as_deref().unwrap_or_default()
    );
    Error::refused(error::RESOURCE_EXISTS, "", text).with("source_id", id)
}
