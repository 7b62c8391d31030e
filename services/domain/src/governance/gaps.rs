//! What is wrong or doubtful in who answers for what.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{Governance, Responsibility, RoleAssignment, long};
use crate::finding::Severity;
use crate::landscape::Landscape;
use crate::process::{Activity, Process};

/// What kind of gap it is. The names are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Nobody answers for the outcome.
    AccountableMissing,
    /// More than one role answers for the outcome.
    AccountableSeveral,
    /// No role does the work.
    ResponsibleMissing,
    /// No row says who does what in an activity.
    ActivityUnassigned,
    /// A row is about an activity that the process in force does not have.
    ActivityUnknown,
    /// A process names a role that does not exist.
    RoleUnknown,
    /// A role is needed and nobody holds it.
    RoleVacant,
    /// No process and no row needs the role.
    RoleUnused,
    /// A transition takes a role that neither does nor answers for the activity it belongs to.
    GuardOutsideRaci,
    /// Whoever does the work may approve it too.
    SelfApproval,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::AccountableMissing,
        Self::AccountableSeveral,
        Self::ResponsibleMissing,
        Self::ActivityUnassigned,
        Self::ActivityUnknown,
        Self::RoleUnknown,
        Self::RoleVacant,
        Self::RoleUnused,
        Self::GuardOutsideRaci,
        Self::SelfApproval,
    ];

    /// The name used in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccountableMissing => "ACCOUNTABLE_MISSING",
            Self::AccountableSeveral => "ACCOUNTABLE_SEVERAL",
            Self::ResponsibleMissing => "RESPONSIBLE_MISSING",
            Self::ActivityUnassigned => "ACTIVITY_UNASSIGNED",
            Self::ActivityUnknown => "ACTIVITY_UNKNOWN",
            Self::RoleUnknown => "ROLE_UNKNOWN",
            Self::RoleVacant => "ROLE_VACANT",
            Self::RoleUnused => "ROLE_UNUSED",
            Self::GuardOutsideRaci => "GUARD_OUTSIDE_RACI",
            Self::SelfApproval => "SELF_APPROVAL",
        }
    }
}

/// One thing that is wrong or doubtful.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// How bad it is.
    pub severity: Severity,
    /// Why, for programs.
    pub reason: Reason,
    /// Name of the responsibility, role, role assignment or process that it is about.
    pub resource: String,
    /// What is wrong and the way out, in a sentence.
    pub message: String,
    /// Name of the process. Empty: it is about no single one.
    pub process: String,
    /// Id of the activity. Empty: it is about no single one.
    pub activity: String,
    /// Name of the service. Empty: in general.
    pub service: String,
    /// Names of the roles involved.
    pub roles: Vec<String>,
    /// Who would approve their own work. Empty otherwise.
    pub member: String,
}

/// What is looked at: who does what, in the processes that are in force, on a day.
#[derive(Debug, Clone, Copy)]
pub struct Review<'a> {
    /// Roles, who holds them, and who answers for what.
    pub governance: &'a Governance,
    /// The processes in force on the day.
    pub processes: &'a [Process],
    /// Where customers belong.
    pub landscape: &'a Landscape,
    /// The day.
    pub on: Date,
}

impl Review<'_> {
    /// Every gap, worst first: in one process or in all, for one service, or in general and for each service that has
    /// rows of its own, of which then only what those rows lead to is told.
    pub fn gaps(&self, process: Option<&str>, service: Option<&str>) -> Vec<Gap> {
        let mut search = Search { review: *self, gaps: Vec::new(), needs: BTreeMap::new() };
        for looked_at in self.processes.iter().filter(|one| process.is_none_or(|name| one.name() == name)) {
            search.process(looked_at, service);
        }
        for (name, row) in &self.governance.responsibilities {
            let meant = process.is_none_or(|process| row.process == process)
                && service.is_none_or(|service| row.service.is_empty() || row.service == service);
            if meant {
                search.unknown_activity(name, row);
            }
        }
        search.vacancies();
        if process.is_none() && service.is_none() {
            search.unused();
        }
        search.gaps.sort_by_key(|gap| gap.severity);
        search.gaps
    }
}

