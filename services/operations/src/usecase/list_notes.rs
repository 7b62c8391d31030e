//! The notes of a ticket, oldest first. They are numbered in the order in which they were recorded.

use domain::ticket::{Audience, Fact, Recorded};
use servicekit::db::Connection;
use servicekit::page::Page;
use servicekit::{Caller, Error};

use super::Operations;
use super::list_facts::PageOf;
use crate::store::fact;
use crate::store::ticket::Part;

/// A note of a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// Its number among the notes of the ticket, from 1.
    pub number: usize,
    /// Version of the ticket with which it came.
    pub version: i64,
    /// The fact that it was written; its audience is the note's.
    pub recorded: Recorded,
    /// What it says.
    pub text: String,
}

impl Operations {
    /// Lists the notes that the caller may see.
    pub async fn list_notes(&self, caller: &Caller, request: PageOf<'_>) -> Result<Page<Note>, Error> {
        let scope = self.kit.scope_of(caller);
        self.get_ticket(caller, request.ticket, Part::WithoutClocks).await?;
        // Their numbers count the others.
        let mut connection = self.kit.database.get(&scope.deciding()).await?;
        let mut notes = notes_of(&mut connection, request.ticket).await?;
        notes.retain(|note| scope.sees_internal() || note.recorded.audience == Audience::Public);
        request.cut(&self.kit, caller, notes, |note| note.recorded.key())
    }
}

/// All notes of a ticket, by number.
pub(super) async fn notes_of(connection: &mut Connection, name: &str) -> Result<Vec<Note>, Error> {
    let entries = fact::of(connection, name).await?.into_iter();
    let noted = entries.filter_map(|entry| match &entry.recorded.fact {
        Fact::Noted(noted) => Some((noted.text.clone(), entry)),
        _ => None,
    });
    let notes = noted.zip(1..);
    Ok(notes
        .map(|((text, fact::Entry { recorded, version, .. }), number)| Note { number, version, recorded, text })
        .collect())
}
