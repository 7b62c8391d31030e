//! What is delivered, to whom and what for: services, what can be asked of them, customers, and objectives.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::amount::{Amount, Decimal};
use crate::approval::Policy;
use crate::form::Form;
use crate::violation::{self, Violation};

/// Life cycle of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServiceState {
    /// Planned or being built.
    #[default]
    Pipeline,
    /// Delivered to customers.
    Live,
    /// No longer delivered.
    Retired,
}

impl ServiceState {
    /// Every state, in the order of a service's life.
    pub const ALL: [Self; 3] = [Self::Pipeline, Self::Live, Self::Retired];

    /// The name used in the contract and in the database: `PIPELINE`, ….
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pipeline => "PIPELINE",
            Self::Live => "LIVE",
            Self::Retired => "RETIRED",
        }
    }
}

/// How much the business depends on a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Criticality {
    /// A failure is an inconvenience.
    Low,
    /// A failure slows work down.
    Medium,
    /// A failure stops a business process.
    High,
    /// A failure threatens the business or its duties by law.
    Critical,
}

impl Criticality {
    /// Every level, the lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name used in the contract and in the database: `LOW`, ….
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

/// A service: value delivered to customers by facilitating outcomes they want. Its name stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Name for people.
    pub display_name: String,
    /// What it is, in a paragraph. May be empty.
    #[serde(default)]
    pub description: String,
    /// Line of business or family the service belongs to: `workplace`. Empty: none.
    #[serde(default)]
    pub line: String,
    /// Person accountable for the service: `people/ann`. Empty: nobody named, which keeps it from going live.
    #[serde(default)]
    pub owner: String,
    /// How much the business depends on it.
    pub criticality: Criticality,
    /// What the service does for its customers. May be empty.
    #[serde(default)]
    pub utility: String,
    /// How well it is assured (availability, capacity, continuity, security). May be empty.
    #[serde(default)]
    pub warranty: String,
    /// Names of the services this one needs.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// Names of the objectives of the business that it serves.
    #[serde(default)]
    pub objectives: Vec<String>,
    /// Where the service is in its life.
    #[serde(default)]
    pub state: ServiceState,
    /// Whether the description is invented for demonstration.
    #[serde(default)]
    pub illustrative: bool,
}

/// Why a service cannot change its state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Nobody answers for the service.
    #[error("the service has no owner: name one before it goes live")]
    NoOwner,
    /// The service is not in the state that the change starts from.
    #[error("the service is {}: only a service that is {} can become {}", .current.as_str(), .needed.as_str(), .wanted.as_str())]
    WrongState {
        /// State it is in.
        current: ServiceState,
        /// State it would have to be in.
        needed: ServiceState,
        /// State asked for.
        wanted: ServiceState,
    },
}

impl Service {
    /// What is wrong with the service on its own; `name` is the one it has or is to have.
    pub fn check(&self, name: &str) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::display_name(&mut found, &self.display_name);
        violation::lines(&mut found, &[("line", &self.line)]);
        violation::texts(
            &mut found,
            &[("description", &self.description), ("utility", &self.utility), ("warranty", &self.warranty)],
        );
        violation::reference(&mut found, "owner", "people", &self.owner);
        violation::references(&mut found, "depends_on", "services", &self.depends_on);
        violation::references(&mut found, "objectives", "objectives", &self.objectives);
        for (index, needed) in self.depends_on.iter().enumerate() {
            if needed == name {
                found.push(Violation::new(format!("depends_on[{index}]"), "is the service itself: remove it"));
            }
        }
        found
    }

    /// The service delivered: from PIPELINE, with an owner.
    pub fn activate(mut self) -> Result<Self, StateError> {
        self.step(ServiceState::Pipeline, ServiceState::Live)?;
        if self.owner.is_empty() {
            return Err(StateError::NoOwner);
        }
        Ok(self)
    }

    /// The service no longer delivered: from LIVE.
    pub fn retire(mut self) -> Result<Self, StateError> {
        self.step(ServiceState::Live, ServiceState::Retired)?;
        Ok(self)
    }

    fn step(&mut self, needed: ServiceState, wanted: ServiceState) -> Result<(), StateError> {
        if self.state != needed {
            return Err(StateError::WrongState { current: self.state, needed, wanted });
        }
        self.state = wanted;
        Ok(())
    }
}

