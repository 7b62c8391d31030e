//! Statements put together at run time: text that we wrote, values always bound, never spliced in.
//! Prepared once per connection and text, which `diesel::sql_query` is not.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Untyped};
use diesel::{QueryResult, QueryableByName};
use diesel_async::RunQueryDsl;
use std::marker::PhantomData;

use crate::db::Connection;

/// A statement under construction; rows that it gives derive `QueryableByName`.
#[derive(Default)]
pub struct Sql {
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Bind(Box<dyn Bind>),
}

trait Bind: Send + Sync {
    fn walk<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

struct Bound<ST, T> {
    value: T,
    sql_type: PhantomData<fn() -> ST>,
}

impl<ST, T> Bind for Bound<ST, T>
where
    Pg: HasSqlType<ST>,
    T: ToSql<ST, Pg> + Send + Sync,
{
    fn walk<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param::<ST, T>(&self.value)?;
        Ok(())
    }
}

impl Sql {
    /// Begins with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { parts: vec![Part::Text(text.into())] }
    }

    /// Appends text of ours: never anything that came with a request.
    pub fn push(&mut self, text: &str) -> &mut Self {
        if let Some(Part::Text(last)) = self.parts.last_mut() {
            last.push_str(text);
        } else {
            self.parts.push(Part::Text(text.to_owned()));
        }
        self
    }

    /// Appends a value as the next parameter, with its SQL type: `sql.bind::<Text, _>(name)`.
    pub fn bind<ST, T>(&mut self, value: T) -> &mut Self
    where
        ST: 'static,
        Pg: HasSqlType<ST>,
        T: ToSql<ST, Pg> + Send + Sync + 'static,
    {
        self.parts.push(Part::Bind(Box::new(Bound { value, sql_type: PhantomData::<fn() -> ST> })));
        self
    }

    /// The statement that tells how Postgres would run this one, with its values.
    #[must_use]
    pub fn explained(mut self) -> Self {
        self.parts.insert(0, Part::Text("EXPLAIN ".to_owned()));
        self
    }

    /// All rows.
    pub async fn load<T: QueryableByName<Pg> + Send + 'static>(
        self,
        connection: &mut Connection,
    ) -> QueryResult<Vec<T>> {
        connection.run(|mut postgres| async move { RunQueryDsl::load(self, &mut postgres).await }).await
    }

    /// The first row; `NotFound` when there is none.
    pub async fn get_result<T: QueryableByName<Pg> + Send + 'static>(
        self,
        connection: &mut Connection,
    ) -> QueryResult<T> {
        connection.run(|mut postgres| async move { RunQueryDsl::get_result(self, &mut postgres).await }).await
    }

    /// The number of rows that were written.
    pub async fn execute(self, connection: &mut Connection) -> QueryResult<usize> {
        connection.run(|mut postgres| async move { RunQueryDsl::execute(self, &mut postgres).await }).await
    }
}

impl std::fmt::Display for Sql {
    /// The text with `$1`, `$2`, … for the values.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut number = 0;
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Bind(_) => {
                    number += 1;
                    write!(f, "${number}")?;
                }
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Sql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sql({self})")
    }
}

impl QueryFragment<Pg> for Sql {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_sql(text),
                Part::Bind(bind) => bind.walk(out.reborrow())?,
            }
        }
        Ok(())
    }
}

impl QueryId for Sql {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Sql {
    type SqlType = Untyped;
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::sql_types::{BigInt, Text};

    #[test]
    fn values_are_parameters_and_never_text() {
        let mut sql = Sql::new("SELECT 1 WHERE a = ");
        sql.bind::<Text, _>("'; DROP".to_owned()).push(" AND b = ").bind::<BigInt, _>(7_i64);
        assert_eq!(sql.to_string(), "SELECT 1 WHERE a = $1 AND b = $2");
        let debug = diesel::debug_query::<Pg, _>(&sql).to_string();
        assert!(debug.starts_with("SELECT 1 WHERE a = $1 AND b = $2"), "{debug}");
    }
}
