//! The batching writer: takes what has queued while the previous commit ran, and writes it as one statement.
//! No timer: with one client it is the plain statement, with many the commits are shared.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::future::Future;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::db::{Connection, Database};
use crate::error::{self, Error};
use crate::journal::Feed;
use crate::kit::Kit;
use crate::metrics::Load;
use crate::scope::Scope;

/// Most jobs written in one statement.
pub const MAX_BATCH: usize = 500;
/// Jobs that may wait; one more is told to try again.
pub const QUEUE: usize = 4_096;
/// How often a batch that lost a race is written again before it is split.
const ATTEMPTS: u32 = 3;

/// A write that can share a statement with others of its kind.
pub trait Job: Send + 'static {
    /// What the caller gets once the commit is durable; may say that the job has to be decided anew.
    type Outcome: Send + 'static;

    /// Name for traces: `write tickets`.
    const NAME: &'static str;

    /// The row that the job changes. One batch holds at most one job for each; jobs are sorted by it, so that two
    /// statements lock rows in the same order.
    fn key(&self) -> &str;

    /// Identifies the request, so that one that comes twice at once is not written twice in one batch. None: cannot.
    fn request_id(&self) -> Option<Uuid>;

    /// What its transaction is held to; jobs of different scopes never share a batch.
    fn scope(&self) -> &Scope;

    /// Writes the jobs as ONE data-modifying statement, and answers each in their order.
    ///
    /// On failure nothing may remain: the batch is split until the job at fault is alone. May be called more than
    /// once with the same job.
    fn write(
        connection: &mut Connection,
        jobs: &mut [Self],
    ) -> impl Future<Output = Result<Vec<Self::Outcome>, Error>> + Send
    where
        Self: Sized;
}

/// Where jobs of one kind are handed in; cheap to clone. Its task ends when the last clone is dropped.
pub struct Writer<J: Job> {
    queue: mpsc::Sender<Waiting<J>>,
    load: Load,
}

impl<J: Job> Clone for Writer<J> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), load: self.load.clone() }
    }
}

struct Waiting<J: Job> {
    job: J,
    answer: oneshot::Sender<Result<J::Outcome, Error>>,
}

impl<J: Job> Writer<J> {
    /// Starts the writer of a service.
    pub fn start(kit: &Kit) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let load = kit.metrics.writer(J::NAME);
        let target = Target { database: kit.database.clone(), feed: kit.feed.clone() };
        tokio::spawn(flush(target, waiting, load.clone()));
        Self { queue, load }
    }

    /// Queues the job and waits until it is durable. It is written even when the caller goes away.
    ///
    /// RESOURCE_EXHAUSTED when the queue is full; UNAVAILABLE when the connection broke, in which case the job may
    /// have been written: its request id tells. An error that [`Error::is_repetition`] says that the request was
    /// written already: answer as it was answered.
    pub async fn write(&self, job: J) -> Result<J::Outcome, Error> {
        let (answer, outcome) = oneshot::channel();
        self.queue.try_send(Waiting { job, answer }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => {
                Error::Busy { what: "the writer", retry_after: Duration::from_millis(100) }
            }
            mpsc::error::TrySendError::Closed(_) => Error::unavailable("the writer has stopped"),
        })?;
        self.load.queue();
        outcome.await.map_err(|_| Error::unavailable("the writer stopped"))?
    }
}

/// Where batches go; a trait only so that batching can be tested without a database.
trait Sink<J: Job>: Send + Sync + 'static {
    fn write(&self, jobs: &mut [J]) -> impl Future<Output = Result<Vec<J::Outcome>, Error>> + Send;
}

struct Target {
    database: Database,
    feed: Feed,
}

impl<J: Job> Sink<J> for Target {
    async fn write(&self, jobs: &mut [J]) -> Result<Vec<J::Outcome>, Error> {
        let Some(scope) = jobs.first().map(|job| job.scope().clone()) else { return Ok(Vec::new()) };
        let mut connection = self.database.get(&scope).await?;
        let outcomes = J::write(&mut connection, jobs).await?;
        connection.commit().await?;
        self.feed.wake();
        Ok(outcomes)
    }
}

async fn flush<J: Job>(sink: impl Sink<J>, mut queue: mpsc::Receiver<Waiting<J>>, load: Load) {
    let mut waiting = VecDeque::new();
    loop {
        if waiting.is_empty() {
            match queue.recv().await {
                Some(next) => waiting.push_back(next),
                None => return,
            }
        }
        while waiting.len() < QUEUE
            && let Ok(next) = queue.try_recv()
        {
            waiting.push_back(next);
        }
        let batch = take_batch(&mut waiting);
        load.take(batch.len());
        tracing::trace!(jobs = batch.len(), "{}", J::NAME);
        settle(&sink, batch).await;
    }
}

