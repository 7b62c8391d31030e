//! The batching writer: takes what has queued while the previous commit ran, and writes it as one statement.
//! No timer: with one client it is the plain statement, with many the commits are shared.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
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
/// Jobs of one caller that may wait, so that nobody takes all the room.
pub const QUEUE_OF_CALLER: usize = QUEUE / 4;
/// Bytes that may wait: what callers sent, before memory grows with it.
pub const QUEUE_BYTES: usize = 64 << 20;
/// Most bytes written in one statement, unless one job alone is larger.
const MAX_BATCH_BYTES: usize = 8 << 20;
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

    /// Who asked for it: callers take turns.
    fn caller(&self) -> &str;

    /// About how many bytes it holds.
    fn size(&self) -> usize;

    /// When nobody waits for it any more; one that still waits then is not written. None: it waits as long as it takes.
    fn deadline(&self) -> Option<Instant>;

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
    queue: mpsc::UnboundedSender<Waiting<J>>,
    room: Room,
    load: Load,
}

impl<J: Job> Clone for Writer<J> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), room: self.room.clone(), load: self.load.clone() }
    }
}

struct Waiting<J: Job> {
    job: J,
    asker: Asker<J::Outcome>,
}

/// Who waits for the outcome of a job, and takes room as long as it is not known.
struct Asker<T> {
    answer: oneshot::Sender<Result<T, Error>>,
    place: Place,
}

impl<T> Asker<T> {
    fn tell(self, outcome: Result<T, Error>) {
        drop(self.place);
        let _ = self.answer.send(outcome);
    }
}

impl<J: Job> Writer<J> {
    /// Starts the writer of a service.
    pub fn start(kit: &Kit) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        let load = kit.metrics.writer(J::NAME);
        let target = Target { database: kit.database.clone(), feed: kit.feed.clone() };
        tokio::spawn(flush(target, waiting, load.clone()));
        Self { queue, room: Room::default(), load }
    }

    /// Queues the job and waits until it is durable. It is written even when the caller goes away.
    ///
    /// RESOURCE_EXHAUSTED when the queue, or the caller's share of it, is full; DEADLINE_EXCEEDED when its deadline passed
    /// before its turn came: it was not written. UNAVAILABLE when the connection broke, in which case the job may have
    /// been written: its request id tells. An error that [`Error::is_repetition`] says that the request was written
    /// already: answer as it was answered.
    pub async fn write(&self, job: J) -> Result<J::Outcome, Error> {
        let place = self.room.take(job.caller(), job.size())?;
        let (answer, outcome) = oneshot::channel();
        let stopped = || Error::unavailable("the writer has stopped");
        self.queue.send(Waiting { job, asker: Asker { answer, place } }).map_err(|_| stopped())?;
        self.load.queue();
        outcome.await.map_err(|_| stopped())?
    }
}

/// How much may wait, and what does.
#[derive(Clone, Default)]
struct Room(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    bytes: usize,
    jobs: usize,
    by_caller: HashMap<String, usize>,
}

/// The place that a job takes in the queue until it is dropped.
struct Place {
    room: Room,
    caller: String,
    bytes: usize,
}

