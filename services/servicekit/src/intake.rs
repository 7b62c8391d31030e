//! Imports of declarative resources over a stream: rows are taken in batches, each in one transaction, and answered.
//! A row that cannot be taken is reported and stops nothing; a row that was taken before is left unchanged.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Jsonb, Text};
use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::auth::Caller;
use crate::error::{Error, Violation};
use crate::kit::Kit;
use crate::resource::{self, Outcome};
use crate::scope::Scope;
use crate::sql::Sql;
use crate::standard::Declared;

/// Rows in one transaction, and at least in one answer.
pub const BATCH: usize = 500;

/// Reason of a row whose fields do not hold what they must.
pub const ROW_INVALID: &str = "ROW_INVALID";
/// Reason of a row whose place in the source came with other content before.
pub const SOURCE_ID_CONFLICT: &str = "SOURCE_ID_CONFLICT";

/// A row that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Number of the row.
    pub sequence: i64,
    /// Stable reason: [`ROW_INVALID`], [`SOURCE_ID_CONFLICT`].
    pub reason: &'static str,
    /// Field that is wrong. Empty: the row as a whole.
    pub field: String,
    /// What is wrong and the way out.
    pub message: String,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// All rows up to this sequence are durable or reported.
    pub committed_through: i64,
    /// Resources created.
    pub created: i64,
    /// Resources that were there with the same content.
    pub unchanged: i64,
    /// Rows that could not be taken, by their number.
    pub failures: Vec<Failure>,
}

impl Tally {
    /// Reports a row.
    pub fn fail(&mut self, sequence: i64, reason: &'static str, field: &str, message: impl Into<String>) {
        self.failures.push(Failure { sequence, reason, field: field.to_owned(), message: message.into() });
    }

    /// Reports a row with everything that is wrong with it.
    pub fn fail_with(&mut self, sequence: i64, violations: Vec<Violation>) {
        for violation in violations {
            self.fail(sequence, ROW_INVALID, &violation.field, violation.description);
        }
    }
}

/// One row that can be read: its number, the name of the resource and what it says.
pub struct Candidate<R> {
    /// Number of the row.
    pub sequence: i64,
    /// Name of the resource, the same for the same row.
    pub name: String,
    /// What it says.
    pub body: R,
}

/// Adds the resources of a batch that are not there yet, in one transaction. If a row stands in the way, the batch is
/// halved until that row is alone, and reported. Fails only for what is no row's fault.
pub async fn add<R: Declared>(
    kit: &Kit,
    caller: &Caller,
    candidates: Vec<Candidate<R>>,
    tally: &mut Tally,
) -> Result<(), Error> {
    let mut first: HashMap<String, R> = HashMap::new();
    let mut members = Vec::new();
    for Candidate { sequence, name, body } in candidates {
        match first.get(&name) {
            Some(earlier) if *earlier == body => tally.unchanged += 1,
            Some(_) => conflict(tally, sequence, &name),
            None => {
                first.insert(name.clone(), body.clone());
                members.push((sequence, (name, body)));
            }
        }
    }
    let (sequences, members): (Vec<i64>, Vec<(String, R)>) = members.into_iter().unzip();
    // Halves of a batch in which a row stood in the way, the first one last.
    let mut waiting = Vec::new();
    let mut next = Some(0..members.len()).filter(|all| !all.is_empty());
    while let Some(range) = next {
        match resource::add(kit, caller, &members[range.clone()], false).await {
            Ok(added) => {
                let changed = added.iter().filter(|member| member.outcome == Outcome::Different);
                let first =
                    first_recorded::<R>(kit, changed.map(|member| member.stored.name.clone()).collect()).await?;
                for (member, at) in added.into_iter().zip(range) {
                    match member.outcome {
                        Outcome::Created | Outcome::Updated => tally.created += 1,
                        Outcome::Unchanged => tally.unchanged += 1,
                        Outcome::Different if first.get(&member.stored.name) == Some(&members[at].1) => {
                            tally.unchanged += 1;
                        }
                        Outcome::Different => conflict(tally, sequences[at], &member.stored.name),
                    }
                }
            }
            Err(error) if !is_the_rows(&error) => return Err(error),
            Err(error) if range.len() == 1 => match error {
                Error::Invalid { violations, .. } => tally.fail_with(sequences[range.start], violations),
                other => tally.fail(sequences[range.start], ROW_INVALID, "", other.to_string()),
            },
            Err(_) => {
                let middle = usize::midpoint(range.start, range.end);
                waiting.extend([middle..range.end, range.start..middle]);
            }
        }
        next = waiting.pop();
    }
    tally.failures.sort_by_key(|failure| failure.sequence);
    Ok(())
}

