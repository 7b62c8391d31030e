//! Verifies the journal of a schema by its seals, and reads it for an export.

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Jsonb, Text};
use domain::privacy;

use super::read;
use super::seal::{Digest, Fact, Seal, Verifier};
use super::sealer::{SEALED, facts, last_before, seals};
use crate::db::{Connection, Database};
use crate::error::Error;
use crate::sql::Sql;
use crate::{config, migrate};

/// Facts out of order that are named at most.
const NAMED: i64 = 100;

/// A connection that sees the schema of a service as it is now, however long it is used, and changes nothing.
pub async fn snapshot(config: &config::Database, service: &migrate::Service) -> Result<Connection, Error> {
    let mut connection = Database::open(config, service.name, None)?.dedicated().await?;
    migrate::check(&mut connection, service).await?;
    connection.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL itsm.scope TO '*'").await?;
    Ok(connection)
}

/// Verifies seals, and what follows them, that cover places between these: at most so many, and says with which place to
/// go on. `None`: everything that was asked for is verified. Reads only.
pub async fn verify(
    connection: &mut Connection,
    journal: &str,
    first: i64,
    last: i64,
    most: i64,
) -> Result<(Verifier, Option<i64>), Error> {
    let found = seals(connection, first, last, most).await?;
    let begin = found.as_slice().first().map_or(first, |seal| seal.first_seq.min(first));
    let mut verifier = Verifier::after(journal, last_before(connection, begin).await?);
    let mut left = most;
    for seal in &found {
        verifier.seal(seal, &facts(connection, seal.first_seq, seal.last_seq).await?);
        left -= 1;
    }
    let newest = read::extent(connection).await?.newest;
    while left > 0 && verifier.through < newest.min(last) {
        let from = verifier.through.saturating_add(1);
        let found = some_facts(connection, from, last).await?;
        if found.is_empty() {
            break;
        }
        verifier.unsealed(&found);
        left -= 1;
    }
    let subjects: BTreeSet<String> = verifier.texts.lost.iter().map(|lost| lost.subject.clone()).collect();
    verifier.texts.list(erased(connection, subjects).await?);
    verifier.texts.settle();
    if left <= 0 && verifier.through < last {
        let next = verifier.through.saturating_add(1);
        return Ok((verifier, Some(next)));
    }
    if last == i64::MAX {
        verifier.out_of_order(&out_of_order(connection).await?);
    }
    verifier.end(newest);
    Ok((verifier, None))
}

/// The next facts from a place on, wherever the next one is.
async fn some_facts(connection: &mut Connection, from: i64, last: i64) -> Result<Vec<Fact>, Error> {
    let mut sql = Sql::new("SELECT coalesce((SELECT min(seq) FROM journal_order WHERE seq >= ");
    sql.bind::<BigInt, _>(from).push("), ").bind::<BigInt, _>(from).push(") AS value");
    let next: Number = sql.get_result(connection).await?;
    facts(connection, next.value, next.value.saturating_add(SEALED - 1).min(last)).await
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

#[derive(QueryableByName)]
struct Payload {
    #[diesel(sql_type = Jsonb)]
    payload: serde_json::Value,
}

/// The tokens that facts about these subjects say were erased.
async fn erased(connection: &mut Connection, subjects: BTreeSet<String>) -> Result<Vec<String>, Error> {
    if subjects.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new("SELECT payload FROM journal WHERE kind LIKE '%.erased.%' AND subject = ANY (");
    sql.bind::<Array<Text>, _>(subjects.into_iter().collect::<Vec<_>>()).push(")");
    let found: Vec<Payload> = sql.load(connection).await?;
    Ok(found.iter().flat_map(|found| privacy::erased_by(&found.payload)).collect())
}

/// Positions of facts that neither have a place in the order nor wait for one.
async fn out_of_order(connection: &mut Connection) -> Result<Vec<i64>, Error> {
    let sql = Sql::new(format!(
        "WITH loose AS MATERIALIZED (SELECT j.position FROM journal j WHERE NOT EXISTS \
         (SELECT FROM journal_order o WHERE o.position = j.position)) \
         SELECT position AS value FROM loose WHERE NOT EXISTS \
         (SELECT FROM journal_pending p WHERE loose.position = ANY (p.positions)) ORDER BY position LIMIT {NAMED}"
    ));
    let found: Vec<Number> = sql.load(connection).await?;
    Ok(found.into_iter().map(|number| number.value).collect())
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

/// Whether the journal has a seal with this hash.
pub async fn has_seal(connection: &mut Connection, hash: &Digest) -> Result<bool, Error> {
    let mut sql = Sql::new("SELECT EXISTS (SELECT FROM journal_seal WHERE hash = ");
    sql.bind::<Binary, _>(hash.to_vec()).push(") AS found");
    let found: Found = sql.get_result(connection).await?;
    Ok(found.found)
}

/// The next part of the journal after a place: facts, and the seal over them unless they have none yet. No facts and no
/// seal: the end.
pub async fn part_after(connection: &mut Connection, seq: i64) -> Result<(Vec<Fact>, Option<Seal>), Error> {
    let from = seq.saturating_add(1);
    match seals(connection, from, i64::MAX, 1).await?.pop() {
        Some(seal) => Ok((facts(connection, from, seal.last_seq).await?, Some(seal))),
        None => Ok((some_facts(connection, from, i64::MAX).await?, None)),
    }
}
