//! `itsm.journal.v1.JournalService`: the feed of whole changes, and the list of entries.

use std::sync::Arc;
use std::time::Duration;

use domain::filter::{Context, Typed};
use jiff::Timestamp;
use proto::journal::v1 as pb;
use proto::journal::v1::journal_service_server::JournalService;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status};

use super::read::{self, Entry, FIELDS, Stretch};
use super::seal::{Damage, Kind, Range, State};
use super::sealer::{self, SEAL_FIELDS};
use super::verify::verify;
use crate::auth::Caller;
use crate::error::{self, Error, Violation};
use crate::filter::Filtered;
use crate::kit::Kit;
use crate::page::{self, Binding, Signer};
use crate::scope::Scope;
use crate::wire;

const WATCH: &str = "itsm.journal.v1.JournalService/WatchJournal";
const LIST: &str = "itsm.journal.v1.JournalService/ListJournalEntries";
const LIST_SEALS: &str = "itsm.journal.v1.JournalService/ListSeals";
/// Seals that one call verifies.
const VERIFIED: i64 = 200;
/// Damages that are named in one range.
const NAMED: usize = 100;
/// About how many facts are read at once.
const STRETCH: i64 = 1_000;
/// How often watchers look without having been told.
const POLL: Duration = Duration::from_secs(1);
/// Watchers that one server serves at once.
pub const MAX_WATCHERS: usize = 100;

/// The methods of the journal that take a filter.
pub fn filters() -> Vec<Filtered> {
    vec![(LIST, &FIELDS), (WATCH, &FIELDS), (LIST_SEALS, &SEAL_FIELDS)]
}

/// What a resume token says: the last place that was considered, and the microsecond in which its fact was put in order,
/// by which a journal that was restored from a back-up older than the token is told from the one that made it.
#[derive(Serialize, Deserialize)]
struct Mark(i64, Option<i64>);

/// Where resume tokens are good: for the feed of a scope through a filter.
fn feed(scope: &str, filter: &str) -> Binding {
    Binding::new(&[WATCH, scope, filter.trim()])
}

/// A resume token for a feed; `None` for the place before the first fact.
pub(crate) fn resume_token(
    signer: &Signer,
    scope: &str,
    filter: &str,
    seq: i64,
    recorded_at: Option<Timestamp>,
) -> String {
    signer.seal(&feed(scope, filter), &Mark(seq, recorded_at.map(Timestamp::as_microsecond)))
}

/// The journal of one schema over gRPC.
#[derive(Clone)]
pub struct Service {
    kit: Kit,
    watchers: Arc<Semaphore>,
}

impl Service {
    /// Serves the journal of the kit's schema.
    pub fn new(kit: Kit) -> Self {
        Self { kit, watchers: Arc::new(Semaphore::new(MAX_WATCHERS)) }
    }

    async fn watch(
        &self,
        caller: Arc<Caller>,
        request: pb::WatchJournalRequest,
    ) -> Result<ReceiverStream<Result<pb::WatchJournalResponse, Status>>, Error> {
        let permit = self
            .watchers
            .clone()
            .try_acquire_owned()
            .map_err(|_| Error::Busy { what: "the feed", retry_after: Duration::from_secs(5) })?;
        let context = Context { now: self.kit.clock.now(), me: Some(caller.actor.clone()) };
        let filter =
            domain::filter::compile(&request.filter, FIELDS.schema(), &context).map_err(|fault| Error::Invalid {
                reason: error::FILTER_INVALID,
                violations: vec![Violation::new("filter", fault.to_string())],
            })?;
        let after = self.start(&request, &caller).await?;
        let (sender, receiver) = mpsc::channel(16);
        let watcher = Watcher { kit: self.kit.clone(), caller, filter, text: request.filter, sender };
        self.kit.spawn(async move {
            let stop = watcher.kit.stop.clone();
            let end = tokio::select! {
                end = watcher.run(after) => end,
                () = stop.cancelled() => {
                    let message = "the server is stopping: resume with the last token";
                    Err(Error::refused(error::SERVER_STOPPING, "", message))
                }
            };
            if let Err(error) = end {
                let _ = watcher.sender.try_send(Err(error.into()));
            }
            drop(permit);
        });
        Ok(ReceiverStream::new(receiver))
    }

