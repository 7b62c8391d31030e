//! Revisions: immutable versions of a resource with an instant from which they hold; the end is the next one's start.

use std::sync::LazyLock;

use diesel::OptionalExtension;
use diesel::QueryableByName;
use diesel::sql_types::{Array, Integer, Jsonb, Nullable, Text, Timestamptz};
use domain::filter::{Field, Kind};
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::read::select;
use super::write::{fact, lock, update};
use super::{Resource, Stored, scope};
use crate::auth::Caller;
use crate::db::Connection;
use crate::error::{self, Error};
use crate::filter::{Column, Fields};
use crate::idempotency::{self, Done, Key};
use crate::journal;
use crate::kit::Kit;
use crate::page::{self, Keyset, Listing, Page};
use crate::sql::Sql;

/// A resource that is published in revisions. They live in a table of exactly these columns:
///
/// ```sql
/// CREATE TABLE widget_revision (
///     name text COLLATE "C" NOT NULL REFERENCES widget, revision integer NOT NULL,
///     effective_from timestamptz NOT NULL, recorded_at timestamptz NOT NULL,
///     publisher text NOT NULL, body jsonb NOT NULL,
///     CONSTRAINT widget_revision_pkey PRIMARY KEY (name, revision),
///     CONSTRAINT widget_revision_effective_from_key UNIQUE (name, effective_from)
/// );
/// ```
pub trait Revisioned: Resource {
    /// The table of revisions, whose constraints are named as above.
    const REVISIONS: &'static str;

    /// Everything that keeps the body from being published, beyond [`Resource::validate`].
    fn check_publishable(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Refuses a publication for what is elsewhere in the schema, in its transaction.
    fn guard_publication<'a>(
        _connection: &'a mut Connection,
        _before: &'a Stored<Self>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    /// Notes in the resource what was published: state, number of the newest revision.
    fn published(&mut self, _revision: i32, _effective_from: Timestamp) {}
}

/// A published revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision<R> {
    /// Name of the resource.
    pub name: String,
    /// Counts from 1.
    pub revision: i32,
    /// When it takes effect.
    pub effective_from: Timestamp,
    /// When it was published.
    pub recorded_at: Timestamp,
    /// Who published it: `people/ann`.
    pub publisher: String,
    /// What it says.
    pub body: R,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Integer)]
    revision: i32,
    #[diesel(sql_type = Timestamptz)]
    effective_from: jiff_diesel::Timestamp,
    #[diesel(sql_type = Timestamptz)]
    recorded_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Text)]
    publisher: String,
    #[diesel(sql_type = Jsonb)]
    body: Value,
}

const COLUMNS: &str = "name, revision, effective_from, recorded_at, publisher, body";

impl Row {
    fn read<R: Resource>(self) -> Result<Revision<R>, Error> {
        let body = R::deserialize(&self.body).map_err(|cause| {
            Error::internal(format!("the stored body of {} revision {}: {cause}", self.name, self.revision))
        })?;
        Ok(Revision {
            name: self.name,
            revision: self.revision,
            effective_from: self.effective_from.into(),
            recorded_at: self.recorded_at.into(),
            publisher: self.publisher,
            body,
        })
    }
}

/// What a Publish method was asked for.
#[derive(Debug, Clone)]
pub struct Publish {
    /// Name of the resource.
    pub name: String,
    /// Acts only on this version. Empty: on any.
    pub etag: String,
    /// When the revision takes effect. None: at once.
    pub effective_from: Option<Timestamp>,
    /// Identifies the request.
    pub key: Key,
    /// Tries everything and changes nothing.
    pub validate_only: bool,
}

/// Publishes the resource as it stands as its next revision. Only a first revision may take effect in the past.
pub async fn publish<R: Revisioned>(kit: &Kit, caller: &Caller, publish: Publish) -> Result<Revision<R>, Error> {
    kit.write("publish", &scope::<R>(kit, caller), publish.validate_only, async |connection| {
        if let Some(done) = idempotency::check(connection, &publish.key).await? {
            return replay(connection, caller, &done).await;
        }
        let before = lock::<R>(connection, caller, &publish.name, &publish.etag).await?;
        Error::check(before.body.validate())?;
        before.body.check_publishable()?;
        R::guard_publication(connection, &before).await?;
        let now = kit.clock.now();
        let latest = latest(connection, R::REVISIONS, &publish.name).await?;
        let effective_from = publish.effective_from.unwrap_or(now);
        if latest > 0 && effective_from < now {
            let message = format!(
                "{} has revisions already, and a new one takes effect now or later, not at {effective_from}",
                publish.name
            );
            return Err(Error::refused(error::REVISION_IN_THE_PAST, &publish.name, message));
        }
        let mut body = before.body.clone();
        body.published(latest + 1, effective_from);
        let after = Stored { version: before.version + 1, updated_at: now, body, ..before };
        let revision = Revision {
            name: after.name.clone(),
            revision: latest + 1,
            effective_from,
            recorded_at: now,
            publisher: caller.actor.clone(),
            body: after.body.clone(),
        };
        let payload = serde_json::to_value(&revision.body).map_err(Error::internal)?;
        insert(connection, R::REVISIONS, &revision, payload.clone()).await?;
        update(connection, std::slice::from_ref(&after)).await?;
        let payload = json!({ "revision": revision.revision, "effective_from": effective_from, "body": payload });
        journal::append(connection, kit.clock.id(), &[fact(caller, &after, "published", payload)]).await?;
        let done = Done { resource: after.name, version: i64::from(revision.revision) };
        idempotency::record(connection, &publish.key, &done, now).await?;
        Ok(revision)
    })
    .await
}

