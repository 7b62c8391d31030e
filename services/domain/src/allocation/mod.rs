//! Cost from ledger lines to services and customers: by what a line names, else by rules, and never a cent more or less.

mod cascade;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use self::cascade::{Allocation, Charge, Flow, Line, Place, ServiceCost, allocate, portion};
use crate::amount::Decimal;
use crate::value::{after, days, instant, one_of};
use crate::violation::{self, Violation};

/// Most targets of one rule.
const MAX_TARGETS: usize = 1_000;

/// To whom the cost of a pool or a service is passed on. Its name stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Name for people.
    pub display_name: String,
    /// Cost pool that is shared out. Empty: a service is.
    #[serde(default)]
    pub pool: String,
    /// Service that is shared out: `services/network`. Empty: a pool is.
    #[serde(default)]
    pub service: String,
    /// Who gets how much of it; what they leave of the whole stays where it is.
    pub targets: Vec<Target>,
    /// What the shares follow, in words: `mailboxes on the last of the month`. May be empty.
    #[serde(default)]
    pub driver: String,
    /// First day on which it holds, in UTC.
    pub start_on: Date,
    /// Last day on which it holds, in UTC. `None`: until further notice.
    #[serde(default)]
    pub end_on: Option<Date>,
    /// When the turn of a service is: lower first, then by name.
    #[serde(default)]
    pub order: i32,
    /// Whether it is invented for demonstration.
    #[serde(default)]
    pub illustrative: bool,
}

/// One who gets a share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Service that gets it. Empty: a customer does.
    #[serde(default)]
    pub service: String,
    /// Customer who gets it: `customers/acme`. Empty: a service does.
    #[serde(default)]
    pub customer: String,
    /// How much of the whole, above 0 and at most 1.
    pub share: Decimal,
}

impl Rule {
    /// What is wrong with the rule on its own.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::display_name(&mut found, &self.display_name);
        violation::lines(&mut found, &[("pool", &self.pool)]);
        violation::texts(&mut found, &[("driver", &self.driver)]);
        violation::reference(&mut found, "service", "services", &self.service);
        one_of(&mut found, ("pool", &self.pool), ("service", &self.service));
        days(&mut found, self.start_on, self.end_on);
        if self.targets.is_empty() {
            found.push(Violation::new("targets", "is empty: name at least one service or customer"));
        }
        if self.targets.len() > MAX_TARGETS {
            found.push(Violation::new("targets", format!("has more than {MAX_TARGETS} entries: share in steps")));
        }
        for (index, target) in self.targets.iter().enumerate() {
            self.check_target(index, target, &mut found);
        }
        if let Ok(whole) = Decimal::sum(self.targets.iter().map(|target| &target.share))
            && whole > Decimal::from(1)
        {
            found.push(Violation::new("targets", format!("share out {whole} of the whole: give shares of at most 1")));
        }
        found
    }

    fn check_target(&self, index: usize, target: &Target, found: &mut Vec<Violation>) {
        let path = |field: &str| format!("targets[{index}].{field}");
        let (service, customer) = (path("service"), path("customer"));
        violation::reference(found, &service, "services", &target.service);
        violation::reference(found, &customer, "customers", &target.customer);
        match (target.service.is_empty(), target.customer.is_empty()) {
            (true, true) => found.push(Violation::new(service, "is missing: name a service or a customer")),
            (false, false) => {
                found.push(Violation::new(customer, "stands beside a service: name one of the two"));
            }
            (false, true) if target.service == self.service => {
                found.push(Violation::new(service, "is the service that is shared out: leave its own part unshared"));
            }
            _ => {
                let same = |other: &Target| (&other.service, &other.customer) == (&target.service, &target.customer);
                if self.targets.iter().take(index).any(same) {
                    found.push(Violation::new(path("share"), "is a second share of the same target: add them up"));
                }
            }
        }
        if target.share <= Decimal::zero() {
            found.push(Violation::new(path("share"), "is not above 0: leave the target out"));
        }
    }

    /// Whether it holds at an instant.
    pub fn holds(&self, at: Timestamp) -> bool {
        let [start, end] = self.bounds();
        start.is_none_or(|start| start <= at) && end.is_none_or(|end| at < end)
    }

    /// Whether both hold on any day.
    pub fn meets(&self, other: &Self) -> bool {
        self.end_on.is_none_or(|end| other.start_on <= end) && other.end_on.is_none_or(|end| self.start_on <= end)
    }

    /// From when until when it holds. Empty: without a bound.
    fn bounds(&self) -> [Option<Timestamp>; 2] {
        [instant(self.start_on), self.end_on.and_then(after)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(source: &str, targets: serde_json::Value) -> Rule {
        let (pool, service) = if source.contains('/') { ("", source) } else { (source, "") };
        serde_json::from_value(json!({
            "display_name": "Rule", "pool": pool, "service": service, "targets": targets, "start_on": "2026-01-01",
        }))
        .unwrap()
    }

    fn fields(rule: &Rule) -> Vec<String> {
        rule.check().into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn shares_of_a_rule_are_parts_of_one_whole() {
        let to = |share: &str| json!([{"service": "services/a", "share": share}, {"customer": "customers/b", "share": "0.4"}]);
        assert_eq!(fields(&rule("cloud", to("0.6"))), [""; 0]);
        assert_eq!(fields(&rule("cloud", to("0.5"))), [""; 0], "what is left stays where it is");
        assert_eq!(fields(&rule("cloud", to("0.600000000000000001"))), ["targets"]);
        assert_eq!(fields(&rule("cloud", to("0"))), ["targets[0].share"]);
    }

    #[test]
    fn every_wrong_target_is_named_at_once() {
        let targets = json!([
            {"service": "services/a", "share": "0.1"},
            {"service": "services/b", "share": "0.1"},
            {"service": "services/b", "share": "0.1"},
            {"share": "0.1"},
            {"service": "services/c", "customer": "customers/c", "share": "0.1"},
            {"customer": "c", "share": "-0.1"},
        ]);
        assert_eq!(
            fields(&rule("services/a", targets)),
            [
                "targets[0].service",
                "targets[2].share",
                "targets[3].service",
                "targets[4].customer",
                "targets[5].customer",
                "targets[5].share",
            ]
        );
        assert_eq!(fields(&rule("cloud", json!([]))), ["targets"]);
    }

    #[test]
    fn a_rule_holds_through_its_last_day() {
        let rule = Rule { end_on: Some("2026-03-31".parse().unwrap()), ..rule("cloud", json!([])) };
        let holds = |at: &str| rule.holds(at.parse().unwrap());
        assert!(holds("2026-01-01T00:00:00Z") && holds("2026-03-31T23:59:59.999999Z"));
        assert!(!holds("2025-12-31T23:59:59Z") && !holds("2026-04-01T00:00:00Z"));
        let next = |start: &str| Rule { start_on: start.parse().unwrap(), end_on: None, ..rule.clone() };
        assert!(rule.meets(&next("2026-03-31")) && !rule.meets(&next("2026-04-01")));
    }
}
