//! Ticket numbers, from one sequence for all practices. A number that is drawn and not used is a gap.

use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use servicekit::Error;
use servicekit::db::Connection;
use servicekit::sql::Sql;

#[derive(QueryableByName)]
struct Drawn {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Draws so many numbers, rising.
pub async fn draw(connection: &mut Connection, count: usize) -> Result<Vec<u64>, Error> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new("SELECT nextval('ticket_numbers') AS number FROM generate_series(1, ");
    sql.bind::<BigInt, _>(i64::try_from(count).map_err(Error::internal)?).push(") ORDER BY 1");
    let drawn: Vec<Drawn> = sql.load(connection).await?;
    Ok(drawn.into_iter().map(|row| row.number.unsigned_abs()).collect())
}
