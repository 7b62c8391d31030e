//! Who does what, and the processes in which they do it, as they are now.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{Jsonb, Text, Timestamptz};
use domain::governance::Governance;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use servicekit::Error;
use servicekit::db::Connection;
use servicekit::resource::Resource;
use servicekit::sql::Sql;

use super::{Process, Responsibility, Role, RoleAssignment};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    body: serde_json::Value,
}

/// Roles, who holds them, and who answers for what: all that is not deleted.
pub async fn governance(connection: &mut Connection) -> Result<Governance, Error> {
    Ok(Governance {
        roles: all::<Role, _>(connection).await?,
        assignments: all::<RoleAssignment, _>(connection).await?,
        responsibilities: all::<Responsibility, _>(connection).await?,
    })
}

async fn all<R: Resource, T: DeserializeOwned>(connection: &mut Connection) -> Result<BTreeMap<String, T>, Error> {
    let sql = Sql::new(format!("SELECT name, body FROM {} WHERE deleted_at IS NULL", R::TABLE));
    let rows: Vec<Row> = sql.load(connection).await?;
    rows.into_iter().map(|row| Ok((row.name, serde_json::from_value(row.body).map_err(Error::internal)?))).collect()
}

/// The revision of each process that is in force at an instant, by name.
pub async fn processes_in_force(
    connection: &mut Connection,
    at: Timestamp,
) -> Result<Vec<domain::process::Process>, Error> {
    let mut sql = Sql::new(
        "SELECT DISTINCT ON (name) name, r.body FROM process_revision r JOIN process USING (name) \
         WHERE deleted_at IS NULL AND effective_from <= ",
    );
    sql.bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(at)).push(" ORDER BY name, effective_from DESC");
    let rows: Vec<Row> = sql.load(connection).await?;
    let read = |row: Row| serde_json::from_value::<Process>(row.body).map(|process| process.0);
    rows.into_iter().map(|row| read(row).map_err(Error::internal)).collect()
}