    /// The sequence number after which the feed begins.
    async fn start(&self, request: &pb::WatchJournalRequest, caller: &Caller) -> Result<i64, Error> {
        if request.from_start && !request.resume_token.is_empty() {
            return Err(Error::invalid("from_start", "cannot be combined with resume_token: send one of them"));
        }
        let mut connection = self.kit.database.get(&Scope::Everything).await?;
        let extent = read::extent(&mut connection).await?;
        if request.from_start {
            return Ok(extent.oldest - 1);
        }
        if request.resume_token.is_empty() {
            return Ok(extent.newest);
        }
        let binding = feed(caller.scope(), &request.filter);
        let Mark(after, marked) =
            self.kit.signer.open(&binding, &request.resume_token).map_err(|_| Error::Invalid {
                reason: error::PAGE_TOKEN_INVALID,
                violations: vec![Violation::new("resume_token", "does not belong to this feed, caller and filter")],
            })?;
        if after < extent.oldest - 1 {
            let oldest = self.kit.signer.seal(&binding, &Mark(extent.oldest - 1, None));
            let message = format!("the feed no longer goes back that far: resume with {oldest} or start anew");
            return Err(Error::refused(error::RESUME_TOKEN_TOO_OLD, "", message).with("oldest_token", oldest));
        }
        let found = read::recorded_at(&mut connection, after).await?;
        if marked.is_some() && marked != found.map(Timestamp::as_microsecond) {
            let message = "the journal was restored from a back-up that is older than the token: start anew";
            return Err(Error::refused(error::RESUME_TOKEN_UNKNOWN, "", message));
        }
        Ok(after)
    }
}

struct Watcher {
    kit: Kit,
    caller: Arc<Caller>,
    filter: Typed,
    /// As in the request.
    text: String,
    sender: mpsc::Sender<Result<pb::WatchJournalResponse, Status>>,
}

impl Watcher {
    /// Sends whole changes until the client goes away.
    async fn run(&self, mut after: i64) -> Result<(), Error> {
        let mut moved = self.kit.feed.watch();
        loop {
            moved.mark_unchanged();
            let stretch = {
                let scope = self.kit.scope_of(&self.caller);
                let mut connection = self.kit.database.get(&Scope::Everything).await?;
                read::stretch(&mut connection, &scope, &self.filter, after, STRETCH).await?
            };
            if let Some(stretch) = stretch {
                after = stretch.through;
                for message in self.messages(&stretch) {
                    if self.sender.send(Ok(message)).await.is_err() {
                        return Ok(());
                    }
                }
            } else {
                tokio::select! {
                    () = self.sender.closed() => return Ok(()),
                    _ = tokio::time::timeout(POLL, moved.changed()) => {}
                }
            }
        }
    }

    /// One message for each change with a fact that matches, and a bookmark at the end.
    fn messages(&self, stretch: &Stretch) -> Vec<pb::WatchJournalResponse> {
        let mut messages = Vec::new();
        for change in stretch.entries.chunk_by(|a, b| a.change_id == b.change_id) {
            let Some(last) = change.last() else { continue };
            messages.push(pb::WatchJournalResponse {
                entries: change.iter().cloned().map(Into::into).collect(),
                resume_token: self.token(last.seq.unwrap_or_default(), last.recorded_at),
                bookmark_time: last.recorded_at.map(wire::timestamp),
            });
        }
        messages.push(pb::WatchJournalResponse {
            entries: Vec::new(),
            resume_token: self.token(stretch.through, Some(stretch.recorded_at)),
            bookmark_time: Some(wire::timestamp(stretch.recorded_at)),
        });
        messages
    }

    fn token(&self, seq: i64, recorded_at: Option<Timestamp>) -> String {
        resume_token(&self.kit.signer, self.caller.scope(), &self.text, seq, recorded_at)
    }
}

#[tonic::async_trait]
impl JournalService for Service {
    type WatchJournalStream = ReceiverStream<Result<pb::WatchJournalResponse, Status>>;

