//! The cost ledger: what was charged for what, in which period.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::violation::{self, Violation};

/// Most labels on an entry.
const MAX_TAGS: usize = 200;

/// A line of the cost ledger. Its name stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostEntry {
    /// Name for people. Empty: the description says enough.
    #[serde(default)]
    pub display_name: String,
    /// Cost pool or category: `cloud`, `licences`. Empty: none.
    #[serde(default)]
    pub pool: String,
    /// Start of the charge period, inclusive.
    pub start_at: Timestamp,
    /// End of the charge period, exclusive.
    pub end_at: Timestamp,
    /// What was billed; negative for credits and adjustments.
    pub billed_cost: Amount,
    /// Cost after amortising what was paid ahead. `None`: not stated.
    #[serde(default)]
    pub effective_cost: Option<Amount>,
    /// Who issued the bill. Empty: not stated.
    #[serde(default)]
    pub vendor: String,
    /// Provider of what was consumed. Empty: not stated.
    #[serde(default)]
    pub provider: String,
    /// The provider's own name for its service. Empty: not stated.
    #[serde(default)]
    pub provider_service: String,
    /// Kind of charge as the bill calls it: `Usage`, `Credit`. Empty: not stated.
    #[serde(default)]
    pub charge_category: String,
    /// What was charged, in words. May be empty.
    #[serde(default)]
    pub description: String,
    /// Account that was charged. Empty: not stated.
    #[serde(default)]
    pub account: String,
    /// Region. Empty: not stated.
    #[serde(default)]
    pub region: String,
    /// Service of the catalog it belongs to: `services/email`. Empty: not allocated.
    #[serde(default)]
    pub service: String,
    /// Where the entry comes from. Empty: entered by hand.
    #[serde(default)]
    pub source: String,
    /// Place in the source, unique with it. Set exactly when the source is.
    #[serde(default)]
    pub source_id: String,
    /// Start of the billing period, inclusive. `None`: not stated.
    #[serde(default)]
    pub billing_start_at: Option<Timestamp>,
    /// End of the billing period, exclusive. `None`: not stated.
    #[serde(default)]
    pub billing_end_at: Option<Timestamp>,
    /// Labels from the source.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Whether it is invented for demonstration.
    #[serde(default)]
    pub illustrative: bool,
}

impl CostEntry {
    /// What is wrong with the entry on its own.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::lines(
            &mut found,
            &[
                ("display_name", &self.display_name),
                ("pool", &self.pool),
                ("vendor", &self.vendor),
                ("provider", &self.provider),
                ("provider_service", &self.provider_service),
                ("charge_category", &self.charge_category),
                ("account", &self.account),
                ("region", &self.region),
                ("source", &self.source),
                ("source_id", &self.source_id),
            ],
        );
        violation::texts(&mut found, &[("description", &self.description)]);
        violation::reference(&mut found, "service", "services", &self.service);
        if self.end_at <= self.start_at {
            found.push(Violation::new(
                "end_time",
                "is not after the start: give the end of the charge period, exclusive",
            ));
        }
        match (self.billing_start_at, self.billing_end_at) {
            (Some(start), Some(end)) if end <= start => found.push(Violation::new(
                "billing_end_time",
                "is not after the start: give the end of the billing period, exclusive",
            )),
            (Some(_), None) => found.push(Violation::new(
                "billing_end_time",
                "is missing: give both ends of the billing period or neither",
            )),
            (None, Some(_)) => found.push(Violation::new(
                "billing_start_time",
                "is missing: give both ends of the billing period or neither",
            )),
            _ => {}
        }
        if let Some(effective) = &self.effective_cost
            && effective.currency != self.billed_cost.currency
        {
            found.push(Violation::new(
                "effective_cost.currency_code",
                format!(
                    "is {} while the bill is in {}: give both in the currency of the bill",
                    effective.currency, self.billed_cost.currency
                ),
            ));
        }
        violation::source(&mut found, &self.source, &self.source_id);
        if self.tags.len() > MAX_TAGS {
            found.push(Violation::new("tags", format!("has more than {MAX_TAGS} labels: keep those that matter")));
        }
        for (key, value) in &self.tags {
            violation::texts(&mut found, &[("tags", key), ("tags", value)]);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> CostEntry {
        serde_json::from_value(serde_json::json!({
            "start_at": "2024-09-18T22:00:00Z",
            "end_at": "2024-09-18T23:00:00Z",
            "billed_cost": {"value": "0.0000008", "currency": "USD"},
            "source": "bill.csv",
            "source_id": "11472",
        }))
        .unwrap()
    }

    #[test]
    fn an_entry_needs_only_a_period_and_a_billed_cost() {
        let entry = CostEntry { source: String::new(), source_id: String::new(), ..entry() };
        assert_eq!(entry.check(), []);
    }

    #[test]
    fn periods_run_forward_and_are_given_whole() {
        let wrong = CostEntry { end_at: entry().start_at, billing_start_at: Some(entry().start_at), ..entry() };
        let fields: Vec<_> = wrong.check().into_iter().map(|found| found.field).collect();
        assert_eq!(fields, ["end_time", "billing_end_time"]);
    }

    #[test]
    fn one_entry_has_one_currency() {
        let wrong = CostEntry { effective_cost: Some(Amount::new(1.into(), "EUR".parse().unwrap())), ..entry() };
        assert_eq!(wrong.check()[0].field, "effective_cost.currency_code");
    }

    #[test]
    fn a_source_comes_with_a_place_in_it() {
        let wrong = CostEntry { source_id: String::new(), ..entry() };
        assert_eq!(wrong.check()[0].field, "source_id");
    }

    #[test]
    fn an_entry_reads_back_as_it_was_written() {
        let text = serde_json::to_string(&entry()).unwrap();
        assert_eq!(serde_json::from_str::<CostEntry>(&text).unwrap(), entry());
    }
}
