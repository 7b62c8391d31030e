//! Who does what: roles, who holds them, and who answers for the activities of processes.

mod gaps;
mod shipped;
mod standing;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::violation::{self, Violation};

pub use self::gaps::{Gap, Reason, Review};
pub use self::shipped::shipped;
pub use self::standing::{Place, Standing};

/// What is expected of whoever holds the role, and what they may decide. Its name stands beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Name for people.
    pub display_name: String,
    /// What the role is for. May be empty.
    #[serde(default)]
    pub purpose: String,
    /// What whoever holds it has to do, each in a sentence.
    #[serde(default)]
    pub tasks: Vec<String>,
    /// What whoever holds it may decide, each in a sentence.
    #[serde(default)]
    pub authorities: Vec<String>,
    /// Whether it is invented for demonstration.
    #[serde(default)]
    pub illustrative: bool,
}

impl Role {
    /// What is wrong with the role on its own.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::display_name(&mut found, &self.display_name);
        violation::texts(&mut found, &[("purpose", &self.purpose)]);
        sentences(&mut found, "tasks", &self.tasks);
        sentences(&mut found, "authorities", &self.authorities);
        found
    }
}

fn sentences(found: &mut Vec<Violation>, field: &str, texts: &[String]) {
    for (index, text) in texts.iter().enumerate() {
        let field = format!("{field}[{index}]");
        violation::required(found, &field, text);
        violation::texts(found, &[(&field, text)]);
    }
}

/// That somebody holds a role, everywhere or for a service and a customer, from one day to another (UTC).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleAssignment {
    /// Name for people. May be empty.
    #[serde(default)]
    pub display_name: String,
    /// The role: `roles/change-manager`.
    pub role: String,
    /// Who holds it: `people/ann` or `groups/network`.
    pub member: String,
    /// Service for which it is held. Empty: all.
    #[serde(default)]
    pub service: String,
    /// Customer for whose matters it is held, with all customers below. Empty: all, and none.
    #[serde(default)]
    pub customer: String,
    /// First day on which it is held. `None`: always so far.
    #[serde(default)]
    pub start_on: Option<Date>,
    /// Last day on which it is held. `None`: until further notice.
    #[serde(default)]
    pub end_on: Option<Date>,
    /// Whether it is invented for demonstration.
    #[serde(default)]
    pub illustrative: bool,
}

impl RoleAssignment {
    /// What is wrong with the assignment on its own.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::lines(&mut found, &[("display_name", &self.display_name)]);
        violation::required(&mut found, "role", &self.role);
        violation::reference(&mut found, "role", "roles", &self.role);
        let mut as_person = Vec::new();
        violation::references(&mut as_person, "member", "people", std::slice::from_ref(&self.member));
        let mut as_group = Vec::new();
        violation::references(&mut as_group, "member", "groups", std::slice::from_ref(&self.member));
        if !as_person.is_empty() && !as_group.is_empty() {
            let text = format!("'{}' is nobody: write people/ or groups/ and an id", self.member);
            found.push(Violation::new("member", text));
        }
        violation::reference(&mut found, "service", "services", &self.service);
        violation::reference(&mut found, "customer", "customers", &self.customer);
        if let (Some(start), Some(end)) = (self.start_on, self.end_on)
            && end < start
        {
            found.push(Violation::new("end_date", format!("is before the start date {start}: give a later day")));
        }
        found
    }

    /// Whether it is held on that day.
    pub fn held_on(&self, on: Date) -> bool {
        self.start_on.is_none_or(|start| start <= on) && self.end_on.is_none_or(|end| on <= end)
    }

    /// Whether it is held for a service, if there is one, and for a customer, whose chain to the top is given.
    pub fn covers(&self, service: Option<&str>, customers: &[&str]) -> bool {
        (self.service.is_empty() || service == Some(self.service.as_str()))
            && (self.customer.is_empty() || customers.contains(&self.customer.as_str()))
    }
}

/// Who answers for an activity of a process. See [`Governance::in_force`] for which of several rows holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Responsibility {
    /// Name for people. May be empty.
    #[serde(default)]
    pub display_name: String,
    /// The process: `processes/change`.
    pub process: String,
    /// Id of the activity in that process: `authorise`.
    pub activity: String,
    /// Service for which the row holds. Empty: every service that has no row of its own.
    #[serde(default)]
    pub service: String,
    /// Roles that do the work.
    #[serde(default)]
    pub responsible: Vec<String>,
    /// Role that answers for the outcome: exactly one, or [`Review::gaps`] says so.
    #[serde(default)]
    pub accountable: Vec<String>,
    /// Roles that are asked before.
    #[serde(default)]
    pub consulted: Vec<String>,
    /// Roles that are told after.
    #[serde(default)]
    pub informed: Vec<String>,
    /// Whether the row only describes: it binds nobody, and gives way to every row that is not proposed.
    #[serde(default)]
    pub proposed: bool,
    /// Whether it is invented for demonstration.
    #[serde(default)]
    pub illustrative: bool,
}

