//! From what the views hold to the inputs at an instant: which version was known, the fold, the clocks.

use std::collections::BTreeMap;

use domain::allocation::Rule;
use domain::clock::{self, Book, Reading};
use domain::contract::{Contract, Supplier};
use domain::cost::CostEntry;
use domain::governance::Governance;
use domain::portfolio::{Customer, Service};
use domain::process::{Category, Process};
use domain::ticket::{Details, Fact, Recorded, Ticket, fold, nonconformities, signals};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    ClockRow, ContractRow, CostRow, Estate, ExcuseRow, Horizon, Inputs, MajorRow, Registered, Revised, ServiceRow,
    Span, TicketRow, book,
};
use crate::Error;

/// All that was read from the views, of any time. One extract serves reports of many periods and instants.
#[derive(Clone, Debug, Default)]
pub struct Extract {
    /// Newest `seq` of each journal when it was read.
    pub horizon: Horizon,
    /// Facts of tickets, those of one ticket together.
    pub facts: Vec<FactRow>,
    /// Facts that could not be read, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Published agreements.
    pub agreements: Vec<Revised>,
    /// Published calendars.
    pub calendars: Vec<Revised>,
    /// Published processes.
    pub processes: Vec<Revised>,
    /// Declarative resources.
    pub registers: Registers,
}

/// One fact of a ticket.
#[derive(Clone, Debug)]
pub struct FactRow {
    /// The ticket.
    pub subject: String,
    /// Its place in the journal of operations.
    pub seq: u64,
    /// When it was known: when its source recorded it, or we did.
    pub known_at: Timestamp,
    /// The fact.
    pub recorded: Recorded,
}

/// Versions of declarative resources.
#[derive(Clone, Debug, Default)]
pub struct Registers {
    /// Services.
    pub services: Vec<RegisterRow>,
    /// Lines of the cost ledger.
    pub costs: Vec<RegisterRow>,
    /// Budgets.
    pub budgets: Vec<RegisterRow>,
    /// Benefits.
    pub benefits: Vec<RegisterRow>,
    /// Allocation rules.
    pub rules: Vec<RegisterRow>,
    /// Objectives.
    pub objectives: Vec<RegisterRow>,
    /// Roles.
    pub roles: Vec<RegisterRow>,
    /// Who holds them.
    pub role_assignments: Vec<RegisterRow>,
    /// Who answers for what.
    pub responsibilities: Vec<RegisterRow>,
    /// Customers.
    pub customers: Vec<RegisterRow>,
    /// Outages.
    pub outages: Vec<RegisterRow>,
    /// Suppliers.
    pub suppliers: Vec<RegisterRow>,
    /// Contracts.
    pub contracts: Vec<RegisterRow>,
}

/// What a resource said from one instant to another.
#[derive(Clone, Debug, PartialEq)]
pub struct RegisterRow {
    /// Resource name.
    pub name: String,
    /// The content.
    pub body: Value,
    /// Since when it said so.
    pub recorded_from: Timestamp,
    /// Until when. `None`: it still does.
    pub recorded_to: Option<Timestamp>,
}

