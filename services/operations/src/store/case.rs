//! What single requests read before they decide, for many of them at once.

use std::sync::Arc;

use servicekit::db::Connection;
use servicekit::idempotency::{self, Done, Key};
use servicekit::lookup::Lookup;
use servicekit::{Error, Scope};

use super::fact;
use super::number;
use super::ticket::{Part, Stored, get_many};
use crate::catalog::{Catalog, Snapshot};

/// A ticket to be read.
pub struct Get {
    /// Its number.
    pub number: i64,
    /// What of it is wanted.
    pub part: Part,
    /// Who asks.
    pub scope: Scope,
}

impl Lookup for Get {
    type Answer = Option<Stored>;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    async fn read(connection: &mut Connection, lookups: &[Self]) -> Result<Vec<Option<Stored>>, Error> {
        let Some(first) = lookups.first() else { return Ok(Vec::new()) };
        let whole = lookups.iter().any(|lookup| lookup.part == Part::Whole);
        let part = if whole { Part::Whole } else { Part::WithoutClocks };
        let numbers: Vec<i64> = lookups.iter().map(|lookup| lookup.number).collect();
        let found = get_many(connection, &first.scope, &numbers, part).await?;
        Ok(numbers.iter().map(|number| found.get(number).cloned()).collect())
    }
}

/// What a ticket is opened on.
pub struct Open {
    /// The request.
    pub key: Key,
    /// Whether a number is to be drawn: for a trial it would only be a gap.
    pub numbered: bool,
    /// What the decision is held to.
    pub scope: Scope,
    /// Where promises and processes are read.
    pub catalog: Catalog,
}

/// What was found for a ticket that is to be opened.
pub struct Opened {
    /// What the request did before.
    pub done: Result<Option<Done>, Error>,
    /// A number of its own.
    pub number: u64,
    /// The catalog no older than the request.
    pub catalog: Arc<Snapshot>,
}

impl Lookup for Open {
    type Answer = Opened;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    async fn read(connection: &mut Connection, lookups: &[Self]) -> Result<Vec<Opened>, Error> {
        let Some(first) = lookups.first() else { return Ok(Vec::new()) };
        let catalog = first.catalog.latest(connection).await;
        let keys: Vec<&Key> = lookups.iter().map(|lookup| &lookup.key).collect();
        let done = idempotency::check_many(connection, &keys).await?;
        let wanted = lookups.iter().filter(|lookup| lookup.numbered).count();
        let mut numbers = number::draw(connection, wanted).await?.into_iter();
        let opened = lookups.iter().zip(done).map(|(lookup, done)| Opened {
            done,
            number: if lookup.numbered { numbers.next() } else { None }.unwrap_or(1),
            catalog: Arc::clone(&catalog),
        });
        Ok(opened.collect())
    }
}

/// What a change of a ticket is decided on.
pub struct Change {
    /// The request.
    pub key: Key,
    /// The ticket: its name and the number in it.
    pub name: String,
    /// The number.
    pub number: i64,
    /// What the decision is held to.
    pub scope: Scope,
    /// Where promises and processes are read.
    pub catalog: Catalog,
}

/// What was found for a ticket that is to be changed.
pub struct Found {
    /// What the request did before.
    pub done: Result<Option<Done>, Error>,
    /// The ticket of that number.
    pub stored: Option<Stored>,
    /// Its facts, in the order in which they were recorded.
    pub facts: Vec<fact::Entry>,
    /// The catalog no older than the request.
    pub catalog: Arc<Snapshot>,
}

impl Lookup for Change {
    type Answer = Found;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    async fn read(connection: &mut Connection, lookups: &[Self]) -> Result<Vec<Found>, Error> {
        let Some(first) = lookups.first() else { return Ok(Vec::new()) };
        let catalog = first.catalog.latest(connection).await;
        let keys: Vec<&Key> = lookups.iter().map(|lookup| &lookup.key).collect();
        let done = idempotency::check_many(connection, &keys).await?;
        let numbers: Vec<i64> = lookups.iter().map(|lookup| lookup.number).collect();
        let stored = get_many(connection, &first.scope, &numbers, Part::Whole).await?;
        let names: Vec<String> = stored.values().map(|stored| stored.ticket.name.clone()).collect();
        let facts = fact::of_many(connection, &names).await?;
        let found = lookups.iter().zip(done).map(|(lookup, done)| Found {
            done,
            stored: stored.get(&lookup.number).cloned(),
            facts: facts.get(&lookup.name).cloned().unwrap_or_default(),
            catalog: Arc::clone(&catalog),
        });
        Ok(found.collect())
    }
}
