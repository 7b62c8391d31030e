//! Deliveries as the database keeps them: how far each webhook has come, its secret, its dead letters.

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Binary, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, QueryableByName};
use jiff::Timestamp;

use super::event::Secret;
use super::resource::Webhook;
use crate::auth::Caller;
use crate::db::Connection;
use crate::error::Error;
use crate::journal::{self, Entry};
use crate::kit::Kit;
use crate::page::{Keyset, Listing, Page, Request};
use crate::sql::Sql;

/// Begins deliveries of a new webhook after the last fact that is in order.
pub(super) async fn begin(connection: &mut Connection, webhook: &str, secret: &Secret) -> Result<(), Error> {
    let mut sql = Sql::new("INSERT INTO webhook_delivery (webhook, secret, through_seq) SELECT ");
    sql.bind::<Text, _>(webhook.to_owned()).push(", ").bind::<Binary, _>(secret.bytes().to_vec());
    sql.push(", coalesce(max(seq), 0) FROM journal_order");
    sql.execute(connection).await?;
    Ok(())
}

/// Forgets deliveries of a deleted webhook, its secret and its dead letters.
pub(super) async fn end(connection: &mut Connection, webhook: &str) -> Result<(), Error> {
    let mut sql = Sql::new("DELETE FROM webhook_delivery WHERE webhook = ");
    sql.bind::<Text, _>(webhook.to_owned());
    sql.execute(connection).await?;
    Ok(())
}

/// Forgets that attempts have failed, and replaces the secret if there is another.
pub(super) async fn try_at_once(
    connection: &mut Connection,
    webhook: &str,
    secret: Option<&Secret>,
) -> Result<(), Error> {
    let mut sql = Sql::new("UPDATE webhook_delivery SET failed_attempts = 0, retry_at = NULL, secret = coalesce(");
    sql.bind::<Nullable<Binary>, _>(secret.map(|secret| secret.bytes().to_vec()));
    sql.push(", secret) WHERE webhook = ").bind::<Text, _>(webhook.to_owned());
    sql.execute(connection).await?;
    Ok(())
}

/// Marks every dead letter to be tried once more.
pub(super) async fn redeliver(connection: &mut Connection, webhook: &str) -> Result<(), Error> {
    let mut sql = Sql::new("UPDATE webhook_dead_letter SET redelivering = true WHERE webhook = ");
    sql.bind::<Text, _>(webhook.to_owned());
    sql.execute(connection).await?;
    Ok(())
}

/// How deliveries of a webhook go.
#[derive(Debug, QueryableByName)]
pub(super) struct Progress {
    #[diesel(sql_type = Text)]
    webhook: String,
    #[diesel(sql_type = BigInt)]
    pub(super) through_seq: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) through_recorded_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Integer)]
    pub(super) failed_attempts: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) retry_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Text)]
    pub(super) last_error: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) delivered_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = BigInt)]
    pub(super) dead_letters: i64,
}

/// How deliveries of these webhooks go, by name; deleted ones have none.
pub(super) async fn progress(
    connection: &mut Connection,
    webhooks: Vec<String>,
) -> Result<HashMap<String, Progress>, Error> {
    let mut sql = Sql::new("SELECT webhook, through_seq, failed_attempts, retry_at, last_error, delivered_at, ");
    sql.push("(SELECT recorded_at FROM journal_order WHERE seq = d.through_seq) AS through_recorded_at, ");
    sql.push("(SELECT count(*) FROM webhook_dead_letter l WHERE l.webhook = d.webhook) AS dead_letters ");
    sql.push("FROM webhook_delivery d WHERE webhook = ANY(").bind::<Array<Text>, _>(webhooks).push(")");
    let rows: Vec<Progress> = sql.load(connection).await?;
    Ok(rows.into_iter().map(|row| (row.webhook.clone(), row)).collect())
}

/// A webhook whose facts are to be delivered.
#[derive(Debug, Clone)]
pub(super) struct Active {
    pub(super) name: String,
    pub(super) version: i64,
    pub(super) created_at: Timestamp,
    pub(super) body: Webhook,
    pub(super) secret: Secret,
}

#[derive(QueryableByName)]
struct ActiveRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Jsonb)]
    body: serde_json::Value,
    #[diesel(sql_type = Binary)]
    secret: Vec<u8>,
}

