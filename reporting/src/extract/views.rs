//! The report views, one reader each. Their names and columns are a contract with the services.

use std::collections::BTreeMap;

use domain::privacy::Private;
use domain::ticket::{Audience, Fact, Recorded};
use jiff::Timestamp;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::copy;
use crate::Error;
use crate::inputs::{Extract, FactRow, RegisterRow, Revised};

/// Facts decoded together, beside reading on.
const BATCH: usize = 4_000;

/// Kinds that no measure, fold or clock reads: what an import keeps for itself, and relations.
const UNREAD: &str = "'ticket.imported.v1', 'ticket.linked.v1', 'ticket.unlinked.v1'";

/// A fact before its payload is decoded.
struct RawFact {
    subject: String,
    seq: u64,
    position: i64,
    occurred_at: Timestamp,
    known_at: Timestamp,
    recorded_at: Timestamp,
    source_sequence: i64,
    audience: Option<Audience>,
    kind: String,
    payload: Vec<u8>,
    people: Vec<u8>,
}

type Decoded = (Vec<FactRow>, BTreeMap<String, u64>);

/// The facts of tickets, those of one ticket together.
pub(super) async fn facts(client: &Client, extract: &mut Extract) -> Result<(), Error> {
    let view = "operations.report_v1_ticket_facts";
    let sql = format!(
        "SELECT subject, seq::int8, position::int8, occurred_at, known_at, recorded_at, source_sequence::int8, \
         audience::text, kind, payload, coalesce(people, '{{}}') FROM {view} WHERE kind NOT IN ({UNREAD}) ORDER BY subject COLLATE \"C\", position"
    );
    let mut batch = Vec::with_capacity(BATCH);
    let mut batches: Vec<JoinHandle<Decoded>> = Vec::new();
    copy(client, view, &sql, 11, |fields| {
        batch.push(RawFact {
            subject: fields.text()?.to_owned(),
            seq: u64::try_from(fields.int8()?).unwrap_or_default(),
            position: fields.int8()?,
            occurred_at: fields.at()?,
            known_at: fields.at()?,
            recorded_at: fields.at()?,
            source_sequence: fields.int8()?,
            audience: Audience::parse(fields.text()?),
            kind: fields.text()?.to_owned(),
            payload: fields.json()?.to_owned(),
            people: fields.json()?.to_owned(),
        });
        if batch.len() == BATCH {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            batches.push(tokio::task::spawn_blocking(move || decoded(full)));
        }
        Ok(())
    })
    .await?;
    batches.push(tokio::task::spawn_blocking(move || decoded(batch)));
    for batch in batches {
        let (facts, rejected) = batch.await.map_err(|error| Error::decode(view, error))?;
        extract.facts.extend(facts);
        for (reason, count) in rejected {
            *extract.rejected.entry(reason).or_default() += count;
        }
    }
    Ok(())
}

/// Facts with their payloads read. One that cannot be read is counted by its reason, and stops nothing.
fn decoded(raw: Vec<RawFact>) -> Decoded {
    let mut facts = Vec::with_capacity(raw.len());
    let mut rejected = BTreeMap::new();
    for row in raw {
        let read = || {
            let payload: Value = serde_json::from_slice(&row.payload)?;
            let people: Private = serde_json::from_slice(&row.people)?;
            Ok::<_, serde_json::Error>((payload, people))
        };
        let fact = read().map_err(|error| error.to_string()).and_then(|(mut payload, people)| {
            people.restore(&mut payload);
            Fact::decode(&row.kind, payload).map_err(|error| error.to_string())
        });
        match (fact, row.audience) {
            (Ok(fact), Some(audience)) => facts.push(FactRow {
                subject: row.subject,
                seq: row.seq,
                known_at: row.known_at,
                recorded: Recorded {
                    fact,
                    occurred_at: row.occurred_at,
                    source_recorded_at: (row.known_at != row.recorded_at).then_some(row.known_at),
                    source_sequence: row.source_sequence,
                    position: row.position,
                    actor: String::new(),
                    audience,
                },
            }),
            (Err(reason), _) => *rejected.entry(format!("a fact whose {reason}")).or_default() += 1,
            (Ok(_), None) => *rejected.entry("a fact for nobody's eyes".to_owned()).or_default() += 1,
        }
    }
    (facts, rejected)
}

/// The published calendars.
pub(super) async fn calendars(client: &Client) -> Result<Vec<Revised>, Error> {
    revised(client, "catalog.report_v1_calendars", "false").await
}

/// The published agreements.
pub(super) async fn agreements(client: &Client) -> Result<Vec<Revised>, Error> {
    revised(client, "catalog.report_v1_agreements", "illustrative").await
}

/// The published processes.
pub(super) async fn processes(client: &Client) -> Result<Vec<Revised>, Error> {
    revised(client, "catalog.report_v1_processes", "false").await
}

async fn revised(client: &Client, view: &str, illustrative: &str) -> Result<Vec<Revised>, Error> {
    let sql = format!(
        "SELECT name, revision::int8, effective_from, body, display_name, {illustrative} FROM {view} \
         ORDER BY name COLLATE \"C\", revision"
    );
    let mut found = Vec::new();
    copy(client, view, &sql, 6, |fields| {
        found.push(Revised {
            name: fields.text()?.to_owned(),
            revision: u32::try_from(fields.int8()?).map_err(|error| Error::decode(view, error))?,
            effective_from: fields.at()?,
            body: json(view, fields.json()?)?,
            display_name: fields.text()?.to_owned(),
            illustrative: fields.bool()?,
        });
        Ok(())
    })
    .await?;
    Ok(found)
}

/// The versions of the resources of a view.
pub(super) async fn register(client: &Client, view: &str) -> Result<Vec<RegisterRow>, Error> {
    let sql =
        format!("SELECT name, body, recorded_from, recorded_to FROM {view} ORDER BY name COLLATE \"C\", recorded_from");
    let mut found = Vec::new();
    copy(client, view, &sql, 4, |fields| {
        found.push(RegisterRow {
            name: fields.text()?.to_owned(),
            body: json(view, fields.json()?)?,
            recorded_from: fields.at()?,
            recorded_to: fields.instant()?,
        });
        Ok(())
    })
    .await?;
    Ok(found)
}

fn json(view: &str, bytes: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::decode(view, error))
}
