//! Create, change, delete and bulk upsert: each one transaction of row, facts and idempotency record.

use std::collections::HashMap;

use diesel::OptionalExtension;
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::read::{select, visible};
use super::{COLUMNS, Resource, Row, Stored, Visibility, audience, match_etag, scope};
use crate::auth::Caller;
use crate::db::Connection;
use crate::error::{self, Error, Violation};
use crate::idempotency::{self, Done, Key};
use crate::journal::{self, NewFact};
use crate::kit::Kit;
use crate::sql::Sql;

/// What a Create method was asked for.
#[derive(Debug, Clone)]
pub struct Create<R> {
    /// Name of the resource to be: `widgets/a`.
    pub name: String,
    /// What it says.
    pub body: R,
    /// Identifies the request.
    pub key: Key,
    /// Tries everything and changes nothing.
    pub validate_only: bool,
}

/// What an Update, a Delete or a method with a verb was asked for.
#[derive(Debug, Clone)]
pub struct Change {
    /// Name of the resource.
    pub name: String,
    /// Acts only on this version. Empty: on any.
    pub etag: String,
    /// Second word of the fact's kind, in the past: `updated`, `activated`.
    pub verb: &'static str,
    /// Identifies the request.
    pub key: Key,
    /// Tries everything and changes nothing.
    pub validate_only: bool,
}

/// Creates a resource; ALREADY_EXISTS when the name is taken, also by a deleted one.
pub async fn create<R: Resource>(kit: &Kit, caller: &Caller, create: Create<R>) -> Result<Stored<R>, Error> {
    let Create { name, body, key, validate_only } = create;
    may_make(caller, &body)?;
    Error::check(body.validate())?;
    kit.write("create", &scope::<R>(kit, caller), validate_only, async |connection| {
        if let Some(done) = idempotency::check(connection, &key).await? {
            return replay(connection, caller, &done).await;
        }
        let now = kit.clock.now();
        let stored = Stored {
            name: name.clone(),
            uid: kit.clock.id(),
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            body: body.clone(),
        };
        R::guard(connection, None, &stored).await?;
        let taken = format!("{}_pkey", R::TABLE);
        insert(connection, std::slice::from_ref(&stored))
            .await
            .map_err(|error| error.on_constraint(&taken, || Error::already_exists(&name)))?;
        R::accompany(connection, None, &stored).await?;
        conclude(connection, kit, caller, &stored, "created", &key).await?;
        Ok(stored)
    })
    .await
}

/// Refuses a caller bound to a customer who would make what that customer may not see.
fn may_make<R: Resource>(caller: &Caller, body: &R) -> Result<(), Error> {
    let may = match R::VISIBILITY {
        Visibility::Everyone => true,
        Visibility::Provider => caller.customer.is_none(),
        Visibility::Customer(_) => caller.may_see(body.customer()),
    };
    if may {
        return Ok(());
    }
    let message = format!("{} is bound to {} and makes no {} for others", caller.actor, caller.scope(), R::KIND);
    Err(Error::refused(error::PERMISSION_DENIED, "", message))
}

/// Changes a resource as `edit` says, which gets it as stored and the present; it may be called more than once.
/// An edit that changes nothing writes nothing. `edit` is where an update merges its mask and a verb checks the state.
pub async fn change<R, F>(kit: &Kit, caller: &Caller, change: Change, edit: F) -> Result<Stored<R>, Error>
where
    R: Resource,
    F: Fn(&Stored<R>, Timestamp) -> Result<R, Error> + Send + Sync,
{
    write(kit, caller, &change, |before, now| {
        let body = edit(before, now)?;
        Error::check(body.validate())?;
        Ok((body, None))
    })
    .await
}

/// Deletes a resource: it stays readable by name and leaves the lists. The verb of the fact is `deleted`.
pub async fn delete<R: Resource>(kit: &Kit, caller: &Caller, change: Change) -> Result<Stored<R>, Error> {
    let change = Change { verb: "deleted", ..change };
    write(kit, caller, &change, |before: &Stored<R>, now| Ok((before.body.clone(), Some(now)))).await
}