/// Every webhook that is neither disabled nor deleted.
pub(super) async fn active(connection: &mut Connection) -> Result<Vec<Active>, Error> {
    let mut sql = Sql::new("SELECT w.name, w.version, w.created_at, w.body, d.secret FROM webhook w ");
    sql.push("JOIN webhook_delivery d ON d.webhook = w.name WHERE w.deleted_at IS NULL AND NOT w.disabled");
    let rows: Vec<ActiveRow> = sql.load(connection).await?;
    let read = |row: ActiveRow| {
        Ok(Active {
            body: serde_json::from_value(row.body)
                .map_err(|cause| Error::internal(format!("the stored body of {}: {cause}", row.name)))?,
            name: row.name,
            version: row.version,
            created_at: row.created_at.into(),
            secret: Secret::new(row.secret),
        })
    };
    rows.into_iter().map(read).collect()
}

/// Where deliveries of a webhook stand, as this process knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub(super) struct Place {
    /// Everything up to here was delivered, did not match or is a dead letter.
    #[diesel(sql_type = BigInt)]
    pub(super) through_seq: i64,
    /// Attempts to deliver the next fact that have failed.
    #[diesel(sql_type = Integer)]
    pub(super) failed_attempts: i32,
}

#[derive(QueryableByName)]
struct Start {
    #[diesel(embed)]
    place: Place,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    retry_at: Option<jiff_diesel::Timestamp>,
}

/// Where deliveries of a webhook stand, and when the next fact is to be tried; `None` at once.
pub(super) async fn place(connection: &mut Connection, webhook: &str) -> Result<(Place, Option<Timestamp>), Error> {
    let mut sql = Sql::new("SELECT through_seq, failed_attempts, retry_at FROM webhook_delivery WHERE webhook = ");
    sql.bind::<Text, _>(webhook.to_owned());
    let row: Option<Start> = sql.get_result(connection).await.optional()?;
    let Start { place, retry_at } = row.ok_or_else(|| Error::not_found(webhook))?;
    Ok((place, retry_at.map(Into::into)))
}

/// What became of an attempt.
#[derive(Debug, Clone)]
pub(super) enum Outcome<'a> {
    /// Nothing matched up to the place, and nothing was tried.
    Passed,
    /// It was delivered.
    Delivered(Timestamp),
    /// It failed and is tried again.
    Failed { error: &'a str, retry_at: Timestamp },
    /// It failed for the last time and is set aside.
    SetAside { error: &'a str, failed_at: Timestamp, failed_attempts: i32 },
}

/// Moves a webhook from one place to another; CONFLICT when it is not there any more, because it was changed or another
/// process delivers: whoever is told so has nothing more to deliver.
pub(super) async fn step(
    connection: &mut Connection,
    webhook: &str,
    before: Place,
    after: Place,
    outcome: &Outcome<'_>,
) -> Result<(), Error> {
    let timestamp = |at: Timestamp| jiff_diesel::Timestamp::from(at);
    let mut sql = Sql::new("WITH moved AS (UPDATE webhook_delivery SET through_seq = ");
    sql.bind::<BigInt, _>(after.through_seq);
    sql.push(", failed_attempts = ").bind::<Integer, _>(after.failed_attempts);
    match *outcome {
        Outcome::Passed => {}
        Outcome::Delivered(at) => {
            sql.push(", retry_at = NULL, last_error = '', delivered_at = ").bind::<Timestamptz, _>(timestamp(at));
        }
        Outcome::Failed { error, retry_at } => {
            sql.push(", last_error = ").bind::<Text, _>(error.to_owned());
            sql.push(", retry_at = ").bind::<Timestamptz, _>(timestamp(retry_at));
        }
        Outcome::SetAside { error, .. } => {
            sql.push(", retry_at = NULL, last_error = ").bind::<Text, _>(error.to_owned());
        }
    }
    sql.push(" WHERE webhook = ").bind::<Text, _>(webhook.to_owned());
    sql.push(" AND through_seq = ").bind::<BigInt, _>(before.through_seq);
    sql.push(" AND failed_attempts = ").bind::<Integer, _>(before.failed_attempts);
    sql.push(" RETURNING webhook, through_seq)");
    if let Outcome::SetAside { error, failed_at, failed_attempts } = *outcome {
        sql.push(", letter AS (INSERT INTO webhook_dead_letter (webhook, seq, failed_at, failed_attempts, error) ");
        sql.push("SELECT webhook, through_seq, ").bind::<Timestamptz, _>(timestamp(failed_at));
        sql.push(", ").bind::<Integer, _>(failed_attempts).push(", ").bind::<Text, _>(error.to_owned());
        sql.push(" FROM moved)");
    }
    sql.push(" SELECT webhook FROM moved");
    if sql.execute(connection).await? == 1 { Ok(()) } else { Err(Error::Conflict) }
}

/// The oldest dead letter that is to be tried once more.
pub(super) async fn next_letter(connection: &mut Connection, webhook: &str) -> Result<Option<Entry>, Error> {
    let mut sql = Sql::new(format!("SELECT {} FROM webhook_dead_letter l ", journal::COLUMNS));
    sql.push("JOIN journal_order o USING (seq) JOIN journal j USING (position)").push(journal::PRIVATE);
    sql.push("WHERE l.redelivering AND l.webhook = ");
    sql.bind::<Text, _>(webhook.to_owned()).push(" ORDER BY l.seq LIMIT 1");
    let row: Option<journal::Row> = sql.get_result(connection).await.optional()?;
    Ok(row.map(Into::into))
}

/// Notes that a dead letter was delivered after all: it is one no longer.
pub(super) async fn letter_delivered(
    connection: &mut Connection,
    webhook: &str,
    seq: i64,
    at: Timestamp,
) -> Result<(), Error> {
    let mut sql = Sql::new("WITH gone AS (DELETE FROM webhook_dead_letter WHERE webhook = ");
    sql.bind::<Text, _>(webhook.to_owned()).push(" AND seq = ").bind::<BigInt, _>(seq);
    sql.push(" RETURNING webhook) UPDATE webhook_delivery d SET last_error = '', delivered_at = ");
    sql.bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(at)).push(" FROM gone WHERE d.webhook = gone.webhook");
    sql.execute(connection).await?;
    Ok(())
}

