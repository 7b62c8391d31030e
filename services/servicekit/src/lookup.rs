//! Reads that share a statement: what has queued while others ran is read at once, in one transaction. No timer: with
//! one client it is the plain statement, with many a round trip is shared.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};

use crate::db::{Connection, Database};
use crate::error::Error;
use crate::kit::Kit;
use crate::scope::Scope;

/// Most lookups that share a statement.
const MAX_BATCH: usize = 200;
/// Lookups that may wait; one more is told to try again.
const QUEUE: usize = 8_192;
/// Batches under way at once.
const LANES: usize = 2;

/// A read that can share a statement with others of its kind.
pub trait Lookup: Send + Sync + 'static {
    /// What is found.
    type Answer: Send + 'static;

    /// What its transaction is held to; lookups of different scopes never share one.
    fn scope(&self) -> &Scope;

    /// Answers each of the lookups in their order. On failure they are read in parts, until the one at fault is alone.
    fn read(
        connection: &mut Connection,
        lookups: &[Self],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, Error>> + Send
    where
        Self: Sized;
}

/// Where lookups of one kind are handed in; cheap to clone. Its tasks end when the last clone is dropped.
pub struct Lookups<L: Lookup> {
    queue: mpsc::Sender<Waiting<L>>,
}

impl<L: Lookup> Clone for Lookups<L> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

struct Waiting<L: Lookup> {
    lookup: L,
    answer: oneshot::Sender<Result<L::Answer, Error>>,
}

impl<L: Lookup> Lookups<L> {
    /// Starts reading for a service.
    pub fn start(kit: &Kit) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..LANES {
            tokio::spawn(serve(kit.database.clone(), Arc::clone(&waiting)));
        }
        Self { queue }
    }

    /// What is found. RESOURCE_EXHAUSTED when the queue is full.
    pub async fn find(&self, lookup: L) -> Result<L::Answer, Error> {
        let (answer, found) = oneshot::channel();
        let stopped = || Error::unavailable("nothing is looked up any more");
        self.queue.try_send(Waiting { lookup, answer }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => {
                Error::Busy { what: "the database", retry_after: Duration::from_millis(100) }
            }
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        found.await.map_err(|_| stopped())?
    }
}

async fn serve<L: Lookup>(database: Database, queue: Arc<Mutex<mpsc::Receiver<Waiting<L>>>>) {
    loop {
        let mut waiting = Vec::new();
        if queue.lock().await.recv_many(&mut waiting, MAX_BATCH).await == 0 {
            return;
        }
        // Whoever went away is not read for.
        waiting.retain(|next| !next.answer.is_closed());
        while let Some(first) = waiting.first() {
            let scope = first.lookup.scope().clone();
            let (batch, rest): (Vec<_>, _) = waiting.into_iter().partition(|next| *next.lookup.scope() == scope);
            waiting = rest;
            let (lookups, answers): (Vec<L>, Vec<_>) = batch.into_iter().map(|next| (next.lookup, next.answer)).unzip();
            for (answer, found) in answers.into_iter().zip(read(&database, &scope, &lookups).await) {
                let _ = answer.send(found);
            }
        }
    }
}

/// One outcome for each of the lookups. A batch that fails is halved: what stands in the way of one is not in the way of
/// the others.
async fn read<L: Lookup>(database: &Database, scope: &Scope, lookups: &[L]) -> Vec<Result<L::Answer, Error>> {
    let mut found = Vec::with_capacity(lookups.len());
    let mut parts = vec![lookups];
    while let Some(part) = parts.pop() {
        match read_once(database, scope, part).await {
            Ok(answers) => found.extend(answers.into_iter().map(Ok)),
            Err(error) if part.len() == 1 || matches!(error, Error::Unavailable { .. } | Error::Busy { .. }) => {
                found.extend(part.iter().map(|_| Err(error.clone())));
            }
            Err(_) => {
                let (first, later) = part.split_at(part.len() / 2);
                parts.extend([later, first]);
            }
        }
    }
    found
}

async fn read_once<L: Lookup>(database: &Database, scope: &Scope, lookups: &[L]) -> Result<Vec<L::Answer>, Error> {
    let mut connection = database.get(scope).await?;
    let found = L::read(&mut connection, lookups).await?;
    if found.len() != lookups.len() {
        return Err(Error::internal(format!("{} lookups gave {} answers", lookups.len(), found.len())));
    }
    Ok(found)
}
