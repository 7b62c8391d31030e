//! What a report is made from, as known at one instant: plain rows without a database, a data frame or a clock.
//! Tickets are folded and their clocks read by `domain`; nothing here is computed a second time.

mod book;
mod build;
mod hash;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use domain::agreement::{CreditTerms, Kind, Metric};
use domain::allocation::Rule;
use domain::amount::{Amount, Decimal, Money};
use domain::calendar::{Definition, Timeline};
use domain::clock::{Activity, State};
use domain::contract::Supplier;
use domain::governance::Governance;
use domain::outage::Outage;
use domain::portfolio::Objective;
use domain::process::{Category, Process};
use domain::value::{Benefit, Budget};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use book::Revised;
pub use build::{Extract, FactRow, RegisterRow, Registers};

/// The practice whose flow is measured.
pub const INCIDENT: &str = domain::process::Practice::INCIDENT;

/// Everything a report reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// What was known at this instant is in, what came to be known later is not.
    pub as_of: Timestamp,
    /// Whether nothing that is recorded today was left out: then the lists of today show the rows behind a number.
    pub latest: bool,
    /// How far each journal was read.
    pub horizon: Horizon,
    /// Version of the time-zone database that calendars were read with.
    pub time_zone_database: String,
    /// Tickets of every practice, by source and its id.
    pub tickets: Vec<TicketRow>,
    /// Services by name.
    pub services: BTreeMap<String, ServiceRow>,
    /// Published agreement revisions, by name and revision.
    pub agreements: Vec<AgreementRow>,
    /// Lines of the cost ledger, by source and its id.
    pub costs: Vec<CostRow>,
    /// Budgets, by name.
    pub budgets: Vec<Registered<Budget>>,
    /// Benefits, by name.
    pub benefits: Vec<Registered<Benefit>>,
    /// Allocation rules by name.
    pub rules: BTreeMap<String, Rule>,
    /// Outages, by name.
    pub outages: Vec<Registered<Outage>>,
    /// Published calendar revisions, by name and revision.
    pub calendars: Vec<CalendarRow>,
    /// Contracts, by source and its id.
    pub contracts: Vec<ContractRow>,
    /// How work is described, what it is for, who answers for it, and whom it depends on.
    pub estate: Estate,
    /// Where data comes from and under which licence.
    pub attributions: Vec<Attribution>,
    /// Facts that could not be used, by reason; empty: none.
    pub rejected: BTreeMap<String, u64>,
}

/// How work is described, what it is for, who answers for it, and whom it depends on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estate {
    /// Processes in force, by name.
    pub processes: Vec<Process>,
    /// Objectives, by name.
    pub objectives: BTreeMap<String, Objective>,
    /// Roles, who holds them, and who answers for what.
    pub governance: Governance,
    /// The parent of each customer. Empty: it is at the top.
    pub parents: BTreeMap<String, String>,
    /// Suppliers, by name.
    pub suppliers: BTreeMap<String, Supplier>,
}

/// The newest entry of each journal that a report has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Horizon {
    /// `seq` in the catalog's journal; 0: none.
    pub catalog: u64,
    /// `seq` in the journal of operations; 0: none.
    pub operations: u64,
    /// `seq` in the supplier's journal; 0: none.
    pub supplier: u64,
}

/// A ticket as known at the as-of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TicketRow {
    /// Resource name: `tickets/INC-000042`. Differs between installations that imported the same source.
    pub name: String,
    /// System it came from. Empty: opened here.
    pub source: String,
    /// Id in that system. Empty: opened here.
    pub source_id: String,
    /// Practice of its process: `incident`.
    pub practice: String,
    /// Service concerned: `services/email`. Empty: not known.
    pub service: String,
    /// Group that has it. Empty: none.
    pub group: String,
    /// Customer it belongs to. Empty: none.
    pub customer: String,
    /// Priority in force, from 1. `None`: not known.
    pub priority: Option<u8>,
    /// What its state means.
    pub category: Category,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was resolved, by a fact that says so. `None`: it is not, or the source does not say.
    pub resolved_at: Option<Timestamp>,
    /// When it was closed or cancelled. `None`: it is neither.
    pub closed_at: Option<Timestamp>,
    /// Whether it was ever in a state of category RESOLVED.
    pub was_resolved: bool,
    /// Intervals in which the provider owed work, in order and apart.
    pub open: Vec<Span>,
    /// Since when it is in its state.
    pub state_since: Timestamp,
    /// When it was reopened, once per fact.
    pub reopened_at: Vec<Timestamp>,
    /// When it changed hands, once per fact.
    pub reassigned_at: Vec<Timestamp>,
    /// What is known of it as a major incident. `None`: it is none.
    pub major: Option<MajorRow>,
    /// The source's own verdict on its service level. `None`: none given.
    pub source_sla_met: Option<bool>,
    /// Steps that its process does not have.
    pub nonconformities: u32,
    /// Its clocks at the as-of.
    pub clocks: Vec<ClockRow>,
}