/// A place in the responsibilities: an activity of a process, for a service or in general.
#[derive(Clone, Copy)]
struct At<'a> {
    process: &'a Process,
    activity: &'a Activity,
    service: Option<&'a str>,
}

/// What needs a role, in words, and how bad it is when nobody holds it.
struct Need {
    severity: Severity,
    what: String,
    process: String,
    activity: String,
}

struct Search<'a> {
    review: Review<'a>,
    gaps: Vec<Gap>,
    /// By role and service, in general first, what needs the role.
    needs: BTreeMap<(String, Option<String>), Vec<Need>>,
}

impl<'a> Search<'a> {
    fn process(&mut self, process: &'a Process, service: Option<&'a str>) {
        let rows = self.review.governance.responsibilities.values();
        let own: BTreeSet<&str> = rows
            .filter(|row| row.process == process.name() && !row.service.is_empty())
            .map(|row| row.service.as_str())
            .collect();
        let places: Vec<Option<&str>> = if service.is_some() {
            vec![service]
        } else {
            std::iter::once(None).chain(own.into_iter().map(Some)).collect()
        };
        if !process.owner_role.is_empty() {
            self.role_of_process(process, &process.owner_role, "answers for the process as such", service);
        }
        for transition in &process.transitions {
            if let Some(role) = &transition.guard.role {
                let what = format!("may do the transition {}", transition.id);
                self.role_of_process(process, &long(role), &what, service);
            }
        }
        for place in places {
            for activity in &process.activities {
                let at = At { process, activity, service: place };
                let rows = self.rows(at, &activity.id);
                if place == service || specific(&rows) {
                    self.activity(at, &rows);
                }
                self.approvals(at, &rows, place == service);
            }
        }
    }

    fn rows(&self, at: At<'a>, activity: &str) -> Vec<(&'a str, &'a Responsibility)> {
        self.review.governance.in_force(&at.process.name(), activity, at.service)
    }

    /// A role that the process itself names.
    fn role_of_process(&mut self, process: &Process, role: &str, what: &str, service: Option<&str>) {
        if self.review.governance.roles.contains_key(role) {
            let need = Need {
                severity: Severity::Error,
                what: format!("{what} in {}", process.name()),
                process: process.name(),
                activity: String::new(),
            };
            self.needs.entry((role.to_owned(), service.map(str::to_owned))).or_default().push(need);
            return;
        }
        let message = format!("{role} {what} in {} and does not exist: create it, or name another", process.name());
        let known =
            |gap: &Gap| gap.reason == Reason::RoleUnknown && gap.roles == [role] && gap.process == process.name();
        if !self.gaps.iter().any(known) {
            self.gaps.push(Gap {
                severity: Severity::Error,
                reason: Reason::RoleUnknown,
                resource: process.name(),
                message,
                process: process.name(),
                activity: String::new(),
                service: service.unwrap_or_default().to_owned(),
                roles: vec![role.to_owned()],
                member: String::new(),
            });
        }
    }

