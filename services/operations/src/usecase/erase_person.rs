//! Erases a person from tickets, from what stands beside their facts, and from what else is kept of people here.
//! Subjects are found by ranges of positions and erased in batches: each is erased as a whole or not at all.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use domain::privacy::{Erasure, Kind, Private, is_erased, is_person, listed, mentions};
use domain::ticket::{Audience, Erased, Fact, NewFact, Recorded, Ticket, fold, names_of_concern};
use jiff::Timestamp;
use serde_json::json;
use servicekit::clock::salt;
use servicekit::db::Connection;
use servicekit::error::{Error, SERVER_STOPPING};
use servicekit::{Scope, Violation, journal, standard};

use super::Operations;
use super::change_ticket::after;
use super::import_tickets::blocking;
use crate::catalog::Snapshot;
use crate::error::CUSTOMER_FIXED;
use crate::settle::settle;
use crate::store::fact;
use crate::store::privacy::{
    Beside, beside, delete_delegation, forget_requests, kept, last_position, lock, replace, subjects,
};
use crate::store::ticket::Stored;
use crate::store::write::{Outcome, Write, write_many};

/// Positions that are looked through at once.
const RANGE: i64 = 20_000;
/// Subjects that are erased together.
const BATCH: usize = 50;
/// What names of delegations begin with.
const DELEGATIONS: &str = "approvalDelegations/";

/// Who is to be erased.
#[derive(Debug, Clone)]
pub struct ErasePerson {
    /// The person: `people/ann`.
    pub person: String,
    /// Why, for people.
    pub reason: String,
}

/// What was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Tickets with something erased.
    pub tickets: i64,
    /// Facts with something erased.
    pub facts: i64,
    /// Texts and other values.
    pub texts: i64,
    /// Places in which the person was named.
    pub names: i64,
    /// Delegations that were deleted.
    pub delegations: i64,
    /// Facts that name the person and stay.
    pub kept: i64,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.tickets += other.tickets;
        self.facts += other.facts;
        self.texts += other.texts;
        self.names += other.names;
        self.delegations += other.delegations;
        self.kept += other.kept;
    }

    fn tokens(&mut self, tokens: &[String]) {
        let names = tokens.iter().filter(|token| Kind::of(token) == Some(Kind::Person)).count();
        self.names += i64::try_from(names).unwrap_or(i64::MAX);
        self.texts += i64::try_from(tokens.len() - names).unwrap_or(i64::MAX);
    }
}

impl Operations {
    /// Erases a person and says what that was; with `validate_only` what it would be.
    pub async fn erase_person(&self, write: standard::Write, command: ErasePerson) -> Result<Count, Error> {
        if write.caller.customer.is_some() {
            let text = "people are erased from tickets of any customer: use a caller that is bound to none";
            return Err(Error::refused(CUSTOMER_FIXED, "", text));
        }
        check(&write, &command)?;
        let erasing = Erasing { operations: self.clone(), write, command };
        self.kit.complete(async move { erasing.run().await }).await
    }
}

fn check(write: &standard::Write, command: &ErasePerson) -> Result<(), Error> {
    let ErasePerson { person, reason } = command;
    let mut found = Vec::new();
    if !is_person(person) || person.len() == "people/".len() || person.chars().any(char::is_control) {
        found.push(Violation::new("person", "is no name of a person: write people/ and an id"));
    } else if is_erased(person) {
        found.push(Violation::new("person", "is what erased people are called: name somebody else"));
    } else if *person == write.caller.actor {
        found.push(Violation::new("person", "is the caller, who stays on record: let somebody else ask"));
    } else if mentions(reason, person) {
        found.push(Violation::new("reason", "names the person and would stay: leave the name out"));
    }
    Error::check(found)
}

struct Erasing {
    operations: Operations,
    write: standard::Write,
    command: ErasePerson,
}