/// A major incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MajorRow {
    /// When it was declared.
    pub declared_at: Timestamp,
    /// When it was stood down. `None`: it is still going on.
    pub stood_down_at: Option<Timestamp>,
    /// Who leads. Empty: not named.
    pub commander: String,
    /// Users affected. `None`: not known.
    pub users_affected: Option<u64>,
    /// Cause. Empty: not known.
    pub cause: String,
    /// When its review is due. `None`: none agreed.
    pub review_due_at: Option<Timestamp>,
}

/// An interval in which a ticket was open; half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// When it became open.
    pub from: Timestamp,
    /// When it left the open states. `None`: it had not at the as-of.
    pub until: Option<Timestamp>,
}

/// A clock of a ticket, read at the as-of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockRow {
    /// Who promises to whom.
    pub kind: Kind,
    /// What is measured.
    pub metric: Metric,
    /// Agreement that governs.
    pub agreement: String,
    /// Its revision.
    pub revision: u32,
    /// Objective in it.
    pub objective: String,
    /// Open time the promise gives, in microseconds.
    pub target_us: i64,
    /// Open time that has counted so far, in microseconds.
    pub elapsed_us: i64,
    /// Name of the calendar. `None`: around the clock.
    pub calendar: Option<String>,
    /// The verdict so far.
    pub state: State,
    /// What it is doing.
    pub activity: Activity,
    /// When the verdict was fixed: the breach, or the stop of a clock that was met. `None`: it is not.
    pub settled_at: Option<Timestamp>,
    /// What an approved excuse makes of the verdict. `None`: there is no excuse.
    pub excuse: Option<ExcuseRow>,
    /// When it will be breached if nothing changes. `None`: nothing will by itself.
    pub due_at: Option<Timestamp>,
}

/// What an approved excuse makes of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExcuseRow {
    /// The clock is left out as a whole.
    LeftOut,
    /// The verdict without the excused time.
    Adjusted {
        /// The verdict so far.
        state: State,
        /// When it was fixed. `None`: it is not.
        settled_at: Option<Timestamp>,
    },
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRow {
    /// Name for people.
    pub display_name: String,
    /// Objectives that it serves.
    pub objectives: Vec<String>,
    /// Line of business or family it belongs to. Empty: none.
    pub line: String,
    /// How much the business depends on it: `HIGH`.
    pub criticality: String,
    /// Whether it is invented for demonstration.
    pub illustrative: bool,
}

/// A published revision of an agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementRow {
    /// Resource name: `agreements/gold`.
    pub name: String,
    /// Number of the revision.
    pub revision: u32,
    /// Name for people.
    pub display_name: String,
    /// Who promises to whom.
    pub kind: Kind,
    /// Share of clocks that are to be met, in percent. `None`: no goal.
    pub goal_percent: Option<Decimal>,
    /// From when it is in force, until the next one is.
    pub effective_from: Timestamp,
    /// Services it covers. Empty, with no lines: all.
    pub services: Vec<String>,
    /// Service lines it covers. Empty, with no services: all.
    pub lines: Vec<String>,
    /// Calendars of its service time, one unless its objectives differ. `None`: around the clock.
    pub calendars: Vec<Option<String>>,
    /// What decides over its service credits.
    pub credits: CreditTerms,
    /// Whether it is invented for demonstration.
    pub illustrative: bool,
}

/// A published revision of a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarRow {
    /// Resource name: `calendars/office-hours`.
    pub name: String,
    /// Number of the revision.
    pub revision: u32,
    /// From when it is in force, until the next one is.
    pub effective_from: Timestamp,
    /// What it says.
    pub definition: Definition,
}

