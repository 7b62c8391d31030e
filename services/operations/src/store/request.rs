//! Requests that were answered before: what servicekit does not need to know of them.

use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName};
use jiff::Timestamp;
use servicekit::Error;
use servicekit::db::Connection;
use servicekit::idempotency::Key;
use servicekit::sql::Sql;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Timestamptz)]
    created_at: jiff_diesel::Timestamp,
}

/// When the request was answered: the time that its change was given.
pub async fn answered_at(connection: &mut Connection, key: &Key) -> Result<Option<Timestamp>, Error> {
    let mut sql = Sql::new("SELECT created_at FROM idempotency WHERE customer_id = ");
    sql.bind::<Text, _>(key.customer.clone()).push(" AND caller = ").bind::<Text, _>(key.caller.clone());
    sql.push(" AND method = ").bind::<Text, _>(key.method);
    sql.push(" AND request_id = ").bind::<SqlUuid, _>(key.request_id);
    let row: Option<Row> = sql.get_result(connection).await.optional()?;
    Ok(row.map(|row| row.created_at.into()))
}
