//! What the catalog has published, as the handbook tells it.

use std::collections::BTreeMap;

use domain::governance::{Governance, Responsibility, RoleAssignment};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use pb::governance_service_client::GovernanceServiceClient;
use pb::portfolio_service_client::PortfolioServiceClient;
use proto::catalog::v1 as pb;
use servicekit::wire;
use tonic::{Response, Status};

use crate::client::{Channel, sentence};
use crate::import::Problem;

/// Everything that the handbook tells, as of one day.
pub(super) struct Published {
    /// The day (UTC).
    pub(super) on: Date,
    /// The processes in force, by name.
    pub(super) processes: Vec<Process>,
    /// Roles by name.
    pub(super) roles: BTreeMap<String, pb::Role>,
    /// Names of services for people.
    pub(super) services: BTreeMap<String, String>,
    /// Who holds which role, and who answers for what.
    pub(super) governance: Governance,
    /// What is wrong with it.
    pub(super) gaps: Vec<pb::ResponsibilityFinding>,
}

/// A process with the revision that is in force.
pub(super) struct Process {
    /// Its name.
    pub(super) name: String,
    /// What it says.
    pub(super) body: pb::Process,
    /// The revision in force and those before it, newest first.
    pub(super) revisions: Vec<pb::ProcessRevision>,
}

impl Process {
    /// The last part of its name.
    pub(super) fn id(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}

impl Published {
    /// The role for people; its name where there is no such role.
    pub(super) fn role<'a>(&'a self, name: &'a str) -> &'a str {
        self.roles.get(name).map_or(name, |role| role.display_name.as_str())
    }

    /// The service for people.
    pub(super) fn service<'a>(&'a self, name: &'a str) -> &'a str {
        self.services.get(name).map_or(name, String::as_str)
    }

    /// Who holds a role on the day.
    pub(super) fn holders(&self, role: &str) -> impl Iterator<Item = &RoleAssignment> {
        let held = |one: &&RoleAssignment| one.held_on(self.on);
        self.governance.assignments.values().filter(move |one| one.role == role).filter(held)
    }

    /// What is wrong in one process.
    pub(super) fn gaps_of<'a>(&'a self, process: &'a str) -> impl Iterator<Item = &'a pb::ResponsibilityFinding> {
        self.gaps.iter().filter(move |gap| gap.process == process)
    }
}

fn told<T>(answer: Result<Response<T>, Status>) -> Result<T, Problem> {
    answer.map(Response::into_inner).map_err(|status| Problem::new(sentence(&status)))
}

/// Walks all pages of a list.
macro_rules! every {
    ($client:expr, $method:ident, $request:expr, $items:ident) => {{
        let mut request = $request;
        let mut items = Vec::new();
        loop {
            request.page_size = 1000;
            let page = told($client.$method(request.clone()).await)?;
            items.extend(page.$items);
            if page.next_page_token.is_empty() {
                break items;
            }
            request.page_token = page.next_page_token;
        }
    }};
}

/// Reads it as of a day, of which what is in force at its end counts, or now on the present day.
pub(super) async fn read(channel: Channel, on: Date, now: Timestamp) -> Result<Published, Problem> {
    let mut governance = GovernanceServiceClient::new(channel.clone());
    let mut portfolio = PortfolioServiceClient::new(channel);
    let end = on.tomorrow().and_then(|next| next.to_zoned(TimeZone::UTC)).map(|next| next.timestamp());
    let at = end.map_err(|_| Problem::new(format!("{on} is out of range")))?;
    let at = if on == now.to_zoned(TimeZone::UTC).date() { now } else { at };
    let mut processes = Vec::new();
    for process in every!(governance, list_processes, pb::ListProcessesRequest::default(), processes) {
        let request = pb::ListProcessRevisionsRequest { name: process.name.clone(), ..Default::default() };
        let revisions = every!(governance, list_process_revisions, request, process_revisions);
        let in_force = |revision: &pb::ProcessRevision| instant(revision.effective_time.as_ref()) <= Some(at);
        let mut revisions: Vec<_> = revisions.into_iter().filter(in_force).collect();
        revisions.sort_by_key(|revision| std::cmp::Reverse(instant(revision.effective_time.as_ref())));
        if let Some(body) = revisions.first().and_then(|revision| revision.process.clone()) {
            processes.push(Process { name: process.name, body, revisions });
        }
    }
    let roles = every!(governance, list_roles, pb::ListRolesRequest::default(), roles);
    let assignments =
        every!(governance, list_role_assignments, pb::ListRoleAssignmentsRequest::default(), role_assignments);
    let rows = every!(governance, list_responsibilities, pb::ListResponsibilitiesRequest::default(), responsibilities);
    let services = every!(portfolio, list_services, pb::ListServicesRequest::default(), services);
    let check = pb::CheckResponsibilitiesRequest { as_of_date: Some(wire::date(on)), ..Default::default() };
    Ok(Published {
        on,
        processes,
        roles: roles.into_iter().map(|role| (role.name.clone(), role)).collect(),
        services: services.into_iter().map(|service| (service.name, service.display_name)).collect(),
        governance: Governance {
            assignments: assignments.into_iter().map(assignment).collect(),
            responsibilities: rows.into_iter().map(responsibility).collect(),
            ..Governance::default()
        },
        gaps: told(governance.check_responsibilities(check).await)?.findings,
    })
}

/// An instant of a message.
pub(super) fn instant(at: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    wire::parse_timestamp(at?).ok()
}

fn assignment(message: pb::RoleAssignment) -> (String, RoleAssignment) {
    let date = |date: Option<&proto::common::v1::Date>| date.and_then(|date| wire::parse_date(date).ok());
    let assignment = RoleAssignment {
        start_on: date(message.start_date.as_ref()),
        end_on: date(message.end_date.as_ref()),
        display_name: message.display_name,
        role: message.role,
        member: message.member,
        service: message.service,
        customer: message.customer,
        illustrative: message.illustrative,
    };
    (message.name, assignment)
}

fn responsibility(message: pb::Responsibility) -> (String, Responsibility) {
    let row = Responsibility {
        display_name: message.display_name,
        process: message.process,
        activity: message.activity,
        service: message.service,
        responsible: message.responsible,
        accountable: message.accountable,
        consulted: message.consulted,
        informed: message.informed,
        proposed: message.proposed,
        illustrative: message.illustrative,
    };
    (message.name, row)
}
