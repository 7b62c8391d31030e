//! Cloud bills in FOCUS form (FinOps Open Cost and Usage Specification 1.0), from any provider.

use domain::amount::{Currency, Decimal};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use pb::value_service_client::ValueServiceClient;
use proto::{catalog::v1 as pb, common::v1 as common};
use std::collections::HashMap;
use tokio::sync::mpsc;

use super::{Input, Problem, Summary, exchange, map_rows, progress, timestamp};
use crate::client::Channel;

/// Columns without which a file is no FOCUS bill.
const REQUIRED: [&str; 6] =
    ["BilledCost", "BillingCurrency", "ChargePeriodStart", "ChargePeriodEnd", "ProviderName", "ServiceName"];

/// Imports a bill. A row without an `Id` is known by its place in the file.
pub async fn import_focus_from(channel: Channel, input: Input) -> Result<Summary, Problem> {
    columns(&input)?;
    let rows = input.row_count(',')?;
    let produce = move |sender: mpsc::Sender<pb::ImportCostsRequest>| {
        read_focus(&input, |request| sender.blocking_send(request).is_ok())
    };
    let mut client = ValueServiceClient::new(channel);
    exchange(progress(rows, "cost entries"), produce, |rows| client.import_costs(rows)).await
}

/// Makes requests of the rows of a bill until `send` wants no more.
pub fn read_focus(input: &Input, send: impl FnMut(pb::ImportCostsRequest) -> bool) -> Result<Summary, Problem> {
    let (columns, count) = columns(input)?;
    let import_id = format!("focus-{}", input.digest);
    let request = |sequence, row: &csv::StringRecord| {
        let entry = Row { columns: &columns, row }.entry(&input.file_name, sequence)?;
        Ok(pb::ImportCostsRequest { import_id: import_id.clone(), sequence, cost_entry: Some(entry) })
    };
    map_rows(input, count, request, send)
}

/// Where the columns of a bill are, and how many there are.
fn columns(input: &Input) -> Result<(HashMap<String, usize>, usize), Problem> {
    let mut reader = input.csv(',')?;
    let header = reader.headers().map_err(|error| Problem::new(format!("{}: {error}", input.file_name)))?;
    let columns: HashMap<String, usize> = header.iter().enumerate().map(|(at, name)| (name.to_owned(), at)).collect();
    if let Some(missing) = REQUIRED.iter().find(|name| !columns.contains_key(**name)) {
        return Err(Problem::new(format!("{} is no FOCUS bill: it has no column {missing}", input.file_name)));
    }
    Ok((columns, header.len()))
}

/// A row of a bill.
struct Row<'a> {
    columns: &'a HashMap<String, usize>,
    row: &'a csv::StringRecord,
}

/// Why a field cannot be taken: its name and what is wrong.
type FieldError = (String, String);

impl Row<'_> {
    fn cell(&self, name: &str) -> &str {
        let cell = self.columns.get(name).and_then(|at| self.row.get(*at)).unwrap_or_default().trim();
        if cell == "NULL" { "" } else { cell }
    }

    fn text(&self, name: &str) -> String {
        self.cell(name).to_owned()
    }

    fn amount(&self, name: &str) -> Result<Option<common::Amount>, FieldError> {
        let text = self.cell(name);
        if text.is_empty() {
            return Ok(None);
        }
        let value = Decimal::parse(text).map_err(|error| (name.to_owned(), error.to_string()))?;
        let currency = Currency::parse(self.cell("BillingCurrency"))
            .map_err(|error| ("BillingCurrency".to_owned(), error.to_string()))?;
        Ok(Some(common::Amount {
            currency_code: currency.to_string(),
            value: Some(common::Decimal { value: value.to_string() }),
        }))
    }

    /// FOCUS times are UTC; files write them with a space or a `T`, with or without a `Z`.
    fn time(&self, name: &str) -> Result<Option<prost_types::Timestamp>, FieldError> {
        let text = self.cell(name);
        if text.is_empty() {
            return Ok(None);
        }
        let local: DateTime = text
            .trim_end_matches('Z')
            .trim_end_matches(" UTC")
            .parse()
            .map_err(|_| (name.to_owned(), format!("is not a time (YYYY-MM-DD HH:MM:SS): {text}")))?;
        let zoned = local.to_zoned(TimeZone::UTC).map_err(|error| (name.to_owned(), error.to_string()))?;
        Ok(Some(timestamp(zoned.timestamp())))
    }

    fn entry(&self, source: &str, line: i64) -> Result<pb::CostEntry, FieldError> {
        let tags = match self.cell("Tags") {
            "" => HashMap::new(),
            text => serde_json::from_str(text)
                .map_err(|_| ("Tags".to_owned(), format!("is not a JSON object of texts: {text}")))?,
        };
        let id = self.cell("Id");
        let description = self.text("ChargeDescription");
        let service = self.text("ServiceName");
        Ok(pb::CostEntry {
            display_name: if description.is_empty() { service.clone() } else { description.clone() },
            pool: self.text("ServiceCategory"),
            start_time: self.time("ChargePeriodStart")?,
            end_time: self.time("ChargePeriodEnd")?,
            billed_cost: self.amount("BilledCost")?,
            effective_cost: self.amount("EffectiveCost")?,
            vendor: self.text("InvoiceIssuerName"),
            provider: self.text("ProviderName"),
            provider_service: service,
            charge_category: self.text("ChargeCategory"),
            description,
            account: self.text("SubAccountName"),
            region: self.text("RegionId"),
            source: source.to_owned(),
            source_id: if id.is_empty() { line.to_string() } else { id.to_owned() },
            billing_start_time: self.time("BillingPeriodStart")?,
            billing_end_time: self.time("BillingPeriodEnd")?,
            tags,
            ..Default::default()
        })
    }
}