impl Extract {
    /// What was known at `as_of`.
    ///
    /// Tickets: facts known by then. Registers: the version recorded then; one first recorded later is taken as first
    /// recorded, and its row says so. Promises: whatever a ticket pins.
    pub fn inputs(&self, as_of: Timestamp) -> Result<Inputs, Error> {
        let calendars = book::calendars(&self.calendars)?;
        let (book, agreements) = book::read(&self.agreements, &calendars)?;
        let mut rejected = self.rejected.clone();
        let mut tickets = Vec::new();
        let mut horizon = Horizon { operations: 0, ..self.horizon };
        let mut latest = true;
        for facts in self.facts.chunk_by(|a, b| a.subject == b.subject) {
            let kept = known(facts, as_of);
            latest &= kept.len() == facts.len();
            let newest = facts.iter().filter(|fact| fact.known_at <= as_of).map(|fact| fact.seq).max();
            horizon.operations = horizon.operations.max(newest.unwrap_or_default());
            if let Some(ticket) = ticket(&kept, &book, as_of) {
                tickets.push(ticket);
            } else if !kept.is_empty() {
                *rejected.entry("facts of a ticket that nothing opened".to_owned()).or_default() += 1;
            }
        }
        tickets.sort_by(|a, b| a.key().cmp(&b.key()));
        Ok(Inputs {
            as_of,
            latest,
            horizon,
            time_zone_database: domain::calendar::database_version().to_owned(),
            tickets,
            services: services(&self.registers.services, as_of)?,
            agreements,
            costs: costs(&self.registers.costs, as_of)?,
            budgets: registered(&self.registers.budgets, as_of)?,
            benefits: registered(&self.registers.benefits, as_of)?,
            rules: registered(&self.registers.rules, as_of)?
                .into_iter()
                .map(|rule: Registered<Rule>| (rule.name, rule.content))
                .collect(),
            outages: registered(&self.registers.outages, as_of)?,
            calendars,
            contracts: contracts(&self.registers, as_of)?,
            estate: self.estate(as_of)?,
            attributions: Vec::new(),
            rejected,
        })
    }
}

impl Extract {
    fn estate(&self, as_of: Timestamp) -> Result<Estate, Error> {
        let registers = &self.registers;
        let customers = named(&registers.customers, as_of)?.into_iter();
        Ok(Estate {
            processes: processes(&self.processes, as_of)?,
            objectives: named(&registers.objectives, as_of)?,
            governance: Governance {
                roles: named(&registers.roles, as_of)?,
                assignments: named(&registers.role_assignments, as_of)?,
                responsibilities: named(&registers.responsibilities, as_of)?,
            },
            parents: customers.map(|(name, customer): (String, Customer)| (name, customer.parent)).collect(),
            suppliers: named(&registers.suppliers, as_of)?,
        })
    }
}

/// The revision of each process that is in force at `as_of`; the first where none was yet.
fn processes(revisions: &[Revised], as_of: Timestamp) -> Result<Vec<Process>, Error> {
    let mut by_name: BTreeMap<&str, &Revised> = BTreeMap::new();
    let mut ordered: Vec<&Revised> = revisions.iter().collect();
    ordered.sort_by_key(|revised| revised.revision);
    for revised in ordered {
        if revised.effective_from <= as_of || !by_name.contains_key(revised.name.as_str()) {
            by_name.insert(&revised.name, revised);
        }
    }
    let read = |revised: &Revised| {
        let what = || format!("{} revision {}", revised.name, revised.revision);
        Process::deserialize(&revised.body).map_err(|error| Error::decode(what(), error))
    };
    by_name.into_values().map(read).collect()
}

fn named<T: DeserializeOwned>(rows: &[RegisterRow], as_of: Timestamp) -> Result<BTreeMap<String, T>, Error> {
    Ok(registered(rows, as_of)?.into_iter().map(|row: Registered<T>| (row.name, row.content)).collect())
}

/// The facts known at `as_of` that had happened by then, in the order of their ticket's fold.
fn known(facts: &[FactRow], as_of: Timestamp) -> Vec<Recorded> {
    let counts = |fact: &&FactRow| fact.known_at <= as_of && fact.recorded.occurred_at <= as_of;
    let mut kept: Vec<Recorded> = facts.iter().filter(counts).map(|fact| fact.recorded.clone()).collect();
    kept.sort_by_key(Recorded::key);
    kept
}

