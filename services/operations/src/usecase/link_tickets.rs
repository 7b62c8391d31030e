//! Relates two tickets: each gets its side of the link, both in one transaction or neither.

use domain::governance::Standing;
use domain::ticket::command::{Act, link, unlink};
use domain::ticket::{Link, Recorded};
use jiff::Timestamp;
use servicekit::db::Connection;
use servicekit::{Error, Kit, Scope, idempotency, resource, standard};

use super::change_ticket::after;
use super::{Operations, actor, for_scope, number_of, of_name, replay};
use crate::catalog::Snapshot;
use crate::error::rejected;
use crate::settle::settle;
use crate::store::fact;
use crate::store::ticket::{Part, Stored, get_many};
use crate::store::write::{Outcome, Write, write_many};

/// The relation.
#[derive(Debug, Clone)]
pub struct LinkTickets {
    /// Name of the ticket that gets the link.
    pub name: String,
    /// Acts only on this version of it. Empty: on any.
    pub etag: String,
    /// The link.
    pub link: Link,
    /// Takes the link away instead.
    pub remove: bool,
}

impl Operations {
    /// Adds or removes a link; the other ticket gets, or loses, the inverse.
    pub async fn link_tickets(&self, write: standard::Write, command: LinkTickets) -> Result<Stored, Error> {
        let operations = self.clone();
        let linking = async move {
            let catalog = {
                let mut connection = operations.kit.database.get(&Scope::Everything).await?;
                operations.catalog.latest(&mut connection).await
            };
            let linking = Linking {
                scope: operations.kit.scope_of(&write.caller),
                kit: &operations.kit,
                catalog: &catalog,
                write: &write,
                command: &command,
            };
            let linking = &linking;
            let work = async |connection: &mut Connection| linking.run(connection).await;
            operations.kit.write("link tickets", &linking.scope.deciding(), write.validate_only, work).await
        };
        self.kit.complete(linking).await
    }
}

/// Everything that linking two tickets works with.
struct Linking<'a> {
    kit: &'a Kit,
    catalog: &'a Snapshot,
    scope: Scope,
    write: &'a standard::Write,
    command: &'a LinkTickets,
}

impl Linking<'_> {
    async fn run(&self, connection: &mut Connection) -> Result<Stored, Error> {
        let Self { command, scope, .. } = self;
        let key = &self.write.key;
        if let Some(done) = idempotency::check(connection, key).await? {
            return replay::rebuild(connection, self.catalog, scope, key, &done).await;
        }
        let number = number_of(&command.name)?;
        let other_number = number_of(&command.link.ticket).map_err(|_| missing(&command.link))?;
        let mut found = get_many(connection, scope, &[number, other_number], Part::Whole).await?;
        let stored = of_name(found.get(&number).cloned(), &command.name)?;
        resource::match_etag(&command.name, stored.edited_version, &command.etag)?;
        let other = found.remove(&other_number).filter(|other| other.ticket.name == command.link.ticket);
        let other = other.ok_or_else(|| missing(&command.link))?;

        let now = self.kit.clock.now();
        let inverse = Link { kind: command.link.kind.inverse(), ticket: stored.ticket.name.clone() };
        let mut writes = Vec::with_capacity(2);
        let changed = self.one_side(connection, &stored, &command.link, now).await?;
        let answer = changed.as_ref().map_or_else(|| stored.clone(), |changed| changed.after.clone());
        if let Some(changed) = changed {
            writes.push(Write { request: Some(key.clone()), ..changed });
        } else {
            let done = idempotency::Done { resource: stored.ticket.name.clone(), version: stored.version };
            idempotency::record(connection, key, &done, now).await?;
        }
        writes.extend(self.one_side(connection, &other, &inverse, now).await?);
        let outcomes = write_many(connection, &writes).await?;
        if outcomes.contains(&Outcome::Raced) {
            return Err(Error::Conflict);
        }
        Ok(for_scope(answer, scope))
    }

    /// One side of the link; nothing if it is so already.
    async fn one_side(
        &self,
        connection: &mut Connection,
        stored: &Stored,
        wanted: &Link,
        now: Timestamp,
    ) -> Result<Option<Write>, Error> {
        let caller = actor(&self.write.caller, Standing::default());
        let act = Act::now(&caller, now);
        let decide = if self.command.remove { unlink } else { link };
        let change = decide(&stored.ticket, wanted, &act).map_err(|rejection| rejected(rejection, ""))?;
        if change.facts.is_empty() {
            return Ok(None);
        }
        let known = fact::of(connection, &stored.ticket.name).await?;
        let known: Vec<Recorded> = known.into_iter().map(|entry| entry.recorded).collect();
        let settled = settle(self.catalog, &known, change.facts, &change.next, stored.created_at);
        let (after, facts) = after(stored, change.next, settled, now);
        Write::new(stored.version, after, facts, self.kit.clock.id()).map(Some)
    }
}

fn missing(link: &Link) -> Error {
    Error::invalid("link.ticket", format!("{} does not exist: name another ticket", link.ticket))
}
