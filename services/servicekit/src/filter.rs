//! Checked filters as SQL conditions with parameters only, which hold exactly where the domain's evaluator says so.
//! Which fields there are is a [`domain::filter::Schema`]; here each gets its column.

use diesel::sql_types::{BigInt, Bool, Interval, Text, Timestamptz};
use domain::filter::{Comparison, Direction, Field, Kind, Pattern, Piece, Restriction, Schema, Test, Typed, Value};

use crate::page::Keyset;
use crate::sql::Sql;

/// A field that can be filtered by, with the SQL expression that holds it.
///
/// The expression is NULL where the field is unset, and of the type that its kind asks for: text (String, Enum),
/// bigint or integer, numeric, boolean, timestamptz, interval, `text[]` (StringList).
#[derive(Debug, Clone)]
pub struct Column {
    field: Field,
    sql: &'static str,
    order: Option<(&'static str, &'static str)>,
}

impl Column {
    /// A field and its expression: a column name, usually.
    pub fn new(field: Field, sql: &'static str) -> Self {
        Self { field, sql, order: None }
    }

    /// A text that can be ordered by.
    pub fn text(name: &str, description: &str, sql: &'static str) -> Self {
        Self::new(Field::new(name, Kind::String, description).orderable(), sql)
    }

    /// A list of texts.
    pub fn list(name: &str, description: &str, sql: &'static str) -> Self {
        Self::new(Field::new(name, Kind::StringList, description), sql)
    }

    /// Orders by another expression of the given SQL type: names of tickets by their number.
    #[must_use]
    pub fn ordered_by(mut self, sql: &'static str, sql_type: &'static str) -> Self {
        self.order = Some((sql, sql_type));
        self
    }
}

/// A method that takes a filter, as `package.Service/Method`, and the fields that it may name.
pub type Filtered = (&'static str, &'static Fields);

/// The filterable fields of one resource with their columns.
#[derive(Debug)]
pub struct Fields {
    schema: Schema,
    columns: Vec<(String, Ordering)>,
    key: usize,
}

#[derive(Debug)]
struct Ordering {
    sql: String,
    sql_type: &'static str,
}