/// Notes that a dead letter failed once more: it stays one.
pub(super) async fn letter_failed(
    connection: &mut Connection,
    webhook: &str,
    seq: i64,
    at: Timestamp,
    error: &str,
) -> Result<(), Error> {
    let mut sql = Sql::new("UPDATE webhook_dead_letter SET redelivering = false, failed_at = ");
    sql.bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(at));
    sql.push(", failed_attempts = failed_attempts + 1, error = ").bind::<Text, _>(error.to_owned());
    sql.push(" WHERE webhook = ").bind::<Text, _>(webhook.to_owned());
    sql.push(" AND seq = ").bind::<BigInt, _>(seq);
    sql.execute(connection).await?;
    Ok(())
}

/// A fact that could not be delivered.
#[derive(QueryableByName)]
pub(super) struct Letter {
    #[diesel(embed)]
    pub(super) entry: journal::Row,
    #[diesel(sql_type = Timestamptz)]
    pub(super) failed_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Integer)]
    pub(super) failed_attempts: i32,
    #[diesel(sql_type = Text)]
    pub(super) error: String,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    pub(super) redelivering: bool,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    keyset: Keyset,
}

/// One page of the dead letters of a webhook that the caller may see.
pub(super) async fn letters(
    kit: &Kit,
    caller: &Caller,
    webhook: &str,
    request: Request<'_>,
) -> Result<Page<Letter>, Error> {
    let listing = Listing::open(kit, caller, &journal::FIELDS, Request { selection: webhook, ..request })?;
    let mut sql = Sql::new(format!("SELECT {}, ", journal::COLUMNS));
    sql.push("l.failed_at, l.failed_attempts, l.error, l.redelivering, ");
    listing.keyset(&mut sql);
    sql.push(" FROM webhook_dead_letter l JOIN journal_order o USING (seq) JOIN journal j USING (position)");
    sql.push(journal::PRIVATE);
    sql.push("WHERE l.webhook = ").bind::<Text, _>(webhook.to_owned());
    listing.restrict(&mut sql);
    let rows: Vec<Letter> = sql.load(&mut kit.database.get(&kit.scope_of(caller)).await?).await?;
    Ok(listing.page(rows, |letter| letter.keyset.clone()))
}