#[derive(QueryableByName)]
struct Recorded {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    body: serde_json::Value,
}

/// What resources said when they were created: a row is the same row whatever people have done with it since. One that
/// was written in a shape that is no longer read is missing.
async fn first_recorded<R: Declared>(kit: &Kit, names: Vec<String>) -> Result<HashMap<String, R>, Error> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sql = Sql::new("SELECT subject AS name, payload AS body FROM journal WHERE subject_version = 1 ");
    sql.push("AND subject = ANY(").bind::<Array<Text>, _>(names).push(")");
    let rows: Vec<Recorded> = sql.load(&mut kit.database.get(&Scope::Everything).await?).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.name, R::deserialize(&row.body).ok()?))).collect())
}

fn conflict(tally: &mut Tally, sequence: i64, name: &str) {
    let message = format!("{name} was recorded with other content: correct that one instead");
    tally.fail(sequence, SOURCE_ID_CONFLICT, "source_id", message);
}

/// Whether a row is at fault, and not the server or the database.
fn is_the_rows(error: &Error) -> bool {
    matches!(
        error,
        Error::Invalid { .. } | Error::NotFound { .. } | Error::AlreadyExists { .. } | Error::Constraint { .. }
    ) || matches!(error, Error::Refused { reason, .. } if reason.code == tonic::Code::FailedPrecondition)
}

/// Takes a stream of rows in batches of [`BATCH`] and answers each batch, and once at the end. `place` gives the import
/// and the number of a row; `take` commits a batch, which goes on to its end also when the client hangs up.
pub fn run<Row, Answer, Taken>(
    kit: &Kit,
    caller: Arc<Caller>,
    rows: tonic::Streaming<Row>,
    place: fn(&Row) -> (&str, i64),
    take: fn(Kit, Arc<Caller>, Vec<Row>, Tally) -> Taken,
    answer: fn(Tally) -> Answer,
) -> impl Stream<Item = Result<Answer, Status>> + use<Row, Answer, Taken>
where
    Row: Send + 'static,
    Answer: Send + 'static,
    Taken: Future<Output = Result<Tally, Error>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(1);
    let kit = kit.clone();
    kit.clone().spawn(async move {
        let work = pump(&kit, caller, rows, place, take, |tally| {
            let sent = sender.send(Ok(answer(tally)));
            async { sent.await.is_ok() }
        });
        if let Err(status) = work.await {
            // The client may be gone, and then there is nobody to tell.
            let _ = sender.send(Err(status)).await;
        }
    });
    ReceiverStream::new(receiver)
}

async fn pump<Row, Taken, Sent>(
    kit: &Kit,
    caller: Arc<Caller>,
    mut rows: tonic::Streaming<Row>,
    place: fn(&Row) -> (&str, i64),
    take: fn(Kit, Arc<Caller>, Vec<Row>, Tally) -> Taken,
    send: impl Fn(Tally) -> Sent,
) -> Result<(), Status>
where
    Row: Send + 'static,
    Taken: Future<Output = Result<Tally, Error>> + Send + 'static,
    Sent: Future<Output = bool>,
{
    let mut import_id: Option<String> = None;
    let mut last = i64::MIN;
    let mut answered = false;
    loop {
        let mut batch = Vec::new();
        let mut ended = false;
        while batch.len() < BATCH && !ended {
            let next = tokio::select! {
                () = kit.stop.cancelled() => return Err(Error::unavailable("the server stops").into()),
                next = rows.next() => next,
            };
            let Some(row) = next.transpose()? else {
                ended = true;
                break;
            };
            let (id, sequence) = place(&row);
            if import_id.get_or_insert_with(|| id.to_owned()) != id {
                return Err(Error::invalid("import_id", "changed within the stream: one import, one stream").into());
            }
            if sequence <= last {
                return Err(Error::invalid("sequence", format!("{sequence} after {last}: numbers rise")).into());
            }
            last = sequence;
            batch.push(row);
        }
        if batch.is_empty() && answered {
            return Ok(());
        }
        let tally = Tally { committed_through: last.max(0), ..Tally::default() };
        let tally = kit.complete(take(kit.clone(), caller.clone(), batch, tally)).await?;
        answered = true;
        if !send(tally).await || ended {
            return Ok(());
        }
    }
}
