//! Ticket logs: rows become snapshots by a mapping and go through `ImportTickets`.

use pb::ticket_service_client::TicketServiceClient;
use proto::operations::v1 as pb;
use tokio::sync::mpsc;

use super::mapping::{Mapper, Mapping};
use super::{Failure, Input, Problem, Summary, exchange, next_row, progress};
use crate::client::{Channel, sentence};

/// Maps every row and sends none: finds the values that nothing maps.
pub fn dry_run(input: &Input, mapping: &Mapping) -> Result<Summary, Problem> {
    let mut summary = Summary::default();
    let mut rows = Rows::open(mapping, input)?;
    while let Some((line, mapped)) = rows.next() {
        for value in rows.skipped.drain(..) {
            *summary.unnamed.entry(value).or_default() += 1;
        }
        summary.rows += 1;
        match mapped {
            Ok(_) => summary.created += 1,
            Err(failures) => summary.fail(line, failures),
        }
    }
    Ok(summary)
}

/// Imports a log by a mapping. Rows that an earlier run committed are not sent, unless it is to be done `again`.
pub async fn import_from(channel: Channel, input: Input, mapping: Mapping, again: bool) -> Result<Summary, Problem> {
    let mut client = TicketServiceClient::new(channel);
    let import_id = format!("{}-{}", mapping.source_system, input.digest);
    let done = if again { 0 } else { committed_through(&mut client, &import_id).await? };

    let rows = input.row_count(mapping.format.delimiter)?;
    let produce = move |sender: mpsc::Sender<pb::ImportTicketsRequest>| {
        let mut summary = Summary::default();
        let mut rows = Rows::open(&mapping, &input)?;
        while let Some((line, mapped)) = rows.next() {
            if line <= done {
                summary.skipped += 1;
                continue;
            }
            summary.rows += 1;
            match mapped {
                Ok(snapshot) => {
                    let request = pb::ImportTicketsRequest {
                        import_id: import_id.clone(),
                        sequence: line,
                        row: Some(pb::import_tickets_request::Row::Snapshot(snapshot)),
                    };
                    if sender.blocking_send(request).is_err() {
                        break;
                    }
                }
                Err(failures) => summary.fail(line, failures),
            }
        }
        Ok(summary)
    };
    exchange(progress(rows, "events"), produce, |rows| client.import_tickets(rows)).await
}

async fn committed_through(client: &mut TicketServiceClient<Channel>, import_id: &str) -> Result<i64, Problem> {
    match client.get_import(pb::GetImportRequest { import_id: import_id.to_owned() }).await {
        Ok(import) => Ok(import.into_inner().committed_through),
        Err(status) if status.code() == tonic::Code::NotFound => Ok(0),
        Err(status) => Err(Problem::new(sentence(&status))),
    }
}

/// The mapped rows of a file, by line.
struct Rows<'a> {
    reader: csv::Reader<&'a [u8]>,
    mapper: Mapper,
    columns: usize,
    /// Values of the last row that the mapping leaves out because it does not name them.
    skipped: Vec<(String, String)>,
}

/// A mapped row, or why it cannot be mapped: field, message and the value that the mapping does not name.
type Mapped = Result<pb::TicketSnapshot, Vec<(String, String, Option<String>)>>;

impl<'a> Rows<'a> {
    fn open(mapping: &Mapping, input: &'a Input) -> Result<Self, Problem> {
        let mut reader = input.csv(mapping.format.delimiter)?;
        let header = reader.headers().map_err(|error| Problem::new(format!("{}: {error}", input.file_name)))?.clone();
        Ok(Self { mapper: Mapper::bind(mapping, &header)?, columns: header.len(), reader, skipped: Vec::new() })
    }

    fn next(&mut self) -> Option<(i64, Mapped)> {
        let (line, row) = next_row(&mut self.reader, self.columns)?;
        self.skipped.clear();
        let mapped = match row {
            Ok(row) => self.mapper.map(line, &row, &mut self.skipped).map_err(|errors| {
                errors.into_iter().map(|error| (error.field, error.message, error.unmapped)).collect()
            }),
            Err(message) => Err(vec![(String::new(), message, None)]),
        };
        Some((line, mapped))
    }
}

impl Summary {
    fn fail(&mut self, line: i64, failures: Vec<(String, String, Option<String>)>) {
        for (field, message, unmapped) in failures {
            if let Some(value) = unmapped {
                *self.unmapped.entry((field.clone(), value)).or_default() += 1;
            }
            self.failures.push(Failure { line, field, message });
        }
    }
}