    /// One activity in one place: a role for each letter that has to have one.
    fn activity(&mut self, at: At<'a>, rows: &[(&'a str, &'a Responsibility)]) {
        let what = in_words(at);
        let Some((first, _)) = rows.first() else {
            let message = format!("nothing says who does what in {what}: add a responsibility");
            self.found(at, Severity::Error, Reason::ActivityUnassigned, &at.process.name(), message, Vec::new());
            return;
        };
        let of = |letter: fn(&Responsibility) -> &Vec<String>| {
            rows.iter().flat_map(|(_, row)| letter(row)).cloned().collect::<BTreeSet<String>>()
        };
        let (responsible, accountable) = (of(|row| &row.responsible), of(|row| &row.accountable));
        if accountable.is_empty() {
            let message = format!("nobody is accountable for {what}: name the one role that answers for it");
            self.found(at, Severity::Error, Reason::AccountableMissing, first, message, Vec::new());
        }
        if accountable.len() > 1 {
            let roles: Vec<String> = accountable.iter().cloned().collect();
            let message = format!("{} are all accountable for {what}: keep one", roles.join(" and "));
            self.found(at, Severity::Error, Reason::AccountableSeveral, first, message, roles);
        }
        if responsible.is_empty() {
            let message = format!("nobody is responsible for {what}: name who does the work");
            self.found(at, Severity::Error, Reason::ResponsibleMissing, first, message, Vec::new());
        }
        let acting: BTreeSet<String> = responsible.union(&accountable).cloned().collect();
        if rows.iter().any(|(_, row)| !row.proposed) && !acting.is_empty() {
            for transition in at.process.transitions_of(at.activity) {
                let role = transition.guard.role.as_deref().map(long).filter(|role| !acting.contains(role));
                if let Some(role) = role {
                    let message = format!(
                        "{role} may do the transition {} but neither does nor answers for {what}: only who holds a \
                         role of both can do it",
                        transition.id
                    );
                    self.found(at, Severity::Warning, Reason::GuardOutsideRaci, first, message, vec![role]);
                }
            }
        }
        let letters = [
            (responsible, Severity::Error, "is responsible for"),
            (accountable, Severity::Error, "is accountable for"),
            (of(|row| &row.consulted), Severity::Warning, "is consulted in"),
            (of(|row| &row.informed), Severity::Warning, "is informed of"),
        ];
        for (roles, severity, verb) in letters {
            for role in roles {
                let need = Need {
                    severity,
                    what: format!("{verb} {what}"),
                    process: at.process.name(),
                    activity: at.activity.id.clone(),
                };
                self.needs.entry((role, at.service.map(str::to_owned))).or_default().push(need);
            }
        }
    }

    /// Who could approve what they did themselves.
    fn approvals(&mut self, at: At<'a>, approving: &[(&'a str, &'a Responsibility)], whole: bool) {
        let guards = at.process.transitions_of(at.activity).filter_map(|transition| transition.guard.role.as_deref());
        let acting = approving.iter().flat_map(|(_, row)| row.responsible.iter().chain(&row.accountable)).cloned();
        let approvers: BTreeSet<String> = guards.map(long).chain(acting).collect();
        for approved in at.activity.approves.iter().filter_map(|id| at.process.activity(id)) {
            let doing = self.rows(at, &approved.id);
            if !(whole || specific(approving) || specific(&doing)) {
                continue;
            }
            let doers: BTreeSet<String> = doing.iter().flat_map(|(_, row)| row.responsible.iter()).cloned().collect();
            for role in approvers.intersection(&doers) {
                let resource = approving.first().map_or(at.process.name(), |(name, _)| (*name).to_owned());
                let message = format!(
                    "{role} does {} of {} and approves it by {}: give the approval to another role",
                    approved.id,
                    at.process.name(),
                    at.activity.id
                );
                self.found(at, Severity::Error, Reason::SelfApproval, &resource, message, vec![role.clone()]);
            }
            let (approvers, doers) = (&approvers - &doers, &doers - &approvers);
            for (resource, member, roles) in self.holding_both(at, &approvers, &doers) {
                let (severity, advice) = if member.starts_with("people/") {
                    (Severity::Error, "nobody approves their own work: give one of the roles to somebody else")
                } else {
                    (Severity::Warning, "see that no member approves their own work")
                };
                let message = format!(
                    "{member} holds {}, which does {} of {}, and {}, which approves it by {}: {advice}",
                    roles[1],
                    approved.id,
                    at.process.name(),
                    roles[0],
                    at.activity.id
                );
                self.found(at, severity, Reason::SelfApproval, &resource, message, roles);
                if let Some(gap) = self.gaps.last_mut() {
                    gap.member = member;
                }
            }
        }
    }

