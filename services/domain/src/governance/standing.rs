//! What somebody may do with a ticket by the roles they hold for it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{Governance, long, short};
use crate::process::Process;

/// What of a ticket decides which roles count.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Its service. `None`: not known.
    pub service: Option<&'a str>,
    /// Its customer, then the customer's parent, and so on to the top.
    pub customers: &'a [&'a str],
    /// The day (UTC).
    pub on: Date,
}

/// The roles that somebody holds for a ticket, and those that its transitions take. Roles are named by the last part of
/// their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Roles that are held, out of those that the process and its responsibilities ask for.
    pub roles: BTreeSet<String>,
    /// By the id of a transition, the roles that answer for the activity it belongs to: one of them is needed.
    pub answering: BTreeMap<String, BTreeSet<String>>,
}

impl Governance {
    /// How `actor` stands to a ticket of that process and place; `bears` tells whether a role comes with the caller's
    /// token. Responsibilities are for people: systems are bound by the guards of transitions alone.
    pub fn standing(&self, process: &Process, place: Place<'_>, actor: &str, bears: impl Fn(&str) -> bool) -> Standing {
        let mut answering = BTreeMap::new();
        for activity in process.activities.iter().filter(|_| !actor.starts_with("systems/")) {
            let rows = self.in_force(&process.name(), &activity.id, place.service);
            let rows = rows.into_iter().filter(|(_, row)| !row.proposed);
            let roles: BTreeSet<String> = rows
                .flat_map(|(_, row)| row.responsible.iter().chain(&row.accountable))
                .map(|role| short(role).to_owned())
                .collect();
            if !roles.is_empty() {
                answering.extend(activity.transitions.iter().map(|transition| (transition.clone(), roles.clone())));
            }
        }
        let guards = process.transitions.iter().filter_map(|transition| transition.guard.role.as_deref());
        let asked: BTreeSet<&str> = guards.chain(answering.values().flatten().map(String::as_str)).collect();
        let roles = asked.into_iter().filter(|role| bears(role) || self.is_held(role, place, actor, &bears));
        let roles = roles.map(str::to_owned).collect();
        Standing { roles, answering }
    }

