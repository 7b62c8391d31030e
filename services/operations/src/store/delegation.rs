//! That people let others decide on approvals for a while.

use std::sync::LazyLock;

use diesel::sql_types::{Array, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, QueryableByName};
use domain::approval::{Delegation, MAX_CHAIN};
use domain::filter::{Field, Kind};
use jiff::Timestamp;
use servicekit::Error;
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::page::{Keyset, Listing, Page};
use servicekit::sql::Sql;

/// A delegation as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Resource name: `approvalDelegations/…`.
    pub name: String,
    /// Who, and in which roles.
    pub delegation: Delegation,
    /// From when on.
    pub start_at: Timestamp,
    /// Until when.
    pub end_at: Timestamp,
    /// Why, for people. Empty: not said.
    pub comment: String,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it was taken back. Empty: it was not.
    pub revoked_at: Option<Timestamp>,
}

/// What delegations are filtered and ordered by.
pub static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let time = |name: &str, description: &str| Field::new(name, Kind::Timestamp, description).orderable();
    Fields::new([
        Column::text("name", "resource name", "d.name"),
        Column::text("delegator", "who lets decide", "d.delegator"),
        Column::text("delegate", "who decides", "d.delegate"),
        Column::new(time("start_time", "from when on"), "d.start_at"),
        Column::new(time("end_time", "until when"), "d.end_at"),
        Column::new(time("create_time", "when it was recorded"), "d.created_at"),
        Column::new(time("revoke_time", "when it was taken back"), "d.revoked_at"),
    ])
});

const COLUMNS: &str =
    "d.name, d.delegator, d.roles, d.delegate, d.start_at, d.end_at, d.comment, d.created_at, d.revoked_at";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    delegator: String,
    #[diesel(sql_type = Array<Text>)]
    roles: Vec<String>,
    #[diesel(sql_type = Text)]
    delegate: String,
    #[diesel(sql_type = Timestamptz)]
    start_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Timestamptz)]
    end_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Text)]
    comment: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    revoked_at: Option<jiff_diesel::Timestamp>,
}

impl From<Row> for Stored {
    fn from(row: Row) -> Self {
        Self {
            name: row.name,
            delegation: Delegation { delegator: row.delegator, roles: row.roles, delegate: row.delegate },
            start_at: row.start_at.into(),
            end_at: row.end_at.into(),
            comment: row.comment,
            created_at: row.created_at.into(),
            revoked_at: row.revoked_at.map(Into::into),
        }
    }
}

/// The delegation of that name, locked for a change.
pub async fn lock(connection: &mut Connection, name: &str) -> Result<Option<Stored>, Error> {
    let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM approval_delegations d WHERE d.name = "));
    sql.bind::<Text, _>(name.to_owned()).push(" FOR UPDATE");
    let row: Option<Row> = sql.get_result(connection).await.optional()?;
    Ok(row.map(Into::into))
}

/// Adds a delegation.
pub async fn insert(connection: &mut Connection, stored: &Stored) -> Result<(), Error> {
    let mut sql = Sql::new(
        "INSERT INTO approval_delegations (name, delegator, roles, delegate, start_at, end_at, comment, created_at) \
         VALUES (",
    );
    let Delegation { delegator, roles, delegate } = stored.delegation.clone();
    sql.bind::<Text, _>(stored.name.clone()).push(", ").bind::<Text, _>(delegator).push(", ");
    sql.bind::<Array<Text>, _>(roles).push(", ").bind::<Text, _>(delegate);
    for at in [stored.start_at, stored.end_at] {
        sql.push(", ").bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(at));
    }
    sql.push(", ").bind::<Text, _>(stored.comment.clone());
    sql.push(", ").bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(stored.created_at)).push(")");
    sql.execute(connection).await?;
    Ok(())
}

/// Takes a delegation back.
pub async fn revoke(connection: &mut Connection, name: &str, at: Timestamp) -> Result<(), Error> {
    let mut sql = Sql::new("UPDATE approval_delegations SET revoked_at = ");
    sql.bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(at)).push(" WHERE name = ");
    sql.bind::<Text, _>(name.to_owned());
    sql.execute(connection).await?;
    Ok(())
}

/// Delegations in force at an instant by which somebody may decide, themselves or through others.
pub async fn leading_to(connection: &mut Connection, person: &str, at: Timestamp) -> Result<Vec<Delegation>, Error> {
    let at = jiff_diesel::Timestamp::from(at);
    let mut sql = Sql::new("WITH RECURSIVE chain (name, delegator, roles, delegate, steps) AS (");
    for steps in ["1", "c.steps + 1"] {
        sql.push("SELECT d.name, d.delegator, d.roles, d.delegate, ").push(steps);
        sql.push(" FROM approval_delegations d ");
        match steps {
            "1" => sql.push("WHERE d.delegate = ").bind::<Text, _>(person.to_owned()),
            _ => sql.push(&format!("JOIN chain c ON d.delegate = c.delegator WHERE c.steps < {MAX_CHAIN}")),
        };
        sql.push(" AND d.revoked_at IS NULL AND d.start_at <= ").bind::<Timestamptz, _>(at);
        sql.push(" AND d.end_at > ").bind::<Timestamptz, _>(at);
        sql.push(if steps == "1" { " UNION " } else { ")" });
    }
    sql.push(" SELECT DISTINCT delegator, roles, delegate FROM chain ORDER BY delegator, delegate");
    let rows: Vec<Lets> = sql.load(connection).await?;
    let delegations = rows.into_iter();
    Ok(delegations
        .map(|row| Delegation { delegator: row.delegator, roles: row.roles, delegate: row.delegate })
        .collect())
}

#[derive(QueryableByName)]
struct Lets {
    #[diesel(sql_type = Text)]
    delegator: String,
    #[diesel(sql_type = Array<Text>)]
    roles: Vec<String>,
    #[diesel(sql_type = Text)]
    delegate: String,
}

#[derive(QueryableByName)]
struct Listed {
    #[diesel(embed)]
    content: Row,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    keyset: Keyset,
}

/// One page of all delegations, or of those that one person has to do with.
pub async fn list(
    connection: &mut Connection,
    listing: &Listing<'_>,
    own_of: Option<&str>,
) -> Result<Page<Stored>, Error> {
    let mut sql = Sql::new(format!("SELECT {COLUMNS}, "));
    listing.keyset(&mut sql);
    sql.push(" FROM approval_delegations d WHERE true");
    if let Some(person) = own_of {
        sql.push(" AND ").bind::<Text, _>(person.to_owned()).push(" IN (d.delegator, d.delegate)");
    }
    listing.restrict(&mut sql);
    let rows: Vec<Listed> = sql.load(connection).await?;
    Ok(listing.page(rows, |listed| listed.keyset.clone()).map(|listed| listed.content.into()))
}