    /// Who holds one role of each kind for a common service and customer: the assignment of the first, who, and both.
    fn holding_both(
        &self,
        at: At<'_>,
        approvers: &BTreeSet<String>,
        doers: &BTreeSet<String>,
    ) -> Vec<(String, String, Vec<String>)> {
        let holding = |roles: &BTreeSet<String>| {
            let assignments = self.review.governance.assignments.iter();
            assignments.filter(|(_, one)| roles.contains(&one.role) && self.counts(one, at.service)).collect::<Vec<_>>()
        };
        let (approving, doing) = (holding(approvers), holding(doers));
        let mut found = BTreeMap::new();
        for (name, one) in approving {
            for (_, other) in doing.iter().filter(|(_, other)| other.member == one.member && self.meet(one, other)) {
                found
                    .entry((one.member.clone(), one.role.clone(), other.role.clone()))
                    .or_insert_with(|| (name.clone(), one.member.clone(), vec![one.role.clone(), other.role.clone()]));
            }
        }
        found.into_values().collect()
    }

    /// Whether an assignment is held on the day, and for the service if there is one.
    fn counts(&self, assignment: &RoleAssignment, service: Option<&str>) -> bool {
        assignment.held_on(self.review.on)
            && service.is_none_or(|service| assignment.service.is_empty() || assignment.service == service)
    }

    /// Whether there can be a ticket for which both are held.
    fn meet(&self, one: &RoleAssignment, other: &RoleAssignment) -> bool {
        let services = one.service.is_empty() || other.service.is_empty() || one.service == other.service;
        let below = |customer: &str, above: &str| self.review.landscape.chain(Some(customer)).contains(&above);
        let customers = one.customer.is_empty()
            || other.customer.is_empty()
            || below(&one.customer, &other.customer)
            || below(&other.customer, &one.customer);
        services && customers
    }

    /// A row about an activity that is not there.
    fn unknown_activity(&mut self, name: &str, row: &Responsibility) {
        let process = self.review.processes.iter().find(|process| process.name() == row.process);
        // What is proposed for a process that is gone went with it.
        if process.map_or(row.proposed, |process| process.activity(&row.activity).is_some()) {
            return;
        }
        let message = format!(
            "{} has no activity {} in the revision in force: correct the row or publish the process",
            row.process, row.activity
        );
        self.gaps.push(Gap {
            severity: Severity::Warning,
            reason: Reason::ActivityUnknown,
            resource: name.to_owned(),
            message,
            process: row.process.clone(),
            activity: row.activity.clone(),
            service: row.service.clone(),
            roles: Vec::new(),
            member: String::new(),
        });
    }

    /// Roles that are needed and that nobody holds.
    fn vacancies(&mut self) {
        let mut vacant: BTreeSet<String> = BTreeSet::new();
        for ((role, service), needs) in std::mem::take(&mut self.needs) {
            let mut assignments = self.review.governance.assignments.values();
            let held = assignments.any(|one| one.role == role && self.counts(one, service.as_deref()));
            let Some(worst) = needs.iter().min_by_key(|need| need.severity).filter(|_| !held) else { continue };
            // What nobody holds at all is told once.
            if !vacant.insert(role.clone()) {
                continue;
            }
            let more =
                if needs.len() > 1 { format!(" and is needed {} times more", needs.len() - 1) } else { String::new() };
            let day = self.review.on;
            let message = format!("nobody holds {role} on {day}, which {}{more}: assign somebody", worst.what);
            self.gaps.push(Gap {
                severity: worst.severity,
                reason: Reason::RoleVacant,
                resource: role.clone(),
                message,
                process: worst.process.clone(),
                activity: worst.activity.clone(),
                service: service.unwrap_or_default(),
                roles: vec![role],
                member: String::new(),
            });
        }
    }

    /// Roles that nothing needs.
    fn unused(&mut self) {
        let governance = self.review.governance;
        let mut used: BTreeSet<String> = BTreeSet::new();
        for process in self.review.processes {
            used.insert(process.owner_role.clone());
            used.extend(process.transitions.iter().filter_map(|transition| transition.guard.role.as_deref()).map(long));
        }
        for row in governance.responsibilities.values() {
            used.extend(row.letters().into_iter().flat_map(|(_, roles)| roles.iter().cloned()));
        }
        for role in governance.roles.keys().filter(|role| !used.contains(*role)) {
            self.gaps.push(Gap {
                severity: Severity::Warning,
                reason: Reason::RoleUnused,
                resource: role.clone(),
                message: format!("no process and no responsibility needs {role}: use it or delete it"),
                process: String::new(),
                activity: String::new(),
                service: String::new(),
                roles: vec![role.clone()],
                member: String::new(),
            });
        }
    }

