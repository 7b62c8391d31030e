//! The contracts register of the Australian Capital Territory, and registers in the same form.

use domain::amount::{Currency, Decimal, Money};
use jiff::civil::Date;
use pb::supplier_service_client::SupplierServiceClient;
use proto::{common::v1 as common, supplier::v1 as pb};
use tokio::sync::mpsc;

use super::{Input, Problem, Summary, exchange, map_rows, progress};
use crate::client::Channel;

/// Imports a register: columns contract_number, title, contract_type, status, directorate, execution_date,
/// expiry_date, amount, suppliers (one a line) and details_url.
pub async fn import_from(channel: Channel, input: Input, currency: &str) -> Result<Summary, Problem> {
    let currency = Currency::parse(currency).map_err(|error| Problem::new(format!("currency {currency}: {error}")))?;
    Columns::find(&input)?;
    let rows = input.row_count(',')?;
    let produce = move |sender: mpsc::Sender<pb::ImportContractsRequest>| {
        read(&input, currency, |request| sender.blocking_send(request).is_ok())
    };
    let mut client = SupplierServiceClient::new(channel);
    exchange(progress(rows, "contracts"), produce, |rows| client.import_contracts(rows)).await
}

/// Makes requests of the rows of a register until `send` wants no more.
pub fn read(
    input: &Input,
    currency: Currency,
    send: impl FnMut(pb::ImportContractsRequest) -> bool,
) -> Result<Summary, Problem> {
    let columns = Columns::find(input)?;
    let import_id = format!("contracts-{}", input.digest);
    let request = |sequence, row: &csv::StringRecord| {
        let (contract, supplier_display_names) = columns.contract(row, &input.file_name, currency)?;
        Ok(pb::ImportContractsRequest {
            import_id: import_id.clone(),
            sequence,
            contract: Some(contract),
            supplier_display_names,
        })
    };
    map_rows(input, columns.count, request, send)
}

/// Where the columns of a register are.
struct Columns {
    count: usize,
    number: usize,
    title: usize,
    kind: usize,
    status: usize,
    unit: usize,
    start: usize,
    end: usize,
    amount: usize,
    suppliers: usize,
    url: usize,
}

impl Columns {
    fn find(input: &Input) -> Result<Self, Problem> {
        let mut reader = input.csv(',')?;
        let header = reader.headers().map_err(|error| Problem::new(format!("{}: {error}", input.file_name)))?.clone();
        let column = |name: &str| {
            header.iter().position(|cell| cell == name).ok_or_else(|| {
                Problem::new(format!("{} is no contracts register: it has no column {name}", input.file_name))
            })
        };
        Ok(Self {
            count: header.len(),
            number: column("contract_number")?,
            title: column("title")?,
            kind: column("contract_type")?,
            status: column("status")?,
            unit: column("directorate")?,
            start: column("execution_date")?,
            end: column("expiry_date")?,
            amount: column("amount")?,
            suppliers: column("suppliers")?,
            url: column("details_url")?,
        })
    }

    fn contract(
        &self,
        row: &csv::StringRecord,
        source: &str,
        currency: Currency,
    ) -> Result<(pb::Contract, Vec<String>), (String, String)> {
        let cell = |column: usize| row.get(column).unwrap_or_default().trim().to_owned();
        let date = |field: &str, column: usize| -> Result<Option<common::Date>, (String, String)> {
            let text = cell(column);
            if text.is_empty() {
                return Ok(None);
            }
            let date: Date =
                text.parse().map_err(|_| (field.to_owned(), format!("is not a date (YYYY-MM-DD): {text}")))?;
            Ok(Some(common::Date { year: date.year().into(), month: date.month().into(), day: date.day().into() }))
        };
        let amount = cell(self.amount);
        let committed_amount = if amount.is_empty() {
            None
        } else {
            let wrong = |message: String| ("committed_amount".to_owned(), message);
            let decimal = Decimal::parse(&amount).map_err(|error| wrong(error.to_string()))?;
            let money = Money::exactly(&decimal, currency).map_err(|error| wrong(error.to_string()))?;
            Some(common::Money { currency_code: currency.to_string(), minor_units: money.minor_units })
        };
        let contract = pb::Contract {
            display_name: cell(self.title).split_whitespace().collect::<Vec<_>>().join(" "),
            reference: cell(self.number),
            contract_type: cell(self.kind),
            owner_unit: cell(self.unit),
            register_status: cell(self.status),
            start_date: date("start_date", self.start)?,
            end_date: date("end_date", self.end)?,
            committed_amount,
            source_uri: cell(self.url),
            source: source.to_owned(),
            source_id: cell(self.url).rsplit_once("id=").map_or_else(|| cell(self.url), |(_, id)| id.to_owned()),
            ..Default::default()
        };
        let suppliers = supplier_names(&cell(self.suppliers));
        Ok((contract, suppliers))
    }
}

/// The suppliers of a cell, one a line. A panel's lines end in the supplier's own reference, which is no part of its name.
fn supplier_names(cell: &str) -> Vec<String> {
    let lines: Vec<_> = cell.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let panel = lines.len() > 1;
    lines
        .into_iter()
        .map(|line| match line.rsplit_once(" (") {
            Some((name, reference)) if panel && reference.ends_with(')') && reference.contains('.') => name.trim(),
            _ => line,
        })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::supplier_names;

    #[test]
    fn a_panel_lists_one_supplier_a_line_with_its_reference() {
        let cell = "18fifty3 Group Pty Ltd (PITC0007473.01)\nStar Group (Fyshwick)\n";
        assert_eq!(supplier_names(cell), ["18fifty3 Group Pty Ltd", "Star Group (Fyshwick)"]);
        assert_eq!(supplier_names("MGI Joyce|Dickson"), ["MGI Joyce|Dickson"]);
    }
}
