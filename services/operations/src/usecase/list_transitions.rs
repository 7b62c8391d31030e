//! What may be done with a ticket in its state.

use std::sync::Arc;

use domain::process::Process;
use domain::ticket::command::{Allowed, Caller as Actor, allowed_transitions};
use servicekit::{Caller, Error, Scope};

use super::{Operations, actor, process_of};
use crate::store::ticket::{Part, Stored};

/// A ticket with the process that says what may be done with it.
#[derive(Debug, Clone)]
pub struct Next {
    stored: Stored,
    process: Arc<Process>,
    actor: Actor,
}

impl Next {
    /// Every transition that leaves the state of the ticket, in the order of the process.
    pub fn transitions(&self) -> Vec<Allowed<'_>> {
        allowed_transitions(&self.process, &self.stored.ticket, &self.actor)
    }
}

impl Operations {
    /// Looks up what the caller may do with a ticket.
    pub async fn allowed_transitions(&self, caller: &Caller, name: &str) -> Result<Next, Error> {
        let stored = self.get_ticket(caller, name, Part::WithoutClocks).await?;
        let mut connection = self.kit.database.get(&Scope::Everything).await?;
        let catalog = self.catalog.latest(&mut connection).await;
        let process = process_of(&catalog, &stored.ticket)?;
        let actor = actor(caller, catalog.standing(caller, &process, &stored.ticket, self.kit.clock.now()));
        Ok(Next { stored, process, actor })
    }
}
