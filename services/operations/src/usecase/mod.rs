//! One file, one verb: what a method does once its message is understood.

pub mod add_note;
pub mod assign_ticket;
pub mod count_tickets;
pub mod decide_approval;
pub mod delegate_approvals;
pub mod erase_person;
pub mod exclude_clock;
pub mod explain_clocks;
pub mod fire_thresholds;
pub mod get_ticket;
pub mod import_tickets;
pub mod link_tickets;
pub mod list_approvals;
pub mod list_facts;
pub mod list_notes;
pub mod list_tickets;
pub mod list_transitions;
pub mod major_incident;
pub mod open_ticket;
pub mod record_duty;
pub mod transition_ticket;
pub mod update_ticket;

mod answers;
mod change_ticket;
mod refer;
mod replay;

use std::sync::Arc;

pub(crate) use change_ticket::{after, begun};

use domain::agreement::Kind;
use domain::clock::Reading;
use domain::governance::Standing;
use domain::name::TicketName;
use domain::process::Process;
use domain::ticket::command::Caller as Actor;
use domain::ticket::{Side, Ticket};
use servicekit::lookup::Lookups;
use servicekit::standard::Permission;
use servicekit::writer::Writer;
use servicekit::{Caller, Error, Kit, Scope};
use tokio::sync::{Mutex, MutexGuard, Semaphore};

use crate::catalog::{Catalog, Snapshot};
use crate::error::PROCESS_NOT_PUBLISHED;
use crate::store::case;
use crate::store::ticket::Stored;
use crate::store::write::Write;

/// What every use case works with; cheap to clone.
#[derive(Clone)]
pub struct Operations {
    /// Database, clock and journal.
    pub kit: Kit,
    /// What the catalog has published.
    pub catalog: Catalog,
    /// Writes tickets in batches.
    pub writer: Writer<Write>,
    gets: Lookups<case::Get>,
    openings: Lookups<case::Open>,
    changes: Lookups<case::Change>,
    turns: Arc<[Mutex<()>]>,
    imports: Arc<Semaphore>,
}

/// Changes of one ticket take turns, so that they do not lose races against each other; this many may be under way.
const TURNS: usize = 1_024;
/// Imports that are under way at once.
pub const MAX_IMPORTS: usize = 4;

/// Role that reads tickets.
const READER: &str = "tickets.reader";
/// Role that opens tickets and writes on them: what a customer needs.
const REPORTER: &str = "tickets.reporter";
/// Role that works on tickets.
const AGENT: &str = "tickets.agent";
/// Role that records what happened elsewhere.
const IMPORTER: &str = "tickets.importer";
/// Role that may say that something happened in the past.
const BACKDATE: &str = "tickets.backdate";
/// Role that decides on approvals, where it is among those who may.
const APPROVER: &str = "tickets.approver";
/// Role that excuses clocks.
const CLOCK_APPROVER: &str = "clocks.approver";

/// Role that erases people.
const PRIVACY_OFFICER: &str = "privacy.officer";

/// Who may call what.
pub const PERMISSIONS: &[Permission] = &[
    ("itsm.operations.v1.OutageService/GetOutage", READER),
    ("itsm.operations.v1.OutageService/ListOutages", READER),
    ("itsm.operations.v1.OutageService/CreateOutage", AGENT),
    ("itsm.operations.v1.OutageService/UpdateOutage", AGENT),
    ("itsm.operations.v1.OutageService/DeleteOutage", AGENT),
    ("itsm.operations.v1.PrivacyService/ErasePerson", PRIVACY_OFFICER),
    ("itsm.operations.v1.TicketService/CreateTicket", REPORTER),
    ("itsm.operations.v1.TicketService/GetTicket", READER),
    ("itsm.operations.v1.TicketService/BatchGetTickets", READER),
    ("itsm.operations.v1.TicketService/LookupTicket", READER),
    ("itsm.operations.v1.TicketService/ListTickets", READER),
    ("itsm.operations.v1.TicketService/CountTickets", READER),
    ("itsm.operations.v1.TicketService/UpdateTicket", AGENT),
    ("itsm.operations.v1.TicketService/TransitionTicket", AGENT),
    ("itsm.operations.v1.TicketService/AssignTicket", AGENT),
    ("itsm.operations.v1.TicketService/AddNote", REPORTER),
    ("itsm.operations.v1.TicketService/ListNotes", READER),
    ("itsm.operations.v1.TicketService/LinkTickets", AGENT),
    ("itsm.operations.v1.TicketService/ListAllowedTransitions", READER),
    ("itsm.operations.v1.TicketService/ListFacts", READER),
    ("itsm.operations.v1.TicketService/ExplainClocks", READER),
    ("itsm.operations.v1.TicketService/ExcludeClock", CLOCK_APPROVER),
    ("itsm.operations.v1.TicketService/RevokeClockExclusion", CLOCK_APPROVER),
    ("itsm.operations.v1.TicketService/RecordDuty", AGENT),
    ("itsm.operations.v1.TicketService/DecideApproval", APPROVER),
    ("itsm.operations.v1.TicketService/DelegateApproval", APPROVER),
    ("itsm.operations.v1.TicketService/ListApprovals", READER),
    ("itsm.operations.v1.TicketService/DelegateApprovals", APPROVER),
    ("itsm.operations.v1.TicketService/ListApprovalDelegations", READER),
    ("itsm.operations.v1.TicketService/RevokeApprovalDelegation", APPROVER),
    ("itsm.operations.v1.TicketService/DeclareMajorIncident", AGENT),
    ("itsm.operations.v1.TicketService/UpdateMajorIncident", AGENT),
    ("itsm.operations.v1.TicketService/StandDownMajorIncident", AGENT),
    ("itsm.operations.v1.TicketService/ImportTickets", IMPORTER),
    ("itsm.operations.v1.TicketService/BatchImportTickets", IMPORTER),
    ("itsm.operations.v1.TicketService/GetImport", IMPORTER),
];

