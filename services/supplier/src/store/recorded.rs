//! What an import asks before it writes: which suppliers are known, which names and places in sources are taken.

use diesel::QueryableByName;
use diesel::sql_types::{Array, Nullable, Text};
use servicekit::db::Connection;
use servicekit::error::Error;
use servicekit::sql::Sql;

/// A supplier's name for people, as it was asked for, with what is known of it.
#[derive(Debug, Clone, QueryableByName)]
pub struct Known {
    /// The name for people.
    #[diesel(sql_type = Text)]
    pub display_name: String,
    /// The same for all writings of it.
    #[diesel(sql_type = Text)]
    pub same_name: String,
    /// Name of the supplier that is called so now. None: no supplier is.
    #[diesel(sql_type = Nullable<Text>)]
    pub supplier: Option<String>,
}

/// Looks up suppliers by their names for people, each of which has an answer.
pub async fn suppliers_called(connection: &mut Connection, display_names: Vec<String>) -> Result<Vec<Known>, Error> {
    let mut sql = Sql::new("SELECT asked.display_name, same_name(asked.display_name) AS same_name, ");
    sql.push("(SELECT min(s.name) FROM supplier s WHERE s.deleted_at IS NULL ");
    sql.push("AND s.same_name = same_name(asked.display_name)) AS supplier FROM unnest(");
    sql.bind::<Array<Text>, _>(display_names).push(") AS asked (display_name)");
    Ok(sql.load(connection).await?)
}

/// A name that is taken.
#[derive(Debug, Clone, QueryableByName)]
pub struct Recorded {
    /// Name of the resource, deleted or not.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// What it was called when it was created, the same for all writings.
    #[diesel(sql_type = Text)]
    pub first_called: String,
}

/// Which of these names are taken, of suppliers or contracts. Every resource has a first fact, so the journal knows.
pub async fn recorded_names(connection: &mut Connection, names: Vec<String>) -> Result<Vec<Recorded>, Error> {
    let mut sql = Sql::new("SELECT subject AS name, same_name(payload ->> 'display_name') AS first_called ");
    sql.push("FROM journal WHERE subject_version = 1 AND subject = ANY(").bind::<Array<Text>, _>(names).push(")");
    Ok(sql.load(connection).await?)
}

/// A contract that came from a source.
#[derive(Debug, Clone, QueryableByName)]
pub struct FromSource {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Where it comes from.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// Its place there.
    #[diesel(sql_type = Text)]
    pub source_id: String,
}

/// The contracts from these places, deleted or not: source and place in it.
pub async fn recorded_contracts(
    connection: &mut Connection,
    places: &[(&str, &str)],
) -> Result<Vec<FromSource>, Error> {
    let (sources, ids): (Vec<String>, Vec<String>) =
        places.iter().map(|(source, id)| ((*source).to_owned(), (*id).to_owned())).unzip();
    let mut sql = Sql::new("SELECT c.name, c.source, c.source_id FROM contract c JOIN unnest(");
    sql.bind::<Array<Text>, _>(sources).push(", ").bind::<Array<Text>, _>(ids);
    sql.push(") AS asked (source, source_id) ON asked.source = c.source AND asked.source_id = c.source_id");
    Ok(sql.load(connection).await?)
}
