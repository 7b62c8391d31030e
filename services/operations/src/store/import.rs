//! How far imports have come.

use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel::{OptionalExtension, QueryableByName};
use jiff::Timestamp;
use servicekit::Error;
use servicekit::db::Connection;
use servicekit::sql::Sql;

/// Progress of an import over all its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Id of the import.
    pub import_id: String,
    /// All rows up to this one are durable or were reported as failures.
    pub committed_through: i64,
    /// Rows that recorded something.
    pub created_count: i64,
    /// Rows that changed nothing.
    pub unchanged_count: i64,
    /// Rows that could not be taken.
    pub failed_count: i64,
    /// When the first rows were committed.
    pub created_at: Timestamp,
    /// When the last rows were committed.
    pub updated_at: Timestamp,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    import_id: String,
    #[diesel(sql_type = BigInt)]
    committed_through: i64,
    #[diesel(sql_type = BigInt)]
    created_count: i64,
    #[diesel(sql_type = BigInt)]
    unchanged_count: i64,
    #[diesel(sql_type = BigInt)]
    failed_count: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: jiff_diesel::Timestamp,
}

/// The progress of an import; nothing when no row of it was ever committed.
pub async fn get(connection: &mut Connection, import_id: &str) -> Result<Option<Progress>, Error> {
    let mut sql = Sql::new("SELECT import_id, committed_through, created_count, unchanged_count, failed_count, ");
    sql.push("created_at, updated_at FROM imports WHERE import_id = ").bind::<Text, _>(import_id.to_owned());
    let row: Option<Row> = sql.get_result(connection).await.optional()?;
    Ok(row.map(|row| Progress {
        import_id: row.import_id,
        committed_through: row.committed_through,
        created_count: row.created_count,
        unchanged_count: row.unchanged_count,
        failed_count: row.failed_count,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
    }))
}

/// Adds what a batch of rows came to, in the transaction that writes them.
pub async fn advance(connection: &mut Connection, batch: &Progress) -> Result<(), Error> {
    let mut sql = Sql::new("INSERT INTO imports AS i (import_id, committed_through, created_count, unchanged_count, ");
    sql.push("failed_count, created_at, updated_at) VALUES (").bind::<Text, _>(batch.import_id.clone());
    for number in [batch.committed_through, batch.created_count, batch.unchanged_count, batch.failed_count] {
        sql.push(", ").bind::<BigInt, _>(number);
    }
    for at in [batch.created_at, batch.updated_at] {
        sql.push(", ").bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(at));
    }
    sql.push(
        ") ON CONFLICT (import_id) DO UPDATE SET \
         committed_through = greatest(i.committed_through, excluded.committed_through), \
         created_count = i.created_count + excluded.created_count, \
         unchanged_count = i.unchanged_count + excluded.unchanged_count, \
         failed_count = i.failed_count + excluded.failed_count, updated_at = excluded.updated_at",
    );
    sql.execute(connection).await?;
    Ok(())
}