/// Takes the first job and all that may share its statement, sorted by key; the others keep their order.
fn take_batch<J: Job>(waiting: &mut VecDeque<Waiting<J>>) -> Vec<Waiting<J>> {
    let Some(scope) = waiting.front().map(|first| first.job.scope().clone()) else { return Vec::new() };
    let mut batch: BTreeMap<String, Waiting<J>> = BTreeMap::new();
    let mut requests = HashSet::new();
    let mut held_back = HashSet::new();
    let mut rest = VecDeque::new();
    for next in waiting.drain(..) {
        let key = next.job.key().to_owned();
        let request = next.job.request_id();
        let fits = batch.len() < MAX_BATCH
            && *next.job.scope() == scope
            && !held_back.contains(&key)
            && !batch.contains_key(&key)
            && request.is_none_or(|id| !requests.contains(&id));
        if fits {
            requests.extend(request);
            batch.insert(key, next);
        } else {
            // Nothing that comes later for the same row may overtake it.
            held_back.insert(key);
            rest.push_back(next);
        }
    }
    *waiting = rest;
    batch.into_values().collect()
}

/// Writes a batch and answers everybody in it; a batch that fails is halved, so that a bad row fails alone.
async fn settle<J: Job>(sink: &impl Sink<J>, batch: Vec<Waiting<J>>) {
    let mut parts = vec![batch];
    while let Some(part) = parts.pop() {
        let (mut jobs, mut answers): (Vec<J>, Vec<_>) = part.into_iter().map(|w| (w.job, w.answer)).unzip();
        match attempt(sink, &mut jobs).await {
            Ok(outcomes) if outcomes.len() == answers.len() => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    let _ = answer.send(Ok(outcome));
                }
            }
            Ok(outcomes) => {
                let fault = Error::internal(format!("{} gave {} outcomes for {}", J::NAME, outcomes.len(), jobs.len()));
                refuse(answers, &fault);
            }
            // Nothing is known about the commit, or nothing can work now: the same for everybody.
            Err(error @ (Error::Unavailable { .. } | Error::Busy { .. })) => refuse(answers, &error),
            Err(error) if jobs.len() == 1 => refuse(answers, &final_word::<J>(error)),
            Err(error) => {
                tracing::debug!(%error, jobs = jobs.len(), "a batch is split");
                let half = jobs.len() / 2;
                let (later_jobs, later_answers) = (jobs.split_off(half), answers.split_off(half));
                let again = |jobs: Vec<J>, answers: Vec<_>| {
                    jobs.into_iter().zip(answers).map(|(job, answer)| Waiting { job, answer }).collect()
                };
                parts.push(again(later_jobs, later_answers));
                parts.push(again(jobs, answers));
            }
        }
    }
}

fn refuse<T>(answers: Vec<oneshot::Sender<Result<T, Error>>>, error: &Error) {
    for answer in answers {
        let _ = answer.send(Err(error.clone()));
    }
}

fn final_word<J: Job>(error: Error) -> Error {
    if matches!(error, Error::Conflict) {
        return Error::refused(error::CONFLICT, "", format!("{} came second {ATTEMPTS} times: try again", J::NAME));
    }
    error
}