impl Erasing {
    async fn run(&self) -> Result<Count, Error> {
        let Self { operations: Operations { kit, .. }, write, command: ErasePerson { person, .. } } = self;
        let mut count = Count::default();
        let mut done: BTreeSet<String> = BTreeSet::new();
        let mut from = 1;
        // What is written meanwhile is looked at too, until there is no more.
        loop {
            let mut connection = kit.database.get(&Scope::Everything).await?;
            let last = last_position(&mut connection).await?;
            if from > last {
                break;
            }
            let to = last.min(from + RANGE - 1);
            let found = subjects(&mut connection, person, from, to).await?;
            count.kept += kept(&mut connection, person, from, to).await?;
            drop(connection);
            let found: Vec<String> = found.into_iter().filter(|subject| !done.contains(subject)).collect();
            for batch in found.chunks(BATCH) {
                if kit.stop.is_cancelled() {
                    let text = "the server is stopping and erased a part: ask again, and the rest is erased";
                    return Err(Error::refused(SERVER_STOPPING, "", text));
                }
                let work = async |connection: &mut Connection| self.erase(connection, batch).await;
                count.add(kit.write("erase person", &Scope::Everything, write.validate_only, work).await?);
            }
            done.extend(found);
            from = to + 1;
        }
        let work = async |connection: &mut Connection| forget_requests(connection, person).await;
        kit.write("forget requests", &Scope::Everything, write.validate_only, work).await?;
        Ok(count)
    }

    /// Erases the person from tickets and delegations, in the transaction at hand.
    async fn erase(&self, connection: &mut Connection, subjects: &[String]) -> Result<Count, Error> {
        let mut count = Count::default();
        for name in subjects.iter().filter(|subject| subject.starts_with(DELEGATIONS)) {
            count.add(self.erase_delegation(connection, name).await?);
        }
        let tickets = lock(connection, subjects).await?;
        let names: Vec<String> = tickets.iter().map(|stored| stored.ticket.name.clone()).collect();
        if names.is_empty() {
            return Ok(count);
        }
        let mut erased = Tokens::default();
        let facts = fact::of_many(connection, &names).await?;
        let person = &self.command.person;
        let first = names.iter().filter_map(|name| facts.get(name)).map(|entries| {
            let concerns = |entry: &fact::Entry| names_of_concern(&entry.recorded.fact).any(|name| name == person);
            let about = entries.iter().any(concerns);
            let mut erasure = Erasure::of(person, about, entries.iter().map(|entry| &entry.private));
            for entry in entries {
                erasure.note(&entry.recorded.actor, &entry.private);
            }
            (erasure, entries)
        });
        let changed: Vec<(i64, Private)> =
            first.flat_map(|(erasure, entries)| erased.take(&erasure, entries, &mut count)).collect();
        replace(connection, &changed).await?;

        // Digests of what was erased tell it to whoever guesses it.
        let facts = fact::of_many(connection, &names).await?;
        let digests = tickets.iter().filter_map(|stored| {
            let entries = facts.get(&stored.ticket.name)?;
            let texts = digests_of(&stored.ticket, &folded(entries)?);
            Some((Erasure { texts, ..Erasure::of(person, false, []) }, entries))
        });
        let changed: Vec<(i64, Private)> =
            digests.flat_map(|(erasure, entries)| erased.take(&erasure, entries, &mut count)).collect();
        let facts = if changed.is_empty() {
            facts
        } else {
            replace(connection, &changed).await?;
            fact::of_many(connection, &names).await?
        };

        count.tickets += i64::try_from(erased.listed.len()).unwrap_or(i64::MAX);
        count.facts += i64::try_from(erased.positions.len()).unwrap_or(i64::MAX);
        let catalog = self.operations.catalog.latest(connection).await;
        let clock = Arc::clone(&self.operations.kit.clock);
        let (reason, actor) = (self.command.reason.clone(), self.write.caller.actor.clone());
        let writes = blocking(move || {
            let now = clock.now();
            let writes = tickets.into_iter().filter_map(|stored| {
                let tokens = erased.listed.remove(&stored.ticket.name)?;
                let fact = NewFact {
                    fact: Fact::Erased(Erased { reason: reason.clone(), tokens }),
                    occurred_at: now,
                    source_recorded_at: None,
                    source_sequence: 0,
                    actor: actor.clone(),
                    audience: Audience::Internal,
                };
                Some(judge(&catalog, &stored, &facts, fact, now, clock.id()))
            });
            writes.collect::<Result<Vec<_>, _>>()
        });
        let outcomes = write_many(connection, &writes.await??).await?;
        if outcomes.contains(&Outcome::Raced) {
            return Err(Error::Conflict);
        }
        Ok(count)
    }

