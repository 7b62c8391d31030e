//! What happened to tickets, as operations publishes it: read through its views, one at a time.

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use domain::stored;
use domain::ticket::{Audience, Recorded};
use jiff::Timestamp;
use servicekit::Error;
use servicekit::db::Connection;
use servicekit::sql::Sql;

/// The facts of tickets that clocks and selection read, not decoded yet, those of one ticket together.
#[derive(Debug, Default)]
pub struct Facts(Vec<Row>);

#[derive(Debug, QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = BigInt)]
    source_sequence: i64,
    #[diesel(sql_type = Text)]
    audience: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    payload: String,
}

impl Row {
    fn read(&self) -> Result<Recorded, Error> {
        let fact = stored::fact_from_json(&self.kind, &self.payload)
            .map_err(|cause| Error::internal(format!("fact {} of {}: {cause}", self.position, self.subject)))?;
        Ok(Recorded {
            fact,
            occurred_at: self.occurred_at.into(),
            source_recorded_at: None,
            source_sequence: self.source_sequence,
            position: self.position,
            actor: String::new(),
            audience: Audience::parse(&self.audience).unwrap_or(Audience::Internal),
        })
    }
}

impl Facts {
    /// Each ticket with its facts.
    pub fn decode(&self) -> impl Iterator<Item = Result<(&str, Vec<Recorded>), Error>> {
        self.0.chunk_by(|one, next| one.subject == next.subject).map(|rows| {
            let facts: Result<Vec<Recorded>, Error> = rows.iter().map(Row::read).collect();
            Ok((rows.first().map_or("", |row| &row.subject), facts?))
        })
    }
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

fn names(rows: Vec<Named>) -> Vec<String> {
    rows.into_iter().map(|row| row.name).collect()
}

/// Names of the tickets opened from `start` to `end` (exclusive), at most `limit`. An empty end is open.
pub async fn opened_between(
    connection: &mut Connection,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<String>, Error> {
    let mut sql = Sql::new("SELECT name FROM operations.published_tickets_v1 WHERE true");
    for (condition, at) in [(" AND opened_at >= ", start), (" AND opened_at < ", end)] {
        if let Some(at) = at {
            sql.push(condition).bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(at));
        }
    }
    sql.push(&format!(" LIMIT {limit}"));
    Ok(names(sql.load(connection).await?))
}

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// The place of the newest fact in the order of the journal; 0 without any.
pub async fn last_fact(connection: &mut Connection) -> Result<i64, Error> {
    let sql = Sql::new("SELECT seq FROM operations.published_ticket_facts_v1 ORDER BY seq DESC LIMIT 1");
    let last: Vec<Last> = sql.load(connection).await?;
    Ok(last.into_iter().next().map_or(0, |last| last.seq))
}

/// Names of the tickets with a fact after that place in the order of the journal.
pub async fn recorded_after(connection: &mut Connection, seq: i64) -> Result<Vec<String>, Error> {
    let mut sql = Sql::new("SELECT DISTINCT subject AS name FROM operations.published_ticket_facts_v1 WHERE seq > ");
    sql.bind::<BigInt, _>(seq);
    Ok(names(sql.load(connection).await?))
}

/// The facts of these tickets, but for what an import keeps for itself, and relations.
pub async fn facts_of(connection: &mut Connection, tickets: &[String]) -> Result<Facts, Error> {
    let mut sql = Sql::new(
        "SELECT subject, position, occurred_at, source_sequence, audience, kind, payload::text AS payload \
         FROM operations.published_ticket_facts_v1 \
         WHERE kind NOT IN ('ticket.imported.v1', 'ticket.linked.v1', 'ticket.unlinked.v1') AND subject = ANY(",
    );
    sql.bind::<Array<Text>, _>(tickets.to_vec()).push(") ORDER BY subject, position");
    Ok(Facts(sql.load(connection).await?))
}
