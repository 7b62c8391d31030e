//! Takes in what happened elsewhere: batches of whole tickets, each committed with the progress of its import.
//! While one batch commits, the next ones are read and decided.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ticket::Ticket;
use servicekit::db::Connection;
use servicekit::error::{self, Error};
use servicekit::{Caller, Scope};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

use super::{Operations, number_of};
use crate::error::CUSTOMER_FIXED;
use crate::import::{Decided, Failure, Group, Record, Row, decide};
use crate::store::import::{Progress, advance, get};
use crate::store::ticket::{Source, of_numbers, of_sources};
use crate::store::write::{Outcome, SOURCE_KEY, write_many};
use crate::store::{fact, number};

/// Rows after which a batch is closed, once the ticket it is at is complete.
pub const BATCH: usize = 1_000;
/// Batches that are read and decided ahead of the one that commits.
const AHEAD: usize = 2;
/// How often a batch is decided at most when others keep changing its tickets.
const ATTEMPTS: usize = 5;

/// A row as it came.
pub trait Raw: Send + Sync + 'static {
    /// Its number within the import.
    fn sequence(&self) -> i64;
    /// Which ticket it is about, as far as it says.
    fn source(&self) -> (&str, &str);
    /// What it says, or why it cannot be taken.
    fn read(&self) -> Result<Row, Failure>;
}

/// Rows of whole tickets.
#[derive(Debug, Clone)]
pub struct Batch<R> {
    /// Id of the import.
    pub import_id: String,
    /// The rows, in the order in which they came.
    pub rows: Vec<R>,
}

/// What a batch came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// All rows up to this one are durable or reported as failures.
    pub through: i64,
    /// Rows that recorded something.
    pub created: usize,
    /// Rows that changed nothing.
    pub unchanged: usize,
    /// Rows that could not be taken.
    pub failures: Vec<Failure>,
}

/// A batch that is understood.
struct Read {
    import_id: String,
    through: i64,
    groups: Vec<Group>,
    unread: Vec<Failure>,
    turn: Turn,
}

/// A batch that is decided and not committed.
struct Prepared {
    read: Read,
    groups: Vec<Group>,
    decided: Decided,
}