/// What a customer can ask of a service, with its form and price. Its name holds the service's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offering {
    /// Name for people.
    pub display_name: String,
    /// What the customer gets. May be empty.
    #[serde(default)]
    pub description: String,
    /// Form of a request as a JSON Schema; an object. `None`: no form.
    #[serde(default)]
    pub request_form: Option<serde_json::Value>,
    /// Process that fulfils a request: `processes/service-request`. Empty: that of the practice.
    #[serde(default)]
    pub fulfilment_process: String,
    /// Price of one unit. `None`: not charged.
    #[serde(default)]
    pub unit_price: Option<Amount>,
    /// Who approves a request. `None`: nobody has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_policy: Option<Policy>,
}

impl Offering {
    /// What is wrong with the offering on its own.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::display_name(&mut found, &self.display_name);
        violation::texts(&mut found, &[("description", &self.description)]);
        violation::reference(&mut found, "fulfilment_process", "processes", &self.fulfilment_process);
        if let Some(Err(faults)) = self.request_form.as_ref().map(|form| Form::parse("request_form", form)) {
            found.extend(faults);
        }
        found.extend(self.approval_policy.iter().flat_map(|policy| policy.violations("approval_policy")));
        if self.unit_price.as_ref().is_some_and(|price| price.value.is_negative()) {
            found.push(Violation::new("unit_price.value", "is negative: a price is zero or more"));
        }
        found
    }
}

/// Somebody who is served: an organisation or a part of one. Its name stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Name for people.
    pub display_name: String,
    /// The customer this one is part of: `customers/group`. Empty: none.
    #[serde(default)]
    pub parent: String,
    /// Business unit, as the customer calls it. May be empty.
    #[serde(default)]
    pub business_unit: String,
    /// Legal Entity Identifier (ISO 17442). Empty: none.
    #[serde(default)]
    pub lei: String,
    /// Whether the customer is invented for demonstration.
    #[serde(default)]
    pub illustrative: bool,
}

impl Customer {
    /// What is wrong with the customer on its own; cycles are found by [`closes_cycle`].
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::display_name(&mut found, &self.display_name);
        violation::lines(&mut found, &[("business_unit", &self.business_unit)]);
        violation::reference(&mut found, "parent", "customers", &self.parent);
        if !self.lei.is_empty() && !is_lei(&self.lei) {
            found.push(Violation::new(
                "lei",
                format!(
                    "'{}' is no Legal Entity Identifier: write its 18 letters and digits and 2 check digits",
                    self.lei
                ),
            ));
        }
        found
    }
}

/// What the business wants to reach, and services are there for. Objectives form a tree. Its name stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    /// Name for people.
    pub display_name: String,
    /// What is to be reached, and why. May be empty.
    #[serde(default)]
    pub description: String,
    /// What is measured, in words. Empty: nothing measures it yet.
    #[serde(default)]
    pub measure: String,
    /// What the measure is counted in: `hours`. Empty: a plain number.
    #[serde(default)]
    pub unit: String,
    /// Value of the measure at which the objective is reached. `None`: none is stated.
    #[serde(default)]
    pub target: Option<Decimal>,
    /// Day by which it is to be reached. `None`: none is stated.
    #[serde(default)]
    pub target_on: Option<Date>,
    /// Person accountable for it: `people/ann`. Empty: nobody is named.
    #[serde(default)]
    pub owner: String,
    /// Objective that this one is part of. Empty: it stands at the top.
    #[serde(default)]
    pub parent: String,
    /// Whether it is invented for demonstration.
    #[serde(default)]
    pub illustrative: bool,
}

impl Objective {
    /// What is wrong with the objective on its own; cycles are found by [`closes_cycle`].
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::display_name(&mut found, &self.display_name);
        violation::texts(&mut found, &[("description", &self.description)]);
        violation::lines(&mut found, &[("measure", &self.measure), ("unit", &self.unit)]);
        if self.target.is_some() && self.measure.trim().is_empty() {
            found.push(Violation::new("measure", "is required with a target: say what is measured"));
        }
        violation::reference(&mut found, "owner", "people", &self.owner);
        violation::reference(&mut found, "parent", "objectives", &self.parent);
        found
    }
}

/// Whether following `parents` upwards from `parent` arrives at `name`, so that `name` under `parent` were its own
/// ancestor. `parents` maps each name to its parent; one that is missing has none.
pub fn closes_cycle(name: &str, parent: &str, parents: &BTreeMap<String, String>) -> bool {
    let mut current = parent;
    // As many steps as there are names, so that a cycle elsewhere ends the walk too.
    for _ in 0..=parents.len() {
        if current == name {
            return true;
        }
        match parents.get(current) {
            Some(next) if !next.is_empty() => current = next,
            _ => return false,
        }
    }
    false
}

