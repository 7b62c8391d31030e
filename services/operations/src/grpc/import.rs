//! Rows of imports: from messages to what the domain absorbs, and streams of rows to batches of whole tickets.

use domain::stored;
use domain::ticket::import::{Event, Row as Content, RowKind, Snapshot};
use domain::ticket::{Changes, Digest, Patch, Side};
use domain::violation;
use pb::import_tickets_request::Row as RowOneof;
use pb::imported_fact::Fact as FactOneof;
use proto::operations::v1 as pb;
use servicekit::convert::Reader;
use servicekit::error::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{enums, read};
use crate::error::SEQUENCE_NOT_RISING;
use crate::import::{Failure, Row, SourceLink};
use crate::usecase::import_tickets::{BATCH, Batch, Committed, Raw};

/// Longest import id.
const MAX_ID: usize = 100;

impl Raw for pb::ImportTicketsRequest {
    fn sequence(&self) -> i64 {
        self.sequence
    }

    fn source(&self) -> (&str, &str) {
        match &self.row {
            Some(RowOneof::Snapshot(snapshot)) => (&snapshot.source_system, &snapshot.source_id),
            Some(RowOneof::Fact(fact)) => (&fact.source_system, &fact.source_id),
            None => ("", ""),
        }
    }

    fn read(&self) -> Result<Row, Failure> {
        let mut reader = Reader::default();
        let row = match &self.row {
            Some(RowOneof::Snapshot(snapshot)) => of_snapshot(&mut reader, snapshot),
            Some(RowOneof::Fact(fact)) => of_fact(&mut reader, fact),
            None => {
                reader.object("row", "is required: give a snapshot or a fact");
                None
            }
        };
        let found = reader.found();
        match (row, found.first()) {
            (Some(row), None) => Ok(Row { sequence: self.sequence, ..row }),
            (_, first) => Err(Failure {
                sequence: self.sequence,
                reason: "ROW_INVALID".to_owned(),
                field: first.map(|violation| violation.field.clone()).unwrap_or_default(),
                message: found.iter().map(|violation| violation.description.as_str()).collect::<Vec<_>>().join("; "),
            }),
        }
    }
}

/// Cuts a stream of rows into batches, between tickets.
pub struct Batches {
    import_id: String,
    last: Option<i64>,
    rows: Vec<pb::ImportTicketsRequest>,
}

