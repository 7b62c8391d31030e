//! Who approves, by what quorum, and how what was approved is told from what it became.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::violation::{self, Violation};

/// Longest chain of delegations by which somebody may decide.
pub const MAX_CHAIN: usize = 3;

/// Who may decide on an approval, and how many have to agree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Roles whose holders may decide: `change-approver`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Groups whose members may decide: `groups/cab`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// People who may decide: `people/ann`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
    /// How many different people have to approve. 0: every person named, and somebody of each role and group.
    #[serde(default)]
    pub quorum: u32,
}

impl Policy {
    /// Names nobody.
    pub fn is_empty(&self) -> bool {
        self.approvers().next().is_none()
    }

    /// Everybody named: roles, groups, people.
    pub fn approvers(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().chain(&self.groups).chain(&self.people).map(String::as_str)
    }

    /// How many approvals can be missing at most.
    pub fn needed(&self) -> usize {
        match usize::try_from(self.quorum) {
            Ok(0) | Err(_) => self.approvers().count(),
            Ok(quorum) => quorum,
        }
    }

    /// In which of the policy's terms a person may decide who holds these roles. Membership of a group is held like a
    /// role that is called as the group.
    pub fn capacities(&self, person: &str, holds: impl Fn(&str) -> bool) -> Vec<String> {
        let held = self.roles.iter().chain(&self.groups).filter(|role| holds(role));
        held.chain(self.people.iter().filter(|named| *named == person)).cloned().collect()
    }

    /// What is wrong with it, under this field.
    pub fn violations(&self, field: &str) -> Vec<Violation> {
        let mut found = Vec::new();
        for (index, role) in self.roles.iter().enumerate() {
            let path = format!("{field}.roles[{index}]");
            violation::required(&mut found, &path, role);
            violation::lines(&mut found, &[(&path, role)]);
        }
        violation::references(&mut found, &format!("{field}.groups"), "groups", &self.groups);
        violation::references(&mut found, &format!("{field}.people"), "people", &self.people);
        if self.is_empty() {
            found.push(Violation::new(field, "names nobody: give roles, groups or people"));
        } else if self.roles.is_empty() && self.groups.is_empty() && self.needed() > self.people.len() {
            let text = format!("is more than the {} people named: name more, or ask for fewer", self.people.len());
            found.push(Violation::new(format!("{field}.quorum"), text));
        }
        found
    }
}

/// Policies of offerings, by name: who approves what is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policies(pub BTreeMap<String, Policy>);

/// No offering asks anybody.
pub static NO_POLICIES: Policies = Policies(BTreeMap::new());

impl Policies {
    /// The policy of an offering. Empty: nobody has to approve.
    pub fn of(&self, offering: Option<&String>) -> Option<&Policy> {
        self.0.get(offering?)
    }
}

/// SHA-256 of a value in hexadecimal digits: the same for equal values, in whatever order their members come.
pub fn digest(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            text.push('{');
            for (key, member) in sorted {
                write(&Value::String(key.clone()), text);
                text.push(':');
                write(member, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write(item, text);
                text.push(',');
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

/// That somebody lets another decide for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// Who lets decide: `people/ann`.
    pub delegator: String,
    /// Roles and groups that the delegator held when it was recorded.
    pub roles: Vec<String>,
    /// Who decides: `people/bob`.
    pub delegate: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_values_have_the_same_digest_and_others_do_not() {
        let one: Value = serde_json::from_str(r#"{"a": [1, "x"], "b": {"c": null, "d": true}}"#).unwrap();
        let same: Value = serde_json::from_str(r#"{"b": {"d": true, "c": null}, "a": [1, "x"]}"#).unwrap();
        assert_eq!(digest(&one), digest(&same));
        assert_eq!(digest(&one).len(), 64);
        for other in [json!({"a": ["x", 1]}), json!({"a": [1, "x"]}), json!(null), json!("null"), json!(["a", "b"])] {
            assert_ne!(digest(&one), digest(&other));
        }
        assert_ne!(digest(&json!(["a", "b"])), digest(&json!(["a\",\"b"])));
    }

    #[test]
    fn a_policy_names_somebody_and_asks_for_no_more_than_there_are() {
        let fields =
            |policy: Policy| policy.violations("p").into_iter().map(|violation| violation.field).collect::<Vec<_>>();
        let people = |people: &[&str], quorum| Policy {
            people: people.iter().map(|&name| name.to_owned()).collect(),
            quorum,
            ..Policy::default()
        };
        assert_eq!(fields(Policy::default()), ["p"]);
        assert_eq!(fields(people(&["ann"], 1)), ["p.people[0]"]);
        assert_eq!(fields(people(&["people/ann"], 2)), ["p.quorum"]);
        assert_eq!(fields(people(&["people/ann", "people/bob"], 0)), [""; 0]);
    }
}
