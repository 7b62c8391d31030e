//! Seals what is in order and not sealed yet. Writers never wait for it; any replica may be the one that does it.

use std::sync::LazyLock;
use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, QueryableByName};
use domain::filter::{Field, Kind};
use jiff::Timestamp;
use proto::journal::v1 as pb;
use tokio_util::sync::CancellationToken;

use super::read::PRIVATE;
use super::seal::{Digest, Fact, Seal};
use crate::auth::Caller;
use crate::db::{Connection, Database};
use crate::error::Error;
use crate::filter::{Column, Fields};
use crate::kit::Kit;
use crate::page::{Keyset, Listing, Page, Request};
use crate::scope::Scope;
use crate::sql::Sql;
use crate::{clock, wire};

/// The table, for a migration of every service.
pub const SEALS_DDL: &str = include_str!("../../sql/seals.sql");
/// Facts under one seal at most.
pub const SEALED: i64 = 1_000;
/// How long a fact waits for its seal at most, unless there is no end of facts.
const PERIOD: Duration = Duration::from_secs(10);

/// Keeps the journal of the schema sealed until the server stops.
pub async fn seal(database: Database, clock: clock::Shared, stop: CancellationToken) {
    let work = async {
        loop {
            if let Err(error) = seal_all(&database, &clock).await {
                tracing::error!(schema = database.schema(), "not sealed: {}", error.for_operator());
            }
            tokio::time::sleep(PERIOD).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// Seals everything that is in order, a range in each transaction, and says how many facts that were. None when another
/// replica is at it.
pub async fn seal_all(database: &Database, clock: &clock::Shared) -> Result<i64, Error> {
    let mut all = 0;
    loop {
        let sealed = database
            .transaction("seal", &Scope::Everything, async |connection| seal_next(connection, database, clock).await)
            .await?;
        all += sealed;
        if sealed < SEALED {
            return Ok(all);
        }
    }
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

async fn seal_next(connection: &mut Connection, database: &Database, clock: &clock::Shared) -> Result<i64, Error> {
    let journal = database.schema();
    let mut sql = Sql::new("SELECT pg_try_advisory_xact_lock(hashtextextended(");
    sql.bind::<Text, _>(format!("sealer {journal}")).push(", 0)) AS locked");
    let lock: Locked = sql.get_result(connection).await?;
    if !lock.locked {
        return Ok(0);
    }
    let last = last_before(connection, i64::MAX).await?;
    let after = last.map_or(0, |(last_seq, _)| last_seq);
    let facts = facts(connection, after.saturating_add(1), after.saturating_add(SEALED)).await?;
    if facts.is_empty() {
        return Ok(0);
    }
    let now = clock.now();
    let previous = last.map(|(_, hash)| hash);
    let seal = Seal::over(journal, previous.as_ref(), &facts, now.as_microsecond().to_string());
    let seal = seal.map_err(|seq| Error::internal(format!("fact {seq} of {journal} is missing: run itsm verify")))?;
    if seal.first_seq != after.saturating_add(1) {
        return Err(Error::internal(format!("fact {} of {journal} is missing: run itsm verify", after + 1)));
    }
    insert(connection, &seal, now).await?;
    tracing::debug!(journal, last_seq = seal.last_seq, hash = hex::encode(seal.hash), "sealed");
    i64::try_from(facts.len()).map_err(Error::internal)
}

async fn insert(connection: &mut Connection, seal: &Seal, at: Timestamp) -> Result<(), Error> {
    let mut sql = Sql::new("INSERT INTO journal_seal (first_seq, last_seq, sealed_at, places, facts, hash) VALUES (");
    sql.bind::<BigInt, _>(seal.first_seq).push(", ").bind::<BigInt, _>(seal.last_seq).push(", ");
    sql.bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(at)).push(", ");
    sql.bind::<Binary, _>(seal.places.to_vec()).push(", ").bind::<Binary, _>(seal.facts.concat()).push(", ");
    sql.bind::<Binary, _>(seal.hash.to_vec()).push(")");
    sql.execute(connection).await?;
    Ok(())
}

/// An instant as text, in microseconds since 1970, whatever it is.
fn microseconds(column: &str) -> String {
    format!("trunc(extract(epoch FROM {column}) * 1000000)::text")
}

#[derive(QueryableByName)]
struct FactRow {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Text)]
    recorded_at_us: String,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    content: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Text>)]
    private: Option<String>,
}

