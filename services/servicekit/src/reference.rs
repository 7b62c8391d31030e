//! References between the resources of one schema: to what exists, never in a circle, and held while anything refers.
//! For [`crate::resource::Resource::guard`]: in the transaction of the write, so that two writes cannot pass each other.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text};

use crate::db::Connection;
use crate::error::{self, Error, Violation};
use crate::sql::Sql;

/// A field that names a resource.
#[derive(Debug, Clone)]
pub struct Reference<'a> {
    /// Path of the field in the request: `service.depends_on[0]`.
    pub field: String,
    /// Table of the resources it may name.
    pub table: &'static str,
    /// The name. Empty: the field is not set, and nothing is checked.
    pub name: &'a str,
}

impl<'a> Reference<'a> {
    /// A field with one name, or none.
    pub fn one(field: impl Into<String>, table: &'static str, name: &'a str) -> Self {
        Self { field: field.into(), table, name }
    }

    /// A field with a list of names.
    pub fn each(field: &str, table: &'static str, names: &'a [String]) -> impl Iterator<Item = Self> {
        names.iter().enumerate().map(move |(index, name)| Self { field: format!("{field}[{index}]"), table, name })
    }
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Refuses names that are not there or deleted, all of them at once. The others stay as long as the transaction runs.
pub async fn hold(connection: &mut Connection, references: &[Reference<'_>]) -> Result<(), Error> {
    let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for reference in references.iter().filter(|reference| !reference.name.is_empty()) {
        wanted.entry(reference.table).or_default().insert(reference.name);
    }
    let mut found = BTreeSet::new();
    for (table, names) in wanted {
        let mut sql = Sql::new(format!("SELECT name FROM {table} WHERE deleted_at IS NULL AND name = ANY("));
        sql.bind::<Array<Text>, _>(names.into_iter().map(str::to_owned).collect::<Vec<_>>());
        sql.push(") ORDER BY name FOR SHARE");
        let rows: Vec<Named> = sql.load(connection).await?;
        found.extend(rows.into_iter().map(|row| (table, row.name)));
    }
    let missing = references
        .iter()
        .filter(|reference| !reference.name.is_empty())
        .filter(|reference| !found.contains(&(reference.table, reference.name.to_owned())))
        .map(|reference| {
            Violation::new(&reference.field, format!("{} does not exist: create it first", reference.name))
        });
    Error::check(missing.collect())
}

/// How rows of a table depend on a resource.
#[derive(Debug, Clone, Copy)]
pub enum Dependant {
    /// Their names lie under its name.
    Under(&'static str),
    /// A column (table, column) holds its name.
    Named(&'static str, &'static str),
    /// A list column (table, column) has its name among others.
    Among(&'static str, &'static str),
}

#[derive(QueryableByName)]
struct Dependants {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Nullable<Text>)]
    first: Option<String>,
}

/// Refuses to delete a resource while others that are not deleted depend on it.
pub async fn refuse_while_used(connection: &mut Connection, name: &str, dependants: &[Dependant]) -> Result<(), Error> {
    for dependant in dependants {
        let (Dependant::Under(table) | Dependant::Named(table, _) | Dependant::Among(table, _)) = dependant;
        let mut sql = Sql::new("SELECT count(*) AS count, min(name) AS first FROM ");
        sql.push(table).push(" WHERE deleted_at IS NULL AND ");
        match dependant {
            Dependant::Under(_) => sql.push("starts_with(name, ").bind::<Text, _>(format!("{name}/")).push(")"),
            Dependant::Named(_, column) => sql.push(column).push(" = ").bind::<Text, _>(name.to_owned()),
            Dependant::Among(_, column) => {
                sql.push(column).push(" @> ARRAY[").bind::<Text, _>(name.to_owned()).push("]::text[]")
            }
        };
        let Dependants { count, first } = sql.get_result(connection).await?;
        if let Some(first) = first {
            let others = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            let message = format!("{name} is used by {first}{others}: change or delete them first");
            return Err(Error::refused(error::REFERENCE_INVALID, name, message).with("used_by", first));
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    parent: String,
}

/// The way up from `start` by the column `parent` of `table`: each name with its parent, as far as there are any.
/// Other changes of the same tree wait until the transaction ends, so that two of them cannot close a circle.
pub async fn ancestors(
    connection: &mut Connection,
    table: &'static str,
    start: &str,
) -> Result<BTreeMap<String, String>, Error> {
    let mut lock = Sql::new("SELECT pg_advisory_xact_lock(hashtextextended(");
    lock.bind::<Text, _>(format!("tree of {table}")).push(", 0))::text AS name");
    let _: Named = lock.get_result(connection).await?;
    let mut sql =
        Sql::new(format!("WITH RECURSIVE way (name, parent) AS (SELECT name, parent FROM {table} WHERE name = "));
    sql.bind::<Text, _>(start.to_owned());
    sql.push(&format!(" UNION SELECT up.name, up.parent FROM {table} up JOIN way ON up.name = way.parent) "));
    sql.push("SELECT name, parent FROM way WHERE parent IS NOT NULL");
    let steps: Vec<Step> = sql.load(connection).await?;
    Ok(steps.into_iter().map(|step| (step.name, step.parent)).collect())
}