/// Whether the text is a Legal Entity Identifier: 20 characters whose ISO 7064 MOD 97-10 remainder is 1 (ISO 17442-1).
pub fn is_lei(text: &str) -> bool {
    let shape = text.len() == 20
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && text.bytes().skip(18).all(|byte| byte.is_ascii_digit());
    let remainder = text
        .chars()
        .filter_map(|character| character.to_digit(36))
        .fold(0, |remainder, digit| (remainder * if digit > 9 { 100 } else { 10 } + digit) % 97);
    shape && remainder == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> Service {
        Service {
            display_name: "E-mail".to_owned(),
            description: String::new(),
            line: "workplace".to_owned(),
            owner: "people/ann".to_owned(),
            criticality: Criticality::High,
            utility: String::new(),
            warranty: String::new(),
            depends_on: vec!["services/network".to_owned()],
            objectives: vec!["objectives/availability".to_owned()],
            state: ServiceState::Pipeline,
            illustrative: false,
        }
    }

    fn fields(found: &[Violation]) -> Vec<&str> {
        found.iter().map(|violation| violation.field.as_str()).collect()
    }

    #[test]
    fn every_wrong_field_of_a_service_is_named_at_once() {
        let wrong = Service {
            display_name: " ".to_owned(),
            owner: "ann".to_owned(),
            line: "two\nlines".to_owned(),
            depends_on: vec!["services/network".to_owned(), "services/email".to_owned()],
            ..service()
        };
        assert_eq!(fields(&wrong.check("services/email")), ["display_name", "line", "owner", "depends_on[1]"]);
        assert_eq!(service().check("services/email"), []);
    }

    #[test]
    fn a_service_goes_live_from_the_pipeline_and_only_with_an_owner() {
        let live = service().activate().unwrap();
        assert_eq!(live.state, ServiceState::Live);
        assert_eq!(
            live.clone().activate().unwrap_err().to_string(),
            "the service is LIVE: only a service that is PIPELINE can become LIVE"
        );
        assert_eq!(live.retire().unwrap().state, ServiceState::Retired);
        let orphan = Service { owner: String::new(), ..service() };
        assert_eq!(orphan.activate(), Err(StateError::NoOwner));
    }

    #[test]
    fn a_price_is_never_negative_and_a_form_is_an_object() {
        let offering = Offering {
            display_name: "New mailbox".to_owned(),
            description: String::new(),
            request_form: Some(serde_json::json!([])),
            fulfilment_process: "process".to_owned(),
            unit_price: Some(Amount::new((-1).into(), "EUR".parse().unwrap())),
            approval_policy: None,
        };
        assert_eq!(fields(&offering.check()), ["fulfilment_process", "request_form", "unit_price.value"]);
    }

    #[test]
    fn a_target_is_of_something_that_is_measured() {
        let objective = Objective {
            display_name: "Less downtime".to_owned(),
            description: String::new(),
            measure: String::new(),
            unit: "hours".to_owned(),
            target: Some(40.into()),
            target_on: None,
            owner: "ann".to_owned(),
            parent: "goals/all".to_owned(),
            illustrative: false,
        };
        assert_eq!(fields(&objective.check()), ["measure", "owner", "parent"]);
    }

    #[test]
    fn no_customer_is_its_own_ancestor() {
        let parents = BTreeMap::from([
            ("customers/b".to_owned(), "customers/a".to_owned()),
            ("customers/c".to_owned(), "customers/b".to_owned()),
            ("customers/x".to_owned(), "customers/y".to_owned()),
            ("customers/y".to_owned(), "customers/x".to_owned()),
        ]);
        assert!(closes_cycle("customers/a", "customers/c", &parents));
        assert!(closes_cycle("customers/a", "customers/a", &parents));
        assert!(!closes_cycle("customers/d", "customers/c", &parents));
        assert!(!closes_cycle("customers/a", "customers/x", &parents));
    }

    #[test]
    fn an_lei_has_valid_check_digits() {
        // Made up: 18 characters and the digits that MOD 97-10 asks for.
        let stem = "5493000000000000AB";
        let valid: Vec<String> = (2..=98).map(|check| format!("{stem}{check:02}")).filter(|lei| is_lei(lei)).collect();
        assert_eq!(valid.len(), 1, "{valid:?}");
        for wrong in ["", "5493", "5493000000000000ab12", "54930000000000000000"] {
            assert!(!is_lei(wrong), "{wrong}");
        }
    }
}