#[derive(QueryableByName)]
struct Latest {
    #[diesel(sql_type = Integer)]
    latest: i32,
}

async fn latest(connection: &mut Connection, table: &str, name: &str) -> Result<i32, Error> {
    let mut sql = Sql::new(format!("SELECT coalesce(max(revision), 0) AS latest FROM {table} WHERE name = "));
    sql.bind::<Text, _>(name.to_owned());
    let latest: Latest = sql.get_result(connection).await?;
    Ok(latest.latest)
}

async fn insert<R>(connection: &mut Connection, table: &str, revision: &Revision<R>, body: Value) -> Result<(), Error> {
    let mut sql = Sql::new(format!("INSERT INTO {table} ({COLUMNS}) VALUES ("));
    sql.bind::<Text, _>(revision.name.clone()).push(", ").bind::<Integer, _>(revision.revision).push(", ");
    sql.bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(revision.effective_from)).push(", ");
    sql.bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(revision.recorded_at)).push(", ");
    sql.bind::<Text, _>(revision.publisher.clone()).push(", ").bind::<Jsonb, _>(body).push(")");
    let result = sql.execute(connection).await.map_err(Error::from);
    result.map_err(|error| {
        error.on_constraint(&format!("{table}_effective_from_key"), || {
            let message = format!(
                "{} has a revision that takes effect at {} already: choose another instant",
                revision.name, revision.effective_from
            );
            Error::refused(error::REVISION_TIME_TAKEN, &revision.name, message)
        })
    })?;
    Ok(())
}

async fn replay<R: Revisioned>(
    connection: &mut Connection,
    caller: &Caller,
    done: &Done,
) -> Result<Revision<R>, Error> {
    let resource: Option<Stored<R>> = select(connection, caller, &done.resource, "").await?;
    let resource = resource.ok_or_else(|| Error::not_found(&done.resource))?;
    let number = i32::try_from(done.version).map_err(Error::internal)?;
    numbered(connection, &resource.name, number).await?.ok_or_else(|| Error::not_found(&done.resource))
}

/// The revision of that number. None: there is none.
async fn numbered<R: Revisioned>(
    connection: &mut Connection,
    name: &str,
    revision: i32,
) -> Result<Option<Revision<R>>, Error> {
    let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM {} WHERE name = ", R::REVISIONS));
    sql.bind::<Text, _>(name.to_owned()).push(" AND revision = ").bind::<Integer, _>(revision);
    let row: Option<Row> = sql.get_result(connection).await.optional()?;
    row.map(Row::read).transpose()
}

/// What a resource says in the revision of that number, and with 0 in its working copy; NOT_FOUND when there is no such
/// revision, or not for this caller.
pub async fn content<R: Revisioned>(
    connection: &mut Connection,
    caller: &Caller,
    name: &str,
    revision: i32,
) -> Result<R, Error> {
    let working: Stored<R> = super::load(connection, caller, name).await?;
    if revision == 0 {
        return Ok(working.body);
    }
    let published = numbered::<R>(connection, name, revision).await?;
    Ok(published.ok_or_else(|| Error::not_found(format!("{name}@{revision}")))?.body)
}

/// The revision that holds at an instant. None: the first one takes effect later, or there is none.
pub async fn revision_in_force<R: Revisioned>(
    connection: &mut Connection,
    name: &str,
    at: Timestamp,
) -> Result<Option<Revision<R>>, Error> {
    let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM {} WHERE name = ", R::REVISIONS));
    sql.bind::<Text, _>(name.to_owned());
    sql.push(" AND effective_from <= ").bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(at));
    sql.push(" ORDER BY effective_from DESC LIMIT 1");
    let row: Option<Row> = sql.get_result(connection).await.optional()?;
    row.map(Row::read).transpose()
}

#[derive(QueryableByName)]
struct Listed {
    #[diesel(embed)]
    content: Row,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    keyset: Keyset,
}

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let number = Field::new("revision", Kind::Integer, "number of the revision").orderable();
    Fields::new([Column::new(number, "revision")])
});

/// One page of the revisions of a resource that the caller may see, newest first; `request` has method and page only.
pub async fn revisions<R: Revisioned>(
    kit: &Kit,
    caller: &Caller,
    name: &str,
    request: page::Request<'_>,
) -> Result<Page<Revision<R>>, Error> {
    let request = page::Request { selection: name, filter: "", order_by: "revision desc", ..request };
    let listing = Listing::open(kit, caller, &FIELDS, request)?;
    let mut connection = kit.database.get(&scope::<R>(kit, caller)).await?;
    let resource: Stored<R> = super::load(&mut connection, caller, name).await?;
    let mut sql = Sql::new(format!("SELECT {COLUMNS}, "));
    listing.keyset(&mut sql);
    sql.push(&format!(" FROM {} WHERE name = ", R::REVISIONS)).bind::<Text, _>(resource.name);
    listing.restrict(&mut sql);
    let rows: Vec<Listed> = sql.load(&mut connection).await?;
    let page = listing.page(rows, |listed| listed.keyset.clone());
    let next_page_token = page.next_page_token;
    let items = page.items.into_iter().map(|listed| listed.content.read()).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}