    fn found(
        &mut self,
        at: At<'_>,
        severity: Severity,
        reason: Reason,
        resource: &str,
        message: String,
        roles: Vec<String>,
    ) {
        self.gaps.push(Gap {
            severity,
            reason,
            resource: resource.to_owned(),
            message,
            process: at.process.name(),
            activity: at.activity.id.clone(),
            service: at.service.unwrap_or_default().to_owned(),
            roles,
            member: String::new(),
        });
    }
}

/// Whether the rows are those of one service.
fn specific(rows: &[(&str, &Responsibility)]) -> bool {
    rows.iter().any(|(_, row)| !row.service.is_empty())
}

/// An activity and where it is looked at, in words.
fn in_words(at: At<'_>) -> String {
    let service = at.service.map(|service| format!(" for {service}")).unwrap_or_default();
    format!("{} of {}{service}", at.activity.id, at.process.name())
}

#[cfg(test)]
mod tests {
    use super::super::Role;
    use super::*;
    use crate::process::shipped;

    const DAY: Date = Date::constant(2026, 3, 2);

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// The change process with two activities, of which one approves the other.
    fn process() -> Process {
        let mut process = shipped().into_iter().find(|process| process.id == "change").unwrap();
        let activity = |id: &str, transitions: &[&str], approves: &[&str]| Activity {
            id: id.to_owned(),
            display_name: id.to_owned(),
            description: String::new(),
            transitions: names(transitions),
            approves: names(approves),
        };
        for transition in &mut process.transitions {
            transition.guard.role = None;
        }
        process.owner_role = String::new();
        process.activities =
            vec![activity("assess", &["assess"], &[]), activity("authorise", &["approve", "reject"], &["assess"])];
        process
    }

    fn row(activity: &str, responsible: &[&str], accountable: &[&str]) -> Responsibility {
        Responsibility {
            process: "processes/change".to_owned(),
            activity: activity.to_owned(),
            responsible: names(responsible),
            accountable: names(accountable),
            ..Responsibility::default()
        }
    }

    fn held(role: &str, member: &str) -> RoleAssignment {
        RoleAssignment { role: role.to_owned(), member: member.to_owned(), ..RoleAssignment::default() }
    }

    /// Two roles with a holder each, and sound rows for both activities.
    fn sound() -> Governance {
        let mut governance = Governance::default();
        for role in ["roles/assessor", "roles/board"] {
            governance.roles.insert(role.to_owned(), Role::default());
        }
        governance
            .responsibilities
            .insert("assess".to_owned(), row("assess", &["roles/assessor"], &["roles/assessor"]));
        governance
            .responsibilities
            .insert("authorise".to_owned(), row("authorise", &["roles/board"], &["roles/board"]));
        governance.assignments.insert("one".to_owned(), held("roles/assessor", "people/ann"));
        governance.assignments.insert("two".to_owned(), held("roles/board", "people/bob"));
        governance
    }

    fn review(process: &Process, governance: &Governance, service: Option<&str>) -> Vec<Gap> {
        let landscape = Landscape {
            parents: [("customers/acme".to_owned(), "customers/group".to_owned())].into(),
            ..Landscape::default()
        };
        let processes = std::slice::from_ref(process);
        Review { governance, processes, landscape: &landscape, on: DAY }.gaps(None, service)
    }

    /// What is found, as reason and resource.
    fn found(alter: impl FnOnce(&mut Process, &mut Governance)) -> Vec<(&'static str, String)> {
        let (mut process, mut governance) = (process(), sound());
        alter(&mut process, &mut governance);
        let gaps = review(&process, &governance, None);
        gaps.into_iter().map(|gap| (gap.reason.as_str(), gap.resource)).collect()
    }

