//! Puts on record which thresholds clocks have reached, and lets follow what their objectives say. Any number of servers
//! may do it at once: each takes tickets that no other has in hand, and decides on what is on record of them.

use std::collections::HashMap;
use std::sync::Arc;

use domain::ticket::Recorded;
use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use servicekit::db::Connection;
use servicekit::{Error, Scope};

use super::Operations;
use super::change_ticket::after;
use super::import_tickets::blocking;
use crate::catalog::Snapshot;
use crate::fire::fire;
use crate::store::fact;
use crate::store::schedule::{Look, claim, numbers, outlook, postpone};
use crate::store::ticket::Stored;
use crate::store::write::{Outcome, Write, write_many};

/// Tickets that are judged and written together.
const BATCH: usize = 250;
/// Batches that are under way at once.
const IN_FLIGHT: usize = 3;
/// How long a ticket waits that cannot be judged.
const POSTPONED: SignedDuration = SignedDuration::from_mins(1);

impl Operations {
    /// Fires all that is due, reads anew the clocks that older calendars measured, and answers when the next threshold
    /// is reached. Empty: none is.
    pub async fn fire_thresholds(&self) -> Result<Option<Timestamp>, Error> {
        loop {
            let now = self.kit.clock.now();
            let calendars = self.catalog.now().calendars();
            let mut connection = self.kit.database.get(&Scope::Everything).await?;
            let ahead = outlook(&mut connection, calendars).await?;
            drop(connection);
            let look = match ahead.next_fire_at {
                _ if ahead.outdated => Look::ReadBefore(calendars),
                Some(at) if at <= now => Look::Due(now),
                next => return Ok(next),
            };
            let looked = try_join_all((0..IN_FLIGHT).map(|_| self.fire_all(look))).await?;
            // What is left is in the hands of others.
            if looked.into_iter().sum::<usize>() == 0 || self.kit.stop.is_cancelled() {
                return Ok(ahead.next_fire_at);
            }
        }
    }

    /// Takes batch after batch until there are no more, and answers how many tickets it has had.
    async fn fire_all(&self, look: Look) -> Result<usize, Error> {
        let mut looked = 0;
        loop {
            let taken = self.fire_some(look).await?;
            looked += taken;
            if taken < BATCH || self.kit.stop.is_cancelled() {
                return Ok(looked);
            }
        }
    }

    /// One batch. If it cannot be written each of its tickets is tried alone, so that only the one at fault waits.
    async fn fire_some(&self, look: Look) -> Result<usize, Error> {
        match self.try_to_fire(look).await {
            Err(cause) if !passes(&cause) => tracing::warn!(%cause, "a batch of tickets is judged one by one"),
            outcome => return outcome,
        }
        let numbers = numbers(&mut self.kit.database.get(&Scope::Everything).await?, look, limit()).await?;
        for &number in &numbers {
            match self.try_to_fire(Look::Numbered(number)).await {
                Ok(_) => {}
                Err(cause) if passes(&cause) => return Err(cause),
                Err(cause) => {
                    tracing::error!(number, %cause, "the clocks of a ticket cannot be judged: it waits");
                    let until = self.kit.clock.now() + POSTPONED;
                    let calendars = self.catalog.now().calendars();
                    let work = async |connection: &mut Connection| postpone(connection, number, until, calendars).await;
                    self.kit.database.transaction("postpone", &Scope::Everything, work).await?;
                }
            }
        }
        Ok(numbers.len())
    }

    /// Takes, judges and writes a batch in one transaction.
    async fn try_to_fire(&self, look: Look) -> Result<usize, Error> {
        let work = async |connection: &mut Connection| self.fire_on(connection, look).await;
        self.kit.write("fire thresholds", &Scope::Everything, false, work).await
    }

    async fn fire_on(&self, connection: &mut Connection, look: Look) -> Result<usize, Error> {
        let tickets = claim(connection, look, limit()).await?;
        if tickets.is_empty() {
            return Ok(0);
        }
        let taken = tickets.len();
        let names: Vec<String> = tickets.iter().map(|stored| stored.ticket.name.clone()).collect();
        let facts = fact::of_many(connection, &names).await?;
        let catalog = self.catalog.latest(connection).await;
        let clock = Arc::clone(&self.kit.clock);
        let judging = move || {
            let now = clock.now();
            let tickets = tickets.into_iter();
            tickets.map(|stored| judge(&catalog, stored, &facts, now, clock.id())).collect::<Result<Vec<_>, _>>()
        };
        let writes = blocking(judging).await??;
        let outcomes = write_many(connection, &writes).await?;
        if outcomes.contains(&Outcome::Raced) {
            return Err(Error::Conflict);
        }
        Ok(taken)
    }
}

/// What becomes of one ticket: new facts, or only its clocks read anew.
fn judge(
    catalog: &Snapshot,
    stored: Stored,
    facts: &HashMap<String, Vec<fact::Entry>>,
    now: Timestamp,
    change_id: uuid::Uuid,
) -> Result<Write, Error> {
    let known = facts.get(&stored.ticket.name).into_iter().flatten();
    let known: Vec<Recorded> = known.map(|entry| entry.recorded.clone()).collect();
    let (ticket, settled) = fire(catalog, &stored, &known, now);
    let expected = stored.version;
    let (after, facts) = after(&stored, ticket, settled, now);
    Write::new(expected, after, facts, change_id)
}

/// Whether it may go better in a while, for every ticket alike.
fn passes(error: &Error) -> bool {
    matches!(error, Error::Unavailable { .. } | Error::Busy { .. })
}

fn limit() -> i64 {
    i64::try_from(BATCH).unwrap_or(i64::MAX)
}
