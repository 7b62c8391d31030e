//! The journal of facts: appended in the transaction of the change, put in order by the sequencer, read by everybody.
//! A service whose writer inserts facts in a statement of its own adds the change to `journal_pending` likewise.

mod json;
mod read;
pub mod seal;
mod sealer;
mod sequencer;
mod service;
mod verify;

use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use domain::privacy::Private;
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::Connection;
use crate::error::Error;
use crate::sql::Sql;

pub use json::Json;
pub(crate) use read::{COLUMNS, FIELDS, PRIVATE, Row, Stretch, stretch};
pub use read::{Entry, entries_of};
pub(crate) use sealer::seal as keep_sealed;
pub use sealer::{SEALED, SEALS_DDL, seal_all};
pub use sequencer::{Feed, sequence};
pub(crate) use service::resume_token;
pub use service::{MAX_WATCHERS, Service, filters};
pub use verify::{has_seal, part_after, snapshot, verify};

/// The tables, for the first migration of every service.
pub const DDL: &str = include_str!("../../sql/journal.sql");

/// The table of what is private, for a migration of every service.
pub const PRIVATE_DDL: &str = include_str!("../../sql/private.sql");

/// Who may see a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The customer and the provider.
    Public,
    /// The provider only.
    Internal,
}

impl Audience {
    /// As the column `audience` holds it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "PUBLIC",
            Self::Internal => "INTERNAL",
        }
    }
}

/// A fact to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFact {
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the source system recorded it. None unless imported.
    pub source_recorded_at: Option<Timestamp>,
    /// Orders facts of one subject at the same instant; 0 when there is nothing to order.
    pub source_sequence: i64,
    /// Who caused it: `people/ann`.
    pub actor: String,
    /// Customer the subject belongs to. Empty: none.
    pub customer_id: String,
    /// Who may see it.
    pub audience: Audience,
    /// Name of the resource it is about.
    pub subject: String,
    /// Version of the subject after it.
    pub subject_version: i64,
    /// Kind and its version: `service.created.v1`.
    pub kind: String,
    /// What it says, by kind.
    pub payload: serde_json::Value,
}

/// Records the facts of one change, in their order, in the transaction that makes the change. Call it after the rows
/// are written, so that positions are drawn after the row locks. No facts: nothing happens.
pub async fn append(connection: &mut Connection, change_id: Uuid, facts: &[NewFact]) -> Result<(), Error> {
    append_private(connection, change_id, facts, &[]).await
}

/// The same with what stands beside each of the facts, in their order; whose tokens they have.
pub async fn append_private(
    connection: &mut Connection,
    change_id: Uuid,
    facts: &[NewFact],
    beside: &[Private],
) -> Result<(), Error> {
    if facts.is_empty() {
        return Ok(());
    }
    let contents = (0..facts.len()).map(|place| beside.get(place).filter(|private| !private.is_empty()));
    let contents: Vec<Option<String>> = contents.map(|private| private.map(Private::to_json)).collect();
    let texts = |of: fn(&NewFact) -> String| facts.iter().map(of).collect::<Vec<_>>();
    let numbers = |of: fn(&NewFact) -> i64| facts.iter().map(of).collect::<Vec<_>>();
    let mut sql = Sql::new("WITH drawn AS MATERIALIZED (SELECT nextval('journal_position') AS position, f.* FROM (");
    sql.push("SELECT * FROM unnest(");
    let occurred: Vec<_> = facts.iter().map(|f| jiff_diesel::Timestamp::from(f.occurred_at)).collect();
    let recorded: Vec<_> = facts.iter().map(|f| f.source_recorded_at.map(jiff_diesel::Timestamp::from)).collect();
    sql.bind::<Array<Timestamptz>, _>(occurred).push(", ");
    sql.bind::<Array<Nullable<Timestamptz>>, _>(recorded).push(", ");
    sql.bind::<Array<BigInt>, _>(numbers(|f| f.source_sequence)).push(", ");
    sql.bind::<Array<Text>, _>(texts(|f| f.actor.clone())).push(", ");
    sql.bind::<Array<Text>, _>(texts(|f| f.customer_id.clone())).push(", ");
    sql.bind::<Array<Text>, _>(texts(|f| f.audience.as_str().to_owned())).push(", ");
    sql.bind::<Array<Text>, _>(texts(|f| f.subject.clone())).push(", ");
    sql.bind::<Array<BigInt>, _>(numbers(|f| f.subject_version)).push(", ");
    sql.bind::<Array<Text>, _>(texts(|f| f.kind.clone())).push(", ");
    sql.bind::<Array<Jsonb>, _>(facts.iter().map(|f| f.payload.clone()).collect::<Vec<_>>()).push(", ");
    sql.bind::<Array<Nullable<Text>>, _>(contents);
    sql.push(") WITH ORDINALITY AS f (occurred_at, source_recorded_at, source_sequence, actor, customer_id, ");
    sql.push("audience, subject, subject_version, kind, payload, content, place) ORDER BY place) AS f), ");
    sql.push("facts AS (INSERT INTO journal (position, change_id, last_of_change, occurred_at, source_recorded_at, ");
    sql.push(
        "source_sequence, actor, customer_id, audience, subject, subject_version, kind, payload) SELECT position, ",
    );
    sql.bind::<SqlUuid, _>(change_id).push(", place = max(place) OVER (), occurred_at, source_recorded_at, ");
    sql.push("source_sequence, actor, customer_id, audience, subject, subject_version, kind, payload FROM drawn), ");
    sql.push("beside AS (INSERT INTO journal_private (position, customer_id, audience, content) ");
    sql.push("SELECT position, customer_id, audience, content::jsonb FROM drawn WHERE content IS NOT NULL) ");
    sql.push("INSERT INTO journal_pending (change_id, last_position, positions) SELECT ");
    sql.bind::<SqlUuid, _>(change_id).push(", max(position), array_agg(position ORDER BY position) FROM drawn");
    sql.execute(connection).await?;
    Ok(())
}
