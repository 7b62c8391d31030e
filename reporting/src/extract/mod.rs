//! Out of the database, through the report views and in one snapshot: everything a report may need, of any time.

mod decode;
mod views;

use std::time::Duration;

use futures::{StreamExt, pin_mut};
use tokio_postgres::{Client, Config, NoTls};

use crate::Error;
use crate::inputs::{Extract, Horizon};
use decode::{Fields, Rows};

/// How long facts that are committed and not in order yet are waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long between two looks at them.
const PAUSE: Duration = Duration::from_millis(50);

/// The schemas, as the horizon names them.
const SCHEMAS: [&str; 3] = ["catalog", "operations", "supplier"];

/// Where to read from: a primary or a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Connection string of Postgres: a URL or key-value pairs; a socket's folder is a host.
    pub url: String,
}

/// Reads all report views in one read-only snapshot.
///
/// Facts that are committed when it starts are in: it waits until they have been put in order, for at most 20 seconds.
pub async fn extract(source: &Source) -> Result<Extract, Error> {
    let config: Config = source.url.parse().map_err(|error| failed("the connection string", &error))?;
    let (client, connection) = config.connect(NoTls).await.map_err(|error| failed("anything", &error))?;
    // The connection ends when the client is dropped; what went wrong is told by the client.
    let driver = tokio::spawn(connection);
    let extract = read(&client).await;
    drop(client);
    let _ = driver.await;
    extract
}

async fn read(client: &Client) -> Result<Extract, Error> {
    // Reports are of every customer.
    client.batch_execute("SET itsm.scope = '*'").await.map_err(|error| failed("the scope", &error))?;
    settle(client).await?;
    let begin = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
    client.batch_execute(begin).await.map_err(|error| failed("a snapshot", &error))?;
    let mut extract = Extract { horizon: horizon(client).await?.0, ..Extract::default() };
    views::facts(client, &mut extract).await?;
    extract.calendars = views::calendars(client).await?;
    extract.agreements = views::agreements(client).await?;
    extract.registers.services = views::register(client, "catalog.report_v1_services").await?;
    extract.registers.costs = views::register(client, "catalog.report_v1_cost_entries").await?;
    extract.registers.budgets = views::register(client, "catalog.report_v1_budgets").await?;
    extract.registers.benefits = views::register(client, "catalog.report_v1_benefits").await?;
    extract.registers.rules = views::register(client, "catalog.report_v1_allocation_rules").await?;
    extract.processes = views::processes(client).await?;
    extract.registers.objectives = views::register(client, "catalog.report_v1_objectives").await?;
    extract.registers.roles = views::register(client, "catalog.report_v1_roles").await?;
    extract.registers.role_assignments = views::register(client, "catalog.report_v1_role_assignments").await?;
    extract.registers.responsibilities = views::register(client, "catalog.report_v1_responsibilities").await?;
    extract.registers.customers = views::register(client, "catalog.report_v1_customers").await?;
    extract.registers.outages = views::register(client, "operations.report_v1_outages").await?;
    extract.registers.suppliers = views::register(client, "supplier.report_v1_suppliers").await?;
    extract.registers.contracts = views::register(client, "supplier.report_v1_contracts").await?;
    client.batch_execute("COMMIT").await.map_err(|error| failed("a snapshot", &error))?;
    Ok(extract)
}

/// Waits until what is committed is in order.
async fn settle(client: &Client) -> Result<(), Error> {
    let looks = PATIENCE.as_millis() / PAUSE.as_millis();
    for _ in 0..looks {
        if !horizon(client).await?.1 {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    tracing::warn!("some facts are still not in order: they are left to the next report");
    Ok(())
}

/// The newest entry of each journal, and whether any is committed and not in order yet.
async fn horizon(client: &Client) -> Result<(Horizon, bool), Error> {
    let mut seqs = [0; 3];
    let mut pending = false;
    for (schema, seq) in SCHEMAS.iter().zip(&mut seqs) {
        let sql = format!("SELECT seq::int8, pending::int <> 0 FROM {schema}.report_v1_horizon");
        copy(client, &format!("{schema}.report_v1_horizon"), &sql, 2, |fields| {
            *seq = u64::try_from(fields.int8()?).unwrap_or_default();
            pending |= fields.bool()?;
            Ok(())
        })
        .await?;
    }
    Ok((Horizon { catalog: seqs[0], operations: seqs[1], supplier: seqs[2] }, pending))
}

/// Runs a query as a binary copy and hands each row to `take`.
async fn copy(
    client: &Client,
    view: &str,
    sql: &str,
    columns: usize,
    mut take: impl FnMut(&mut Fields) -> Result<(), Error>,
) -> Result<(), Error> {
    let stream = client.copy_out(&format!("COPY ({sql}) TO STDOUT (FORMAT binary)")).await;
    let stream = stream.map_err(|error| failed(view, &error))?;
    pin_mut!(stream);
    let mut rows = Rows::default();
    while let Some(chunk) = stream.next().await {
        rows.feed(&chunk.map_err(|error| failed(view, &error))?);
        while let Some(mut fields) = rows.next(view, columns)? {
            take(&mut fields)?;
        }
    }
    Ok(())
}

/// An error of the driver, with what the server says rather than the driver's summary of it.
fn failed(what: &str, error: &tokio_postgres::Error) -> Error {
    let said = error.as_db_error().map(|error| error.message().to_owned());
    let cause = || std::error::Error::source(error).map(ToString::to_string);
    let problem = said.or_else(cause).unwrap_or_else(|| error.to_string());
    Error::Database { what: what.to_owned(), problem }
}