fn ticket(facts: &[Recorded], book: &Book, as_of: Timestamp) -> Option<TicketRow> {
    let is_opening = |recorded: &&Recorded| matches!(recorded.fact, Fact::Opened(_));
    let mut ticket = fold(facts.iter().filter(is_opening))?;
    let began_at = ticket.opened_at;
    let mut open: Vec<Span> = Vec::new();
    let (mut reopened_at, mut reassigned_at) = (Vec::new(), Vec::new());
    let mut was_resolved = ticket.category == Category::Resolved;
    let (mut reopenings, mut reassignments) = (0, 0);
    turn(&mut open, ticket.category.is_open(), began_at);
    for recorded in facts {
        // What a source shows of the time before its own opening happened at the opening, for durations.
        let at = recorded.occurred_at.max(began_at);
        ticket.apply(&recorded.fact, recorded.occurred_at);
        turn(&mut open, ticket.category.is_open(), at);
        was_resolved |= ticket.category == Category::Resolved;
        if ticket.reopen_count > reopenings {
            reopened_at.push(at);
        }
        if ticket.reassignment_count > reassignments {
            reassigned_at.push(at);
        }
        (reopenings, reassignments) = (ticket.reopen_count, ticket.reassignment_count);
    }
    let readings = clock::read(&signals(facts), book, as_of);
    Some(TicketRow {
        source: ticket.source_system.clone().unwrap_or_default(),
        source_id: ticket.source_id.clone().unwrap_or_default(),
        practice: ticket.practice.to_string(),
        service: ticket.service.clone().unwrap_or_default(),
        group: ticket.assignment.group.clone().unwrap_or_default(),
        customer: ticket.customer.clone().unwrap_or_default(),
        priority: ticket.priority,
        category: ticket.category,
        opened_at: ticket.opened_at,
        resolved_at: ticket.resolved_at,
        closed_at: ticket.closed_at,
        was_resolved,
        open,
        state_since: ticket.since.state,
        reopened_at,
        reassigned_at,
        major: major(&ticket),
        source_sla_met: ticket.source_sla_met,
        nonconformities: u32::try_from(nonconformities(facts).len()).unwrap_or(u32::MAX),
        clocks: readings.into_iter().map(ClockRow::from).collect(),
        name: ticket.name,
    })
}

fn major(ticket: &Ticket) -> Option<MajorRow> {
    let Some(Details::Incident(incident)) = &ticket.details else { return None };
    let major = incident.major.as_deref()?;
    Some(MajorRow {
        declared_at: major.declared_at,
        stood_down_at: major.stood_down_at,
        commander: major.commander.clone().unwrap_or_default(),
        users_affected: major.users_affected,
        cause: ticket.resolution.cause.clone().unwrap_or_default(),
        review_due_at: major.review_due_at,
    })
}

/// Opens or ends the last span. One that had no time to last leaves no trace.
fn turn(open: &mut Vec<Span>, is_open: bool, at: Timestamp) {
    match open.last_mut() {
        Some(span) if span.until.is_none() && !is_open => {
            if span.from == at {
                open.pop();
            } else {
                span.until = Some(at);
            }
        }
        Some(span) if is_open && span.until == Some(at) => span.until = None,
        Some(span) if span.until.is_none() => {}
        _ if is_open => open.push(Span { from: at, until: None }),
        _ => {}
    }
}

impl From<Reading> for ClockRow {
    fn from(reading: Reading) -> Self {
        Self {
            settled_at: reading.settled_at(),
            excuse: reading.excuse.as_ref().map(|excuse| match excuse.adjusted {
                None => ExcuseRow::LeftOut,
                Some(adjusted) => ExcuseRow::Adjusted { state: adjusted.state, settled_at: adjusted.settled_at },
            }),
            kind: reading.pinned.kind,
            metric: reading.pinned.metric,
            agreement: reading.pinned.agreement,
            revision: reading.pinned.revision,
            objective: reading.pinned.objective,
            target_us: i64::try_from(reading.target.as_micros()).unwrap_or(i64::MAX),
            elapsed_us: i64::try_from(reading.elapsed.as_micros()).unwrap_or(i64::MAX),
            calendar: reading.calendar,
            state: reading.state,
            activity: reading.activity,
            due_at: reading.due_at,
        }
    }
}