/// The facts that have these places, as seals see them.
pub(super) async fn facts(connection: &mut Connection, first: i64, last: i64) -> Result<Vec<Fact>, Error> {
    let mut sql = Sql::new(format!(
        "SELECT o.seq, o.position, {} AS recorded_at_us, CASE WHEN j.position IS NOT NULL THEN ARRAY[\
         j.change_id::text, j.last_of_change::text, {}, coalesce({}, ''), j.source_sequence::text, j.actor, \
         j.customer_id, j.audience, j.subject, j.subject_version::text, j.kind, j.payload::text] END AS content, p.content::text AS private \
         FROM journal_order o LEFT JOIN journal j USING (position) {PRIVATE} WHERE o.seq >= ",
        microseconds("o.recorded_at"),
        microseconds("j.occurred_at"),
        microseconds("j.source_recorded_at"),
    ));
    sql.bind::<BigInt, _>(first).push(" AND o.seq <= ").bind::<BigInt, _>(last).push(" ORDER BY o.seq");
    let rows: Vec<FactRow> = sql.load(connection).await?;
    let fact = |row: FactRow| Fact {
        seq: row.seq,
        position: row.position,
        recorded_at_us: row.recorded_at_us,
        content: row.content,
        private: row.private,
    };
    Ok(rows.into_iter().map(fact).collect())
}

#[derive(QueryableByName)]
struct SealRow {
    #[diesel(sql_type = BigInt)]
    first_seq: i64,
    #[diesel(sql_type = BigInt)]
    last_seq: i64,
    #[diesel(sql_type = Text)]
    sealed_at_us: String,
    #[diesel(sql_type = Binary)]
    places: Vec<u8>,
    #[diesel(sql_type = Binary)]
    facts: Vec<u8>,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
}

/// A digest; one of another length, which nobody made, is none that matches.
fn digest(bytes: &[u8]) -> Digest {
    bytes.try_into().unwrap_or_default()
}

/// Seals that cover places between these, in order.
pub(super) async fn seals(connection: &mut Connection, first: i64, last: i64, most: i64) -> Result<Vec<Seal>, Error> {
    let mut sql = Sql::new(format!(
        "SELECT first_seq, last_seq, {} AS sealed_at_us, places, facts, hash FROM journal_seal WHERE first_seq >= \
         coalesce((SELECT max(first_seq) FROM journal_seal WHERE first_seq <= ",
        microseconds("sealed_at")
    ));
    sql.bind::<BigInt, _>(first).push("), 0) AND last_seq >= ").bind::<BigInt, _>(first);
    sql.push(" AND first_seq <= ").bind::<BigInt, _>(last);
    sql.push(" ORDER BY first_seq LIMIT ").bind::<BigInt, _>(most);
    let rows: Vec<SealRow> = sql.load(connection).await?;
    let seal = |row: SealRow| Seal {
        first_seq: row.first_seq,
        last_seq: row.last_seq,
        sealed_at_us: row.sealed_at_us,
        places: digest(&row.places),
        facts: row.facts.chunks(32).map(digest).collect(),
        hash: digest(&row.hash),
    };
    Ok(rows.into_iter().map(seal).collect())
}

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = BigInt)]
    last_seq: i64,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
}

/// The last seal that begins before a place: where, and its hash.
pub(super) async fn last_before(connection: &mut Connection, seq: i64) -> Result<Option<(i64, Digest)>, Error> {
    let mut sql = Sql::new("SELECT last_seq, hash FROM journal_seal WHERE first_seq < ");
    sql.bind::<BigInt, _>(seq).push(" ORDER BY first_seq DESC LIMIT 1");
    let head: Option<Head> = sql.get_result(connection).await.optional()?;
    Ok(head.map(|head| (head.last_seq, digest(&head.hash))))
}

/// What seals are filtered by.
pub(super) static SEAL_FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let number = |name, description| Field::new(name, Kind::Integer, description);
    Fields::new([
        Column::new(number("first_seq", "place of the first fact under it").orderable(), "first_seq"),
        Column::new(number("last_seq", "place of the last fact under it"), "last_seq"),
        Column::new(Field::new("seal_time", Kind::Timestamp, "when it was made"), "sealed_at"),
        Column::new(Field::new("hash", Kind::String, "SHA-256 in hexadecimal digits"), "encode(hash, 'hex')"),
    ])
});

#[derive(QueryableByName)]
struct Listed {
    #[diesel(sql_type = BigInt)]
    first_seq: i64,
    #[diesel(sql_type = BigInt)]
    last_seq: i64,
    #[diesel(sql_type = Timestamptz)]
    sealed_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    keyset: Keyset,
}

/// One page of the seals.
pub(super) async fn list(kit: &Kit, caller: &Caller, request: Request<'_>) -> Result<Page<pb::Seal>, Error> {
    let listing = Listing::open(kit, caller, &SEAL_FIELDS, request)?;
    let mut sql = Sql::new("SELECT first_seq, last_seq, sealed_at, hash, ");
    listing.keyset(&mut sql);
    sql.push(" FROM journal_seal WHERE true");
    listing.restrict(&mut sql);
    let rows: Vec<Listed> = sql.load(&mut kit.database.get(&Scope::Everything).await?).await?;
    let page = listing.page(rows, |listed| listed.keyset.clone());
    Ok(page.map(|listed| pb::Seal {
        first_seq: listed.first_seq,
        last_seq: listed.last_seq,
        fact_count: listed.last_seq - listed.first_seq + 1,
        seal_time: Some(wire::timestamp(listed.sealed_at.into())),
        hash: hex::encode(&listed.hash),
    }))
}