    /// Deletes a delegation by or to the person, and erases it from its facts.
    async fn erase_delegation(&self, connection: &mut Connection, name: &str) -> Result<Count, Error> {
        let facts = beside(connection, name).await?;
        let erasure = Erasure::of(&self.command.person, true, facts.iter().map(|fact| &fact.private));
        let mut count = Count::default();
        let (mut changed, mut tokens) = (Vec::new(), Vec::new());
        for Beside { position, actor, mut private, .. } in facts.iter().map(Beside::clone) {
            let gone = erasure.erase(&actor, &mut private);
            if !gone.is_empty() {
                count.facts += 1;
                count.tokens(&gone);
                changed.push((position, private));
                tokens.extend(gone.iter().map(|token| listed(token)));
            }
        }
        let Some(last) = facts.last().filter(|_| !tokens.is_empty()) else { return Ok(count) };
        replace(connection, &changed).await?;
        delete_delegation(connection, name).await?;
        let (mut private, mut actor) = (Private::default(), self.write.caller.actor.clone());
        private.hide_actor(&mut actor, &mut salt);
        let kit = &self.operations.kit;
        let fact = journal::NewFact {
            occurred_at: kit.clock.now(),
            source_recorded_at: None,
            source_sequence: 0,
            actor,
            customer_id: last.customer_id.clone(),
            audience: journal::Audience::Internal,
            subject: name.to_owned(),
            subject_version: last.version + 1,
            kind: "approval_delegation.erased.v1".to_owned(),
            payload: json!({ "reason": self.command.reason, "tokens": tokens }),
        };
        journal::append_private(connection, kit.clock.id(), &[fact], &[private]).await?;
        count.delegations = 1;
        Ok(count)
    }
}

/// What was erased.
#[derive(Default)]
struct Tokens {
    /// Tokens as facts list them, by the name of the ticket.
    listed: BTreeMap<String, Vec<String>>,
    /// Positions of the facts that have them.
    positions: BTreeSet<i64>,
}

impl Tokens {
    /// Erases from what stands beside facts; answers what then does, where that is something else.
    fn take(&mut self, erasure: &Erasure<'_>, entries: &[fact::Entry], count: &mut Count) -> Vec<(i64, Private)> {
        let mut changed = Vec::new();
        for entry in entries {
            let mut private = entry.private.clone();
            let gone = erasure.erase(&entry.recorded.actor, &mut private);
            if !gone.is_empty() {
                count.tokens(&gone);
                changed.push((entry.recorded.position, private));
                self.positions.insert(entry.recorded.position);
                let tokens = self.listed.entry(entry.subject.clone()).or_default();
                tokens.extend(gone.iter().map(|token| listed(token)));
            }
        }
        changed
    }
}

fn folded(entries: &[fact::Entry]) -> Option<Ticket> {
    fold(entries.iter().map(|entry| &entry.recorded))
}

/// Digests, in approvals of the ticket as it was, of what is another value now.
fn digests_of(before: &Ticket, now: &Ticket) -> BTreeSet<String> {
    let asked = before.approvals.iter().flat_map(|approval| &approval.asked.fields);
    let gone = asked.filter(|(path, _)| before.value(path) != now.value(path));
    gone.map(|(_, digest)| digest.clone()).filter(|digest| !digest.is_empty()).collect()
}

/// The ticket as its facts now leave it, with the fact that says so.
fn judge(
    catalog: &Snapshot,
    stored: &Stored,
    facts: &HashMap<String, Vec<fact::Entry>>,
    fact: NewFact,
    now: Timestamp,
    change_id: uuid::Uuid,
) -> Result<Write, Error> {
    let name = &stored.ticket.name;
    let known: Vec<Recorded> = facts.get(name).into_iter().flatten().map(|entry| entry.recorded.clone()).collect();
    let ticket = fold(&known).ok_or_else(|| Error::internal(format!("{name} has no facts")))?;
    let settled = settle(catalog, &known, vec![fact], &ticket, stored.created_at);
    let (after, facts) = after(stored, ticket, settled, now);
    Write::new(stored.version, after, facts, change_id)
}
