//! A write repeated with the same request id has one effect and one answer, for 24 hours.
//! The record names resource and version; the answer is rebuilt from facts, no copy of it is kept.

use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Binary, Integer, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::auth::Caller;
use crate::clock;
use crate::db::{Connection, Database};
use crate::error::{self, Error};
use crate::scope::Scope;
use crate::sql::Sql;

/// The table, for the first migration of every service.
pub const DDL: &str = include_str!("../sql/idempotency.sql");
/// Name of the constraint that one of two equal requests at the same time runs into.
pub const PRIMARY_KEY: &str = "idempotency_pkey";
/// How long a request id is remembered.
pub const RETENTION: Duration = Duration::from_hours(24);

/// Identifies one request of one caller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Customer the caller is bound to, or empty.
    pub customer: String,
    /// Who called.
    pub caller: String,
    /// Full name of the method: `itsm.catalog.v1.PortfolioService/CreateService`.
    pub method: &'static str,
    /// As sent, or made here when none was.
    pub request_id: Uuid,
    /// SHA-256 of the encoded request without its id.
    pub hash: [u8; 32],
}

impl Key {
    /// The key of a request whose `request_id` was taken out of it (`std::mem::take`), so that it is not hashed.
    /// An empty id is replaced by a fresh one; anything but a UUID is INVALID_ARGUMENT.
    pub fn new(
        clock: &dyn clock::Clock,
        caller: &Caller,
        method: &'static str,
        request_id: &str,
        request: &impl prost::Message,
    ) -> Result<Self, Error> {
        let request_id = match request_id {
            "" => clock.id(),
            text => Uuid::try_parse(text)
                .map_err(|_| Error::invalid("request_id", "is not a UUID: make a fresh one for each request"))?,
        };
        Ok(Self {
            customer: caller.scope().to_owned(),
            caller: caller.actor.clone(),
            method,
            request_id,
            hash: Sha256::digest(request.encode_to_vec()).into(),
        })
    }

    /// The refusal of an id that came with another request before.
    pub fn reused(&self) -> Error {
        Error::refused(
            error::REQUEST_ID_REUSED,
            "",
            format!("request id {} was used for another request: take a new UUID", self.request_id),
        )
        .with("request_id", self.request_id.to_string())
    }
}

/// What a request did when it came the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Name of the resource made or changed.
    pub resource: String,
    /// Its version afterwards.
    pub version: i64,
}

#[derive(diesel::QueryableByName)]
struct Record {
    #[diesel(sql_type = Integer)]
    place: i32,
    #[diesel(sql_type = Binary)]
    request_hash: Vec<u8>,
    #[diesel(sql_type = Text)]
    resource: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// What the request did before; `None` when it is fresh, REQUEST_ID_REUSED when the id came with another request.
pub async fn check(connection: &mut Connection, key: &Key) -> Result<Option<Done>, Error> {
    check_many(connection, &[key]).await?.pop().unwrap_or(Ok(None))
}

/// The same for each of these requests, in their order.
pub async fn check_many(connection: &mut Connection, keys: &[&Key]) -> Result<Vec<Result<Option<Done>, Error>>, Error> {
    let mut sql = Sql::new("SELECT k.place, i.request_hash, i.resource, i.version FROM unnest(");
    let places = (0_i32..).take(keys.len()).collect::<Vec<_>>();
    let texts = |of: fn(&Key) -> &str| keys.iter().map(|key| of(key).to_owned()).collect::<Vec<_>>();
    sql.bind::<Array<Integer>, _>(places).push(", ");
    sql.bind::<Array<Text>, _>(texts(|key| &key.customer)).push(", ");
    sql.bind::<Array<Text>, _>(texts(|key| &key.caller)).push(", ");
    sql.bind::<Array<Text>, _>(texts(|key| key.method)).push(", ");
    sql.bind::<Array<SqlUuid>, _>(keys.iter().map(|key| key.request_id).collect::<Vec<_>>());
    // One by one, by their index: what Postgres knows of the size of this table is seldom true for long.
    sql.push(") AS k (place, customer_id, caller, method, request_id), LATERAL (SELECT * FROM idempotency i WHERE ");
    sql.push("i.customer_id = k.customer_id AND i.caller = k.caller AND i.method = k.method ");
    sql.push("AND i.request_id = k.request_id LIMIT 1) AS i");
    let records: Vec<Record> = sql.load(connection).await?;
    let mut done: Vec<_> = keys.iter().map(|_| Ok(None)).collect();
    for Record { place, request_hash, resource, version } in records {
        let place = usize::try_from(place).map_err(Error::internal)?;
        if let (Some(key), Some(found)) = (keys.get(place), done.get_mut(place)) {
            *found = if request_hash == key.hash { Ok(Some(Done { resource, version })) } else { Err(key.reused()) };
        }
    }
    Ok(done)
}

/// Remembers what the request did, in the transaction that did it.
pub async fn record(connection: &mut Connection, key: &Key, done: &Done, now: Timestamp) -> Result<(), Error> {
    let mut sql = Sql::new(
        "INSERT INTO idempotency (customer_id, caller, method, request_id, request_hash, resource, version, created_at) \
         VALUES (",
    );
    sql.bind::<Text, _>(key.customer.clone()).push(", ").bind::<Text, _>(key.caller.clone());
    sql.push(", ").bind::<Text, _>(key.method).push(", ").bind::<SqlUuid, _>(key.request_id);
    sql.push(", ").bind::<Binary, _>(key.hash.to_vec()).push(", ").bind::<Text, _>(done.resource.clone());
    sql.push(", ").bind::<BigInt, _>(done.version);
    sql.push(", ").bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(now)).push(")");
    sql.execute(connection).await?;
    Ok(())
}

