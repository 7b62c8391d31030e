//! Outages.

use std::sync::LazyLock;

use diesel::QueryableByName;
use diesel::sql_types::{Bool, Text};
use domain::filter::{Field, Kind};
use domain::outage::Impact;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::resource::{self, Resource, Stored, Visibility};
use servicekit::sql::Sql;
use servicekit::{Error, Violation, standard};

/// An outage as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outage(pub domain::outage::Outage);

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let flag = |name: &str, description: &str| Field::new(name, Kind::Bool, description);
    Fields::new(resource::columns([
        Column::text("service", "service concerned", "service"),
        Column::new(Field::new("start_time", Kind::Timestamp, "when it began").orderable(), "start_at"),
        Column::new(Field::new("end_time", Kind::Timestamp, "when it ended").orderable(), "end_at"),
        Column::new(
            Field::choice("impact", &Impact::ALL.map(Impact::as_str), "how much of the service was gone"),
            "impact",
        ),
        Column::new(flag("planned", "whether it was agreed maintenance"), "planned"),
        Column::text("exclusion_reason", "why it does not count", "exclusion_reason"),
        Column::text("ticket", "ticket that tells of it", "ticket"),
        Column::new(flag("illustrative", "whether it is invented for demonstration"), "illustrative"),
    ]))
});

impl Resource for Outage {
    const TABLE: &'static str = "outage";
    const KIND: &'static str = "outage";
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
            let outage = &after.body.0;
            let mut missing = Vec::new();
            for (field, name, table) in [
                ("outage.service", &outage.service, "catalog.published_services_v1"),
                ("outage.ticket", &outage.ticket, "tickets"),
            ] {
                if !name.is_empty() && !exists(connection, table, name).await? {
                    missing.push(Violation::new(field, format!("{name} does not exist: create it first")));
                }
            }
            Error::check(missing)
        })
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

async fn exists(connection: &mut Connection, table: &str, name: &str) -> Result<bool, Error> {
    let mut sql = Sql::new(format!("SELECT EXISTS (SELECT FROM {table} WHERE name = "));
    sql.bind::<Text, _>(name.to_owned()).push(") AS found");
    let row: Found = sql.get_result(connection).await?;
    Ok(row.found)
}