impl Fields {
    /// The fields; the first one is the unique key that ends every order (usually `name`).
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        let mut fields = Vec::new();
        let mut expressions = Vec::new();
        for Column { field, sql, order } in columns {
            let ordering = match order {
                Some((sql, sql_type)) => Ordering { sql: sql.to_owned(), sql_type },
                None => Ordering { sql: sortable(&field.kind, sql), sql_type: sql_type(&field.kind) },
            };
            fields.push(field);
            expressions.push((sql.to_owned(), ordering));
        }
        Self { schema: Schema::new(fields), columns: expressions, key: 0 }
    }

    /// The fields as the parser and the documentation see them.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(crate) fn key(&self) -> usize {
        self.key
    }

    /// The expression a field is ordered by, and its SQL type.
    pub(crate) fn ordering(&self, field: usize) -> (&str, &'static str) {
        let ordering = &self.columns[field].1;
        (&ordering.sql, ordering.sql_type)
    }

    /// Appends the filter as a condition for WHERE, which takes NULL for false: so restrictions are left bare and
    /// indexes serve them, except under a NOT, where NULL has to be made false first.
    pub fn condition(&self, filter: &Typed, sql: &mut Sql) {
        self.member(filter, false, sql);
    }

    fn member(&self, filter: &Typed, negated: bool, sql: &mut Sql) {
        match filter {
            Typed::And(members) => self.joined(members, " AND ", "true", negated, sql),
            Typed::Or(members) => self.joined(members, " OR ", "false", negated, sql),
            Typed::Not(member) => {
                sql.push("NOT ");
                self.member(member, true, sql);
            }
            Typed::Restriction(restriction) => {
                sql.push(if negated { "coalesce(" } else { "(" });
                self.restriction(restriction, sql);
                sql.push(if negated { ", false)" } else { ")" });
            }
        }
    }

    fn joined(&self, members: &[Typed], operator: &str, empty: &str, negated: bool, sql: &mut Sql) {
        if members.is_empty() {
            sql.push(empty);
            return;
        }
        for (index, member) in members.iter().enumerate() {
            sql.push(if index == 0 { "(" } else { operator });
            self.member(member, negated, sql);
        }
        sql.push(")");
    }

    fn restriction(&self, Restriction { field, test }: &Restriction, sql: &mut Sql) {
        let kind = &self.schema.fields()[*field].kind;
        let column = self.columns[*field].0.as_str();
        match test {
            Test::Present if *kind == Kind::StringList => {
                sql.push("cardinality(").push(column).push(") > 0");
            }
            Test::Present => {
                sql.push(column).push(" IS NOT NULL");
            }
            // What an index is asked for: a flag as it is, and a text that is not empty as it is stored.
            Test::Compare(Comparison::Equal, Value::Bool(flag)) => {
                sql.push(if *flag { "" } else { "NOT " }).push(column);
            }
            Test::Compare(Comparison::Equal, Value::String(text)) if !text.is_empty() => {
                let stored = column.strip_prefix("nullif(").and_then(|column| column.strip_suffix(", '')"));
                sql.push(stored.unwrap_or(column)).push(" = ").bind::<Text, _>(text.clone());
            }
            Test::Compare(comparison, value) => {
                let collate = matches!(value, Value::String(_))
                    && !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
                sql.push(column).push(if collate { " COLLATE \"C\" " } else { " " });
                sql.push(match comparison {
                    Comparison::NotEqual => "<>",
                    other => other.symbol(),
                });
                sql.push(" ");
                bind(value, sql);
            }
            Test::Like(pattern) => {
                sql.push(column).push(" LIKE ").bind::<Text, _>(like(pattern));
            }
            Test::NotLike(pattern) => {
                sql.push(column).push(" NOT LIKE ").bind::<Text, _>(like(pattern));
            }
            Test::Has(item) => {
                sql.push(column).push(" @> ARRAY[").bind::<Text, _>(item.clone()).push("]::text[]");
            }
        }
    }

    /// Appends the condition that a row comes after the one with this keyset.
    pub(crate) fn after(&self, order: &[(usize, Direction)], keyset: &Keyset, sql: &mut Sql) {
        // (a beyond) OR (a equal AND (b beyond OR (b equal AND …)))
        let last = order.len().saturating_sub(1);
        for (index, ((field, direction), value)) in order.iter().zip(keyset).enumerate() {
            let (column, sql_type) = self.ordering(*field);
            sql.push("(");
            beyond(column, sql_type, *direction, value.as_deref(), *field == self.key, sql);
            if index < last {
                sql.push(" OR ");
                equal(column, sql_type, value.as_deref(), sql);
                sql.push(" AND ");
            }
        }
        sql.push(&")".repeat(order.len()));
    }
}

/// NULL sorts as Postgres does by default: last when ascending, first when descending.
fn beyond(column: &str, sql_type: &str, direction: Direction, value: Option<&str>, never_null: bool, sql: &mut Sql) {
    match (direction, value) {
        (Direction::Ascending, Some(value)) => {
            sql.push(column).push(" > ");
            cast(value, sql_type, sql);
            if !never_null {
                sql.push(" OR ").push(column).push(" IS NULL");
            }
        }
        (Direction::Ascending, None) => {
            sql.push("false");
        }
        (Direction::Descending, Some(value)) => {
            sql.push(column).push(" < ");
            cast(value, sql_type, sql);
        }
        (Direction::Descending, None) => {
            sql.push(column).push(" IS NOT NULL");
        }
    }
}

fn equal(column: &str, sql_type: &str, value: Option<&str>, sql: &mut Sql) {
    sql.push(column);
    match value {
        Some(value) => {
            sql.push(" = ");
            cast(value, sql_type, sql);
        }
        None => {
            sql.push(" IS NULL");
        }
    }
}

fn cast(value: &str, sql_type: &str, sql: &mut Sql) {
    sql.bind::<Text, _>(value.to_owned()).push("::").push(sql_type);
}

fn sql_type(kind: &Kind) -> &'static str {
    match kind {
        Kind::String | Kind::Enum(_) | Kind::StringList => "text",
        Kind::Integer => "bigint",
        Kind::Decimal => "numeric",
        Kind::Bool => "boolean",
        Kind::Timestamp => "timestamptz",
        Kind::Duration => "interval",
    }
}