fn services(rows: &[RegisterRow], as_of: Timestamp) -> Result<BTreeMap<String, ServiceRow>, Error> {
    let mut services = BTreeMap::new();
    for (row, _) in versions(rows, as_of) {
        let service: Service = body(row)?;
        services.insert(
            row.name.clone(),
            ServiceRow {
                display_name: service.display_name,
                objectives: service.objectives,
                line: service.line,
                criticality: service.criticality.as_str().to_owned(),
                illustrative: service.illustrative,
            },
        );
    }
    Ok(services)
}

fn costs(rows: &[RegisterRow], as_of: Timestamp) -> Result<Vec<CostRow>, Error> {
    let mut costs = Vec::new();
    for (row, late) in versions(rows, as_of) {
        let entry: CostEntry = body(row)?;
        costs.push(CostRow {
            name: row.name.clone(),
            source: entry.source,
            source_id: entry.source_id,
            billed: entry.billed_cost,
            start_at: entry.start_at,
            end_at: entry.end_at,
            service: entry.service,
            pool: entry.pool,
            illustrative: entry.illustrative,
            provider: entry.provider,
            provider_service: entry.provider_service,
            late,
        });
    }
    costs.sort_by(|a, b| (&a.source, &a.source_id, &a.name).cmp(&(&b.source, &b.source_id, &b.name)));
    Ok(costs)
}

fn registered<T: DeserializeOwned>(rows: &[RegisterRow], as_of: Timestamp) -> Result<Vec<Registered<T>>, Error> {
    let read = |(row, late): (&RegisterRow, bool)| Ok(Registered { name: row.name.clone(), content: body(row)?, late });
    versions(rows, as_of).into_iter().map(read).collect()
}

fn contracts(registers: &Registers, as_of: Timestamp) -> Result<Vec<ContractRow>, Error> {
    let mut suppliers = BTreeMap::new();
    for (row, _) in versions(&registers.suppliers, as_of) {
        let supplier: Supplier = body(row)?;
        suppliers.insert(row.name.as_str(), supplier.display_name);
    }
    let mut contracts = Vec::new();
    for (row, late) in versions(&registers.contracts, as_of) {
        let contract: Contract = body(row)?;
        contracts.push(ContractRow {
            name: row.name.clone(),
            deadline_on: contract.notice_deadline(),
            notice_stated: contract.notice_stated(),
            supplier: suppliers.get(contract.supplier.as_str()).cloned().unwrap_or(contract.supplier),
            source: contract.source,
            source_id: contract.source_id,
            display_name: contract.display_name,
            owner_unit: contract.owner_unit,
            start_on: contract.start_on,
            end_on: contract.end_on,
            committed: contract.committed_amount,
            illustrative: contract.illustrative,
            late,
        });
    }
    contracts.sort_by(|a, b| (&a.source, &a.source_id, &a.name).cmp(&(&b.source, &b.source_id, &b.name)));
    Ok(contracts)
}

/// The version of each resource recorded at `as_of`; of one that was recorded only later, the first, marked so. One
/// that had been deleted by then is left out.
fn versions(rows: &[RegisterRow], as_of: Timestamp) -> Vec<(&RegisterRow, bool)> {
    let mut by_name: BTreeMap<&str, Vec<&RegisterRow>> = BTreeMap::new();
    for row in rows {
        by_name.entry(&row.name).or_default().push(row);
    }
    by_name
        .into_values()
        .filter_map(|versions| {
            let first = *versions.iter().min_by_key(|row| row.recorded_from)?;
            if first.recorded_from > as_of {
                return Some((first, true));
            }
            let holds = |row: &&&RegisterRow| row.recorded_from <= as_of && row.recorded_to.is_none_or(|to| to > as_of);
            versions.iter().find(holds).map(|row| (*row, false))
        })
        .collect()
}

fn body<T: DeserializeOwned>(row: &RegisterRow) -> Result<T, Error> {
    T::deserialize(&row.body).map_err(|error| Error::decode(&row.name, error))
}
