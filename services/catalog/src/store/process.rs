//! Processes and their revisions.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use diesel::QueryableByName;
use diesel::sql_types::Jsonb;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::reference::{self, Dependant};
use servicekit::resource::{self, Resource, Revisioned, Stored, Visibility};
use servicekit::sql::Sql;
use servicekit::{Error, Violation, standard};

use crate::findings;

/// A process as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process(pub domain::process::Process);

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::new(resource::columns([
        Column::text("practice", "practice whose tickets follow it", "practice"),
        Column::text("ticket_prefix", "prefix of ticket names", "ticket_prefix"),
    ]))
});

impl Resource for Process {
    const TABLE: &'static str = "process";
    const KIND: &'static str = "process";
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
            let users = [
                Dependant::Named("offering", "fulfilment_process"),
                // What is only proposed for a process goes with it.
                Dependant::Named("responsibility", "CASE WHEN NOT proposed THEN process END"),
            ];
            reference::refuse_while_used(connection, &after.name, &users).await
        })
    }
}

impl Revisioned for Process {
    const REVISIONS: &'static str = "process_revision";

    fn guard_publication<'a>(_: &'a mut Connection, process: &'a Stored<Self>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { findings::refuse(&process.name, &findings::of_process(&process.body)) })
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Jsonb)]
    body: serde_json::Value,
}

/// Every priority that tickets of a published process can have, rising.
pub async fn published_priorities(connection: &mut Connection) -> Result<Vec<u8>, Error> {
    let sql = Sql::new("SELECT r.body FROM process_revision r JOIN process USING (name) WHERE deleted_at IS NULL");
    let rows: Vec<Row> = sql.load(connection).await?;
    let mut priorities = BTreeSet::new();
    for row in rows {
        let process = Process::deserialize(&row.body).map_err(Error::internal)?;
        priorities.extend(process.0.priority_matrix.priorities());
    }
    Ok(priorities.into_iter().collect())
}