    fn is(reason: &'static str, resource: &str) -> Vec<(&'static str, String)> {
        vec![(reason, resource.to_owned())]
    }

    #[test]
    fn nothing_is_found_where_each_activity_has_its_people() {
        assert_eq!(found(|_, _| ()), []);
    }

    #[test]
    fn one_role_answers_for_an_activity_no_more_and_no_less() {
        let two = found(|_, governance| {
            let row = row("assess", &["roles/assessor"], &["roles/assessor", "roles/board"]);
            governance.responsibilities.insert("assess".to_owned(), row);
        });
        assert_eq!(two, is("ACCOUNTABLE_SEVERAL", "assess"));
        let by_two_rows = found(|_, governance| {
            governance.responsibilities.insert("assess2".to_owned(), row("assess", &[], &["roles/board"]));
        });
        assert_eq!(by_two_rows, is("ACCOUNTABLE_SEVERAL", "assess"));
        let none = found(|_, governance| {
            governance.responsibilities.insert("assess".to_owned(), row("assess", &["roles/assessor"], &[]));
        });
        assert_eq!(none, is("ACCOUNTABLE_MISSING", "assess"));
    }

    #[test]
    fn somebody_does_the_work_and_every_activity_has_a_row() {
        let idle = found(|_, governance| {
            governance.responsibilities.insert("assess".to_owned(), row("assess", &[], &["roles/assessor"]));
        });
        assert_eq!(idle, is("RESPONSIBLE_MISSING", "assess"));
        let none = found(|_, governance| {
            governance.responsibilities.remove("assess");
            governance.roles.remove("roles/assessor");
        });
        assert_eq!(none, is("ACTIVITY_UNASSIGNED", "processes/change"));
        let other = found(|_, governance| {
            let row = row("dream", &["roles/assessor"], &["roles/assessor"]);
            governance.responsibilities.insert("dream".to_owned(), row);
        });
        assert_eq!(other, is("ACTIVITY_UNKNOWN", "dream"));
    }

    #[test]
    fn a_role_that_is_needed_is_held_on_the_day_and_exists() {
        let vacant = found(|_, governance| {
            let before = DAY.yesterday().ok();
            governance
                .assignments
                .insert("one".to_owned(), RoleAssignment { end_on: before, ..held("roles/assessor", "people/ann") });
        });
        assert_eq!(vacant, is("ROLE_VACANT", "roles/assessor"));
        let unknown = found(|process, _| {
            let cancel = process.transitions.iter_mut().find(|transition| transition.id == "cancel").unwrap();
            cancel.guard.role = Some("wizard".to_owned());
        });
        assert_eq!(unknown, is("ROLE_UNKNOWN", "processes/change"));
        let without_owner = found(|process, governance| {
            process.owner_role = "roles/owner".to_owned();
            governance.roles.insert("roles/owner".to_owned(), Role::default());
        });
        assert_eq!(without_owner, is("ROLE_VACANT", "roles/owner"));
        let unused = found(|_, governance| {
            governance.roles.insert("roles/wizard".to_owned(), Role::default());
        });
        assert_eq!(unused, is("ROLE_UNUSED", "roles/wizard"));
    }

    #[test]
    fn who_is_only_told_may_be_missing_with_a_warning() {
        let (process, mut governance) = (process(), sound());
        governance.roles.insert("roles/press".to_owned(), Role::default());
        governance.responsibilities.get_mut("assess").unwrap().informed = names(&["roles/press"]);
        let gaps = review(&process, &governance, None);
        assert_eq!(gaps.len(), 1);
        assert_eq!((gaps[0].severity, gaps[0].reason), (Severity::Warning, Reason::RoleVacant));
    }

    #[test]
    fn a_transition_that_takes_a_role_outside_its_activity_is_doubtful() {
        let outside = found(|process, _| {
            let approve = process.transitions.iter_mut().find(|transition| transition.id == "approve").unwrap();
            approve.guard.role = Some("assessor".to_owned());
        });
        let reasons: Vec<_> = outside.iter().map(|(reason, _)| *reason).collect();
        assert_eq!(reasons, ["SELF_APPROVAL", "GUARD_OUTSIDE_RACI"], "and who assesses could approve");
    }