async fn write<R, F>(kit: &Kit, caller: &Caller, change: &Change, edit: F) -> Result<Stored<R>, Error>
where
    R: Resource,
    F: Fn(&Stored<R>, Timestamp) -> Result<(R, Option<Timestamp>), Error> + Send + Sync,
{
    kit.write(change.verb, &scope::<R>(kit, caller), change.validate_only, async |connection| {
        if let Some(done) = idempotency::check(connection, &change.key).await? {
            return replay(connection, caller, &done).await;
        }
        let before = lock::<R>(connection, caller, &change.name, &change.etag).await?;
        let now = kit.clock.now();
        let (body, deleted_at) = edit(&before, now)?;
        if body == before.body && deleted_at.is_none() {
            let done = Done { resource: before.name.clone(), version: before.version };
            idempotency::record(connection, &change.key, &done, now).await?;
            return Ok(before);
        }
        let after = Stored { version: before.version + 1, updated_at: now, deleted_at, body, ..before.clone() };
        R::guard(connection, Some(&before), &after).await?;
        update(connection, std::slice::from_ref(&after)).await?;
        R::accompany(connection, Some(&before), &after).await?;
        conclude(connection, kit, caller, &after, change.verb, &change.key).await?;
        Ok(after)
    })
    .await
}

/// Reads and locks a resource that is to be changed.
pub(super) async fn lock<R: Resource>(
    connection: &mut Connection,
    caller: &Caller,
    name: &str,
    etag: &str,
) -> Result<Stored<R>, Error> {
    let before: Stored<R> =
        select(connection, caller, name, " FOR UPDATE").await?.ok_or_else(|| Error::not_found(name))?;
    if before.deleted_at.is_some() {
        let message = format!("{name} is deleted: create another under a new name");
        return Err(Error::refused(error::RESOURCE_DELETED, name, message));
    }
    match_etag(name, before.version, etag)?;
    Ok(before)
}

/// Records the fact and the request.
async fn conclude<R: Resource>(
    connection: &mut Connection,
    kit: &Kit,
    caller: &Caller,
    stored: &Stored<R>,
    verb: &str,
    key: &Key,
) -> Result<(), Error> {
    let payload = serde_json::to_value(&stored.body).map_err(Error::internal)?;
    journal::append(connection, kit.clock.id(), &[fact(caller, stored, verb, payload)]).await?;
    let done = Done { resource: stored.name.clone(), version: stored.version };
    idempotency::record(connection, key, &done, stored.updated_at).await
}

pub(super) fn fact<R: Resource>(caller: &Caller, stored: &Stored<R>, verb: &str, payload: Value) -> NewFact {
    NewFact {
        occurred_at: stored.updated_at,
        source_recorded_at: None,
        source_sequence: 0,
        actor: caller.actor.clone(),
        customer_id: stored.body.customer().to_owned(),
        audience: audience::<R>(),
        subject: stored.name.clone(),
        subject_version: stored.version,
        kind: format!("{}.{verb}.v1", R::KIND),
        payload,
    }
}

fn bodies<R: Resource>(rows: &[Stored<R>]) -> Result<Vec<Value>, Error> {
    rows.iter().map(|row| serde_json::to_value(&row.body)).collect::<Result<_, _>>().map_err(Error::internal)
}