/// The right to import; given back when it is dropped.
pub struct Permit(#[allow(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

impl Operations {
    /// Lets the caller import: one of the provider's, while not too many others do.
    pub fn admit_import(&self, caller: &Caller) -> Result<Permit, Error> {
        if caller.customer.is_some() {
            let text = "imports write tickets of any customer: use a caller that is bound to none";
            return Err(Error::refused(CUSTOMER_FIXED, "", text));
        }
        let permit = Arc::clone(&self.imports).try_acquire_owned();
        let busy = Error::Busy { what: "the import", retry_after: Duration::from_secs(2) };
        permit.map(Permit).map_err(|_| busy)
    }

    /// Commits batches in the order in which they come and says what each came to. Ends after the last batch, or with
    /// the first error: what was committed until then stays.
    pub fn import_tickets<R: Raw>(
        &self,
        permit: Permit,
        mut batches: mpsc::Receiver<Result<Batch<R>, Error>>,
        answers: mpsc::Sender<Result<Committed, Error>>,
    ) {
        let (ahead, mut prepared) = mpsc::channel(AHEAD);
        let operations = self.clone();
        self.kit.spawn(async move {
            let turns = Turns::default();
            while let Some(batch) = batches.recv().await {
                let read = match batch {
                    Ok(batch) => read(batch, &turns).await,
                    Err(error) => Err(error),
                };
                let operations = operations.clone();
                let preparing = read.map(|read| tokio::spawn(async move { operations.prepare(read).await }));
                if ahead.send(preparing).await.is_err() {
                    return;
                }
            }
        });
        let operations = self.clone();
        self.kit.spawn(async move {
            let _permit = permit;
            while let Some(preparing) = prepared.recv().await {
                let outcome = match preparing {
                    Ok(preparing) => match preparing.await.map_err(Error::internal).flatten() {
                        Ok(prepared) => operations.commit(prepared).await,
                        Err(error) => Err(error),
                    },
                    Err(error) => Err(error),
                };
                let failed = outcome.is_err();
                // Nobody may be listening any more; what has come in completely is committed all the same.
                let _ = answers.send(outcome).await;
                if failed {
                    return;
                }
            }
        });
    }

    /// The progress of an import.
    pub async fn get_import(&self, import_id: &str) -> Result<Progress, Error> {
        let mut connection = self.kit.database.get(&Scope::Everything).await?;
        get(&mut connection, import_id).await?.ok_or_else(|| Error::not_found(format!("imports/{import_id}")))
    }

    /// Decides on a batch, after the batches before it that touch the same tickets are committed.
    async fn prepare(&self, mut read: Read) -> Result<Prepared, Error> {
        read.turn.wait().await;
        let (groups, decided) = self.decide(std::mem::take(&mut read.groups)).await?;
        Ok(Prepared { read, groups, decided })
    }

    /// Loads what is on record of the groups and decides what they lead to.
    async fn decide(&self, groups: Vec<Group>) -> Result<(Vec<Group>, Decided), Error> {
        let mut connection = self.kit.database.get(&Scope::Everything).await?;
        let record = load(&mut connection, &groups).await?;
        let catalog = self.catalog.latest(&mut connection).await;
        drop(connection);
        let clock = Arc::clone(&self.kit.clock);
        blocking(move || decide(&groups, record, &catalog, &*clock).map(|decided| (groups, decided))).await?
    }

    /// Commits a batch. One that lost a race is decided again; one that the database refuses is halved, so that only
    /// the ticket at fault fails.
    async fn commit(&self, prepared: Prepared) -> Result<Committed, Error> {
        let Prepared { read: Read { import_id, through, unread, turn, .. }, groups, decided } = prepared;
        let mut committed = Committed { failures: unread, ..Committed::default() };
        let mut parts = VecDeque::from([(groups, Some(decided), 0)]);
        while let Some((groups, decided, attempt)) = parts.pop_front() {
            let (mut groups, decided) = match decided {
                Some(decided) => (groups, decided),
                None => self.decide(groups).await?,
            };
            // Only with its last part is the batch behind us.
            let reached = if parts.is_empty() { through } else { 0 };
            let failed = if parts.is_empty() { committed.failures.len() + decided.failures.len() } else { 0 };
            match self.write(&import_id, &decided, reached, failed).await {
                Ok(()) => {
                    committed.created += decided.created;
                    committed.unchanged += decided.unchanged;
                    committed.failures.extend(decided.failures);
                }
                Err(error @ (Error::Unavailable { .. } | Error::Busy { .. })) => return Err(error),
                Err(error) if is_race(&error) && attempt + 1 < ATTEMPTS => {
                    parts.push_front((groups, None, attempt + 1));
                }
                Err(_) if groups.len() > 1 => {
                    let later = groups.split_off(groups.len() / 2);
                    parts.push_front((later, None, 0));
                    parts.push_front((groups, None, 0));
                }
                Err(error) => {
                    committed.failures.extend(refused(&groups, &error));
                    if parts.is_empty() {
                        parts.push_back((Vec::new(), Some(Decided::default()), 0));
                    }
                }
            }
        }
        self.kit.feed.wake();
        drop(turn);
        committed.through = through;
        committed.failures.sort_by_key(|failure| failure.sequence);
        Ok(committed)
    }

    /// Writes tickets and progress in one transaction.
    async fn write(&self, import_id: &str, decided: &Decided, through: i64, failed: usize) -> Result<(), Error> {
        let now = self.kit.clock.now();
        let count = |rows: usize| i64::try_from(rows).map_err(Error::internal);
        let progress = Progress {
            import_id: import_id.to_owned(),
            committed_through: through,
            created_count: count(decided.created)?,
            unchanged_count: count(decided.unchanged)?,
            failed_count: count(failed)?,
            created_at: now,
            updated_at: now,
        };
        let progress = &progress;
        let writing = self.kit.database.transaction("import tickets", &Scope::Everything, async |connection| {
            let outcomes = write_many(connection, &decided.writes).await?;
            if outcomes.contains(&Outcome::Raced) {
                return Err(Error::Conflict);
            }
            advance(connection, progress).await
        });
        writing.await
    }
}

/// Understands the rows of a batch, and queues it behind those before it that touch the same tickets.
async fn read<R: Raw>(batch: Batch<R>, turns: &Turns) -> Result<Read, Error> {
    let Batch { import_id, rows } = batch;
    let through = rows.iter().map(Raw::sequence).max().unwrap_or(0);
    let reading = blocking(move || {
        let mut unread = Vec::new();
        let rows = rows.iter().filter_map(|row| row.read().map_err(|failure| unread.push(failure)).ok()).collect();
        (Group::of(rows), unread)
    });
    let (groups, unread) = reading.await?;
    let turn = turns.enter(Group::sources(&groups));
    Ok(Read { import_id, through, groups, unread, turn })
}

/// Whether deciding again on what is on record now can help.
fn is_race(error: &Error) -> bool {
    error.reason() == error::CONFLICT || matches!(error, Error::Constraint { name, .. } if name == SOURCE_KEY)
}

/// The rows of tickets that the database refuses.
fn refused(groups: &[Group], error: &Error) -> Vec<Failure> {
    tracing::error!(?error, "imported rows refused");
    let rows = groups.iter().flat_map(|group| &group.rows);
    let failures = rows.map(|row| Failure {
        sequence: row.sequence,
        reason: error.reason().name.to_owned(),
        field: String::new(),
        message: error.to_string(),
    });
    failures.collect()
}

/// What is on record of the tickets that the groups are about or refer to, and fresh numbers for the others.
async fn load(connection: &mut Connection, groups: &[Group]) -> Result<Record, Error> {
    let mut record = Record::default();
    let sources: Vec<Source> = Group::sources(groups).into_iter().collect();
    record.extend(of_sources(connection, &sources).await?);
    let (old, fresh): (Vec<&Group>, Vec<&Group>) = groups.iter().partition(|group| group.is_absorbed(&record));
    // A row that shows other links than the ticket has takes some away, on both sides.
    let relinked = fresh.iter().filter(|group| group.rows.iter().any(|row| !row.links.is_empty()));
    let relinked = relinked.filter_map(|group| record.of_source(&group.source));
    let linked: BTreeSet<i64> = relinked.flat_map(|known| links_of(&known.stored.ticket)).collect();
    if !linked.is_empty() {
        record.extend(of_numbers(connection, &linked.into_iter().collect::<Vec<_>>()).await?);
    }
    let touched = Group::sources(fresh);
    let untouched = old.iter().map(|group| &group.source).filter(|source| !touched.contains(source));
    let untouched: BTreeSet<&String> = untouched.filter_map(|source| record.names.get(source)).collect();
    let names: Vec<String> = record.tickets.keys().filter(|name| !untouched.contains(name)).cloned().collect();
    if !names.is_empty() {
        let facts = fact::of_many(connection, &names).await?;
        let recorded = |entries: Vec<fact::Entry>| entries.into_iter().map(|entry| entry.recorded).collect();
        record.facts = facts.into_iter().map(|(name, entries)| (name, recorded(entries))).collect();
    }
    // Tickets get their numbers in the order in which their rows came, those they refer to after them.
    let (leading, referred) = (groups.iter().map(|group| &group.source), sources.iter());
    let mut unknown: Vec<Source> = Vec::new();
    for source in leading.chain(referred).filter(|source| !record.names.contains_key(source)) {
        if !unknown.contains(source) {
            unknown.push(source.clone());
        }
    }
    let numbers = number::draw(connection, unknown.len()).await?;
    record.numbers = unknown.into_iter().zip(numbers).collect::<HashMap<_, _>>();
    Ok(record)
}

fn links_of(ticket: &Ticket) -> Vec<i64> {
    ticket.links.iter().filter_map(|link| number_of(&link.ticket).ok()).collect()
}

/// Runs what keeps a core busy where it keeps nobody waiting.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

/// Keeps batches that touch the same tickets in their order.
#[derive(Clone, Default)]
struct Turns {
    waiting: Arc<Mutex<Vec<Entered>>>,
}

/// The tickets that a batch touches, and what is cancelled when it is over.
type Entered = (BTreeSet<Source>, CancellationToken);

/// The turn of a batch; over when it is dropped.
struct Turn {
    before: Vec<CancellationToken>,
    over: CancellationToken,
}

impl Turns {
    /// Queues behind all batches that entered before and touch the same tickets.
    fn enter(&self, sources: BTreeSet<Source>) -> Turn {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|(_, over)| !over.is_cancelled());
        let before = waiting.iter().filter(|(others, _)| !others.is_disjoint(&sources));
        let before = before.map(|(_, over)| over.clone()).collect();
        let over = CancellationToken::new();
        waiting.push((sources, over.clone()));
        Turn { before, over }
    }
}

impl Turn {
    async fn wait(&mut self) {
        for before in self.before.drain(..) {
            before.cancelled().await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.over.cancel();
    }
}
