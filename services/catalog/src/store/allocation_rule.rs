//! Allocation rules, and what they share out.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Jsonb, Text, Timestamptz};
use domain::allocation::{Charge, Rule};
use domain::amount::{Amount, Currency, Decimal};
use domain::filter::{Field, Kind};
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::reference::{self, Reference};
use servicekit::resource::{self, Resource, Stored, Visibility};
use servicekit::sql::Sql;
use servicekit::{Error, Violation, standard};

use super::{date, illustrative};
use crate::error;

/// An allocation rule as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AllocationRule(pub Rule);

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::new(resource::columns([
        Column::text("pool", "cost pool that is shared out", "pool"),
        Column::text("service", "service that is shared out", "service"),
        Column::list("targets.service", "services that get a share", "target_services"),
        Column::list("targets.customer", "customers who get a share", "target_customers"),
        date("start_date", "first day, as 2026-06-30", "to_char(start_on, 'YYYY-MM-DD')", "start_on"),
        date("end_date", "last day, as 2026-06-30", "to_char(end_on, 'YYYY-MM-DD')", "end_on"),
        Column::new(Field::new("order", Kind::Integer, "when the turn of a service is").orderable(), "step"),
        illustrative(),
    ]))
});

impl Resource for AllocationRule {
    const TABLE: &'static str = "allocation_rule";
    const KIND: &'static str = "allocation_rule";
    const VISIBILITY: Visibility = Visibility::Provider;

    fn fields() -> &'static Fields {
        &FIELDS
    }

    fn validate(&self) -> Vec<Violation> {
        standard::violations(self)
    }

    fn guard<'a>(
        connection: &'a mut Connection,
        _: Option<&'a Stored<Self>>,
        after: &'a Stored<Self>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if after.deleted_at.is_some() {
                return Ok(());
            }
            let rule = &after.body.0;
            let mut named = vec![Reference::one("allocation_rule.service", "service", &rule.service)];
            for (index, target) in rule.targets.iter().enumerate() {
                let field = |name: &str| format!("allocation_rule.targets[{index}].{name}");
                named.push(Reference::one(field("service"), "service", &target.service));
                named.push(Reference::one(field("customer"), "customer", &target.customer));
            }
            reference::hold(connection, &named).await?;
            refuse_overlap(connection, &after.name, rule).await
        })
    }
}

#[derive(QueryableByName)]
struct RuleRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    body: serde_json::Value,
}

/// Refuses a rule while another shares out the same pool or service on some of its days. Two of them cannot pass each
/// other: writes of rules for one source wait for each other until the transaction ends.
async fn refuse_overlap(connection: &mut Connection, name: &str, rule: &Rule) -> Result<(), Error> {
    let (column, source) = if rule.service.is_empty() { ("pool", &rule.pool) } else { ("service", &rule.service) };
    let mut lock = Sql::new("SELECT pg_advisory_xact_lock(hashtextextended(");
    lock.bind::<Text, _>(format!("allocation rules of {column} {source}"));
    lock.push(", 0))::text AS name, 'null'::jsonb AS body");
    let _: RuleRow = lock.get_result(connection).await?;
    let mut sql = Sql::new("SELECT name, body FROM allocation_rule WHERE deleted_at IS NULL AND ");
    sql.push(column).push(" = ").bind::<Text, _>(source.clone());
    sql.push(" AND name <> ").bind::<Text, _>(name.to_owned()).push(" ORDER BY name");
    let others: Vec<RuleRow> = sql.load(connection).await?;
    match read(others)?.into_iter().find(|(_, other)| other.meets(rule)) {
        None => Ok(()),
        Some((other, _)) => {
            let message =
                format!("{other} shares out {source} on some of the same days: end one before the other begins");
            Err(Error::refused(error::ALLOCATION_OVERLAPS, name, message).with("used_by", other))
        }
    }
}

fn read(rows: Vec<RuleRow>) -> Result<BTreeMap<String, Rule>, Error> {
    let read = |row: RuleRow| Ok((row.name, Rule::deserialize(&row.body).map_err(Error::internal)?));
    rows.into_iter().map(read).collect()
}

/// Every rule by name.
pub async fn allocation_rules(connection: &mut Connection) -> Result<BTreeMap<String, Rule>, Error> {
    let sql = Sql::new("SELECT name, body FROM allocation_rule WHERE deleted_at IS NULL");
    read(sql.load(connection).await?)
}

#[derive(QueryableByName)]
struct ChargeRow {
    #[diesel(sql_type = Text)]
    pool: String,
    #[diesel(sql_type = Text)]
    service: String,
    #[diesel(sql_type = Timestamptz)]
    start_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Timestamptz)]
    end_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = Text)]
    value: String,
    #[diesel(sql_type = BigInt)]
    lines: i64,
    #[diesel(sql_type = Bool)]
    illustrative: bool,
}

/// What was charged for any part of the time from `start` to `end`, at most `limit` charges: ledger lines that differ in
/// nothing but their amounts are one. Empty currency: all.
pub async fn charges(
    connection: &mut Connection,
    start: Timestamp,
    end: Timestamp,
    currency: Option<Currency>,
    limit: usize,
) -> Result<Vec<Charge>, Error> {
    let mut sql = Sql::new(
        "SELECT coalesce(pool, '') AS pool, coalesce(service, '') AS service, start_at, end_at, \
         billed_currency AS currency, sum(billed_cost)::text AS value, count(*) AS lines, \
         bool_or(illustrative) AS illustrative FROM cost_entry WHERE deleted_at IS NULL AND start_at < ",
    );
    sql.bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(end)).push(" AND end_at > ");
    sql.bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(start));
    if let Some(currency) = currency {
        sql.push(" AND billed_currency = ").bind::<Text, _>(currency.to_string());
    }
    sql.push(&format!(" GROUP BY 1, 2, 3, 4, 5 LIMIT {limit}"));
    let rows: Vec<ChargeRow> = sql.load(connection).await?;
    let read = |row: ChargeRow| {
        let value = Decimal::parse(&row.value).map_err(Error::internal)?;
        let currency = Currency::parse(&row.currency).map_err(Error::internal)?;
        Ok(Charge {
            pool: row.pool,
            service: row.service,
            amount: Amount::new(value, currency),
            start_at: row.start_at.into(),
            end_at: row.end_at.into(),
            lines: row.lines.unsigned_abs(),
            illustrative: row.illustrative,
        })
    };
    rows.into_iter().map(read).collect()
}
