//! Writes a note on a ticket. A customer's public note resumes a ticket that waits for the customer.

use domain::ticket::command::{self, add_note};
use domain::ticket::{Fact, Noted};
use servicekit::{Error, standard};

use super::list_notes::{Note, notes_of};
use super::{Operations, side_of};
use crate::error::rejected;

impl Operations {
    /// Adds a note; with `validate_only` the answer has the number 0.
    pub async fn add_note(&self, write: standard::Write, name: String, note: command::Note) -> Result<Note, Error> {
        let validate_only = write.validate_only;
        let caller = write.caller.clone();
        let text = note.text.clone();
        let audience = note.audience;
        let stored = self
            .change(write, name.clone(), String::new(), move |case| {
                add_note(case.process, &case.stored.ticket, &note, &case.act)
                    .map_err(|rejection| rejected(rejection, "note"))
            })
            .await?;
        if validate_only {
            let by = side_of(&caller);
            let written = domain::ticket::NewFact {
                fact: Fact::Noted(Noted { by, text: text.clone() }),
                occurred_at: self.kit.clock.now(),
                source_recorded_at: None,
                source_sequence: 0,
                actor: caller.actor.clone(),
                audience,
            };
            return Ok(Note { number: 0, version: stored.version, recorded: written.at(0), text });
        }
        let mut connection = self.kit.database.get(&self.kit.scope_of(&caller).deciding()).await?;
        let notes = notes_of(&mut connection, &name).await?;
        notes.into_iter().find(|found| found.version == stored.version).ok_or_else(|| {
            Error::internal(format!("the note of version {} of {name} is not on record", stored.version))
        })
    }
}