    async fn watch_journal(
        &self,
        request: tonic::Request<pb::WatchJournalRequest>,
    ) -> Result<Response<Self::WatchJournalStream>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.watch(caller, request.into_inner()).await?))
    }

    async fn list_journal_entries(
        &self,
        request: tonic::Request<pb::ListJournalEntriesRequest>,
    ) -> Result<Response<pb::ListJournalEntriesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let list = page::Request {
            method: LIST,
            page_size: request.page_size,
            page_token: &request.page_token,
            filter: &request.filter,
            ..page::Request::default()
        };
        let page = read::list(&self.kit, &caller, list).await?;
        Ok(Response::new(pb::ListJournalEntriesResponse {
            journal_entries: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn list_seals(
        &self,
        request: tonic::Request<pb::ListSealsRequest>,
    ) -> Result<Response<pb::ListSealsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let list = page::Request {
            method: LIST_SEALS,
            page_size: request.page_size,
            page_token: &request.page_token,
            filter: &request.filter,
            ..page::Request::default()
        };
        let page = sealer::list(&self.kit, &caller, list).await?;
        Ok(Response::new(pb::ListSealsResponse { seals: page.items, next_page_token: page.next_page_token }))
    }

    async fn verify_journal(
        &self,
        request: tonic::Request<pb::VerifyJournalRequest>,
    ) -> Result<Response<pb::VerifyJournalResponse>, Status> {
        let request = request.into_inner();
        let negative = [("first_seq", request.first_seq), ("last_seq", request.last_seq)].into_iter();
        Error::check(
            negative.filter(|(_, seq)| *seq < 0).map(|(field, _)| Violation::new(field, "is negative")).collect(),
        )?;
        let first = request.first_seq.max(1);
        let last = if request.last_seq == 0 { i64::MAX } else { request.last_seq };
        if last < first {
            return Err(Error::invalid("last_seq", "is before first_seq: send 0 for the end").into());
        }
        let mut connection = self.kit.database.get(&Scope::Everything).await?;
        let (verifier, next) = verify(&mut connection, self.kit.service.name, first, last, VERIFIED).await?;
        Ok(Response::new(pb::VerifyJournalResponse {
            head: verifier.head.map(hex::encode).unwrap_or_default(),
            text_damages: verifier.texts.damages.into_iter().take(NAMED).map(Into::into).collect(),
            erased_count: verifier.texts.erased,
            ranges: verifier.ranges.into_iter().map(Into::into).collect(),
            next_seq: next.unwrap_or_default(),
        }))
    }
}

impl From<Range> for pb::VerifiedRange {
    fn from(range: Range) -> Self {
        Self {
            first_seq: range.first_seq,
            last_seq: range.last_seq,
            seal_count: range.seals,
            state: match range.state {
                State::Intact => pb::VerificationState::Intact.into(),
                State::Broken => pb::VerificationState::Broken.into(),
                State::Unsealed => pb::VerificationState::Unsealed.into(),
            },
            damages: range.damages.into_iter().take(NAMED).map(Into::into).collect(),
        }
    }
}

impl From<Damage> for pb::Damage {
    fn from(damage: Damage) -> Self {
        let kind = match damage.kind {
            Kind::Changed => pb::DamageKind::Changed,
            Kind::Missing => pb::DamageKind::Missing,
            Kind::Inserted | Kind::OutOfOrder => pb::DamageKind::Inserted,
            Kind::Moved => pb::DamageKind::Moved,
            Kind::CutOff => pb::DamageKind::CutOff,
            Kind::PlaceChanged => pb::DamageKind::PlaceChanged,
            Kind::SealChanged => pb::DamageKind::SealChanged,
            Kind::SealMissing => pb::DamageKind::SealMissing,
            Kind::TextChanged => pb::DamageKind::TextChanged,
            Kind::TextMissing => pb::DamageKind::TextMissing,
        };
        let message = damage.to_string();
        let has_place = damage.kind != Kind::OutOfOrder;
        let place = |seq| if has_place { seq } else { 0 };
        Self { kind: kind.into(), first_seq: place(damage.first_seq), last_seq: place(damage.last_seq), message }
    }
}

impl From<Entry> for pb::JournalEntry {
    fn from(entry: Entry) -> Self {
        Self {
            seq: entry.seq.unwrap_or_default(),
            change_id: entry.change_id.to_string(),
            last_of_change: entry.last_of_change,
            occur_time: Some(wire::timestamp(entry.occurred_at)),
            record_time: entry.recorded_at.map(wire::timestamp),
            source_record_time: entry.source_recorded_at.map(wire::timestamp),
            source_sequence: entry.source_sequence,
            actor: entry.actor,
            customer: entry.customer_id,
            audience: match entry.audience.as_str() {
                "PUBLIC" => pb::Audience::Public.into(),
                _ => pb::Audience::Internal.into(),
            },
            subject: entry.subject,
            subject_version: entry.subject_version,
            kind: entry.kind,
            payload: Some(wire::json_struct(entry.payload)),
        }
    }
}
