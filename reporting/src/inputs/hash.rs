//! One hash over everything the measures read, the same on any machine that holds the same content.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{ClockRow, ContractRow, CostRow, Inputs, TicketRow};

/// SHA-256, in hexadecimal, over the canonical JSON of the rows: one line each, in the order of their keys.
pub(super) fn data_hash(inputs: &Inputs) -> String {
    let mut sink = Sink { hash: Sha256::new(), line: Vec::new() };
    sink.line("time_zone_database", &inputs.time_zone_database);
    for ticket in &inputs.tickets {
        sink.line("ticket", &Ticket::from(ticket));
    }
    for service in &inputs.services {
        sink.line("service", &service);
    }
    for agreement in &inputs.agreements {
        sink.line("agreement", agreement);
    }
    for cost in &inputs.costs {
        let name = if cost.source_id.is_empty() { cost.name.as_str() } else { "" };
        sink.line("cost", &CostRow { name: name.to_owned(), ..cost.clone() });
    }
    for budget in &inputs.budgets {
        sink.line("budget", budget);
    }
    for benefit in &inputs.benefits {
        sink.line("benefit", benefit);
    }
    for rule in &inputs.rules {
        sink.line("rule", &rule);
    }
    for outage in &inputs.outages {
        sink.line("outage", outage);
    }
    for calendar in &inputs.calendars {
        sink.line("calendar", calendar);
    }
    for contract in &inputs.contracts {
        let name = if contract.source_id.is_empty() { contract.name.as_str() } else { "" };
        sink.line("contract", &ContractRow { name: name.to_owned(), ..contract.clone() });
    }
    sink.line("estate", &inputs.estate);
    for attribution in &inputs.attributions {
        sink.line("attribution", attribution);
    }
    sink.line("rejected", &inputs.rejected);
    hex::encode(sink.hash.finalize())
}

/// A ticket without the name that a server gave it.
#[derive(Serialize)]
struct Ticket<'a> {
    key: (&'a str, &'a str),
    practice: &'a str,
    service: &'a str,
    group: &'a str,
    customer: &'a str,
    priority: Option<u8>,
    category: &'a str,
    opened_at: jiff::Timestamp,
    resolved_at: Option<jiff::Timestamp>,
    closed_at: Option<jiff::Timestamp>,
    was_resolved: bool,
    open: &'a [super::Span],
    state_since: jiff::Timestamp,
    reopened_at: &'a [jiff::Timestamp],
    reassigned_at: &'a [jiff::Timestamp],
    major: &'a Option<super::MajorRow>,
    source_sla_met: Option<bool>,
    nonconformities: u32,
    clocks: &'a [ClockRow],
}

impl<'a> From<&'a TicketRow> for Ticket<'a> {
    fn from(row: &'a TicketRow) -> Self {
        Self {
            key: row.key(),
            practice: &row.practice,
            service: &row.service,
            group: &row.group,
            customer: &row.customer,
            priority: row.priority,
            category: row.category.as_str(),
            opened_at: row.opened_at,
            resolved_at: row.resolved_at,
            closed_at: row.closed_at,
            major: &row.major,
            was_resolved: row.was_resolved,
            open: &row.open,
            state_since: row.state_since,
            reopened_at: &row.reopened_at,
            reassigned_at: &row.reassigned_at,
            source_sla_met: row.source_sla_met,
            nonconformities: row.nonconformities,
            clocks: &row.clocks,
        }
    }
}

struct Sink {
    hash: Sha256,
    line: Vec<u8>,
}

impl Sink {
    fn line(&mut self, kind: &str, content: &impl Serialize) {
        self.line.clear();
        self.line.extend_from_slice(kind.as_bytes());
        self.line.push(b'\t');
        // Rows are plain data: they always become JSON.
        let _ = serde_json::to_writer(&mut self.line, content);
        self.line.push(b'\n');
        self.hash.update(&self.line);
    }
}