impl Operations {
    /// Use cases on a kit and a catalog at hand.
    pub fn new(kit: Kit, catalog: Catalog) -> Self {
        let known = catalog.clone();
        kit.find_customers_below(move |customer| known.now().customers_from(customer));
        Self {
            writer: Writer::start(&kit),
            gets: Lookups::start(&kit),
            openings: Lookups::start(&kit),
            changes: Lookups::start(&kit),
            catalog,
            turns: (0..TURNS).map(|_| Mutex::default()).collect(),
            imports: Arc::new(Semaphore::new(MAX_IMPORTS)),
            kit,
        }
    }

    /// Waits until no other change of that ticket is under way here. Other servers are held off by versions alone.
    pub(crate) async fn turn(&self, number: i64) -> MutexGuard<'_, ()> {
        let place = usize::try_from(number.unsigned_abs()).unwrap_or_default() % TURNS;
        self.turns[place].lock().await
    }
}

/// The revision of the process that governs the ticket.
pub(crate) fn process_of(catalog: &Snapshot, ticket: &Ticket) -> Result<Arc<Process>, Error> {
    catalog.process(&ticket.process, ticket.process_revision).cloned().ok_or_else(|| {
        let text = format!(
            "revision {} of {}, which governs {}, is not in the catalog: publish it again",
            ticket.process_revision, ticket.process, ticket.name
        );
        Error::refused(PROCESS_NOT_PUBLISHED, &ticket.name, text)
    })
}

/// The number in the name of a ticket; a name that cannot be one is NOT_FOUND like any other that does not exist.
pub(crate) fn number_of(name: &str) -> Result<i64, Error> {
    let parsed = TicketName::parse("name", name).ok().and_then(|name| i64::try_from(name.number()).ok());
    parsed.ok_or_else(|| Error::not_found(name))
}

/// The ticket of that name among those of its number; another prefix is another name.
pub(crate) fn of_name(found: Option<Stored>, name: &str) -> Result<Stored, Error> {
    found.filter(|stored| stored.ticket.name == name).ok_or_else(|| Error::not_found(name))
}

/// The caller as commands see it, with what they may do with the ticket at hand.
pub(crate) fn actor(caller: &Caller, standing: Standing) -> Actor {
    Actor {
        actor: caller.actor.clone(),
        side: side_of(caller),
        roles: standing.roles,
        answering: standing.answering,
        may_backdate: caller.has(BACKDATE),
    }
}

/// On whose side the caller acts.
pub(crate) fn side_of(caller: &Caller) -> Side {
    if caller.customer.is_some() { Side::Customer } else { Side::Provider }
}

/// Takes out what is not for callers that are bound to a customer: clocks of groups and suppliers, and how the provider
/// came to excuse one.
pub(crate) fn for_scope(mut stored: Stored, scope: &Scope) -> Stored {
    if !scope.sees_internal() {
        stored.clocks.retain_mut(for_customer);
    }
    stored
}

/// Whether a customer may see the reading, which is left with what a customer may see of it.
pub(crate) fn for_customer(reading: &mut Reading) -> bool {
    if let Some(excuse) = &mut reading.excuse {
        excuse.evidence.clear();
        excuse.actor.clear();
    }
    reading.pinned.kind == Kind::Sla
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_a_role() {
        let methods = servicekit::standard::methods_of("itsm.operations.v1");
        assert_eq!(PERMISSIONS.iter().map(|(method, _)| *method).collect::<Vec<_>>(), methods);
        assert!(PERMISSIONS.iter().all(|(_, role)| !role.is_empty()));
    }

    #[test]
    fn a_name_that_cannot_be_one_does_not_exist() {
        assert_eq!(number_of("tickets/INC-000042").unwrap(), 42);
        for name in ["", "INC-000042", "tickets/INC-42", "tickets/inc-000042", "tickets/INC-99999999999999999999"] {
            assert!(number_of(name).is_err(), "{name}");
        }
    }
}