fn column<R, T>(rows: &[Stored<R>], of: impl Fn(&Stored<R>) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

async fn insert<R: Resource>(connection: &mut Connection, rows: &[Stored<R>]) -> Result<(), Error> {
    let mut sql = Sql::new(format!("INSERT INTO {} ({COLUMNS}) SELECT n, u, v, c, c, NULL, b FROM unnest(", R::TABLE));
    sql.bind::<Array<Text>, _>(column(rows, |row| row.name.clone())).push(", ");
    sql.bind::<Array<SqlUuid>, _>(column(rows, |row| row.uid)).push(", ");
    sql.bind::<Array<BigInt>, _>(column(rows, |row| row.version)).push(", ");
    sql.bind::<Array<Timestamptz>, _>(column(rows, |row| jiff_diesel::Timestamp::from(row.created_at))).push(", ");
    sql.bind::<Array<Jsonb>, _>(bodies(rows)?).push(") AS new (n, u, v, c, b)");
    sql.execute(connection).await?;
    Ok(())
}

pub(super) async fn update<R: Resource>(connection: &mut Connection, rows: &[Stored<R>]) -> Result<(), Error> {
    let mut sql = Sql::new(format!(
        "UPDATE {} SET version = v, updated_at = u, deleted_at = CASE WHEN d THEN u END, body = b FROM unnest(",
        R::TABLE
    ));
    sql.bind::<Array<Text>, _>(column(rows, |row| row.name.clone())).push(", ");
    sql.bind::<Array<BigInt>, _>(column(rows, |row| row.version)).push(", ");
    sql.bind::<Array<Timestamptz>, _>(column(rows, |row| jiff_diesel::Timestamp::from(row.updated_at))).push(", ");
    sql.bind::<Array<Bool>, _>(column(rows, |row| row.deleted_at.is_some())).push(", ");
    sql.bind::<Array<Jsonb>, _>(bodies(rows)?).push(") AS new (n, v, u, d, b) WHERE name = n");
    let updated = sql.execute(connection).await?;
    if updated == rows.len() { Ok(()) } else { Err(Error::Conflict) }
}

#[derive(QueryableByName)]
struct Replayed {
    #[diesel(embed)]
    content: Row,
}

/// The resource as the request left it when it came first, rebuilt from its fact, if the caller may still see it.
async fn replay<R: Resource>(connection: &mut Connection, caller: &Caller, done: &Done) -> Result<Stored<R>, Error> {
    let mut sql = Sql::new("SELECT name, uid, subject_version AS version, created_at, occurred_at AS updated_at, ");
    sql.push("CASE WHEN kind = ").bind::<Text, _>(format!("{}.deleted.v1", R::KIND));
    sql.push(" THEN occurred_at END AS deleted_at, CASE WHEN kind = ");
    sql.bind::<Text, _>(format!("{}.published.v1", R::KIND)).push(" THEN payload -> 'body' ELSE payload END AS body ");
    sql.push(&format!("FROM {} JOIN journal ON subject = name WHERE name = ", R::TABLE));
    sql.bind::<Text, _>(done.resource.clone());
    sql.push(" AND subject_version = ").bind::<BigInt, _>(done.version);
    visible::<R>(caller, &mut sql);
    sql.push(" ORDER BY position LIMIT 1");
    let replayed: Option<Replayed> = sql.get_result(connection).await.optional()?;
    replayed.ok_or_else(|| Error::not_found(&done.resource))?.content.read()
}

/// What became of one member of a bulk upsert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was not there.
    Created,
    /// It was there and said something else, or was deleted.
    Updated,
    /// It was there and said the same: nothing was written.
    Unchanged,
    /// It was there and says something else, or is deleted: [`add`] leaves it as it is.
    Different,
}

/// A member of a bulk upsert after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Upserted<R> {
    /// What became of it.
    pub outcome: Outcome,
    /// How it is stored now.
    pub stored: Stored<R>,
}

/// Creates what is not there and updates what says something else, all of it or nothing; the order is kept.
///
/// Made for imports: it needs no request id, because twice changes nothing. Every member is validated first; the
/// violations carry the index of the member. A name may stand there only once, in at most 1,000 members.
pub async fn upsert<R: Resource>(
    kit: &Kit,
    caller: &Caller,
    members: &[(String, R)],
    validate_only: bool,
) -> Result<Vec<Upserted<R>>, Error> {
    bulk(kit, caller, members, true, validate_only).await
}

/// As [`upsert`], but what is there stays as it is, also where it says something else.
pub async fn add<R: Resource>(
    kit: &Kit,
    caller: &Caller,
    members: &[(String, R)],
    validate_only: bool,
) -> Result<Vec<Upserted<R>>, Error> {
    bulk(kit, caller, members, false, validate_only).await
}

