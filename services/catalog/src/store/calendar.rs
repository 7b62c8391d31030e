//! Calendars and their revisions.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use diesel::QueryableByName;
use diesel::sql_types::{Array, Integer, Jsonb, Text, Timestamptz};
use domain::calendar::{Definition, Revision, Timeline};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::reference::{self, Dependant};
use servicekit::resource::{self, Resource, Revisioned, Stored, Visibility};
use servicekit::sql::Sql;
use servicekit::{Error, Violation, standard};

use crate::findings;

/// A calendar as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calendar {
    /// Name for people.
    pub display_name: String,
    /// Zone, hours and exceptions.
    pub definition: Definition,
}

static FIELDS: LazyLock<Fields> =
    LazyLock::new(|| Fields::new(resource::columns([Column::text("time_zone", "IANA time zone", "time_zone")])));

impl Resource for Calendar {
    const TABLE: &'static str = "calendar";
    const KIND: &'static str = "calendar";
    const VISIBILITY: Visibility = Visibility::Everyone;

    fn fields() -> &'static Fields {
        &FIELDS
    }

    fn validate(&self) -> Vec<Violation> {
        standard::violations(self)
    }

    fn guard<'a>(
        connection: &'a mut Connection,
        _: Option<&'a Stored<Self>>,
        after: &'a Stored<Self>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if after.deleted_at.is_none() {
                return Ok(());
            }
            reference::refuse_while_used(connection, &after.name, &[Dependant::Among("agreement", "calendars")]).await
        })
    }
}

impl Revisioned for Calendar {
    const REVISIONS: &'static str = "calendar_revision";

    fn guard_publication<'a>(_: &'a mut Connection, calendar: &'a Stored<Self>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { findings::refuse(&calendar.name, &findings::of_calendar(&calendar.body)) })
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Integer)]
    revision: i32,
    #[diesel(sql_type = Timestamptz)]
    effective_from: jiff_diesel::Timestamp,
    #[diesel(sql_type = Jsonb)]
    body: serde_json::Value,
}

/// The published calendars of these names, each with all its revisions. One that was never published is missing.
pub async fn timelines(connection: &mut Connection, names: Vec<String>) -> Result<BTreeMap<String, Timeline>, Error> {
    let mut sql = Sql::new(format!("{REVISIONS} WHERE name = ANY("));
    sql.bind::<Array<Text>, _>(names).push(")");
    joined(sql.load(connection).await?)
}

/// Every published calendar with all its revisions.
pub async fn all_timelines(connection: &mut Connection) -> Result<BTreeMap<String, Timeline>, Error> {
    joined(Sql::new(REVISIONS).load(connection).await?)
}

const REVISIONS: &str = "SELECT name, revision, effective_from, body FROM calendar_revision";

fn joined(rows: Vec<Row>) -> Result<BTreeMap<String, Timeline>, Error> {
    let mut revisions: BTreeMap<String, Vec<Revision>> = BTreeMap::new();
    for row in rows {
        let calendar = Calendar::deserialize(&row.body).map_err(Error::internal)?;
        let compiled = domain::calendar::Calendar::compile(&calendar.definition).map_err(Error::internal)?;
        revisions.entry(row.name).or_default().push(Revision {
            number: u32::try_from(row.revision).map_err(Error::internal)?,
            effective_from: row.effective_from.into(),
            calendar: Arc::new(compiled),
        });
    }
    Ok(revisions.into_iter().map(|(name, revisions)| (name, Timeline::new(revisions))).collect())
}

#[derive(QueryableByName)]
struct Draft {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    body: serde_json::Value,
}

/// The working copies of those of these calendars that were never published.
pub async fn drafts(connection: &mut Connection, names: Vec<String>) -> Result<BTreeMap<String, Definition>, Error> {
    let mut sql = Sql::new("SELECT name, body FROM calendar c WHERE deleted_at IS NULL AND name = ANY(");
    sql.bind::<Array<Text>, _>(names);
    sql.push(") AND NOT EXISTS (SELECT FROM calendar_revision r WHERE r.name = c.name)");
    let rows: Vec<Draft> = sql.load(connection).await?;
    let read = |row: Draft| Ok((row.name, Calendar::deserialize(&row.body).map_err(Error::internal)?.definition));
    rows.into_iter().map(read).collect()
}