impl Responsibility {
    /// What is wrong with the row on its own.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::lines(&mut found, &[("display_name", &self.display_name), ("activity", &self.activity)]);
        violation::required(&mut found, "process", &self.process);
        violation::reference(&mut found, "process", "processes", &self.process);
        violation::required(&mut found, "activity", &self.activity);
        violation::reference(&mut found, "service", "services", &self.service);
        for (field, roles) in self.letters() {
            violation::references(&mut found, field, "roles", roles);
            for (index, role) in roles.iter().enumerate() {
                if roles[..index].contains(role) {
                    found.push(Violation::new(format!("{field}[{index}]"), format!("{role} is there twice")));
                }
            }
        }
        found
    }

    /// The roles by the field that names them, in the order of the letters R, A, C, I.
    pub fn letters(&self) -> [(&'static str, &[String]); 4] {
        [
            ("responsible", &self.responsible),
            ("accountable", &self.accountable),
            ("consulted", &self.consulted),
            ("informed", &self.informed),
        ]
    }
}

/// Roles, who holds them, and who answers for what, by name, as the catalog has it at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Governance {
    /// The roles.
    pub roles: BTreeMap<String, Role>,
    /// Who holds them.
    pub assignments: BTreeMap<String, RoleAssignment>,
    /// Who answers for which activity.
    pub responsibilities: BTreeMap<String, Responsibility>,
}

impl Governance {
    /// The rows that hold for an activity, for a service or in general: those of the service before those for all, and
    /// before both, those that are not proposed. Several of one kind hold together.
    pub fn in_force<'a>(
        &'a self,
        process: &str,
        activity: &str,
        service: Option<&str>,
    ) -> Vec<(&'a str, &'a Responsibility)> {
        let rank = |row: &Responsibility| (row.proposed, row.service.is_empty());
        let applies = |row: &Responsibility| {
            row.process == process
                && row.activity == activity
                && (row.service.is_empty() || service == Some(row.service.as_str()))
        };
        let rows = || self.responsibilities.iter().filter(|(_, row)| applies(row));
        let first = rows().map(|(_, row)| rank(row)).min();
        rows().filter(|(_, row)| Some(rank(row)) == first).map(|(name, row)| (name.as_str(), row)).collect()
    }
}

/// The last part of a role's name, as transitions and tokens write it: `change-manager`.
fn short(role: &str) -> &str {
    role.strip_prefix("roles/").unwrap_or(role)
}

/// The name of a role that a transition names by its last part.
fn long(role: &str) -> String {
    format!("roles/{role}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(found: &[Violation]) -> Vec<&str> {
        found.iter().map(|violation| violation.field.as_str()).collect()
    }

    fn row(service: &str, proposed: bool) -> Responsibility {
        Responsibility {
            process: "processes/change".to_owned(),
            activity: "authorise".to_owned(),
            service: service.to_owned(),
            proposed,
            ..Responsibility::default()
        }
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let role = Role { tasks: vec![String::new()], ..Role::default() };
        assert_eq!(fields(&role.check()), ["display_name", "tasks[0]"]);
        let assignment = RoleAssignment {
            member: "ann".to_owned(),
            service: "email".to_owned(),
            start_on: Some(Date::constant(2026, 3, 1)),
            end_on: Some(Date::constant(2026, 2, 1)),
            ..RoleAssignment::default()
        };
        assert_eq!(fields(&assignment.check()), ["role", "member", "service", "end_date"]);
        let twice = "roles/a".to_owned();
        let row =
            Responsibility { responsible: vec![twice.clone(), twice, "b".to_owned()], ..Responsibility::default() };
        assert_eq!(fields(&row.check()), ["process", "activity", "responsible[2]", "responsible[1]"]);
    }

    #[test]
    fn an_assignment_holds_on_its_first_and_its_last_day() {
        let day = Date::constant;
        let assignment =
            RoleAssignment { start_on: Some(day(2026, 1, 5)), end_on: Some(day(2026, 1, 7)), ..Default::default() };
        let held = [4, 5, 7, 8].map(|number| assignment.held_on(day(2026, 1, number)));
        assert_eq!(held, [false, true, true, false]);
        assert!(RoleAssignment::default().held_on(day(1970, 1, 1)));
    }

    #[test]
    fn a_row_of_the_service_comes_before_the_general_one_and_any_before_a_proposal() {
        let mut governance = Governance::default();
        let mut held = |name: &str, row: Responsibility, service: Option<&str>| {
            governance.responsibilities.insert(name.to_owned(), row);
            let rows = governance.in_force("processes/change", "authorise", service);
            rows.into_iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(held("a", row("", true), Some("services/email")), ["a"]);
        assert_eq!(held("b", row("services/email", true), Some("services/email")), ["b"]);
        assert_eq!(held("c", row("", false), Some("services/email")), ["c"]);
        assert_eq!(held("d", row("services/email", false), Some("services/email")), ["d"]);
        assert_eq!(held("e", row("services/email", false), Some("services/email")), ["d", "e"]);
        assert_eq!(held("f", row("services/web", false), None), ["c"]);
        assert!(governance.in_force("processes/change", "review", None).is_empty());
    }
}