/// How many records one deletion takes at most, so that it never holds others up.
const SWEEP_ROWS: i64 = 1_000;
/// How long the sweeper rests when there is nothing left to delete.
const SWEEP_PAUSE: Duration = Duration::from_mins(1);

/// Deletes records older than [`RETENTION`] until the server stops.
pub async fn sweep(database: Database, clock: clock::Shared, stop: CancellationToken) {
    loop {
        let deleted = delete_expired(&database, clock.now()).await.unwrap_or_else(|cause| {
            tracing::debug!(%cause, "request ids could not be swept");
            0
        });
        let pause = if deleted == SWEEP_ROWS { Duration::from_millis(50) } else { SWEEP_PAUSE };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Deletes one small batch of expired records and says how many there were.
async fn delete_expired(database: &Database, now: Timestamp) -> Result<i64, Error> {
    let before = now.checked_sub(RETENTION).map_err(Error::internal)?;
    let mut sql =
        Sql::new("DELETE FROM idempotency WHERE ctid = ANY (ARRAY(SELECT ctid FROM idempotency WHERE created_at < ");
    sql.bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(before));
    sql.push(" ORDER BY created_at LIMIT ").bind::<BigInt, _>(SWEEP_ROWS).push(" FOR UPDATE SKIP LOCKED))");
    let mut connection = database.get(&Scope::Everything).await?;
    let deleted = sql.execute(&mut connection).await?;
    connection.commit().await?;
    i64::try_from(deleted).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::journal::v1::ListJournalEntriesRequest as Request;

    fn key(request_id: &str, filter: &str) -> Result<Key, Error> {
        let request = Request { filter: filter.to_owned(), ..Request::default() };
        Key::new(&clock::System, &Caller::trusted("people/ann"), "Service/Method", request_id, &request)
    }

    #[test]
    fn a_missing_request_id_is_made_up() {
        assert_ne!(key("", "a").unwrap().request_id, key("", "a").unwrap().request_id);
    }

    #[test]
    fn another_request_has_another_hash() {
        let id = "0190b5a2-6a5c-7b1e-8f7f-2b6e5b1c0a11";
        assert_eq!(key(id, "a").unwrap(), key(id, "a").unwrap());
        assert_ne!(key(id, "a").unwrap().hash, key(id, "b").unwrap().hash);
    }

    #[test]
    fn a_request_id_is_a_uuid() {
        assert_eq!(key("seven", "a").unwrap_err().reason(), error::FIELD_INVALID);
    }
}
