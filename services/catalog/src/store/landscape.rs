//! Where services and customers belong.

use diesel::QueryableByName;
use diesel::sql_types::Text;
use domain::landscape::Landscape;
use servicekit::Error;
use servicekit::db::Connection;
use servicekit::sql::Sql;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    belongs_to: String,
}

/// The lines of services and the parents of customers, as they are now.
pub async fn landscape(connection: &mut Connection) -> Result<Landscape, Error> {
    let mut belongs = async |table: &str, column: &str| {
        let sql = Sql::new(format!(
            "SELECT name, coalesce({column}, '') AS belongs_to FROM {table} WHERE deleted_at IS NULL"
        ));
        let rows: Vec<Row> = sql.load(&mut *connection).await?;
        Ok::<_, Error>(rows.into_iter().map(|row| (row.name, row.belongs_to)).collect())
    };
    Ok(Landscape { lines: belongs("service", "line").await?, parents: belongs("customer", "parent").await? })
}