    #[test]
    fn nobody_approves_what_they_did_themselves() {
        let same_person = |alter: fn(&mut RoleAssignment)| {
            found(|_, governance| {
                let mut both = held("roles/board", "people/ann");
                alter(&mut both);
                governance.assignments.insert("three".to_owned(), both);
            })
        };
        assert_eq!(same_person(|_| ()), is("SELF_APPROVAL", "three"));
        assert_eq!(same_person(|one| one.end_on = DAY.yesterday().ok()), []);
        assert_eq!(same_person(|one| one.member = "people/cid".to_owned()), []);
        let same_role = found(|_, governance| {
            governance
                .responsibilities
                .insert("assess".to_owned(), row("assess", &["roles/board"], &["roles/assessor"]));
        });
        assert_eq!(same_role, is("SELF_APPROVAL", "authorise"));
    }

    #[test]
    fn roles_held_for_different_services_or_customers_do_not_meet() {
        let found_for = |one: [&str; 2], other: [&str; 2]| {
            let (process, mut governance) = (process(), sound());
            let scoped = |role: &str, [service, customer]: [&str; 2]| RoleAssignment {
                service: service.to_owned(),
                customer: customer.to_owned(),
                ..held(role, "people/eve")
            };
            governance.assignments.insert("three".to_owned(), scoped("roles/assessor", one));
            governance.assignments.insert("four".to_owned(), scoped("roles/board", other));
            let gaps = review(&process, &governance, None);
            assert!(gaps.iter().all(|gap| gap.member == "people/eve" && gap.roles.len() == 2));
            !gaps.is_empty()
        };
        assert!(found_for(["services/email", ""], ["", ""]));
        assert!(!found_for(["services/email", ""], ["services/web", ""]));
        assert!(found_for(["", "customers/acme"], ["", "customers/group"]));
        assert!(!found_for(["", "customers/acme"], ["", "customers/other"]));
    }

    #[test]
    fn a_group_that_holds_both_roles_is_doubtful() {
        let (process, mut governance) = (process(), sound());
        for (name, role) in [("three", "roles/assessor"), ("four", "roles/board")] {
            governance.assignments.insert(name.to_owned(), held(role, "groups/network"));
        }
        let gaps = review(&process, &governance, None);
        assert_eq!(gaps.len(), 1);
        assert_eq!((gaps[0].severity, gaps[0].member.as_str()), (Severity::Warning, "groups/network"));
    }

    #[test]
    fn a_service_is_looked_at_by_its_own_rows_and_the_general_ones() {
        let (process, mut governance) = (process(), sound());
        let own = Responsibility { service: "services/email".to_owned(), ..row("assess", &["roles/board"], &[]) };
        governance.responsibilities.insert("own".to_owned(), own);
        let told = |service| {
            let gaps = review(&process, &governance, service);
            gaps.into_iter().map(|gap| (gap.reason.as_str(), gap.resource, gap.service)).collect::<Vec<_>>()
        };
        let own = || "services/email".to_owned();
        let expected =
            vec![("ACCOUNTABLE_MISSING", "own".to_owned(), own()), ("SELF_APPROVAL", "authorise".to_owned(), own())];
        assert_eq!(told(None), expected, "what only the service's rows lead to is told beside the general");
        assert_eq!(told(Some("services/email")), expected);
        assert_eq!(told(Some("services/web")), []);
    }

    #[test]
    fn a_role_held_for_one_service_is_vacant_for_another() {
        let (process, mut governance) = (process(), sound());
        governance.assignments.get_mut("one").unwrap().service = "services/email".to_owned();
        assert_eq!(review(&process, &governance, Some("services/email")), []);
        let gaps = review(&process, &governance, Some("services/web"));
        assert_eq!(gaps.iter().map(|gap| gap.reason).collect::<Vec<_>>(), [Reason::RoleVacant]);
        assert_eq!(gaps[0].service, "services/web");
    }
}