async fn attempt<J: Job>(sink: &impl Sink<J>, jobs: &mut [J]) -> Result<Vec<J::Outcome>, Error> {
    let mut attempt = 1;
    loop {
        match sink.write(jobs).await {
            Err(Error::Conflict) if attempt < ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(5 * u64::from(attempt))).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A job that can be told to fail; `bad` fails every batch that it is in.
    #[derive(Debug, Clone)]
    struct Put {
        row: &'static str,
        scope: Scope,
        request: Option<Uuid>,
        bad: bool,
    }

    impl Job for Put {
        type Outcome = String;
        const NAME: &'static str = "put";

        fn key(&self) -> &str {
            self.row
        }

        fn request_id(&self) -> Option<Uuid> {
            self.request
        }

        fn scope(&self) -> &Scope {
            &self.scope
        }

        async fn write(_connection: &mut Connection, _jobs: &mut [Self]) -> Result<Vec<String>, Error> {
            Err(Error::internal("tests write to a sink of their own"))
        }
    }

    fn put(row: &'static str) -> Put {
        Put { row, scope: Scope::Everything, request: None, bad: false }
    }

    /// Remembers the batches that were tried.
    #[derive(Clone, Default)]
    struct Tried {
        batches: Arc<Mutex<Vec<Vec<&'static str>>>>,
        gone: bool,
        races: Arc<Mutex<u32>>,
    }

    impl Sink<Put> for Tried {
        async fn write(&self, jobs: &mut [Put]) -> Result<Vec<String>, Error> {
            self.batches.lock().unwrap().push(jobs.iter().map(|job| job.row).collect());
            if self.gone {
                return Err(Error::unavailable("gone"));
            }
            let mut races = self.races.lock().unwrap();
            if *races > 0 {
                *races -= 1;
                return Err(Error::Conflict);
            }
            if jobs.iter().any(|job| job.bad) {
                return Err(Error::invalid("row", "is bad"));
            }
            Ok(jobs.iter().map(|job| job.row.to_owned()).collect())
        }
    }

    /// Queues all jobs at once, lets the flusher run to its end, and gives the answers in the order of the jobs.
    async fn run(sink: Tried, jobs: Vec<Put>) -> Vec<Result<String, Error>> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let mut answers = Vec::new();
        for job in jobs {
            let (answer, outcome) = oneshot::channel();
            queue.try_send(Waiting { job, answer }).map_err(|_| "full").unwrap();
            answers.push(outcome);
        }
        drop(queue);
        flush(sink, waiting, Load::default()).await;
        let mut outcomes = Vec::new();
        for answer in answers {
            outcomes.push(answer.await.unwrap());
        }
        outcomes
    }

    fn batches(sink: &Tried) -> Vec<Vec<&'static str>> {
        sink.batches.lock().unwrap().clone()
    }

    #[tokio::test]
    async fn what_has_queued_is_written_at_once_in_the_order_of_rows() {
        let sink = Tried::default();
        let outcomes = run(sink.clone(), vec![put("c"), put("a"), put("b")]).await;
        assert_eq!(batches(&sink), [["a", "b", "c"]]);
        assert_eq!(outcomes.into_iter().map(Result::unwrap).collect::<Vec<_>>(), ["c", "a", "b"]);
    }

    #[tokio::test]
    async fn a_row_is_changed_once_in_a_batch_and_in_the_order_of_arrival() {
        let sink = Tried::default();
        run(sink.clone(), vec![put("a"), put("a"), put("b"), put("a")]).await;
        assert_eq!(batches(&sink), [vec!["a", "b"], vec!["a"], vec!["a"]]);
    }

    #[tokio::test]
    async fn a_request_is_written_once_in_a_batch() {
        let sink = Tried::default();
        let request = Some(Uuid::from_u128(7));
        run(sink.clone(), vec![Put { request, ..put("a") }, Put { request, ..put("b") }, put("c")]).await;
        assert_eq!(batches(&sink), [vec!["a", "c"], vec!["b"]]);
    }

    #[tokio::test]
    async fn scopes_never_share_a_batch() {
        let sink = Tried::default();
        run(
            sink.clone(),
            vec![put("a"), Put { scope: Scope::of(vec!["customers/x".to_owned()]), ..put("b") }, put("c")],
        )
        .await;
        assert_eq!(batches(&sink), [vec!["a", "c"], vec!["b"]]);
    }

    #[tokio::test]
    async fn a_job_that_must_wait_is_not_overtaken_by_a_later_one_for_its_row() {
        let sink = Tried::default();
        let request = Some(Uuid::from_u128(7));
        let held_back = Put { request, ..put("b") };
        run(sink.clone(), vec![Put { request, ..put("a") }, held_back, put("b")]).await;
        assert_eq!(batches(&sink), [vec!["a"], vec!["b"], vec!["b"]]);
    }

    #[tokio::test]
    async fn a_bad_row_fails_alone() {
        const ROWS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let sink = Tried::default();
        let jobs = ROWS.iter().map(|row| Put { bad: *row == "e", ..put(row) }).collect();
        let outcomes = run(sink.clone(), jobs).await;
        let failed: Vec<usize> = (0..ROWS.len()).filter(|index| outcomes[*index].is_err()).collect();
        assert_eq!(failed, [4]);
        assert!(batches(&sink).len() <= 7, "halved, not one by one: {:?}", batches(&sink));
    }

    #[tokio::test]
    async fn a_lost_race_is_run_again_and_then_told() {
        let lucky = Tried { races: Arc::new(Mutex::new(2)), ..Tried::default() };
        assert!(run(lucky, vec![put("a")]).await[0].is_ok());
        let unlucky = Tried { races: Arc::new(Mutex::new(99)), ..Tried::default() };
        let outcomes = run(unlucky, vec![put("a")]).await;
        assert_eq!(outcomes[0].as_ref().unwrap_err().reason(), error::CONFLICT);
    }

    #[tokio::test]
    async fn nobody_is_told_more_than_is_known_when_the_database_goes() {
        let sink = Tried { gone: true, ..Tried::default() };
        let outcomes = run(sink.clone(), vec![put("a"), put("b")]).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(Error::Unavailable { .. }))));
        assert_eq!(batches(&sink).len(), 1, "not split: nothing can work now");
    }
}