/// A line of the cost ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostRow {
    /// Resource name.
    pub name: String,
    /// Where it comes from. Empty: entered here.
    pub source: String,
    /// Place in the source. Empty: entered here.
    pub source_id: String,
    /// What was billed, exactly.
    pub billed: Amount,
    /// Start of the charge period.
    pub start_at: Timestamp,
    /// End of the charge period.
    pub end_at: Timestamp,
    /// Service of the catalog. Empty: it names none.
    pub service: String,
    /// Cost pool. Empty: it names none.
    pub pool: String,
    /// Whether it is invented for demonstration.
    pub illustrative: bool,
    /// Provider. Empty: not stated.
    pub provider: String,
    /// The provider's own name for its service. Empty: not stated.
    pub provider_service: String,
    /// Whether it was first recorded after the as-of and is shown as first recorded.
    pub late: bool,
}

/// What a register holds under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered<T> {
    /// Resource name.
    pub name: String,
    /// What it says.
    pub content: T,
    /// Whether it was first recorded after the as-of and is shown as first recorded.
    pub late: bool,
}

/// A contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractRow {
    /// Resource name.
    pub name: String,
    /// Where it comes from. Empty: entered here.
    pub source: String,
    /// Place in the source. Empty: entered here.
    pub source_id: String,
    /// Name for people.
    pub display_name: String,
    /// Supplier, by the name for people.
    pub supplier: String,
    /// Part of the organisation that holds it. Empty: not stated.
    pub owner_unit: String,
    /// First day. `None`: not known.
    pub start_on: Option<Date>,
    /// Last day. `None`: open-ended.
    pub end_on: Option<Date>,
    /// Last day on which notice can be given; the end where no notice is stated. `None`: open-ended.
    pub deadline_on: Option<Date>,
    /// Whether a notice period is stated.
    pub notice_stated: bool,
    /// Committed amount. `None`: not stated.
    pub committed: Option<Money>,
    /// Whether it is invented for demonstration.
    pub illustrative: bool,
    /// Whether it was first recorded after the as-of and is shown as first recorded.
    pub late: bool,
}

/// Where data comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attribution {
    /// The source as rows name it: a ticket's source system, a ledger's or register's file.
    pub source: String,
    /// What it is and whose.
    pub title: String,
    /// Licence: `CC BY 4.0`.
    pub licence: String,
    /// Where it can be found.
    pub link: String,
}

impl Inputs {
    /// The hash of all that the measures read: the same for the same content on any machine. Database ids, names that
    /// servers give and times of recording do not enter it; the version of the time-zone database does.
    pub fn data_hash(&self) -> String {
        hash::data_hash(self)
    }

    /// The same inputs with their origins, sorted and without repetition.
    #[must_use]
    pub fn with_attributions(mut self, mut attributions: Vec<Attribution>) -> Self {
        attributions.sort();
        attributions.dedup();
        self.attributions = attributions;
        self
    }

    /// The calendars by name, each with its revisions.
    pub fn timelines(&self) -> Result<BTreeMap<String, Timeline>, crate::Error> {
        book::timelines(&self.calendars)
    }

    /// The incidents.
    pub fn incidents(&self) -> impl Iterator<Item = &TicketRow> {
        self.tickets.iter().filter(|ticket| ticket.practice == INCIDENT)
    }

    /// The revision of an agreement.
    pub fn agreement(&self, name: &str, revision: u32) -> Option<&AgreementRow> {
        let key = |row: &AgreementRow| (row.name.as_str(), row.revision).cmp(&(name, revision));
        self.agreements.binary_search_by(key).ok().map(|index| &self.agreements[index])
    }
}

impl ClockRow {
    /// The verdict without what was excused, and when it was fixed. `None`: the clock is left out as a whole.
    pub fn adjusted(&self) -> Option<(State, Option<Timestamp>)> {
        match self.excuse {
            None => Some((self.state, self.settled_at)),
            Some(ExcuseRow::LeftOut) => None,
            Some(ExcuseRow::Adjusted { state, settled_at }) => Some((state, settled_at)),
        }
    }
}

impl TicketRow {
    /// What tells it from others on any machine: source and source id, or its name.
    pub fn key(&self) -> (&str, &str) {
        if self.source_id.is_empty() { ("", &self.name) } else { (&self.source, &self.source_id) }
    }

    /// What people call it: the id of the source, or the number.
    pub fn label(&self) -> &str {
        if self.source_id.is_empty() { self.name.rsplit('/').next().unwrap_or(&self.name) } else { &self.source_id }
    }

    /// Whether work was owed just before `at`: the end of a half-open period does not belong to it.
    pub fn was_open_before(&self, at: Timestamp) -> bool {
        self.open.iter().any(|span| span.from < at && span.until.is_none_or(|until| until >= at))
    }
}
