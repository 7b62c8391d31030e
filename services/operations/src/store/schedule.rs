//! Which tickets the scheduler has to look at, and when.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Nullable, Timestamptz};
use jiff::Timestamp;
use servicekit::Error;
use servicekit::db::Connection;
use servicekit::sql::Sql;

use super::ticket::{Part, Row, Stored};

/// What makes a ticket one to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A clock has reached a threshold by then.
    Due(Timestamp),
    /// It is open and its clocks were read when fewer calendars were published.
    ReadBefore(i64),
    /// It has that number.
    Numbered(i64),
}

impl Look {
    /// Appends what goes behind the columns in a statement whose tickets are called `t`.
    fn of(self, limit: i64, sql: &mut Sql) {
        sql.push(" FROM tickets t WHERE ");
        match self {
            Self::Due(now) => sql.push("t.next_fire_at <= ").bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(now)),
            Self::ReadBefore(calendars) => {
                sql.push("t.category_state IN ('NEW', 'ACTIVE', 'PENDING') AND t.calendars < ");
                sql.bind::<BigInt, _>(calendars)
            }
            Self::Numbered(number) => sql.push("t.number = ").bind::<BigInt, _>(number),
        };
        let order = match self {
            Self::Due(_) => " ORDER BY t.next_fire_at LIMIT ",
            Self::ReadBefore(_) | Self::Numbered(_) => " LIMIT ",
        };
        sql.push(order).bind::<BigInt, _>(limit).push(" FOR UPDATE SKIP LOCKED");
    }
}

/// Takes tickets for this transaction, without their clocks. Those that another scheduler or a change has in hand are
/// left to it.
pub async fn claim(connection: &mut Connection, look: Look, limit: i64) -> Result<Vec<Stored>, Error> {
    let mut sql = Sql::new("SELECT ");
    sql.push(Part::WithoutClocks.columns());
    look.of(limit, &mut sql);
    let rows: Vec<Row> = sql.load(connection).await?;
    rows.into_iter().map(Row::read).collect()
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The numbers of tickets that [`claim`] would take.
pub async fn numbers(connection: &mut Connection, look: Look, limit: i64) -> Result<Vec<i64>, Error> {
    let mut sql = Sql::new("SELECT t.number");
    look.of(limit, &mut sql);
    let rows: Vec<Number> = sql.load(connection).await?;
    Ok(rows.into_iter().map(|row| row.number).collect())
}

/// Lets a ticket that cannot be judged wait.
pub async fn postpone(connection: &mut Connection, number: i64, until: Timestamp, calendars: i64) -> Result<(), Error> {
    let mut sql = Sql::new("UPDATE tickets SET next_fire_at = ");
    sql.bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(until)).push(", calendars = greatest(calendars, ");
    sql.bind::<BigInt, _>(calendars).push(") WHERE number = ").bind::<BigInt, _>(number);
    sql.execute(connection).await?;
    Ok(())
}

/// What lies ahead of the scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// When the next threshold is reached, or was. Empty: none is.
    pub next_fire_at: Option<Timestamp>,
    /// Whether clocks of open tickets were read when fewer calendars were published.
    pub outdated: bool,
}

#[derive(QueryableByName)]
struct OutlookRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    next_fire_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Bool)]
    outdated: bool,
}

/// Looks ahead, with so many revisions of calendars published.
pub async fn outlook(connection: &mut Connection, calendars: i64) -> Result<Outlook, Error> {
    let mut sql = Sql::new(
        "SELECT (SELECT min(next_fire_at) FROM tickets WHERE next_fire_at IS NOT NULL) AS next_fire_at, \
         EXISTS (SELECT FROM tickets WHERE category_state IN ('NEW', 'ACTIVE', 'PENDING') AND calendars < ",
    );
    sql.bind::<BigInt, _>(calendars).push(") AS outdated");
    let row: OutlookRow = sql.get_result(connection).await?;
    Ok(Outlook { next_fire_at: row.next_fire_at.map(Into::into), outdated: row.outdated })
}
