//! The facts of tickets, as folds and clocks read them.

use std::collections::HashMap;

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use domain::privacy::Private;
use domain::stored;
use domain::ticket::{Audience, Recorded};
use jiff::Timestamp;
use servicekit::Error;
use servicekit::db::Connection;
use servicekit::sql::Sql;

/// A fact of a ticket with what only the journal knows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Name of the ticket.
    pub subject: String,
    /// The fact.
    pub recorded: Recorded,
    /// Version of the ticket after it.
    pub version: i64,
    /// When it was put in order here. Empty: only just recorded.
    pub recorded_at: Option<Timestamp>,
    /// What stands beside it.
    pub private: Private,
}

impl Entry {
    /// Whether it was known at that instant: recorded by its source, else put in order here, no later than then.
    pub fn is_known_at(&self, at: Timestamp) -> bool {
        self.recorded.source_recorded_at.or(self.recorded_at).is_some_and(|known_at| known_at <= at)
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = BigInt)]
    subject_version: i64,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    source_recorded_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    recorded_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = BigInt)]
    source_sequence: i64,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Text)]
    audience: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    payload: String,
    #[diesel(sql_type = Nullable<Text>)]
    private: Option<String>,
}

impl Row {
    fn read(self) -> Result<Entry, Error> {
        // What cannot be read is not there; verifying names it.
        let private = self.private.and_then(|text| Private::from_json(&text).ok()).unwrap_or_default();
        let fact = stored::private_fact_from_json(&self.kind, &self.payload, &private)
            .map_err(|cause| Error::internal(format!("fact {} of {}: {cause}", self.position, self.subject)))?;
        let source_recorded_at = self.source_recorded_at.map(Timestamp::from);
        let recorded = Recorded {
            fact,
            occurred_at: self.occurred_at.into(),
            source_recorded_at,
            source_sequence: self.source_sequence,
            position: self.position,
            actor: private.name(&self.actor),
            audience: Audience::parse(&self.audience).unwrap_or(Audience::Internal),
        };
        let recorded_at = self.recorded_at.map(Into::into);
        Ok(Entry { subject: self.subject, recorded, version: self.subject_version, recorded_at, private })
    }
}

/// All facts of each of these tickets, in the order in which they were recorded.
pub async fn of_many(connection: &mut Connection, names: &[String]) -> Result<HashMap<String, Vec<Entry>>, Error> {
    let mut sql = Sql::new(
        // Subqueries rather than joins, so that both are read by their index however large Postgres takes them to be.
        "SELECT j.subject, j.subject_version, j.position, j.occurred_at, j.source_recorded_at, \
         (SELECT o.recorded_at FROM journal_order o WHERE o.position = j.position) AS recorded_at, \
         j.source_sequence, j.actor, j.audience, j.kind, j.payload::text AS payload, \
         (SELECT p.content::text FROM journal_private p WHERE p.position = j.position) AS private \
         FROM journal j WHERE j.subject = ANY (",
    );
    sql.bind::<Array<Text>, _>(names.to_vec()).push(") ORDER BY j.position");
    let rows: Vec<Row> = sql.load(connection).await?;
    let mut facts: HashMap<String, Vec<Entry>> = HashMap::with_capacity(names.len());
    for row in rows {
        let entry = row.read()?;
        facts.entry(entry.subject.clone()).or_default().push(entry);
    }
    Ok(facts)
}

/// All facts of one ticket, in the order in which they were recorded.
pub async fn of(connection: &mut Connection, name: &str) -> Result<Vec<Entry>, Error> {
    Ok(of_many(connection, &[name.to_owned()]).await?.remove(name).unwrap_or_default())
}