impl Batches {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { import_id: String::new(), last: None, rows: Vec::new() }
    }

    /// Takes the next row; gives a batch when one is complete before it.
    pub fn push(&mut self, row: pb::ImportTicketsRequest) -> Result<Option<Batch<pb::ImportTicketsRequest>>, Error> {
        if self.last.is_none() {
            check_id(&row.import_id)?;
            self.import_id.clone_from(&row.import_id);
        }
        if row.import_id != self.import_id {
            let text = format!("import_id {} came after {}: one call has one", row.import_id, self.import_id);
            return Err(Error::refused(SEQUENCE_NOT_RISING, "", text));
        }
        if let Some(last) = self.last.filter(|last| row.sequence <= *last) {
            let text = format!("row {} came after row {last}: number rows upwards", row.sequence);
            return Err(Error::refused(SEQUENCE_NOT_RISING, "", text));
        }
        self.last = Some(row.sequence);
        let another = self.rows.last().is_some_and(|before| before.source() != row.source());
        let full = (self.rows.len() >= BATCH && another).then(|| self.take());
        self.rows.push(row);
        Ok(full)
    }

    /// What is left at the end.
    pub fn rest(mut self) -> Option<Batch<pb::ImportTicketsRequest>> {
        (!self.rows.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> Batch<pb::ImportTicketsRequest> {
        Batch { import_id: self.import_id.clone(), rows: std::mem::take(&mut self.rows) }
    }
}

/// Reads a stream to its end, or to its break: a ticket whose rows had not all come is left out then.
pub async fn forward(
    mut stream: tonic::Streaming<pb::ImportTicketsRequest>,
    batches: mpsc::Sender<Result<Batch<pb::ImportTicketsRequest>, Error>>,
    stop: CancellationToken,
) {
    let mut rows = Batches::new();
    loop {
        let next = tokio::select! {
            next = stream.message() => next,
            () = stop.cancelled() => {
                let _ = batches.send(Err(Error::unavailable("the server is stopping"))).await;
                return;
            }
        };
        let full = match next {
            Ok(Some(row)) => rows.push(row),
            Ok(None) => break,
            Err(_) => return,
        };
        if let Some(batch) = full.transpose()
            && batches.send(batch).await.is_err()
        {
            return;
        }
    }
    if let Some(batch) = rows.rest() {
        let _ = batches.send(Ok(batch)).await;
    }
}

/// What a batch came to, as an answer.
pub fn answer(committed: Committed) -> pb::ImportTicketsResponse {
    let count = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
    let failures = committed.failures.into_iter().map(|failure| pb::ImportFailure {
        sequence: failure.sequence,
        reason: failure.reason,
        field: failure.field,
        message: failure.message,
    });
    pb::ImportTicketsResponse {
        committed_through: committed.through,
        created_count: count(committed.created),
        unchanged_count: count(committed.unchanged),
        failures: failures.collect(),
    }
}

/// Refuses an import id that cannot be one.
pub fn check_id(id: &str) -> Result<(), Error> {
    let fits = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if id.is_empty() || id.len() > MAX_ID || !fits {
        let text = format!("is no import id: give 1 to {MAX_ID} letters, digits, dots, underscores and hyphens");
        return Err(Error::invalid("import_id", text));
    }
    Ok(())
}

/// Fingerprint of everything that a row says.
fn digest(message: &impl prost::Message) -> Digest {
    stored::fingerprint(&message.encode_to_vec())
}

/// A field of a snapshot: not shown, shown as empty, or shown.
fn shown(value: Option<&String>) -> Patch<String> {
    match value {
        None => Patch::Keep,
        Some(text) if text.is_empty() => Patch::Clear,
        Some(text) => Patch::Set(text.clone()),
    }
}

fn shown_list(value: Option<&pb::StringList>) -> Patch<Vec<String>> {
    match value {
        None => Patch::Keep,
        Some(list) if list.values.is_empty() => Patch::Clear,
        Some(list) => Patch::Set(list.values.clone()),
    }
}

fn shown_level(reader: &mut Reader, field: &str, value: Option<i32>) -> Patch<u8> {
    value.map_or(Patch::Keep, |number| Patch::exactly(read::level(reader, field, number)))
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn source(reader: &mut Reader, system: &str, id: &str) {
    let mut found = Vec::new();
    violation::required(&mut found, "source_system", system);
    violation::required(&mut found, "source_id", id);
    violation::lines(&mut found, &[("source_system", system), ("source_id", id)]);
    reader.judge(found);
}

fn of_snapshot(reader: &mut Reader, message: &pb::TicketSnapshot) -> Option<Row> {
    source(reader, &message.source_system, &message.source_id);
    let observed_at = reader.timestamp("observe_time", message.observe_time.as_ref());
    let observed_at = reader.required("observe_time", observed_at);
    let (snapshot, links) = snapshot(reader, message);
    Some(Row {
        sequence: 0,
        source: (message.source_system.clone(), message.source_id.clone()),
        process: given(&message.process),
        links,
        content: Content {
            digest: digest(message),
            occurred_at: observed_at?,
            source_sequence: message.source_sequence,
            source_recorded_at: None,
            actor: given(&message.actor),
            kind: RowKind::Snapshot(Box::new(snapshot)),
        },
    })
}

fn snapshot(reader: &mut Reader, message: &pb::TicketSnapshot) -> (Snapshot, Vec<SourceLink>) {
    let resolution = message.resolution.clone().unwrap_or_default();
    let count = |reader: &mut Reader, field, value: Option<i32>| {
        value.map_or(Patch::Keep, |number| Patch::Set(reader.number(field, number)))
    };
    let fields = Changes {
        source_system: Patch::Set(message.source_system.clone()),
        source_id: Patch::Set(message.source_id.clone()),
        opened_at: Patch::shown(reader.timestamp("open_time", message.open_time.as_ref())),
        resolved_at: Patch::shown(reader.timestamp("resolve_time", message.resolve_time.as_ref())),
        closed_at: Patch::shown(reader.timestamp("close_time", message.close_time.as_ref())),
        resolution_code: Patch::shown(given(&resolution.code)),
        resolution_text: Patch::shown(given(&resolution.text)),
        resolution_cause: Patch::shown(given(&resolution.cause)),
        title: shown(message.title.as_ref()),
        description: shown(message.description.as_ref()),
        customer: shown(message.customer.as_ref()),
        requester: shown(message.requester.as_ref()),
        reported_by: shown(message.reported_by.as_ref()),
        service: shown(message.service.as_ref()),
        offering: shown(message.offering.as_ref()),
        configuration_items: shown_list(message.configuration_items.as_ref()),
        category_path: shown_list(message.category_path.as_ref()),
        channel: shown(message.channel.as_ref()),
        location: shown(message.location.as_ref()),
        tags: shown_list(message.tags.as_ref()),
        custom_fields: message
            .custom_fields
            .as_ref()
            .map_or(Patch::Keep, |fields| Patch::exactly(read::members(Some(fields)))),
        impact: shown_level(reader, "impact", message.impact),
        urgency: shown_level(reader, "urgency", message.urgency),
        group: shown(message.group.as_ref()),
        person: shown(message.person.as_ref()),
        contract: shown(message.contract.as_ref()),
        pending_reason: message.pending_reason.map_or(Patch::Keep, |number| {
            Patch::exactly(reader.optional_choice("pending_reason", number, enums::pending_reason::read))
        }),
        reassignment_count: count(reader, "reassignment_count", message.reassignment_count),
        reopen_count: count(reader, "reopen_count", message.reopen_count),
        source_sla_met: Patch::shown(message.source_sla_met),
        external_references: shown_list(message.external_references.as_ref()),
        ..Changes::default()
    };
    reader.judge(read::check(&fields));
    let mut links = Vec::with_capacity(message.links.len());
    for (index, link) in message.links.iter().enumerate() {
        let kind = reader.choice(&format!("links[{index}].type"), link.r#type, enums::link_type::read);
        source(reader, &message.source_system, &link.source_id);
        if let Some(kind) = kind {
            links.push(SourceLink { kind, source_id: link.source_id.clone(), process: link.process.clone() });
        }
    }
    let priority = message.priority.and_then(|number| read::level(reader, "priority", number));
    let state = message.state.clone().filter(|state| !state.is_empty());
    (Snapshot { state, priority, fields, ..Snapshot::default() }, links)
}

fn of_fact(reader: &mut Reader, message: &pb::ImportedFact) -> Option<Row> {
    source(reader, &message.source_system, &message.source_id);
    let occurred_at = reader.timestamp("occur_time", message.occur_time.as_ref());
    let occurred_at = reader.required("occur_time", occurred_at);
    let source_recorded_at = reader.timestamp("record_time", message.record_time.as_ref());
    let mut process = None;
    let mut links = Vec::new();
    let event = match reader.required("fact", message.fact.as_ref())? {
        FactOneof::Opened(opened) => {
            let (mut snapshot, related) = snapshot(reader, opened);
            // The fact says which ticket it is about.
            snapshot.fields.source_system = Patch::Set(message.source_system.clone());
            snapshot.fields.source_id = Patch::Set(message.source_id.clone());
            process = given(&opened.process);
            links = related;
            Event::Opened(snapshot)
        }
        FactOneof::Transitioned(moved) => {
            let pending_reason = reader.optional_choice(
                "transitioned.pending_reason",
                moved.pending_reason,
                enums::pending_reason::read,
            );
            Event::Entered { state: moved.state.clone(), pending_reason }
        }
        FactOneof::Assigned(assigned) => Event::Assigned(read::assignment(reader, assigned)),
        FactOneof::Noted(note) => {
            let audience = reader.choice("noted.audience", note.audience, enums::audience::read);
            let mut found = Vec::new();
            violation::required(&mut found, "noted.text", &note.text);
            violation::texts(&mut found, &[("noted.text", &note.text)]);
            reader.judge(found);
            Event::Noted { audience: audience?, by: Side::Provider, text: note.text.clone() }
        }
        FactOneof::Resolved(resolution) => {
            let resolution = read::resolution(resolution);
            let said = Changes {
                resolution_code: Patch::shown(resolution.code.clone()),
                resolution_text: Patch::shown(resolution.text.clone()),
                resolution_cause: Patch::shown(resolution.cause.clone()),
                ..Changes::default()
            };
            reader.judge(read::check(&said));
            Event::Resolved(resolution)
        }
    };
    Some(Row {
        sequence: 0,
        source: (message.source_system.clone(), message.source_id.clone()),
        process,
        links,
        content: Content {
            digest: digest(message),
            occurred_at: occurred_at?,
            source_sequence: message.source_sequence,
            source_recorded_at,
            actor: given(&message.actor),
            kind: RowKind::Fact(Box::new(event)),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(sequence: i64, source_id: &str) -> pb::ImportTicketsRequest {
        let snapshot = pb::TicketSnapshot {
            source_system: "desk".to_owned(),
            source_id: source_id.to_owned(),
            observe_time: Some(prost_types::Timestamp { seconds: 1_456_800_000 + sequence, nanos: 0 }),
            ..pb::TicketSnapshot::default()
        };
        pb::ImportTicketsRequest { import_id: "one".to_owned(), sequence, row: Some(RowOneof::Snapshot(snapshot)) }
    }

    #[test]
    fn a_batch_ends_between_tickets_only() {
        let mut batches = Batches::new();
        let mut sizes = Vec::new();
        let rows = i64::try_from(BATCH).unwrap() * 2;
        for sequence in 1..=rows {
            // Tickets of seven rows each.
            let full = batches.push(row(sequence, &format!("T{}", (sequence - 1) / 7))).unwrap();
            sizes.extend(full.map(|batch| batch.rows.len()));
        }
        sizes.extend(batches.rest().map(|batch| batch.rows.len()));
        assert_eq!(sizes, [1_001, 999]);
    }

    #[test]
    fn a_ticket_with_more_rows_than_a_batch_stays_whole() {
        let mut batches = Batches::new();
        for sequence in 1..=5_000 {
            assert!(batches.push(row(sequence, "T1")).unwrap().is_none());
        }
        assert_eq!(batches.push(row(5_001, "T2")).unwrap().unwrap().rows.len(), 5_000);
    }

    #[test]
    fn rows_come_with_rising_numbers_and_one_import_id() {
        let mut batches = Batches::new();
        batches.push(row(2, "T1")).unwrap();
        assert!(batches.push(row(2, "T1")).is_err());
        let other = pb::ImportTicketsRequest { import_id: "two".to_owned(), ..row(3, "T1") };
        assert!(batches.push(other).is_err());
        for id in ["", "a b", "ä", &"x".repeat(101)] {
            assert!(check_id(id).is_err(), "{id}");
        }
        assert!(check_id("servicenow-2016.02_a").is_ok());
    }

    #[test]
    fn the_fingerprint_of_a_row_does_not_depend_on_its_number() {
        let digest = |row: &pb::ImportTicketsRequest| row.read().unwrap().content.digest;
        let mut moved = row(9, "T1");
        moved.row = row(1, "T1").row;
        assert_eq!(digest(&moved), digest(&row(1, "T1")));
        assert_ne!(digest(&row(1, "T1")), digest(&row(2, "T1")));
    }

    #[test]
    fn what_is_not_shown_is_kept_and_what_is_shown_as_empty_is_cleared() {
        let mut request = row(1, "T1");
        if let Some(RowOneof::Snapshot(snapshot)) = &mut request.row {
            snapshot.group = Some(String::new());
            snapshot.tags = Some(pb::StringList::default());
            snapshot.impact = Some(0);
            snapshot.title = Some("a title".to_owned());
        }
        let RowKind::Snapshot(snapshot) = request.read().unwrap().content.kind else { panic!("a snapshot") };
        let fields = snapshot.fields;
        assert_eq!((fields.group, fields.tags, fields.impact), (Patch::Clear, Patch::Clear, Patch::Clear));
        assert_eq!((fields.title, fields.person), (Patch::Set("a title".to_owned()), Patch::Keep));
    }
}
