//! Agreements and their revisions.

use std::sync::{Arc, LazyLock};

use diesel::QueryableByName;
use diesel::sql_types::{Bool, Integer, Jsonb, Text, Timestamptz};
use domain::agreement::Kind as AgreementKind;
use domain::filter::Field;
use domain::finding::Finding;
use domain::selection::InForce;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::reference::{self, Reference};
use servicekit::resource::{self, Resource, Revisioned, Stored, Visibility};
use servicekit::sql::Sql;
use servicekit::{Error, Violation, standard};

use super::calendar::drafts;
use super::{illustrative, published_priorities, timelines};
use crate::findings;

/// An agreement as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Name for people.
    pub display_name: String,
    /// Whether the promise is invented for demonstration.
    #[serde(default)]
    pub illustrative: bool,
    /// What is promised to whom.
    pub definition: domain::agreement::Agreement,
}

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::new(resource::columns([
        Column::new(
            Field::choice("kind", &AgreementKind::ALL.map(AgreementKind::as_str), "who promises to whom"),
            "kind",
        ),
        Column::text("provider", "group or contract that keeps it", "provider"),
        Column::list("customers", "customers it names", "customers"),
        Column::list("services", "services it names", "services"),
        Column::list("lines", "service lines it names", "lines"),
        illustrative(),
    ]))
});

impl Resource for Agreement {
    const TABLE: &'static str = "agreement";
    const KIND: &'static str = "agreement";
    const VISIBILITY: Visibility = Visibility::Provider;

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
            if after.deleted_at.is_some() {
                return Ok(());
            }
            let agreement = &after.body.definition;
            let mut named: Vec<Reference<'_>> = Vec::new();
            named.extend(Reference::each("agreement.customers", "customer", &agreement.customers));
            named.extend(Reference::each("agreement.services", "service", &agreement.services));
            for (index, objective) in agreement.objectives.iter().enumerate() {
                let field = format!("agreement.objectives[{index}].offerings");
                named.extend(Reference::each(&field, "offering", &objective.offerings));
            }
            for (field, calendar) in agreement.calendars() {
                named.push(Reference::one(format!("agreement.{field}"), "calendar", calendar));
            }
            reference::hold(connection, &named).await
        })
    }
}

impl Revisioned for Agreement {
    const REVISIONS: &'static str = "agreement_revision";

    fn guard_publication<'a>(
        connection: &'a mut Connection,
        agreement: &'a Stored<Self>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { findings::refuse(&agreement.name, &check(connection, &agreement.body).await?) })
    }
}

/// What is wrong or doubtful in an agreement, errors first, with the calendars and processes as published.
pub async fn check(connection: &mut Connection, agreement: &Agreement) -> Result<Vec<Finding>, Error> {
    let names: Vec<String> = agreement.definition.calendars().map(|(_, name)| name.to_owned()).collect();
    let calendars = timelines(connection, names.clone()).await?;
    let drafts = drafts(connection, names).await?;
    let priorities = published_priorities(connection).await?;
    Ok(findings::of_agreement(&agreement.definition, &calendars, &drafts, &priorities))
}

/// A revision of an agreement.
#[derive(Debug, Clone)]
pub struct Published {
    /// Name of the agreement.
    pub name: String,
    /// Its number.
    pub revision: u32,
    /// From when it is in force, until the next one is.
    pub effective_from: Timestamp,
    /// Whether the whole agreement is deleted.
    pub deleted: bool,
    /// What it says.
    pub definition: Arc<domain::agreement::Agreement>,
}

#[derive(QueryableByName)]
struct PublishedRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Integer)]
    revision: i32,
    #[diesel(sql_type = Timestamptz)]
    effective_from: jiff_diesel::Timestamp,
    #[diesel(sql_type = Bool)]
    deleted: bool,
    #[diesel(sql_type = Jsonb)]
    body: serde_json::Value,
}

/// Every revision of every agreement, those of each in the order in which they take effect.
pub async fn published(connection: &mut Connection) -> Result<Vec<Published>, Error> {
    let sql = Sql::new(
        "SELECT r.name, r.revision, r.effective_from, a.deleted_at IS NOT NULL AS deleted, r.body \
         FROM agreement_revision r JOIN agreement a USING (name) ORDER BY r.name, r.effective_from",
    );
    let rows: Vec<PublishedRow> = sql.load(connection).await?;
    let read = |row: PublishedRow| {
        let agreement = Agreement::deserialize(&row.body).map_err(Error::internal)?;
        Ok(Published {
            name: row.name,
            revision: row.revision.unsigned_abs(),
            effective_from: row.effective_from.into(),
            deleted: row.deleted,
            definition: Arc::new(agreement.definition),
        })
    };
    rows.into_iter().map(read).collect()
}

/// The revision of each agreement that is in force at an instant, out of what [`published`] gives.
pub fn in_force(published: &[Published], at: Timestamp) -> impl Iterator<Item = InForce<'_>> {
    let of_each = published.chunk_by(|one, next| one.name == next.name);
    let in_force = of_each.filter_map(move |revisions| {
        revisions.iter().rfind(|revision| revision.effective_from <= at && !revision.deleted)
    });
    in_force.map(|found| InForce { name: &found.name, revision: found.revision, agreement: &found.definition })
}