fn sortable(kind: &Kind, sql: &str) -> String {
    match kind {
        Kind::String | Kind::Enum(_) => format!("{sql} COLLATE \"C\""),
        _ => sql.to_owned(),
    }
}

fn bind(value: &Value, sql: &mut Sql) {
    match value {
        Value::String(text) => sql.bind::<Text, _>(text.clone()),
        Value::Integer(number) => sql.bind::<BigInt, _>(*number),
        Value::Decimal(number) => sql.bind::<Text, _>(number.to_string()).push("::numeric"),
        Value::Bool(flag) => sql.bind::<Bool, _>(*flag),
        Value::Timestamp(at) => sql.bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(*at)),
        Value::Duration(length) => {
            let microseconds = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
            sql.bind::<Interval, _>(diesel::data_types::PgInterval::from_microseconds(microseconds))
        }
    };
}

/// A pattern as LIKE reads it, with its own wildcards escaped.
fn like(pattern: &Pattern) -> String {
    let mut text = String::new();
    for piece in pattern.pieces() {
        match piece {
            Piece::Any => text.push('%'),
            Piece::Text(exact) => {
                for character in exact.chars() {
                    if matches!(character, '%' | '_' | '\\') {
                        text.push('\\');
                    }
                    text.push(character);
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::filter::{Context, compile};

    fn fields() -> Fields {
        Fields::new([
            Column::new(Field::new("name", Kind::String, "name").orderable(), "name").ordered_by("number", "bigint"),
            Column::new(Field::new("title", Kind::String, "title").orderable(), "title"),
            Column::new(Field::new("weight", Kind::Decimal, "weight").orderable(), "weight"),
            Column::new(Field::new("tags", Kind::StringList, "tags"), "tags"),
        ])
    }

    fn condition(filter: &str) -> String {
        let fields = fields();
        let context = Context { now: jiff::Timestamp::UNIX_EPOCH, me: None };
        let mut sql = Sql::default();
        fields.condition(&compile(filter, fields.schema(), &context).unwrap(), &mut sql);
        sql.to_string()
    }

    #[test]
    fn an_empty_filter_holds_everywhere() {
        assert_eq!(condition(""), "true");
    }

    #[test]
    fn values_are_parameters_and_restrictions_can_use_an_index() {
        assert_eq!(
            condition("title = \"x' OR true\" AND (weight > 1.5 OR tags:a)"),
            "((title = $1) AND ((weight > $2::numeric) OR (tags @> ARRAY[$3]::text[])))"
        );
    }

    #[test]
    fn under_a_not_an_unset_field_is_false_and_not_unknown() {
        assert_eq!(condition("NOT title = a"), "NOT coalesce(title = $1, false)");
        assert_eq!(
            condition("NOT (title = a OR weight = 1)"),
            "NOT (coalesce(title = $1, false) OR coalesce(weight = $2::numeric, false))"
        );
    }

    #[test]
    fn wildcards_of_sql_are_ordinary_characters() {
        let text = "50%_\\";
        let fields = fields();
        let context = Context { now: jiff::Timestamp::UNIX_EPOCH, me: None };
        let filter = format!("title = \"{}*\"", text.replace('\\', "\\\\"));
        let Typed::Restriction(Restriction { test: Test::Like(pattern), .. }) =
            compile(&filter, fields.schema(), &context).unwrap()
        else {
            panic!("not a pattern: {filter}");
        };
        assert_eq!(like(&pattern), "50\\%\\_\\\\%");
    }

    #[test]
    fn a_keyset_continues_after_its_row_also_where_values_are_unset() {
        let order = [(2, Direction::Descending), (1, Direction::Ascending), (0, Direction::Ascending)];
        let mut sql = Sql::default();
        fields().after(&order, &vec![Some("1.5".to_owned()), None, Some("7".to_owned())], &mut sql);
        assert_eq!(
            sql.to_string(),
            "(weight < $1::numeric OR weight = $2::numeric AND \
             (false OR title COLLATE \"C\" IS NULL AND (number > $3::bigint)))"
        );
    }
}
