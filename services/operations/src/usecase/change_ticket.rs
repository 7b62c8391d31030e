//! What every change of one ticket has in common: read, decide, write if nobody was faster, else decide again.

use domain::process::Process;
use domain::ticket::Recorded;
use domain::ticket::command::{Act, Change};
use jiff::Timestamp;
use servicekit::error::{self, Error};
use servicekit::standard;
use servicekit::{idempotency, resource};
use uuid::Uuid;

use super::{Operations, actor, for_scope, number_of, of_name, process_of, replay};
use crate::catalog::Snapshot;
use crate::settle::{Settled, settle};
use crate::store::case;
use crate::store::ticket::Stored;
use crate::store::write::{Outcome, Write};

/// How often a change is decided at most when others keep changing the ticket. Changes here take turns, so each loss is
/// a change made by another server: more than this in a row is a storm on one ticket.
const ATTEMPTS: usize = 64;

/// What a change is decided on.
pub(super) struct Case<'a> {
    /// The ticket as it is.
    pub(super) stored: &'a Stored,
    /// Its facts on record.
    pub(super) known: &'a [Recorded],
    /// The process that governs it.
    pub(super) process: &'a Process,
    /// The catalog now.
    pub(super) catalog: &'a Snapshot,
    /// Who acts, and when.
    pub(super) act: Act<'a>,
}

impl Operations {
    /// Changes a ticket as `decide` says, which may be called more than once.
    pub(super) async fn change<F>(
        &self,
        write: standard::Write,
        name: String,
        etag: String,
        decide: F,
    ) -> Result<Stored, Error>
    where
        F: Fn(&Case<'_>) -> Result<Change, Error> + Send + Sync + 'static,
    {
        let operations = self.clone();
        let changing = async move {
            let _turn = operations.turn(number_of(&name)?).await;
            for _ in 0..ATTEMPTS {
                if let Some(stored) = operations.attempt(&write, &name, &etag, &decide).await? {
                    return Ok(stored);
                }
            }
            Err(came_second(&name))
        };
        self.kit.complete(changing).await
    }

    /// One attempt; nothing when somebody else changed the ticket meanwhile.
    async fn attempt<F>(
        &self,
        write: &standard::Write,
        name: &str,
        etag: &str,
        decide: &F,
    ) -> Result<Option<Stored>, Error>
    where
        F: Fn(&Case<'_>) -> Result<Change, Error>,
    {
        let scope = self.kit.scope_of(&write.caller);
        let change = case::Change {
            key: write.key.clone(),
            name: name.to_owned(),
            number: number_of(name)?,
            scope: scope.deciding(),
            catalog: self.catalog.clone(),
        };
        let case::Found { done, stored, facts, catalog } = self.changes.find(change).await?;
        if let Some(done) = done? {
            let mut connection = self.kit.database.get(&scope.deciding()).await?;
            return replay::rebuild(&mut connection, &catalog, &scope, &write.key, &done).await.map(Some);
        }
        let stored = of_name(stored, name)?;
        resource::match_etag(name, stored.edited_version, etag)?;
        let known: Vec<Recorded> = facts.into_iter().map(|entry| entry.recorded).collect();
        let process = process_of(&catalog, &stored.ticket)?;
        let now = self.kit.clock.now();
        let caller = actor(&write.caller, catalog.standing(&write.caller, &process, &stored.ticket, now));
        let act = Act { policies: catalog.policies(), ..Act::now(&caller, now) };
        let change = decide(&Case { stored: &stored, known: &known, process: &process, catalog: &catalog, act })?;
        if change.facts.is_empty() {
            if !write.validate_only {
                self.remember(write, &stored, now).await?;
            }
            return Ok(Some(for_scope(stored, &scope)));
        }
        let settled = settle(&catalog, &known, change.facts, &change.next, stored.created_at);
        let (after, facts) = after(&stored, change.next, settled, now);
        if write.validate_only {
            return Ok(Some(for_scope(after, &scope)));
        }
        let mut job = Write::new(stored.version, after.clone(), facts, self.kit.clock.id())?;
        job.request = Some(write.key.clone());
        job.scope = scope.deciding();
        job.deadline = write.deadline;
        match self.writer.write(job).await {
            Ok(Outcome::Written) => Ok(Some(for_scope(after, &scope))),
            Ok(Outcome::Raced) => Ok(None),
            // The same request at the same time: the next attempt finds what it did.
            Err(error) if error.reason() == error::CONFLICT => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Remembers a request that had nothing to change.
    async fn remember(&self, write: &standard::Write, stored: &Stored, now: Timestamp) -> Result<(), Error> {
        let done = idempotency::Done { resource: stored.ticket.name.clone(), version: stored.version };
        let key = &write.key;
        self.kit
            .write("remember request", &self.kit.scope_of(&write.caller), false, async |connection| {
                if idempotency::check(connection, key).await?.is_none() {
                    idempotency::record(connection, key, &done, now).await?;
                }
                Ok(())
            })
            .await
    }
}

/// The row of a new ticket, and the facts to be recorded with it.
pub(crate) fn begun(
    number: i64,
    uid: Uuid,
    ticket: domain::ticket::Ticket,
    settled: Settled,
    now: Timestamp,
) -> (Stored, Vec<domain::ticket::NewFact>) {
    let begun = Stored {
        number,
        uid,
        version: 1,
        edited_version: 1,
        created_at: now,
        updated_at: now,
        ticket,
        clocks: settled.clocks,
        clock_state: settled.clock_state,
        due_at: settled.due_at,
        duty_due_at: settled.duty_due_at,
        next_fire_at: settled.next_fire_at,
        calendars: settled.calendars,
        nonconformance_count: settled.nonconformance_count,
    };
    (begun, settled.facts)
}

/// The row after a change, and the facts to be recorded with it. Observations alone are a version of their own, but
/// neither an edit nor an update; without any fact the version stays.
pub(crate) fn after(
    before: &Stored,
    next: domain::ticket::Ticket,
    settled: Settled,
    now: Timestamp,
) -> (Stored, Vec<domain::ticket::NewFact>) {
    let version = before.version + i64::from(!settled.facts.is_empty());
    let edited = settled.facts.iter().any(|fact| !fact.fact.is_observation());
    let after = Stored {
        version,
        edited_version: if edited { version } else { before.edited_version },
        updated_at: if edited { now } else { before.updated_at },
        ticket: next,
        clocks: settled.clocks,
        clock_state: settled.clock_state,
        due_at: settled.due_at,
        duty_due_at: settled.duty_due_at,
        next_fire_at: settled.next_fire_at,
        calendars: settled.calendars,
        nonconformance_count: settled.nonconformance_count,
        ..before.clone()
    };
    (after, settled.facts)
}

/// The refusal of a change that lost every race.
pub(super) fn came_second(name: &str) -> Error {
    Error::refused(error::CONFLICT, name, format!("{name} was changed by others {ATTEMPTS} times meanwhile: try again"))
}
