//! Declarative resources: what is created, read, listed, changed and deleted by name, each kind in a table of its own.
//! The body is a domain type as JSON; whatever is filtered or constrained is a generated column beside it.

mod read;
mod revision;
mod write;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::auth::Caller;
use crate::db::Connection;
use crate::error::{Error, Violation};
use crate::filter::Fields;
use crate::journal::Audience;
use crate::kit::Kit;
use crate::scope::Scope;

pub use read::{List, columns, find, get, list, list_within, load};
pub use revision::{Publish, Revision, Revisioned, content, publish, revision_in_force, revisions};
pub use write::{Change, Create, Outcome, Upserted, add, change, create, delete, upsert};

/// Who sees resources of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Every caller.
    Everyone,
    /// The provider's own staff; to a caller bound to a customer it does not exist.
    Provider,
    /// The provider's staff, and callers bound to the customer that this column (or expression) names.
    Customer(&'static str),
}

/// A kind of resource. Its table has exactly these columns besides generated ones:
///
/// ```sql
/// CREATE TABLE widget (
///     name text COLLATE "C" CONSTRAINT widget_pkey PRIMARY KEY,
///     uid uuid NOT NULL, version bigint NOT NULL,
///     created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
///     body jsonb NOT NULL,
///     display_name text GENERATED ALWAYS AS (body ->> 'display_name') STORED NOT NULL
/// );
/// ```
pub trait Resource: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync + 'static {
    /// The table, whose primary key is named `<TABLE>_pkey`.
    const TABLE: &'static str;
    /// First word of the kinds of its facts: `widget` gives `widget.created.v1`, which carries the body.
    const KIND: &'static str;
    /// Who sees it.
    const VISIBILITY: Visibility;

    /// Fields that lists filter and order by; the first is `name`.
    fn fields() -> &'static Fields;

    /// Everything wrong with the body by itself, as paths of the message. Empty: nothing.
    fn validate(&self) -> Vec<Violation>;

    /// The customer it belongs to: needed with [`Visibility::Customer`] only.
    #[allow(clippy::unnecessary_literal_bound)] // others return a field
    fn customer(&self) -> &str {
        ""
    }

    /// Refuses a write for what is elsewhere in the schema: a missing reference, children that depend on it. Runs in
    /// the transaction of the write. `before` is `None` on creation; `after.deleted_at` is set on deletion.
    fn guard<'a>(
        _connection: &'a mut Connection,
        _before: Option<&'a Stored<Self>>,
        _after: &'a Stored<Self>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    /// Writes what goes with the resource elsewhere in the schema, after its own row and in the same transaction.
    fn accompany<'a>(
        _connection: &'a mut Connection,
        _before: Option<&'a Stored<Self>>,
        _after: &'a Stored<Self>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

/// A resource as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<R> {
    /// Its name: `widgets/a`.
    pub name: String,
    /// Never reused, also after a deletion.
    pub uid: Uuid,
    /// Counts its changes from 1.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was deleted. None: it is not.
    pub deleted_at: Option<Timestamp>,
    /// What it says.
    pub body: R,
}

impl<R> Stored<R> {
    /// The version as an entity tag, in the quotes of RFC 7232: `"3"`.
    pub fn etag(&self) -> String {
        etag(self.version)
    }
}

/// A version as an entity tag, in the quotes of RFC 7232: `"3"`.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// Fails with ETAG_MISMATCH unless the tag is empty or that of the version.
pub fn match_etag(name: &str, version: i64, expected: &str) -> Result<(), Error> {
    if expected.is_empty() || expected == etag(version) {
        return Ok(());
    }
    let message = format!("{name} is at {}, not at {expected}: read it again and decide anew", etag(version));
    Err(Error::refused(crate::error::ETAG_MISMATCH, name, message).with("etag", etag(version)))
}

/// The columns that make a [`Stored`].
const COLUMNS: &str = "name, uid, version, created_at, updated_at, deleted_at, body";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = SqlUuid)]
    uid: Uuid,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    deleted_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Jsonb)]
    body: serde_json::Value,
}

impl Row {
    fn read<R: Resource>(self) -> Result<Stored<R>, Error> {
        let body = R::deserialize(&self.body)
            .map_err(|cause| Error::internal(format!("the stored body of {}: {cause}", self.name)))?;
        Ok(Stored {
            name: self.name,
            uid: self.uid,
            version: self.version,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
            deleted_at: self.deleted_at.map(Into::into),
            body,
        })
    }
}

/// What transactions are held to that read and write resources of this kind for the caller: only what belongs to
/// customers is anybody's.
fn scope<R: Resource>(kit: &Kit, caller: &Caller) -> Scope {
    match R::VISIBILITY {
        Visibility::Everyone | Visibility::Provider => Scope::Everything,
        Visibility::Customer(_) => kit.scope_of(caller).deciding(),
    }
}

/// Who may see facts about a resource of this kind.
fn audience<R: Resource>() -> Audience {
    match R::VISIBILITY {
        Visibility::Provider => Audience::Internal,
        Visibility::Everyone | Visibility::Customer(_) => Audience::Public,
    }
}
