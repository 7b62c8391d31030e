//! The facts of a ticket in the order in which they happened.

use jiff::Timestamp;
use servicekit::journal::{Entry, entries_of};
use servicekit::page::{self, Binding, Page};
use servicekit::{Caller, Error, Kit};

use super::Operations;
use crate::store::ticket::Part;

/// A page of something that a ticket has a modest number of, and which is therefore read as a whole.
#[derive(Debug, Clone, Copy)]
pub struct PageOf<'a> {
    /// Full name of the method.
    pub method: &'static str,
    /// Name of the ticket.
    pub ticket: &'a str,
    /// As in the request.
    pub page_size: i32,
    /// As in the request. Empty: the first page.
    pub page_token: &'a str,
}

/// Where something stands among the facts of a ticket: when it happened, its place within that instant, its position.
pub(super) type Place = (Timestamp, i64, i64);

impl PageOf<'_> {
    /// Cuts the page out of all members. They are sorted by `place`, which no two of them share.
    pub(super) fn cut<T>(
        &self,
        kit: &Kit,
        caller: &Caller,
        mut members: Vec<T>,
        place: impl Fn(&T) -> Place,
    ) -> Result<Page<T>, Error> {
        let size = page::size(self.page_size)?;
        let binding = Binding::new(&[self.method, &caller.actor, caller.scope(), self.ticket]);
        let key = |member: &T| {
            let (at, sequence, position) = place(member);
            (at.as_microsecond(), sequence, position)
        };
        members.sort_by_key(key);
        if !self.page_token.is_empty() {
            let last: (i64, i64, i64) = kit.signer.open(&binding, self.page_token)?;
            members.retain(|member| key(member) > last);
        }
        let more = members.len() > size;
        members.truncate(size);
        let next_page_token = match members.last() {
            Some(last) if more => kit.signer.seal(&binding, &key(last)),
            _ => String::new(),
        };
        Ok(Page { items: members, next_page_token })
    }
}

impl Operations {
    /// Lists the facts that the caller may see.
    pub async fn list_facts(&self, caller: &Caller, request: PageOf<'_>) -> Result<Page<Entry>, Error> {
        let scope = self.kit.scope_of(caller);
        self.get_ticket(caller, request.ticket, Part::WithoutClocks).await?;
        let mut connection = self.kit.database.get(&scope).await?;
        let mut entries = entries_of(&mut connection, request.ticket).await?;
        entries.retain(|entry| scope.sees_internal() || entry.audience == "PUBLIC");
        request.cut(&self.kit, caller, entries, |entry| (entry.occurred_at, entry.source_sequence, entry.position))
    }
}