impl Room {
    fn take(&self, caller: &str, bytes: usize) -> Result<Place, Error> {
        let mut taken = self.taken();
        let own = taken.by_caller.get(caller).copied().unwrap_or_default();
        // A job that is larger than all the room waits alone.
        if taken.jobs >= QUEUE || own >= QUEUE_OF_CALLER || taken.jobs > 0 && taken.bytes + bytes > QUEUE_BYTES {
            return Err(Error::Busy { what: "the writer", retry_after: Duration::from_millis(100) });
        }
        taken.bytes += bytes;
        taken.jobs += 1;
        taken.by_caller.insert(caller.to_owned(), own + 1);
        Ok(Place { room: self.clone(), caller: caller.to_owned(), bytes })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        taken.bytes -= self.bytes;
        taken.jobs -= 1;
        if let Some(own) = taken.by_caller.get_mut(&self.caller) {
            *own -= 1;
            if *own == 0 {
                taken.by_caller.remove(&self.caller);
            }
        }
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

async fn flush<J: Job>(sink: impl Sink<J>, mut queue: mpsc::UnboundedReceiver<Waiting<J>>, load: Load) {
    let mut waiting = VecDeque::new();
    let mut turns = Turns::default();
    loop {
        if waiting.is_empty() {
            match queue.recv().await {
                Some(next) => waiting.push_back(next),
                None => return,
            }
        }
        while let Ok(next) = queue.try_recv() {
            waiting.push_back(next);
        }
        load.drop(refuse_late(&mut waiting, Instant::now()));
        let batch = take_batch(&mut waiting, &mut turns);
        if batch.is_empty() {
            continue;
        }
        load.take(batch.len());
        tracing::trace!(jobs = batch.len(), "{}", J::NAME);
        settle(&sink, batch).await;
    }
}

/// Refuses the jobs that nobody waits for any more, and says how many they were.
fn refuse_late<J: Job>(waiting: &mut VecDeque<Waiting<J>>, now: Instant) -> usize {
    let before = waiting.len();
    let (late, rest): (VecDeque<_>, _) =
        waiting.drain(..).partition(|next| next.job.deadline().is_some_and(|deadline| deadline <= now));
    *waiting = rest;
    let message = "the deadline passed before its turn came: nothing was written";
    refuse(late.into_iter().map(|next| next.asker).collect(), &Error::refused(error::DEADLINE_EXCEEDED, "", message));
    before - waiting.len()
}

/// When scopes had their last turn, of those that have jobs waiting.
#[derive(Default)]
struct Turns {
    last: HashMap<Scope, u64>,
    count: u64,
}

impl Turns {
    /// The scope, of those that wait, whose last turn is the longest ago; of those that had none the first.
    fn next<J: Job>(&mut self, waiting: &VecDeque<Waiting<J>>) -> Option<Scope> {
        let scopes = || waiting.iter().map(|next| next.job.scope());
        let next = scopes().min_by_key(|scope| self.last.get(scope).copied().unwrap_or_default())?.clone();
        if self.last.len() > 1 {
            let present: HashSet<&Scope> = scopes().collect();
            self.last.retain(|scope, _| present.contains(scope));
        }
        self.count += 1;
        self.last.insert(next.clone(), self.count);
        Some(next)
    }
}

/// Takes jobs that may share a statement, sorted by key, from each caller in turn; the others keep their order.
fn take_batch<J: Job>(waiting: &mut VecDeque<Waiting<J>>, turns: &mut Turns) -> Vec<Waiting<J>> {
    let Some(scope) = turns.next(waiting) else { return Vec::new() };
    let mut batch: BTreeMap<String, Waiting<J>> = BTreeMap::new();
    let mut bytes = 0;
    let mut requests = HashSet::new();
    let mut held_back = HashSet::new();
    let mut rest = BTreeMap::new();
    for (place, next) in in_turn(waiting) {
        let key = next.job.key();
        let request = next.job.request_id();
        let fits = batch.len() < MAX_BATCH
            && (batch.is_empty() || bytes + next.job.size() <= MAX_BATCH_BYTES)
            && *next.job.scope() == scope
            && !held_back.contains(key)
            && !batch.contains_key(key)
            && request.is_none_or(|id| !requests.contains(&id));
        if fits {
            requests.extend(request);
            bytes += next.job.size();
            batch.insert(key.to_owned(), next);
        } else {
            // Nothing that comes later for the same row may overtake it.
            held_back.insert(key.to_owned());
            rest.insert(place, next);
        }
    }
    waiting.extend(rest.into_values());
    batch.into_values().collect()
}

/// Takes out what waits, with its place in the queue: the first job of every caller, then the second of every caller, …
fn in_turn<J: Job>(waiting: &mut VecDeque<Waiting<J>>) -> Vec<(usize, Waiting<J>)> {
    let mut before: HashMap<String, usize> = HashMap::new();
    let mut rounds: Vec<(usize, usize, Waiting<J>)> = Vec::with_capacity(waiting.len());
    for (place, next) in waiting.drain(..).enumerate() {
        let round = before.entry(next.job.caller().to_owned()).or_default();
        rounds.push((*round, place, next));
        *round += 1;
    }
    if before.len() > 1 {
        rounds.sort_by_key(|(round, place, _)| (*round, *place));
    }
    rounds.into_iter().map(|(_, place, next)| (place, next)).collect()
}

/// Writes a batch and answers everybody in it; a batch that fails is halved, so that a bad row fails alone.
async fn settle<J: Job>(sink: &impl Sink<J>, batch: Vec<Waiting<J>>) {
    let mut parts = vec![batch];
    while let Some(part) = parts.pop() {
        let (mut jobs, mut askers): (Vec<J>, Vec<_>) = part.into_iter().map(|next| (next.job, next.asker)).unzip();
        match attempt(sink, &mut jobs).await {
            Ok(outcomes) if outcomes.len() == askers.len() => {
                for (asker, outcome) in askers.into_iter().zip(outcomes) {
                    asker.tell(Ok(outcome));
                }
            }
            Ok(outcomes) => {
                let fault = Error::internal(format!("{} gave {} outcomes for {}", J::NAME, outcomes.len(), jobs.len()));
                refuse(askers, &fault);
            }
            // Nothing is known about the commit, or nothing can work now: the same for everybody.
            Err(error @ (Error::Unavailable { .. } | Error::Busy { .. })) => refuse(askers, &error),
            Err(error) if jobs.len() == 1 => refuse(askers, &final_word::<J>(error)),
            Err(error) => {
                tracing::debug!(%error, jobs = jobs.len(), "a batch is split");
                let half = jobs.len() / 2;
                let (later_jobs, later_askers) = (jobs.split_off(half), askers.split_off(half));
                let again = |jobs: Vec<J>, askers: Vec<_>| {
                    jobs.into_iter().zip(askers).map(|(job, asker)| Waiting { job, asker }).collect()
                };
                parts.push(again(later_jobs, later_askers));
                parts.push(again(jobs, askers));
            }
        }
    }
}

fn refuse<T>(askers: Vec<Asker<T>>, error: &Error) {
    for asker in askers {
        asker.tell(Err(error.clone()));
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
        caller: &'static str,
        request: Option<Uuid>,
        deadline: Option<Instant>,
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

        fn caller(&self) -> &str {
            self.caller
        }

        fn size(&self) -> usize {
            1
        }

        fn deadline(&self) -> Option<Instant> {
            self.deadline
        }

        async fn write(_connection: &mut Connection, _jobs: &mut [Self]) -> Result<Vec<String>, Error> {
            Err(Error::internal("tests write to a sink of their own"))
        }
    }

    fn put(row: &'static str) -> Put {
        Put { row, scope: Scope::Everything, caller: "people/ann", request: None, deadline: None, bad: false }
    }

    fn of(customer: &str) -> Scope {
        Scope::of(vec![customer.to_owned()])
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
        let (queue, waiting) = mpsc::unbounded_channel();
        let room = Room::default();
        let mut answers = Vec::new();
        for job in jobs {
            let (answer, outcome) = oneshot::channel();
            let place = room.take(job.caller(), job.size()).unwrap();
            queue.send(Waiting { job, asker: Asker { answer, place } }).map_err(|_| "closed").unwrap();
            answers.push(outcome);
        }
        drop(queue);
        flush(sink, waiting, Load::default()).await;
        let mut outcomes = Vec::new();
        for answer in answers {
            outcomes.push(answer.await.unwrap());
        }
        let taken = room.taken();
        assert_eq!((taken.jobs, taken.bytes, taken.by_caller.len()), (0, 0, 0), "all room is free again");
        drop(taken);
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
        run(sink.clone(), vec![put("a"), Put { scope: of("customers/x"), ..put("b") }, put("c")]).await;
        assert_eq!(batches(&sink), [vec!["a", "c"], vec!["b"]]);
    }

    #[tokio::test]
    async fn scopes_take_turns() {
        let sink = Tried::default();
        // Each of the first can only be written alone.
        let mut jobs = vec![put("a"), put("a"), put("a"), put("a")];
        jobs.extend(["x", "y"].map(|row| Put { scope: of(row), ..put(row) }));
        run(sink.clone(), jobs).await;
        assert_eq!(batches(&sink), [["a"], ["x"], ["y"], ["a"], ["a"], ["a"]]);
    }

    #[tokio::test]
    async fn callers_take_turns() {
        const ROWS: [&str; 4] = ["a", "b", "c", "d"];
        let mut waiting = VecDeque::new();
        let room = Room::default();
        for (caller, row) in
            ROWS.map(|row| ("flood", row)).into_iter().chain([("people/ann", "y"), ("people/bob", "z")])
        {
            let place = room.take(caller, 1).unwrap();
            let (answer, _) = oneshot::channel();
            waiting.push_back(Waiting { job: Put { caller, ..put(row) }, asker: Asker { answer, place } });
        }
        let order: Vec<_> = in_turn(&mut waiting).into_iter().map(|(place, next)| (place, next.job.row)).collect();
        assert_eq!(order, [(0, "a"), (4, "y"), (5, "z"), (1, "b"), (2, "c"), (3, "d")]);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_written() {
        let sink = Tried::default();
        let deadline = |seconds| Some(Instant::now() + Duration::from_secs(seconds));
        let jobs =
            vec![Put { deadline: deadline(0), ..put("a") }, Put { deadline: deadline(600), ..put("b") }, put("c")];
        let outcomes = run(sink.clone(), jobs).await;
        assert_eq!(batches(&sink), [["b", "c"]]);
        assert_eq!(outcomes[0].as_ref().unwrap_err().reason(), error::DEADLINE_EXCEEDED);
    }

    #[test]
    fn room_is_for_all_callers_and_given_back() {
        let room = Room::default();
        let mut places: Vec<Place> = (0..QUEUE_OF_CALLER).map(|_| room.take("flood", 1).unwrap()).collect();
        assert!(matches!(room.take("flood", 1), Err(Error::Busy { .. })), "a caller has a share");
        places.extend((places.len()..QUEUE).map(|n| room.take(&format!("people/{n}"), 1).unwrap()));
        assert!(matches!(room.take("people/ann", 1), Err(Error::Busy { .. })), "all room is taken");
        places.clear();
        let large = room.take("people/ann", 2 * QUEUE_BYTES).unwrap();
        assert!(matches!(room.take("people/bob", 1), Err(Error::Busy { .. })), "as many bytes do not fit beside it");
        drop(large);
        assert!(room.take("people/bob", 1).is_ok());
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
