//! Where people are named, and erasing what stands beside facts.

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use domain::privacy::Private;
use servicekit::Error;
use servicekit::db::Connection;
use servicekit::sql::Sql;

use super::ticket::{Part, Row, Stored};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// The last position of the journal; 0 without facts.
pub async fn last_position(connection: &mut Connection) -> Result<i64, Error> {
    let sql = Sql::new("SELECT coalesce(max(position), 0) AS count FROM journal");
    let found: Count = sql.get_result(connection).await?;
    Ok(found.count)
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

fn names(rows: Vec<Named>) -> Vec<String> {
    rows.into_iter().map(|row| row.name).collect()
}

/// What facts at these positions are about that have the text beside them, also as a part of a longer one.
pub async fn subjects(connection: &mut Connection, text: &str, from: i64, to: i64) -> Result<Vec<String>, Error> {
    // As it is written in JSON, without the quotes around it.
    let quoted = serde_json::Value::from(text).to_string();
    let mut sql = Sql::new("SELECT DISTINCT j.subject AS name FROM journal_private p JOIN journal j USING (position) ");
    sql.push("WHERE p.position >= ").bind::<BigInt, _>(from).push(" AND p.position <= ").bind::<BigInt, _>(to);
    sql.push(" AND strpos(p.content::text, ").bind::<Text, _>(quoted.trim_matches('"').to_owned()).push(") > 0");
    sql.push(" ORDER BY 1");
    Ok(names(sql.load(connection).await?))
}

/// How many facts at these positions have the name in themselves.
pub async fn kept(connection: &mut Connection, name: &str, from: i64, to: i64) -> Result<i64, Error> {
    let mut sql = Sql::new("SELECT count(*) AS count FROM journal WHERE position >= ");
    sql.bind::<BigInt, _>(from).push(" AND position <= ").bind::<BigInt, _>(to);
    sql.push(" AND (actor = ").bind::<Text, _>(name.to_owned()).push(" OR strpos(payload::text, ");
    sql.bind::<Text, _>(serde_json::Value::from(name).to_string()).push(") > 0)");
    let found: Count = sql.get_result(connection).await?;
    Ok(found.count)
}

/// The tickets of these names without their clocks, locked for a change.
pub async fn lock(connection: &mut Connection, names: &[String]) -> Result<Vec<Stored>, Error> {
    let mut sql = Sql::new("SELECT ");
    sql.push(Part::WithoutClocks.columns()).push(" FROM tickets t WHERE t.name = ANY (");
    sql.bind::<Array<Text>, _>(names.to_vec()).push(") ORDER BY t.number FOR UPDATE");
    let rows: Vec<Row> = sql.load(connection).await?;
    rows.into_iter().map(Row::read).collect()
}

/// What stands beside a fact.
#[derive(Debug, Clone)]
pub struct Beside {
    /// Position of the fact.
    pub position: i64,
    /// Who caused it.
    pub actor: String,
    /// Customer the fact belongs to.
    pub customer_id: String,
    /// Version of its subject.
    pub version: i64,
    /// Texts and names.
    pub private: Private,
}

#[derive(QueryableByName)]
struct BesideRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Text)]
    customer_id: String,
    #[diesel(sql_type = BigInt)]
    subject_version: i64,
    #[diesel(sql_type = Nullable<Text>)]
    private: Option<String>,
}

/// What stands beside the facts about a subject.
pub async fn beside(connection: &mut Connection, subject: &str) -> Result<Vec<Beside>, Error> {
    let mut sql = Sql::new(
        "SELECT j.position, j.actor, j.customer_id, j.subject_version, p.content::text AS private \
         FROM journal j LEFT JOIN journal_private p USING (position) WHERE j.subject = ",
    );
    sql.bind::<Text, _>(subject.to_owned()).push(" ORDER BY j.position");
    let rows: Vec<BesideRow> = sql.load(connection).await?;
    let read = |row: BesideRow| {
        let private = row.private.and_then(|text| Private::from_json(&text).ok()).unwrap_or_default();
        Beside {
            position: row.position,
            actor: private.name(&row.actor),
            customer_id: row.customer_id,
            version: row.subject_version,
            private,
        }
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Replaces what stands beside facts, by their positions.
pub async fn replace(connection: &mut Connection, beside: &[(i64, Private)]) -> Result<(), Error> {
    if beside.is_empty() {
        return Ok(());
    }
    let positions = |wanted: bool| {
        let found = beside.iter().filter(|(_, private)| private.is_empty() == wanted);
        found.map(|(position, _)| *position).collect::<Vec<_>>()
    };
    let contents = beside.iter().filter(|(_, private)| !private.is_empty());
    let contents: Vec<String> = contents.map(|(_, private)| private.to_json()).collect();
    let mut sql = Sql::new("WITH gone AS (DELETE FROM journal_private WHERE position = ANY (");
    sql.bind::<Array<BigInt>, _>(positions(true)).push(")) UPDATE journal_private p SET content = i.content::jsonb ");
    sql.push("FROM unnest(").bind::<Array<BigInt>, _>(positions(false)).push(", ");
    sql.bind::<Array<Text>, _>(contents).push(") AS i (position, content) WHERE p.position = i.position");
    sql.execute(connection).await?;
    Ok(())
}

/// Deletes a delegation, if it is there.
pub async fn delete_delegation(connection: &mut Connection, name: &str) -> Result<(), Error> {
    let mut sql = Sql::new("DELETE FROM approval_delegations WHERE name = ");
    sql.bind::<Text, _>(name.to_owned());
    sql.execute(connection).await?;
    Ok(())
}

/// Forgets the requests of a caller: repeated, they are made anew.
pub async fn forget_requests(connection: &mut Connection, caller: &str) -> Result<(), Error> {
    let mut sql = Sql::new("DELETE FROM idempotency WHERE caller = ");
    sql.bind::<Text, _>(caller.to_owned());
    sql.execute(connection).await?;
    Ok(())
}