    /// Whether an assignment gives the role to the actor, or to a group that their token names.
    pub fn is_held(&self, role: &str, place: Place<'_>, actor: &str, bears: &impl Fn(&str) -> bool) -> bool {
        let name = long(role);
        self.assignments.values().any(|assignment| {
            assignment.role == name
                && assignment.held_on(place.on)
                && assignment.covers(place.service, place.customers)
                && (assignment.member == actor || assignment.member.starts_with("groups/") && bears(&assignment.member))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Responsibility, RoleAssignment};
    use super::*;
    use crate::process::{Activity, shipped};

    const DAY: Date = Date::constant(2026, 3, 2);

    /// A change process whose approvals are one activity.
    fn process() -> Process {
        let mut process = shipped().into_iter().find(|process| process.id == "change").unwrap();
        process.activities = vec![Activity {
            id: "authorise".to_owned(),
            display_name: "Authorise".to_owned(),
            description: String::new(),
            transitions: vec!["approve".to_owned(), "reject".to_owned()],
            approves: Vec::new(),
        }];
        process
    }

    fn held(role: &str, member: &str) -> RoleAssignment {
        RoleAssignment { role: role.to_owned(), member: member.to_owned(), ..RoleAssignment::default() }
    }

    fn row(service: &str, responsible: &str) -> Responsibility {
        Responsibility {
            process: "processes/change".to_owned(),
            activity: "authorise".to_owned(),
            service: service.to_owned(),
            responsible: vec![responsible.to_owned()],
            accountable: vec!["roles/board".to_owned()],
            ..Responsibility::default()
        }
    }

    fn governance(assignments: Vec<RoleAssignment>, rows: Vec<Responsibility>) -> Governance {
        let numbered = |index: usize| index.to_string();
        Governance {
            assignments: assignments.into_iter().enumerate().map(|(index, one)| (numbered(index), one)).collect(),
            responsibilities: rows.into_iter().enumerate().map(|(index, one)| (numbered(index), one)).collect(),
            ..Governance::default()
        }
    }

    fn place<'a>(service: &'a str, customers: &'a [&'a str]) -> Place<'a> {
        Place { service: Some(service), customers, on: DAY }
    }

    fn roles(governance: &Governance, place: Place<'_>, tokens: &[&str]) -> Vec<String> {
        let standing = governance.standing(&process(), place, "people/ann", |role| tokens.contains(&role));
        standing.roles.into_iter().collect()
    }

    #[test]
    fn without_anything_recorded_only_the_token_counts() {
        let nothing = Governance::default();
        let place = place("services/email", &[]);
        let standing = nothing.standing(&process(), place, "people/ann", |role| role == "change-manager");
        assert_eq!(standing.answering, BTreeMap::new());
        assert_eq!(standing.roles, BTreeSet::from(["change-manager".to_owned()]));
    }

    #[test]
    fn an_assignment_counts_for_its_service_its_customers_and_its_days() {
        let of = |alter: fn(&mut RoleAssignment)| {
            let mut assignment = held("roles/change-approver", "people/ann");
            alter(&mut assignment);
            let governance = governance(vec![assignment], Vec::new());
            !roles(&governance, place("services/email", &["customers/acme", "customers/group"]), &[]).is_empty()
        };
        assert!(of(|_| ()));
        assert!(of(|one| one.service = "services/email".to_owned()));
        assert!(!of(|one| one.service = "services/web".to_owned()));
        assert!(of(|one| one.customer = "customers/group".to_owned()));
        assert!(!of(|one| one.customer = "customers/other".to_owned()));
        assert!(of(|one| one.end_on = Some(DAY)));
        assert!(!of(|one| one.start_on = DAY.tomorrow().ok()));
        assert!(!of(|one| one.member = "people/bob".to_owned()));
        assert!(!of(|one| one.role = "roles/else".to_owned()));
    }

    #[test]
    fn members_of_a_group_are_those_whose_token_names_it() {
        let governance = governance(vec![held("roles/change-approver", "groups/cab")], Vec::new());
        let place = place("services/email", &[]);
        assert_eq!(roles(&governance, place, &["groups/cab"]), ["change-approver"]);
        assert!(roles(&governance, place, &["groups/network"]).is_empty());
    }

    #[test]
    fn responsible_and_accountable_roles_of_the_row_in_force_may_act() {
        let governance =
            governance(Vec::new(), vec![row("", "roles/change-approver"), row("services/web", "roles/web")]);
        let of = |service| governance.standing(&process(), place(service, &[]), "people/ann", |_| true).answering;
        let wanted = |roles: [&str; 2]| roles.map(str::to_owned).into_iter().collect::<BTreeSet<_>>();
        assert_eq!(of("services/email")["approve"], wanted(["board", "change-approver"]));
        assert_eq!(of("services/web")["reject"], wanted(["board", "web"]));
        assert!(!of("services/web").contains_key("implement"), "a transition outside every activity binds nobody");
    }

    #[test]
    fn proposals_and_rows_without_a_role_bind_nobody_and_systems_are_not_bound() {
        let proposed = Responsibility { proposed: true, ..row("", "roles/change-approver") };
        let empty = Responsibility { responsible: Vec::new(), accountable: Vec::new(), ..row("", "roles/x") };
        let place = place("services/email", &[]);
        for row in [proposed, empty] {
            let governance = governance(Vec::new(), vec![row]);
            assert!(governance.standing(&process(), place, "people/ann", |_| true).answering.is_empty());
        }
        let binding = governance(Vec::new(), vec![row("", "roles/change-approver")]);
        assert!(binding.standing(&process(), place, "systems/pipe", |_| true).answering.is_empty());
        assert!(!binding.standing(&process(), place, "people/ann", |_| true).answering.is_empty());
    }
}