async fn bulk<R: Resource>(
    kit: &Kit,
    caller: &Caller,
    members: &[(String, R)],
    overwrite: bool,
    validate_only: bool,
) -> Result<Vec<Upserted<R>>, Error> {
    members.iter().try_for_each(|(_, body)| may_make(caller, body))?;
    check_members(members)?;
    kit.write("upsert", &scope::<R>(kit, caller), validate_only, async |connection| {
        let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM {} WHERE name = ANY(", R::TABLE));
        sql.bind::<Array<Text>, _>(members.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
        sql.push(") ORDER BY name FOR UPDATE");
        let rows: Vec<Row> = sql.load(connection).await?;
        let mut before = HashMap::new();
        for row in rows {
            let stored: Stored<R> = row.read()?;
            before.insert(stored.name.clone(), stored);
        }
        let now = kit.clock.now();
        let upserted: Vec<Upserted<R>> = members
            .iter()
            .map(|(name, body)| match before.get(name.as_str()) {
                Some(before) if !overwrite && (before.body != *body || before.deleted_at.is_some()) => {
                    Upserted { outcome: Outcome::Different, stored: before.clone() }
                }
                before => decide(before, name, body, now, || kit.clock.id()),
            })
            .collect();
        let written = || upserted.iter().filter(|m| matches!(m.outcome, Outcome::Created | Outcome::Updated));
        for member in written() {
            R::guard(connection, before.get(&member.stored.name), &member.stored).await?;
        }
        let of = |outcome| -> Vec<Stored<R>> {
            upserted.iter().filter(|member| member.outcome == outcome).map(|member| member.stored.clone()).collect()
        };
        let (created, updated) = (of(Outcome::Created), of(Outcome::Updated));
        let mut facts = Vec::new();
        for (rows, verb) in [(&created, "created"), (&updated, "updated")] {
            for (stored, body) in rows.iter().zip(bodies(rows)?) {
                facts.push(fact(caller, stored, verb, body));
            }
        }
        if !created.is_empty() {
            // Somebody else may have made one meanwhile: done again, it will be an update.
            let taken = format!("{}_pkey", R::TABLE);
            insert(connection, &created).await.map_err(|error| error.on_constraint(&taken, || Error::Conflict))?;
        }
        if !updated.is_empty() {
            update(connection, &updated).await?;
        }
        for member in written() {
            R::accompany(connection, before.get(&member.stored.name), &member.stored).await?;
        }
        journal::append(connection, kit.clock.id(), &facts).await?;
        Ok(upserted)
    })
    .await
}

fn check_members<R: Resource>(members: &[(String, R)]) -> Result<(), Error> {
    if members.len() > crate::serve::MAX_BATCH {
        let limit = crate::serve::MAX_BATCH;
        return Err(Error::invalid("members", format!("are {}: send at most {limit} at once", members.len())));
    }
    let mut violations = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (index, (name, body)) in members.iter().enumerate() {
        if !seen.insert(name) {
            violations.push(Violation::new(format!("[{index}].name"), format!("{name} is there twice")));
        }
        for violation in body.validate() {
            violations.push(Violation::new(format!("[{index}].{}", violation.field), violation.description));
        }
    }
    Error::check(violations)
}

fn decide<R: Resource>(
    before: Option<&Stored<R>>,
    name: &str,
    body: &R,
    now: Timestamp,
    id: impl Fn() -> Uuid,
) -> Upserted<R> {
    match before {
        None => {
            let stored = Stored {
                name: name.to_owned(),
                uid: id(),
                version: 1,
                created_at: now,
                updated_at: now,
                deleted_at: None,
                body: body.clone(),
            };
            Upserted { outcome: Outcome::Created, stored }
        }
        Some(before) if before.body == *body && before.deleted_at.is_none() => {
            Upserted { outcome: Outcome::Unchanged, stored: before.clone() }
        }
        Some(before) => {
            let stored = Stored {
                version: before.version + 1,
                updated_at: now,
                deleted_at: None,
                body: body.clone(),
                ..before.clone()
            };
            Upserted { outcome: Outcome::Updated, stored }
        }
    }
}
