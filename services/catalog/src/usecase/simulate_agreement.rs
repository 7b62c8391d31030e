//! Reads past tickets as if an agreement, or calendars, had said something else.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::agreement::Agreement;
use domain::amount::Money;
use domain::calendar::{Definition, Timeline};
use domain::clock::Book;
use domain::simulation::{Change, History, Pair, Simulation, Tally};
use jiff::Timestamp;
use servicekit::db::Connection;
use servicekit::{Caller, Error, Kit, Scope, Violation, resource};

use crate::findings;
use crate::histories::{Histories, Period};
use crate::store::{self, Agreement as StoredAgreement};

/// What would be otherwise, and for which tickets.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Name of the agreement.
    pub name: String,
    /// What it would say. Empty: what its working copy says.
    pub agreement: Option<Agreement>,
    /// Calendars by name, each in the place of every revision of its own.
    pub calendars: Vec<(String, Definition)>,
    /// When the tickets were opened.
    pub period: Period,
    /// When their clocks are read.
    pub read_at: Timestamp,
}

/// What it would come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Clocks, and verdicts that change, by opening of their tickets.
    pub tally: Tally,
    /// Credits owed, one for each currency.
    pub credits: Pair<Vec<Money>>,
}

/// Simulates; refused for what could not be published.
pub async fn run(kit: &Kit, caller: &Caller, histories: &Histories, proposal: Proposal) -> Result<Outcome, Error> {
    let Proposal { name, agreement, calendars, period, read_at } = proposal;
    let mut connection = kit.database.get(&Scope::Everything).await?;
    let working = resource::load::<StoredAgreement>(&mut connection, caller, &name).await?.body.definition;
    let agreement = agreement.unwrap_or(working);
    let replaced = compiled(calendars)?;
    let mut timelines = store::all_timelines(&mut connection).await?;
    let book = book(&mut connection, &timelines).await?;
    timelines.extend(replaced.clone());
    let priorities = store::published_priorities(&mut connection).await?;
    findings::refuse(&name, &findings::of_agreement(&agreement, &timelines, &BTreeMap::new(), &priorities))?;
    let landscape = store::landscape(&mut connection).await?;
    drop(connection);
    let tickets = histories.opened_in(kit, period).await?;
    let simulation = Arc::new(Simulation::new(&name, agreement, replaced, book, landscape, read_at));
    let mut tally = tallied(&simulation, tickets).await?;
    tally.changes.sort_by_cached_key(place);
    let credits = simulation.credits(&tally).map_err(Error::internal)?;
    Ok(Outcome { tally, credits })
}

/// Reads the clocks of the tickets, on every core.
async fn tallied(simulation: &Arc<Simulation>, tickets: Vec<Arc<History>>) -> Result<Tally, Error> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = tickets.len().div_ceil(cores).max(1);
    let shares = tickets.chunks(share).map(|share| {
        let (simulation, share) = (Arc::clone(simulation), share.to_vec());
        tokio::task::spawn_blocking(move || simulation.run(share.iter().map(Arc::as_ref)))
    });
    let mut tally = Tally::default();
    for share in shares.collect::<Vec<_>>() {
        tally.add(share.await.map_err(Error::internal)?);
    }
    Ok(tally)
}

fn compiled(calendars: Vec<(String, Definition)>) -> Result<BTreeMap<String, Timeline>, Error> {
    let mut timelines = BTreeMap::new();
    let mut violations = Vec::new();
    for (index, (name, definition)) in calendars.into_iter().enumerate() {
        match domain::calendar::Calendar::compile(&definition) {
            Ok(calendar) => drop(timelines.insert(name, Timeline::from(calendar))),
            Err(fault) => violations.extend(fault.findings.into_iter().map(|finding| {
                let field = findings::path(&finding.field, findings::CALENDAR);
                Violation::new(format!("calendars[{index}].{field}"), finding.message)
            })),
        }
    }
    Error::check(violations)?;
    Ok(timelines)
}

/// Everything that is published.
async fn book(connection: &mut Connection, timelines: &BTreeMap<String, Timeline>) -> Result<Book, Error> {
    let mut book = Book::default();
    for published in store::published_agreements(connection).await? {
        book.add_agreement(&published.name, published.revision, published.definition);
    }
    for (name, timeline) in timelines {
        book.add_calendar(name, timeline.clone());
    }
    Ok(book)
}

/// Where a change stands in the order of an outcome.
pub fn place(change: &Change) -> (i64, String, String) {
    (change.opened_at.as_microsecond(), change.ticket.clone(), change.metric.as_str().to_owned())
}
